"""Streams: the recorded ones byte by byte, and what is particular to them."""

from pathlib import Path
from typing import Any

import pytest

from twoapi import ir
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.testing.eventstream import write_event
from twoapi.testing.laws.streams import split_invariance
from twoapi.testing.laws.subject import events_of

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]
FIXTURES = Path(__file__).parents[2] / "fixtures" / "bedrock"
CONVERSED = (FIXTURES / "converse_stream.eventstream.bin").read_bytes()
BROKEN_OFF = (FIXTURES / "midstream_exception.eventstream.bin").read_bytes()


def delta(index: int, **kind: Any) -> bytes:
    return write_event("contentBlockDelta", {"contentBlockIndex": index, "delta": kind})


def start(index: int, **kind: Any) -> bytes:
    return write_event("contentBlockStart", {"contentBlockIndex": index, "start": kind})


def stop(index: int) -> bytes:
    return write_event("contentBlockStop", {"contentBlockIndex": index})


def ended(reason: str = "end_turn", **members: Any) -> bytes:
    return write_event("messageStop", {"stopReason": reason, **members})


USAGE = write_event("metadata", {"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}})


def response(*pieces: bytes, restore: Restore | None = None) -> ir.Response:
    decoder = CONVERSE.stream_decoder(restore or Restore())
    return fold([*decoder.feed(b"".join(pieces)), *decoder.close()])


def parts(*pieces: bytes, restore: Restore | None = None) -> list[ir.Part]:
    return response(*pieces, ended(), USAGE, restore=restore).candidates[0].parts


def test_the_recorded_stream() -> None:
    found = fold(events_of(CONVERSE, [CONVERSED]))
    thought, text, call = found.candidates[0].parts
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, [opaque.data for opaque in thought.opaque]) == ("think", ["c2ln"])
    assert isinstance(text, ir.Text)
    assert text.text == "hi"
    assert isinstance(call, ir.ToolCall)
    assert (call.id, call.name, call.arguments) == ("tooluse_1", "get_weather", '{"city":"x"}')
    assert found.candidates[0].stop == ir.StopReason(kind="tool_use", raw="tool_use")
    assert found.usage == ir.Usage(input=10, cache_read=3, cache_write=0, output=5)


@pytest.mark.parametrize("stream", [CONVERSED, BROKEN_OFF], ids=["whole", "broken off"])
def test_the_recorded_streams_byte_by_byte(stream: bytes) -> None:
    split_invariance(CONVERSE, stream, [stream[i : i + 1] for i in range(len(stream))])
    for at in range(0, len(stream), 3):
        split_invariance(CONVERSE, stream, [stream[:at], stream[at:]])


def test_a_flipped_bit_fails() -> None:
    for at in range(0, len(CONVERSED), 11):
        flipped = bytearray(CONVERSED)
        flipped[at] ^= 1
        assert isinstance(events_of(CONVERSE, [bytes(flipped)])[-1], ir.Failed)


def test_the_end_waits_for_the_usage() -> None:
    decoder = CONVERSE.stream_decoder(Restore())
    decoder.feed(delta(0, text="x") + stop(0))
    assert decoder.feed(ended()) == []
    assert [type(event) for event in decoder.feed(USAGE)] == [ir.UsageUpdate, ir.Finish, ir.End]
    assert decoder.feed(USAGE) == []
    assert decoder.close() == []


def test_without_usage_the_answer_ends_with_the_stream() -> None:
    decoder = CONVERSE.stream_decoder(Restore())
    decoder.feed(delta(0, text="x") + ended())
    assert [type(event) for event in decoder.close()] == [ir.PartEnd, ir.Finish, ir.End]
    decoder = CONVERSE.stream_decoder(Restore())
    decoder.feed(delta(0, text="x") + ended() + USAGE[:-1])
    assert [type(event) for event in decoder.close()] == [ir.Failed]


def test_several_blocks_may_be_open() -> None:
    found = parts(delta(0, text="a"), delta(1, text="b"), delta(0, text="A"), stop(0), stop(1))
    assert [part.text for part in found if isinstance(part, ir.Text)] == ["aA", "b"]


def test_another_kind_in_an_open_block_begins_a_part() -> None:
    found = parts(delta(0, reasoningContent={"text": "hm"}), delta(0, text="so"))
    assert [type(part) for part in found] == [ir.Reasoning, ir.Text]


def test_state_that_comes_in_pieces() -> None:
    (part,) = parts(
        delta(0, reasoningContent={"redactedContent": "YQ=="}), delta(0, reasoningContent={"redactedContent": "Yg=="})
    )
    assert isinstance(part, ir.Reasoning)
    assert (part.form, [opaque.data for opaque in part.opaque]) == ("hidden", ["YWI="])
    (part,) = parts(delta(0, reasoningContent={"signature": "a"}), delta(0, reasoningContent={"signature": "b"}))
    assert [(opaque.kind, opaque.data) for opaque in part.opaque] == [("signature", "ab")]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    (part,) = parts(start(0, toolUse={"toolUseId": "x", "name": "f"}), stop(0))
    assert isinstance(part, ir.ToolCall)
    assert part.arguments == "{}"


def test_a_free_text_call_is_unwrapped() -> None:
    restore = Restore(names={"p_1": "p/1"}, custom=frozenset({"p/1"}))
    (part,) = parts(
        start(0, toolUse={"toolUseId": "x", "name": "p_1"}),
        delta(0, toolUse={"input": '{"input":'}),
        delta(0, toolUse={"input": '"free"}'}),
        stop(0),
        restore=restore,
    )
    assert isinstance(part, ir.ToolCall)
    assert (part.name, part.kind, part.arguments) == ("p/1", "custom", "free")


def test_input_without_a_call_fails() -> None:
    assert response(delta(0, toolUse={"input": "{}"})).fault is not None


def test_an_image_in_pieces() -> None:
    (part,) = parts(
        start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "YQ=="}}),
        delta(0, image={"source": {"bytes": "Yg=="}}),
        stop(0),
    )
    assert isinstance(part, ir.Media)
    assert (part.mime, part.source) == ("image/png", ir.Base64("YWI="))


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_a_model_that_breaks_down_fails(word: str) -> None:
    fault = response(delta(0, text="x"), ended(word), USAGE).fault
    assert fault is not None
    assert (fault.kind, fault.code) == ("upstream_error", word)


