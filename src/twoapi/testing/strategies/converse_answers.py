"""Answers of Bedrock's Converse and their streamed twins, and streams as a bad upstream sends them."""

import json

from hypothesis import strategies as st

from twoapi.testing.eventstream import write_error, write_event, write_exception, write_message
from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    argument_texts,
    base64s,
    call_ids,
    filled_texts,
    json_bytes,
    maybe,
    names,
    pieces,
    texts,
)

_counts = st.integers(0, 100_000)
_spans = st.fixed_dictionaries({"documentIndex": st.integers(0, 3), "start": _counts, "end": _counts})
_places = st.one_of(
    st.just({"web": {"url": "https://w.example", "domain": "w.example"}}),
    st.sampled_from(("documentChar", "documentPage", "documentChunk")).flatmap(
        lambda name: _spans.map(lambda span: {name: span})
    ),
    st.just({"searchResultLocation": {"searchResultIndex": 1, "start": 0, "end": 2}}),
    st.just({"newLocation": {"start": 1}}),
)


@st.composite
def _citations(draw: st.DrawFn) -> dict[str, Json]:
    citation: dict[str, Json] = {"location": draw(_places)}
    maybe(draw, citation, "title", texts)
    maybe(draw, citation, "source", texts)
    maybe(draw, citation, "sourceContent", st.lists(texts.map(lambda text: {"text": text}), max_size=2))
    return citation


@st.composite
def _usages(draw: st.DrawFn) -> dict[str, Json]:
    usage: dict[str, Json] = {"inputTokens": draw(_counts), "outputTokens": draw(_counts), "totalTokens": 7}
    if draw(st.booleans()):
        usage |= {"cacheReadInputTokens": draw(_counts), "cacheWriteInputTokens": draw(_counts)}
        maybe(draw, usage, "cacheDetails", st.just([{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 4}]))
    return usage


@st.composite
def _blocks(draw: st.DrawFn) -> list[dict[str, Json]]:
    blocks: list[dict[str, Json]] = []
    if draw(st.integers(0, 2)) == 0:
        blocks.append({"reasoningContent": {"reasoningText": {"text": draw(texts), "signature": "EqQBsig1"}}})
        if draw(st.booleans()):
            blocks.append({"reasoningContent": {"redactedContent": draw(base64s)}})
    for _ in range(draw(st.integers(0, 3))):
        text, cited = draw(filled_texts), draw(st.lists(_citations(), max_size=2))
        whole: dict[str, Json] = {"text": text}
        if cited:
            whole = {"citationsContent": {"content": [{"text": text}], "citations": cited}}
        blocks.append(whole)
    if draw(st.integers(0, 5)) == 0:
        blocks.append({"image": {"format": "png", "source": {"bytes": draw(base64s)}}})
    for call_id in draw(st.lists(call_ids, max_size=3, unique=True)):
        call = {"toolUseId": call_id, "name": draw(names), "input": json.loads(draw(argument_texts))}
        if draw(st.integers(0, 5)) == 0:
            call["type"] = "server_tool_use"
            blocks.append({"toolUse": call})
            result = {"toolUseId": call_id, "content": [{"text": draw(texts)}, {"json": {"a": 1}}]}
            blocks.append({"toolResult": {**result, "status": "success"}})
        else:
            blocks.append({"toolUse": call})
    return blocks


