"""Cohere's v2 chat, by its reference: what a request says, how answers and errors are written."""

from collections.abc import Iterator

from twoapi.conformance import Arrival, Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, data_url, json_text, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, event, pieces
from twoapi.testing.vendors.staged import Staged

_SETTINGS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "p": "top_p",
    "k": "top_k",
    "stop_sequences": "stop",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stream": "stream",
}
_MEMBERS = {
    *_SETTINGS,
    "model",
    "messages",
    "tools",
    "strict_tools",
    "tool_choice",
    "documents",
    "citation_options",
    "response_format",
    "safety_mode",
    "logprobs",
    "thinking",
    "priority",
}
_STOP = {"tool_use": "TOOL_CALL", "max_tokens": "MAX_TOKENS", "stop_sequence": "STOP_SEQUENCE"}
_RANGES = {"p": (0.01, 0.99), "k": (0, 500), "frequency_penalty": (0, 1), "presence_penalty": (0, 1)}
MAX_STOP = 5


def read(body: Json) -> Asked:
    """What the body asks."""
    known = settings(body, _SETTINGS)
    form = body.get("response_format") or {"type": "text"}
    if form["type"] == "json_object":
        known["schema"] = form.get("json_schema")
    if (thinking := body.get("thinking")) is not None:
        known["effort"] = "none" if thinking["type"] == "disabled" else thinking.get("token_budget", "enabled")
    strict = body.get("strict_tools") is True
    tools = [_tool(tool["function"], strict=strict) for tool in body.get("tools") or [] if tool["type"] == "function"]
    documents = [_document(document, number) for number, document in enumerate(body.get("documents") or [])]
    return Asked(
        pieces=[*documents, *(piece for message in body["messages"] for piece in _ROLES[message["role"]](message))],
        tools=tools,
        choice={None: "", "REQUIRED": "required", "NONE": "none"}[body.get("tool_choice")],
        settings=known,
    )


def _tool(function: Json, *, strict: bool) -> Offered:
    return Offered(
        name=function["name"],
        description=function.get("description") or "",
        schema=function["parameters"],
        strict=strict,
    )


def _document(document: Json, number: int) -> Piece:
    if isinstance(document, str):
        return Piece(role="user", kind="document", text=document, id=f"doc:{number}")
    return Piece(role="user", kind="document", text=_data(document["data"]), id=document.get("id") or f"doc:{number}")


def _data(data: Json) -> str:
    return data if isinstance(data, str) else json_text(data)


def _instruction(message: Json) -> Iterator[Piece]:
    for part in _parts(message["content"]):
        yield Piece(role="system", kind="text", text=part["text"])


def _question(message: Json) -> Iterator[Piece]:
    for part in _parts(message["content"]):
        if part["type"] == "text":
            yield Piece(role="user", kind="text", text=part["text"])
        elif part["type"] == "image_url":
            mime, data = data_url(part["image_url"]["url"])
            yield Piece(role="user", kind="image", text=data, mime=mime)
        else:
            raise ValueError(f"no content of type {part['type']}")


def _answer(message: Json) -> Iterator[Piece]:
    if plan := message.get("tool_plan"):
        yield Piece(role="assistant", kind="reasoning", text=plan)
    for part in _parts(message.get("content") or []):
        kind, member = {"text": ("text", "text"), "thinking": ("reasoning", "thinking")}[part["type"]]
        yield Piece(role="assistant", kind=kind, text=part[member])
    for call in message.get("tool_calls") or []:
        made = call["function"]
        yield Piece(role="assistant", kind="call", text=made["arguments"], name=made["name"], id=call["id"])


def _result(message: Json) -> Iterator[Piece]:
    texts = [
        part["text"] if part["type"] == "text" else _data(part["document"]["data"])
        for part in _parts(message["content"])
    ]
    yield Piece(role="tool", kind="result", text="".join(texts), id=message["tool_call_id"])


def _parts(content: Json) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


_ROLES = {"system": _instruction, "user": _question, "assistant": _answer, "tool": _result}


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the service's reference rules out."""
    body = arrival.body
    found = [(f"/{name}", "no such member") for name in body if name not in _MEMBERS]
    if "stream" not in body:
        found.append(("/stream", "is required"))
    if arrival.headers.get("authorization", "")[:7] != "Bearer ":
        found.append(("", "no bearer token"))
    for name, (least, most) in _RANGES.items():
        if not least <= body.get(name, least) <= most:
            found.append((f"/{name}", f"must lie between {least} and {most}"))
    if len(body.get("stop_sequences") or []) > MAX_STOP:
        found.append(("/stop_sequences", f"at most {MAX_STOP}"))
    if body.get("tool_choice") and not body.get("tools"):
        found.append(("/tool_choice", "needs tools"))
    if (body.get("response_format") or {}).get("type") == "json_object" and (
        body.get("tools") or body.get("documents")
    ):
        found.append(("/response_format", "not with tools or documents"))
    budget = (body.get("thinking") or {}).get("token_budget")
    if budget is not None and budget < 1:
        found.append(("/thinking/token_budget", "must be positive"))
    return found + _unpaired(body.get("messages") or [])