def test_a_guardrail_stops_the_answer() -> None:
    found = response(delta(0, text="no"), stop(0), ended("guardrail_intervened"), USAGE)
    assert found.candidates[0].stop == ir.StopReason(kind="content_filter", raw="guardrail_intervened")


def test_which_stop_string_it_was() -> None:
    restore = Restore(capabilities=Capabilities(stop_field="/stop_sequence"))
    end = ended("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"})
    found = response(delta(0, text="x"), end, USAGE, restore=restore)
    assert found.candidates[0].stop == ir.StopReason(kind="stop_sequence", raw="stop_sequence", sequence="END")
    assert found.extras == {}


def test_what_the_end_tells_beside_the_usage_is_kept_for_the_report() -> None:
    told = {"metrics": {"latencyMs": 1}, "trace": {}, "serviceTier": {"type": "flex"}, "p": "abc"}
    found = response(delta(0, text="x"), ended(), write_event("metadata", told))
    assert sorted(found.extras) == ["/metrics", "/serviceTier", "/trace"]
    assert found.usage is None


def test_a_delta_of_a_kind_that_is_not_known_is_kept_for_the_report() -> None:
    found = response(delta(0, text="x"), delta(1, hologram={"a": 1}), delta(1, hologram={"a": 2}), ended(), USAGE)
    assert [type(part) for part in found.candidates[0].parts] == [ir.Text]
    assert {pointer: bytes(raw) for pointer, raw in found.extras.items()} == {
        "/output/message/content/1/hologram": b'{"a":2}'
    }