@st.composite
def converse_answer_bodies(draw: st.DrawFn) -> dict[str, Json]:
    """A whole answer."""
    blocks = draw(_blocks())
    ends = ("end_turn", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered")
    full = ("model_context_window_exceeded",) if blocks else ()  # of nothing some protocols make an error
    stop = draw(st.sampled_from((*ends, *full, "tool_use", "something_new")))
    body: dict[str, Json] = {
        "output": {"message": {"role": "assistant", "content": blocks}},
        "stopReason": stop,
        "usage": draw(_usages()),
        "metrics": {"latencyMs": draw(_counts)},
    }
    maybe(draw, body, "additionalModelResponseFields", st.just({"stop_sequence": "END"}))
    maybe(draw, body, "trace", st.just({"guardrail": {"actionReason": "No action."}}))
    return body


def converse_answers() -> st.SearchStrategy[bytes]:
    """A whole answer in some spelling of JSON."""
    return converse_answer_bodies().flatmap(json_bytes)


@st.composite
def converse_events(draw: st.DrawFn, body: Json) -> list[bytes]:
    """The messages of a stream that amounts to this answer."""

    def event(kind: str, payload: Json) -> bytes:
        padding = {"p": "abcdefghijkl"[: draw(st.integers(0, 12))]} if draw(st.booleans()) else {}
        return write_event(kind, {**payload, **padding})

    made = [event("messageStart", {"role": "assistant"})]
    for index, block in enumerate(body["output"]["message"]["content"]):
        place = {"contentBlockIndex": index}
        start, deltas = draw(_streamed(block))
        if start is not None:
            made.append(event("contentBlockStart", {**place, "start": start}))
        made += [event("contentBlockDelta", {**place, "delta": delta}) for delta in deltas]
        made.append(event("contentBlockStop", place))
    told = {"stopReason": body["stopReason"]}
    ending = {name: body[name] for name in ("usage", "metrics", "trace") if name in body}
    if "additionalModelResponseFields" in body:
        told["additionalModelResponseFields"] = body["additionalModelResponseFields"]
    return [*made, event("messageStop", told), event("metadata", ending)]


@st.composite
def _streamed(draw: st.DrawFn, block: Json) -> tuple[Json, list[Json]]:
    """How a block begins (None: it is not announced), and its deltas."""
    ((kind, value),) = block.items()
    match kind:
        case "text":
            return None, [{"text": piece} for piece in draw(pieces(value))]
        case "citationsContent":
            said: list[Json] = [{"text": piece} for piece in draw(pieces(value["content"][0]["text"]))]
            return None, said + [{"citation": citation} for citation in value["citations"]]
        case "reasoningContent":
            return None, [{"reasoningContent": one} for one in draw(_thought(value))]
        case "image":
            return {"image": {"format": value["format"]}}, [{"image": {"source": value["source"]}}]
        case "toolResult":
            content = value["content"]
            return {"toolResult": {name: value[name] for name in ("toolUseId", "status")}}, [{"toolResult": content}]
        case _:
            text = json.dumps(value["input"])
            announced = {name: member for name, member in value.items() if name != "input"}
            return {"toolUse": announced}, [{"toolUse": {"input": piece}} for piece in draw(pieces(text))]


@st.composite
def _thought(draw: st.DrawFn, value: Json) -> list[Json]:
    if "redactedContent" in value:
        return [value]
    said = value["reasoningText"]
    return [*({"text": piece} for piece in draw(pieces(said["text"]))), {"signature": said["signature"]}]


def converse_streams(body: Json) -> st.SearchStrategy[bytes]:
    """The stream of an answer."""
    return converse_events(body).map(b"".join)


_JUNK = (
    write_event("contentBlockDelta", {}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "x"}}}),
    write_event("contentBlockDelta", {"contentBlockIndex": -1, "delta": {"text": "x"}}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 7}}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {}}}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"citation": 7}}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolResult": [7]}}),
    write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"newThing": {}}}),
    write_event("contentBlockDelta", []),
    write_event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {}}}),
    write_event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolResult": 7}}),
    write_event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
    write_event("contentBlockStart", {}),
    write_event("contentBlockStop", {"contentBlockIndex": 9}),
    write_event("messageStop", {}),
    write_event("messageStop", {"stopReason": "malformed_tool_use"}),
    write_event("messageStart", None),
    write_event("metadata", {}),
    write_event("metadata", {"usage": None}),
    write_event("initial-response", {}),
    write_event("", {}),
    write_message({}, b""),
    write_message({":message-type": "event", ":event-type": "messageStop"}, b"\xff{"),
    write_exception("validationException", {"message": "no"}),
    write_exception("newException", 7),
    write_error("InternalFailure", ""),
)


@st.composite
def hostile_converse_streams(draw: st.DrawFn) -> bytes:
    """A stream with messages that are gone, twice, elsewhere or nonsense, and now and then wrong bytes."""
    made = list(draw(converse_answer_bodies().flatmap(converse_events)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(made) - 1, 0)))
        match draw(st.integers(0, 4)):
            case 0:
                del made[at : at + 1]
            case 1:
                made.insert(at, made[at] if made else b"")
            case 2:
                made.insert(at, draw(st.sampled_from(_JUNK)))
            case 3 if made:
                made.append(made.pop(at))
            case _:
                made.insert(at, draw(st.binary(max_size=20)))
    return b"".join(made)
