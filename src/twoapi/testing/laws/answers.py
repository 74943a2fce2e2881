"""Laws of whole answers: identity, usage, stop reasons, faults, and what crosses to another protocol."""

import json

import msgspec

from twoapi.ir import Candidate, Fault, FaultError, Loss, Response, StopReason, Text, ToolCall, Usage, plain
from twoapi.protocols.base import Codec, Restore, UpstreamCodec
from twoapi.testing.laws.subject import answer_of, same
from twoapi.testing.normal import normal_response
from twoapi.testing.replies import Json

# Canonical stop reason -> what it may come back as, per protocol (the table of the protocols' documentation).
STOPS: dict[str, dict[str, set[str]]] = {
    "openai-chat": {
        "stop": {"stop"},
        "stop_sequence": {"stop"},
        "tool_use": {"tool_use"},
        "max_tokens": {"max_tokens"},
        "context_window": {"max_tokens"},
        "content_filter": {"content_filter"},
        "recitation": {"content_filter"},
        "refusal": {"refusal", "content_filter", "stop"},
        "pause": {"stop"},
        "compaction": {"stop"},
        "other": {"stop"},
    },
    "openai-responses": {
        "stop": {"stop"},
        "stop_sequence": {"stop"},
        "tool_use": {"tool_use"},
        "max_tokens": {"max_tokens"},
        "context_window": {"max_tokens"},
        "content_filter": {"content_filter"},
        "recitation": {"content_filter"},
        "refusal": {"refusal", "stop"},
        "pause": {"other"},
        "compaction": {"stop"},
        "other": {"stop"},
    },
    "anthropic-messages": {
        "stop": {"stop"},
        "stop_sequence": {"stop_sequence"},
        "tool_use": {"tool_use"},
        "max_tokens": {"max_tokens"},
        "context_window": {"context_window"},
        "content_filter": {"refusal", "content_filter"},
        "recitation": {"refusal", "content_filter"},
        "refusal": {"refusal", "content_filter"},
        "pause": {"pause"},
        "compaction": {"compaction"},
        "other": {"stop", "other"},
    },
    "gemini": {
        "stop": {"stop"},
        "stop_sequence": {"stop"},
        "tool_use": {"tool_use"},
        "max_tokens": {"max_tokens"},
        "context_window": {"max_tokens"},
        "content_filter": {"content_filter"},
        "recitation": {"recitation"},
        "refusal": {"content_filter", "stop"},
        "pause": {"pause"},
        "compaction": {"other"},
        "other": {"other"},
    },
}
# The counts that a protocol has of its own; the totals every one has.
_COUNTS = ("input", "cache_read", "cache_write", "output", "reasoning")
COUNTS = {"gemini": ("cache_read", "output", "reasoning")}  # what was written to a cache counts as prompt


def response_identity(codec: Codec, body: bytes) -> None:
    """L2: an answer to a client of its own protocol says the same, to the last null of its usage."""
    losses: list[Loss] = []
    out = answer_of(codec, codec.decode_response(body, Restore()), losses)
    same(normal_response(codec.name, out), normal_response(codec.name, body), "the answer")
    assert [loss for loss in losses if loss.kind != "info"] == []


def crosses(codec: UpstreamCodec, other: Codec, body: bytes) -> None:
    """The answer of one protocol, seen through another: text, calls and the total of the usage are the same."""
    response = codec.decode_response(body, Restore())
    try:
        seen = other.decode_response(answer_of(other, response), Restore())
    except FaultError as error:
        assert error.fault.code == "invalid_tool_arguments", f"refused: {error.fault}"
        return
    for one, two in zip(response.candidates, seen.candidates, strict=True):
        assert _said(two) == _said(one)
        assert _called(two) == _called(one)
    if response.usage is not None and seen.usage is not None:
        assert seen.usage.total_input == response.usage.total_input
        assert seen.usage.total_output == response.usage.total_output


def _said(candidate: Candidate) -> str:
    return "".join(plain(part.text) for part in candidate.parts if isinstance(part, Text))


def _called(candidate: Candidate) -> list[Json]:
    calls = [part for part in candidate.parts if isinstance(part, ToolCall)]
    return [(call.id, call.name, json.loads(call.arguments or "{}")) for call in calls]


def usage_adds_up(codec: Codec, usage: Usage) -> None:
    """L14: the totals come through any protocol, nothing is negative, and what the protocol has comes back equal."""
    response = Response(protocol="", id="x", model="m", candidates=[_candidate("stop")], usage=usage)
    found = codec.decode_response(answer_of(codec, response), Restore()).usage
    if usage.input is None and usage.output is None:
        return  # a sum of nothing but details would be wrong in every protocol
    assert found is not None, f"the usage is gone: {usage}"
    assert found.total_input == usage.total_input, f"{found} of {usage}"
    assert found.total_output == usage.total_output, f"{found} of {usage}"
    for name in COUNTS.get(codec.name, _COUNTS):
        value, expected = getattr(found, name), getattr(usage, name)
        assert value is None or value >= 0
        assert (value or 0) == (expected or 0), f"{name} of {found} is not that of {usage}"


def stop_in_its_row(codec: Codec, stop: StopReason) -> None:
    """L15: a stop reason comes back in its row of the table."""
    response = Response(protocol="", id="x", model="m", candidates=[_candidate(stop.kind, stop.sequence)])
    found = codec.decode_response(answer_of(codec, response), Restore()).candidates[0].stop
    assert found is not None
    assert found.kind in STOPS[codec.name][stop.kind], f"{stop.kind} came back as {found.kind}"
    if found.kind == "stop_sequence":
        assert found.sequence == stop.sequence


def _candidate(kind: str, sequence: str | None = None) -> Candidate:
    stop = msgspec.convert({"kind": kind, "sequence": sequence}, StopReason)
    call = [ToolCall(id="call_1", name="f", arguments="{}")] if kind == "tool_use" else []
    return Candidate(0, [Text(text="x"), *call], stop)


def fault_survives(codec: Codec, fault: Fault) -> None:
    """L18: status class, retryability and Retry-After survive being told in a protocol and read from it."""
    status, headers, body = codec.encode_fault(fault, "req_1")
    lowered = {name.lower(): value for name, value in headers}
    found = codec.decode_fault(status, lowered, body)
    assert status // 100 == fault.http_status // 100, f"{fault} became {status}"
    assert found.http_status // 100 == fault.http_status // 100, f"{fault} came back as {found}"
    assert found.retryable == fault.retryable, f"{fault} came back as {found}"
    # Words by which a protocol's clients know the kind, where it has no code for it, may stand before the message.
    assert found.message.endswith(fault.message)
    if fault.retry_after is not None:
        assert found.retry_after is not None, f"retry-after is gone: {headers}"
        assert abs(found.retry_after - fault.retry_after) < 1