def _unpaired(messages: list[Json]) -> list[tuple[str, str]]:
    """Results stand behind the message that calls, one for each call."""
    found: list[tuple[str, str]] = []
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                found.append((f"/messages/{number}", "answers no call before it"))
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            found.append((f"/messages/{number}", f"calls without a result: {sorted(open_calls)}"))
        open_calls = {call["id"] for call in message.get("tool_calls") or []}
    return found


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  answers do not name it
    """The answer and its events."""
    body = {
        "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
        "finish_reason": _STOP.get(reply.stop, "COMPLETE"),
        "message": _message(reply),
        "usage": _usage(reply),
    }
    end = {"type": "message-end", "delta": {"finish_reason": body["finish_reason"], "usage": body["usage"]}}
    return Spoken(
        body=body,
        head=[_event(one) for one in _events(reply, str(body["id"]))],
        tail=[_event({"id": body["id"], **end})],
    )


def _event(data: Json) -> bytes:
    return event(data, data["type"])


def _message(reply: Reply) -> Json:
    message: Json = {"role": "assistant"}
    content = [{"type": "thinking", "thinking": reply.reasoning}] if reply.reasoning else []
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    if content:
        message["content"] = content
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    if reply.cited:
        message["citations"] = [citation(reply)]
    return message


def citation(reply: Reply) -> Json:
    """The one citation of an answer."""
    cited = reply.cited
    assert cited is not None  # noqa: S101  asked before
    start = reply.text.index(cited.passage)
    document = {"id": "doc:0", "url": cited.url, "title": cited.title, "snippet": cited.passage}
    return {
        "start": start,
        "end": start + len(cited.passage),
        "text": cited.passage,
        "sources": [{"type": "document", "id": "doc:0", "document": document}],
        "type": "TEXT_CONTENT",
        "content_index": 1 if reply.reasoning else 0,
    }


def _usage(reply: Reply) -> Json:
    """What is paid is less than what is counted: the template of the prompt is not."""
    used = reply.used
    return {
        "billed_units": {"input_tokens": float(max(used.input - 50, 0)), "output_tokens": float(used.output)},
        "tokens": {"input_tokens": float(used.input), "output_tokens": float(used.output)},
        "cached_tokens": float(used.cached),
    }


def _events(reply: Reply, answer: str) -> Iterator[Json]:
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"type": "message-start", "id": answer, "delta": {"message": empty}}
    index = 0
    for kind, member, words in (("thinking", "thinking", reply.reasoning), ("text", "text", reply.text)):
        if not words:
            continue
        yield _of("content-start", index, {"content": {"type": kind, member: ""}})
        for piece in pieces(words):
            yield _of("content-delta", index, {"content": {member: piece}})
        if kind == "text" and reply.cited:
            yield _of("citation-start", 0, {"citations": citation(reply)})
            yield {"type": "citation-end", "index": 0}
        yield {"type": "content-end", "index": index}
        index += 1
    for number, call in enumerate(reply.calls):
        head = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield _of("tool-call-start", number, {"tool_calls": head})
        for piece in pieces(call.arguments):
            yield _of("tool-call-delta", number, {"tool_calls": {"function": {"arguments": piece}}})
        yield {"type": "tool-call-end", "index": number}


def _of(kind: str, index: int, message: Json) -> Json:
    return {"type": kind, "index": index, "delta": {"message": message}}


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    return {"id": "5bf5b1f2-0c3e-4a3e-9c8e-1f4f0a4d9f10", "message": fault.message}


def break_off(fault: Fault) -> bytes:
    """The end of a stream that failed."""
    return _event({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": fault.message}})


VENDOR = Vendor(
    protocol="cohere",
    base="/cohere",
    takes=lambda path: path == "/v2/chat",
    read=read,
    say=say,
    fail=fail,
    break_off=break_off,
    refuses=refuses,
    makes_state=False,
    lacks=frozenset(("documents", "stop reasons")),  # it has no word for an answer that was filtered
)
STAGED = Staged(
    vendor=VENDOR,
    provider="cohere",
    model="command-a-reasoning-08-2025",
    settings="credentials: [sk-vendor], capabilities: {images: true}",  # as if one model had everything
)
