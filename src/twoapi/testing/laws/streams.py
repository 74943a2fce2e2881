"""Laws of streams: identity, fold, cuts, grammar."""

import json

import msgspec

from twoapi.ir import (
    Candidate,
    Event,
    FaultError,
    Item,
    Loss,
    Reasoning,
    Refusal,
    Response,
    ServerTool,
    Text,
    ToolCall,
    plain,
)
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Codec, Restore, UpstreamCodec
from twoapi.testing.grammars import stream_problems
from twoapi.testing.laws.subject import answer_of, events_of, same, stream_of
from twoapi.testing.normal import fold_stream, normal_response
from twoapi.testing.replies import Json


def stream_identity(codec: Codec, stream: bytes) -> None:
    """L3: a stream decoded and encoded again amounts to the same answer, and is in the grammar."""
    losses: list[Loss] = []
    usage = b'"usage"' in stream
    out = stream_of(codec, [events_of(codec, [stream])], losses, include_usage=usage)
    same(
        normal_response(codec.name, fold_stream(codec.name, out)),
        normal_response(codec.name, fold_stream(codec.name, stream)),
        "the folded stream",
    )
    assert [loss for loss in losses if loss.kind != "info"] == []


def stream_is_whole(codec: UpstreamCodec, body: bytes, stream: bytes) -> None:
    """L4: the events of a stream fold to the answer that the whole body decodes to."""
    whole = comparable(codec.decode_response(body, Restore()))
    same(comparable(fold(events_of(codec, [stream]))), whole, "the fold")


def crosses(codec: UpstreamCodec, other: Codec, body: bytes, stream: bytes) -> None:
    """L4 over two protocols: a streamed answer says to another protocol's client what the whole one does."""
    seen = fold(events_of(other, [encoder_is_legal(other, [events_of(codec, [stream])])]))
    try:
        whole = other.decode_response(answer_of(other, codec.decode_response(body, Restore())), Restore())
    except FaultError as error:
        assert seen.fault is not None, f"only the whole answer is refused: {error.fault}"
        return
    assert seen.fault is None, f"only the stream fails: {seen.fault}"
    told, expected = _told(seen), _told(whole)
    if _partly_sealed(codec.decode_response(body, Restore())):
        # Beside sealed pieces a whole chat answer repeats no others; a stream has said them by then.
        for candidate in (*told["candidates"], *expected["candidates"]):
            del candidate["thoughts"]
    for one, two in zip(told["candidates"], expected["candidates"], strict=True):
        # Sources that are told when a text before a call has ended are not read back from a stream.
        assert set(one.pop("sources")) <= set(two.pop("sources"))
    same(told, expected, "what the stream tells")


def _partly_sealed(response: Response) -> bool:
    parts = [part for candidate in response.candidates for part in candidate.parts if isinstance(part, Reasoning)]
    return len({bool(part.opaque) for part in parts}) > 1


def _told(response: Response) -> Json:
    """What an answer says, however it is cut into parts."""
    usage = response.usage
    counts = None if usage is None else (usage.total_input, usage.total_output, usage.cache_read, usage.reasoning)
    # A client that waits for the usage of its stream gets zeros, with a loss, where the upstream told none.
    return {
        "usage": counts if counts and any(counts) else None,
        "candidates": [_candidate(candidate) for candidate in response.candidates],
    }


def _candidate(candidate: Candidate) -> Json:
    told: dict[str, Json] = {"words": "", "thoughts": "", "calls": [], "sources": [], "state": []}
    for part in candidate.parts:
        told["state"] += [opaque.data for opaque in part.opaque]
        if isinstance(part, Text | Refusal):
            told["words"] += plain(part.text)
        elif isinstance(part, Reasoning):
            told["thoughts"] += plain(part.text)
        elif isinstance(part, ToolCall):
            told["calls"].append((part.name, part.kind, _by_value(part.arguments)))
        if isinstance(part, Text):
            told["sources"] += [repr(citation.source) for citation in part.citations]
    told["sources"] = sorted(set(told["sources"]))
    # Items may have come woven into each other, and then so did their pieces.
    told |= {"words": sorted(told["words"]), "thoughts": sorted(told["thoughts"].replace("\n\n", ""))}
    told["state"].sort()
    return {**told, "stop": candidate.stop and candidate.stop.kind}


def split_invariance(codec: UpstreamCodec, stream: bytes, pieces: list[bytes]) -> None:
    """L5: how the bytes are cut makes no difference."""
    found, expected = events_of(codec, pieces), events_of(codec, [stream])
    for number, (one, two) in enumerate(zip(found, expected, strict=False)):
        assert one == two, f"event {number}: {one} is not {two}"
    assert len(found) == len(expected)


def decoder_is_legal(codec: UpstreamCodec, pieces: list[bytes]) -> None:
    """L7, the decoder's half: whatever comes, its events are in the grammar, and the terminal event is the last."""
    events = events_of(codec, pieces)
    assert violations(events) == [], f"{violations(events)} in {events}"


def merge_invariance(codec: Codec, events: list[Event], recut: list[Event]) -> None:
    """L6: how text is cut into deltas makes no difference."""
    same(comparable(fold(recut)), comparable(fold(events)), "the fold")
    one = normal_response(codec.name, fold_stream(codec.name, stream_of(codec, [recut])))
    two = normal_response(codec.name, fold_stream(codec.name, stream_of(codec, [events])))
    same(one, two, "the stream")


def batch_invariance(codec: Codec, events: list[Event], batches: list[list[Event]]) -> None:
    """How events are handed over makes no difference."""
    assert stream_of(codec, batches) == stream_of(codec, [events])


def encoder_is_legal(codec: Codec, batches: list[list[Event]], *, include_usage: bool = True) -> bytes:
    """L7, the encoder's half: for every list of events the bytes are in the grammar of the protocol."""
    stream = stream_of(codec, batches, include_usage=include_usage)
    problems = stream_problems(codec.name, stream, include_usage=include_usage)
    assert problems == [], f"{problems}\n{stream.decode()}"
    return stream


def failure_is_told(codec: Codec, stream: bytes) -> None:
    """A stream that fails ends as failed, never as if all were well."""
    assert b"data: [DONE]" not in stream
    assert b"message_stop" not in stream
    assert b'"error"' in stream, f"no error in {stream!r}"
    assert codec.name


def comparable(response: Response) -> Json:
    """A response as plain values, without what only a whole body or only a stream has: places and raw spellings."""
    value = _plain(response)
    value["usage"] = None if response.usage is None else {**value["usage"], "raw": None}
    del value["extras"]
    return value


def _plain(value: Json) -> Json:
    """Plain values: JSON text decoded, arguments and verbatim objects by value, without places in the payload."""
    if isinstance(value, msgspec.Raw):  # b"" is an absent member
        return json.loads(bytes(value) or b"null")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if not isinstance(value, msgspec.Struct):
        return value
    fields = {name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name not in {"at", "details"}}
    if isinstance(value, ToolCall) and value.kind == "function":
        fields["arguments"] = _by_value(value.arguments)
    if isinstance(value, Item):
        del fields["status"]  # a part that ends before its item has none
    if isinstance(value, ServerTool):
        del fields["text"]  # a summary of `raw`, in its spelling
    return {"": type(value).__name__, **fields}


def _by_value(arguments: str) -> Json:
    try:
        return {"json": json.loads(arguments)}
    except ValueError:
        return arguments
