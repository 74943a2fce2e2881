"""Amazon Bedrock's Converse: the model in the path, blocks of one member each, binary event streams."""

import re
from collections.abc import Iterator

import msgspec

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, json_text, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.eventstream import write_event, write_exception
from twoapi.testing.strict_converse import refusal_reasons
from twoapi.testing.vendors.staged import Staged
from twoapi.wire.eventstream import EventStreamReader

_path = re.compile(r"/model/[A-Za-z0-9._~%-]+/converse(-stream)?").fullmatch  # all else is percent-encoded
_SETTINGS = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
_REASONS = {
    "stop": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "content_filter": "guardrail_intervened",
}
_ERRORS = {
    400: (400, "ValidationException"),
    401: (403, "UnrecognizedClientException"),
    429: (429, "ThrottlingException"),
    529: (503, "ServiceUnavailableException"),
}
_MIMES = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html"}

# A block as a stream starts it (None: not announced), its deltas, and the whole block.
_Block = tuple[Json, list[Json], Json]


def read(body: Json) -> Asked:
    """What the body asks."""
    config = body.get("toolConfig") or {}
    specs = [tool["toolSpec"] for tool in config.get("tools") or [] if "toolSpec" in tool]
    turns = [("system", body.get("system") or []), *((one["role"], one["content"]) for one in body["messages"])]
    return Asked(
        pieces=[piece for role, blocks in turns for block in blocks for piece in _block(role, block)],
        tools=[
            Offered(
                name=spec["name"],
                description=spec.get("description") or "",
                schema=spec["inputSchema"]["json"],
                strict=spec.get("strict") is True,
            )
            for spec in specs
        ],
        choice=_choice(config.get("toolChoice") or {}),
        settings=_settings(body),
    )


def _settings(body: Json) -> dict[str, Json]:
    known = settings(body.get("inferenceConfig") or {}, _SETTINGS)
    native, output = body.get("additionalModelRequestFields") or {}, body.get("outputConfig") or {}
    known |= settings(native, {"top_k": "top_k"}) | settings(output, {"effort": "effort"})
    thinking = native.get("thinking") or {}
    if "effort" not in known and thinking.get("type") == "enabled":
        known["effort"] = thinking["budget_tokens"]
    if tier := body.get("serviceTier"):
        known["tier"] = tier["type"]
    if form := output.get("textFormat"):
        schema = form["structure"]["jsonSchema"]
        known |= {"schema": msgspec.json.decode(schema["schema"]), "schema_name": schema.get("name")}
    metadata = dict(body.get("requestMetadata") or {})
    if (user := metadata.pop("user_id", None)) is not None:
        known["user"] = user
    if metadata:
        known["metadata"] = metadata
    return known


def _choice(choice: Json) -> str:
    if "tool" in choice:
        return f"named:{choice['tool']['name']}"
    return "required" if "any" in choice else next(iter(choice), "")


def _block(role: str, block: Json) -> Iterator[Piece]:
    ((kind, value),) = block.items()
    match kind:
        case "text":
            yield Piece(role=role, kind="text", text=value)
        case "citationsContent":
            yield Piece(role=role, kind="text", text="".join(one["text"] for one in value["content"]))
        case "image":
            yield Piece(role=role, kind="image", text=_source(value), mime=f"image/{value['format']}")
        case "document":
            name = " ".join(filter(None, (value["name"], value.get("context"))))
            mime = _MIMES.get(value["format"], "")
            yield Piece(role=role, kind="document", text=_source(value), mime=mime, name=name)
        case "reasoningContent":
            said = value.get("reasoningText") or {}
            opaque = said.get("signature") or value.get("redactedContent") or ""
            yield Piece(role=role, kind="reasoning", text=said.get("text", ""), opaque=opaque)
        case "toolUse":
            made = json_text(value["input"])
            yield Piece(role=role, kind="call", text=made, name=value["name"], id=value["toolUseId"])
        case "toolResult":
            yield from _result(value)
        case "cachePoint":
            pass
        case other:
            yield Piece(role=role, kind=other)


def _result(value: Json) -> Iterator[Piece]:
    parts = [piece for block in value["content"] for piece in _block("tool", block)]
    said = "".join(part.text for part in parts if part.kind == "text")
    failed = value.get("status") == "error"
    yield Piece(role="tool", kind="result", text=said, id=value["toolUseId"], failed=failed)
    yield from (part for part in parts if part.kind != "text")


