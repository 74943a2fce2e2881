"""Ollama's /api/chat, by its reference: what a request says, how answers and errors are written."""

from collections.abc import Iterator

import msgspec

from twoapi.conformance import Arrival, Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, json_text, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, pieces
from twoapi.testing.vendors.staged import Staged

_OPTIONS = {
    "num_predict": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "stop": "stop",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "num_ctx": "context",
}
_MEMBERS = {
    "model",
    "messages",
    "tools",
    "think",
    "format",
    "options",
    "keep_alive",
    "stream",
    "logprobs",
    "top_logprobs",
    "truncate",
    "shift",
}
_ROLES = ("system", "user", "assistant", "tool")
_CREATED = "2026-11-21T10:00:00.123456789Z"


def read(body: Json) -> Asked:
    """What the body asks."""
    known = settings(body.get("options") or {}, _OPTIONS)
    known["stream"] = body.get("stream", True)
    if (think := body.get("think")) is not None:
        known["effort"] = {False: "none", True: "enabled"}.get(think, think)
    if isinstance(form := body.get("format"), dict):
        known["schema"] = form
    return Asked(
        pieces=[piece for message in body["messages"] for piece in _message(message)],
        tools=[_tool(tool["function"]) for tool in body.get("tools") or []],
        settings=known,
    )


def _tool(function: Json) -> Offered:
    return Offered(
        name=function["name"], description=function.get("description") or "", schema=function.get("parameters")
    )


def _message(message: Json) -> Iterator[Piece]:
    role = message["role"]
    if role not in _ROLES:
        raise ValueError(f"no role {role}")
    content = message.get("content") or ""
    if not isinstance(content, str):
        raise TypeError("content is one text")
    if role == "tool":
        yield Piece(
            role=role, kind="result", text=content, name=message["tool_name"], id=message.get("tool_call_id") or ""
        )
        return
    if thinking := message.get("thinking"):
        yield Piece(role=role, kind="reasoning", text=thinking)
    for image in message.get("images") or []:
        if ":" in image or "," in image:
            raise ValueError("an image is bare base64")
        yield Piece(role=role, kind="image", text=image, mime="image/png" if image.startswith("iVBOR") else "")
    if content:
        yield Piece(role=role, kind="text", text=content)
    for call in message.get("tool_calls") or []:
        made = call["function"]
        if not isinstance(made["arguments"], dict):
            raise TypeError("arguments are an object")
        yield Piece(
            role=role, kind="call", text=json_text(made["arguments"]), name=made["name"], id=call.get("id") or ""
        )


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the server's reference rules out."""
    body = arrival.body
    found = [(f"/{name}", "no such member") for name in body if name not in _MEMBERS]
    found += [(f"/options/{name}", "no such option") for name in body.get("options") or {} if name not in _OPTIONS]
    if body.get("think") not in (None, True, False, "low", "medium", "high"):
        found.append(("/think", "true, false, or one of three levels"))
    if not (body.get("format") in (None, "json") or isinstance(body["format"], dict)):
        found.append(("/format", "json or a schema"))
    return found


def say(reply: Reply, model: str) -> Spoken:
    """The answer, and its lines."""
    about = {"model": model, "created_at": _CREATED}
    end = {"done": True, "done_reason": {"max_tokens": "length"}.get(reply.stop, "stop"), **_counters(reply)}
    message: Json = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["thinking"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    head = [_line({**about, "message": {"role": "assistant", **said}, "done": False}) for said in _pieces(reply)]
    tail = [_line({**about, "message": {"role": "assistant", "content": ""}, **end})]
    return Spoken(body={**about, "message": message, **end}, head=head, tail=tail)


def _counters(reply: Reply) -> Json:
    times = {"total_duration": 4883583458, "load_duration": 1334875, "prompt_eval_duration": 342546000}
    counts = {"prompt_eval_count": reply.used.input, "eval_count": reply.used.output, "eval_duration": 4535599000}
    return {**times, **counts}


def _calls(reply: Reply) -> list[Json]:
    return [
        {"id": call.id, "function": {"index": n, "name": call.name, "arguments": msgspec.Raw(call.arguments.encode())}}
        for n, call in enumerate(reply.calls)
    ]


def _pieces(reply: Reply) -> Iterator[Json]:
    for piece in pieces(reply.reasoning):
        yield {"content": "", "thinking": piece}
    for piece in pieces(reply.text):
        yield {"content": piece}
    if reply.calls:
        yield {"content": "", "tool_calls": _calls(reply)}


def _line(data: Json) -> bytes:
    return msgspec.json.encode(data) + b"\n"


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    return {"error": fault.message}


def break_off(fault: Fault) -> bytes:
    """An error in a stream, whose status was 200."""
    return _line(fail(fault))


VENDOR = Vendor(
    protocol="ollama",
    base="/ollama",
    takes=lambda path: path == "/api/chat",
    read=read,
    say=say,
    fail=fail,
    break_off=break_off,
    refuses=refuses,
    streams=lambda arrival: arrival.body.get("stream", True),
    stream_type="application/x-ndjson",
    event=msgspec.json.decode,
    makes_state=False,
    lacks=frozenset(("citations", "documents", "stop reasons")),  # it has no word for an answer that was filtered
)
STAGED = Staged(vendor=VENDOR, provider="ollama", model="qwen3:8b")