def _source(value: Json) -> str:
    source = value["source"]
    if "content" in source:
        return "".join(part["text"] for part in source["content"])
    return str(source.get("bytes") or source.get("text") or source["s3Location"]["uri"])


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the service would refuse."""
    reasons = refusal_reasons(arrival.body)
    if arrival.headers.get("content-type") != "application/json":
        reasons.append(("", "the content type must be application/json"))
    return reasons


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  its answers do not name the model
    """The answer and its events; only blocks that are no words are announced, and the usage comes behind the stop."""
    blocks = list(_blocks(reply))
    stop: Json = {"stopReason": _REASONS[reply.stop]}
    if reply.stop_text:
        stop["additionalModelResponseFields"] = {"stop_sequence": reply.stop_text}
    ending: Json = {"usage": _usage(reply), "metrics": {"latencyMs": 1200}}
    message = {"role": "assistant", "content": [whole for _, _, whole in blocks]}
    head = [write_event("messageStart", {"role": "assistant", "p": "abcdefg"}), *_block_events(blocks)]
    tail = [write_event("messageStop", stop), write_event("metadata", {**ending, "p": "abc"})]
    return Spoken(body={"output": {"message": message}, **stop, **ending}, head=head, tail=tail)


def _usage(reply: Reply) -> Json:
    used = reply.used
    usage: Json = {
        "inputTokens": used.input - used.cached - used.written,
        "outputTokens": used.output,
        "totalTokens": used.input + used.output,
        "cacheReadInputTokens": used.cached,
        "cacheWriteInputTokens": used.written,
    }
    if used.written:
        usage["cacheDetails"] = [{"ttl": "5m", "inputTokens": used.written}]
    return usage


def _blocks(reply: Reply) -> Iterator[_Block]:
    if reply.reasoning or reply.opaque:
        said: list[Json] = [{"text": piece} for piece in pieces(reply.reasoning)]
        said += [{"signature": reply.opaque}] if reply.opaque else []
        thought = {"text": reply.reasoning, **({"signature": reply.opaque} if reply.opaque else {})}
        yield None, [{"reasoningContent": one} for one in said], {"reasoningContent": {"reasoningText": thought}}
    for text, citation in _runs(reply):
        deltas: list[Json] = [{"text": piece} for piece in pieces(text)]
        whole: Json = {"text": text}
        if citation is not None:
            deltas.append({"citation": citation})
            whole = {"citationsContent": {"content": [{"text": text}], "citations": [citation]}}
        yield None, deltas, whole
    for call in reply.calls:
        named = {"toolUseId": call.id, "name": call.name}
        deltas = [{"toolUse": {"input": piece}} for piece in pieces(call.arguments)]
        yield {"toolUse": named}, deltas, {"toolUse": {**named, "input": msgspec.json.decode(call.arguments)}}


def _runs(reply: Reply) -> Iterator[tuple[str, Json]]:
    """The text, cut around what is cited: a citation belongs to a whole block."""
    text, cited = reply.text or reply.refusal, reply.cited
    if cited is None:
        runs: list[tuple[str, Json]] = [(text, None)]
    else:
        before, _, after = text.partition(cited.passage)
        citation = {"title": cited.title, "location": {"web": {"url": cited.url}}}
        runs = [(before, None), (cited.passage, citation), (after, None)]
    yield from (run for run in runs if run[0])


def _block_events(blocks: list[_Block]) -> Iterator[bytes]:
    for index, (start, deltas, _) in enumerate(blocks):
        place = {"contentBlockIndex": index}
        if start is not None:
            yield write_event("contentBlockStart", {**place, "start": start, "p": "ab"})
        for delta in deltas:
            yield write_event("contentBlockDelta", {**place, "delta": delta, "p": "abcd"})
        yield write_event("contentBlockStop", {**place, "p": "a"})


def event(frame: bytes) -> Json:
    """What an event of a stream says."""
    (message,) = EventStreamReader().feed(frame)
    return {message.header(":event-type"): msgspec.json.decode(message.payload)}


def fail(fault: Fault) -> Json:
    """The body of an HTTP error, whose type is in a header."""
    return {"message": fault.message}


def headers(fault: Fault) -> dict[str, str]:
    """The headers of an HTTP error. That the service tells a wait is not documented: a proxy before it may."""
    kind = _ERRORS.get(fault.status, (500, "InternalServerException"))[1]
    told = {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    told["x-amzn-RequestId"] = "bedrock-conf"
    if fault.retry_after:
        told["retry-after"] = fault.retry_after
    return told


def break_off(fault: Fault) -> bytes:
    """An exception in a stream, whose HTTP status was good."""
    return write_exception("modelStreamErrorException", {"message": fault.message, "originalStatusCode": 500})


VENDOR = Vendor(
    protocol="bedrock-converse",
    base="/bedrock",
    takes=lambda path: _path(path) is not None,
    read=read,
    say=say,
    fail=fail,
    break_off=break_off,
    refuses=refuses,
    streams=lambda arrival: arrival.path.endswith("/converse-stream"),
    stream_type="application/vnd.amazon.eventstream",
    event=event,
    status=lambda fault: _ERRORS.get(fault.status, (500, ""))[0],
    headers=headers,
)
STAGED = Staged(vendor=VENDOR, provider="bedrock", model="us.anthropic.claude-sonnet-4-6-v1:0")
