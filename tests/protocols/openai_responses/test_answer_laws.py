"""The laws of answers and streams for this protocol: alone, and across to and from the others."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import Delta, Event, Failed, Fault, FaultKind, Finish, PartEnd, PartStart, Start, StopReason, Text, Usage
from twoapi.ir.assemble import fold
from twoapi.ir.events import End
from twoapi.ir.fault import STATUS
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.testing.grammars import stream_problems
from twoapi.testing.laws import answers, bounds, streams
from twoapi.testing.laws.subject import events_of, stream_of
from twoapi.testing.normal import fold_stream, normal_response
from twoapi.testing.replies import Json
from twoapi.testing.strategies.chat_answers import chat_answer_bodies, chat_answers, chat_streams
from twoapi.testing.strategies.events import batched, legal_events, mangled_events, recut, stops, usages
from twoapi.testing.strategies.hostile import edited_json, hostile_stream, noise, same_stream
from twoapi.testing.strategies.messages_answers import messages_answer_bodies, messages_answers, messages_streams
from twoapi.testing.strategies.responses_answers import responses_answer_bodies, responses_answers, responses_streams
from twoapi.testing.strategies.values import cuts, json_bytes, json_values, texts

CODEC: Codec = OpenAIResponses()
OTHERS: list[Codec] = [OpenAIChat(), AnthropicMessages()]
WHOLES = {
    "openai-chat": (chat_answer_bodies, chat_answers, chat_streams),
    "openai-responses": (responses_answer_bodies, responses_answers, responses_streams),
    "anthropic-messages": (messages_answer_bodies, messages_answers, messages_streams),
}
across = pytest.mark.parametrize(
    ("codec", "other"),
    [pair for other in OTHERS for pair in ((CODEC, other), (other, CODEC))],
    ids=lambda codec: codec.name,
)


def drawn(data: st.DataObject) -> tuple[Json, bytes]:
    body = data.draw(responses_answer_bodies())
    return body, data.draw(responses_streams(body))


@given(data=st.data())
def test_l2_an_answer_in_its_own_protocol_is_the_same(data: st.DataObject) -> None:
    answers.response_identity(CODEC, data.draw(responses_answers()))


@across
@given(data=st.data())
def test_an_answer_says_the_same_in_the_other_protocol(codec: Codec, other: Codec, data: st.DataObject) -> None:
    answers.crosses(codec, other, data.draw(WHOLES[codec.name][1](portable=True)))


@across
@given(data=st.data())
def test_a_stream_says_the_same_in_the_other_protocol(codec: Codec, other: Codec, data: st.DataObject) -> None:
    bodies, _, streamed = WHOLES[codec.name]
    events = events_of(codec, [data.draw(streamed(data.draw(bodies(portable=True))))])
    out = streams.encoder_is_legal(other, [events])
    folded = fold(events_of(other, [out]))
    if folded.fault is not None:
        assert folded.fault.code == "invalid_tool_arguments"
        return
    one, two = fold(events).candidates, folded.candidates
    for before, after in zip(one, two, strict=True):
        assert answers._said(after) == answers._said(before)
        assert answers._called(after) == answers._called(before)


@given(usage=usages)
def test_l14_the_money_adds_up(usage: Usage) -> None:
    answers.usage_adds_up(CODEC, usage)


@given(stop=stops)
def test_l15_a_stop_reason_stays_in_its_row(stop: StopReason) -> None:
    answers.stop_in_its_row(CODEC, stop)


@pytest.mark.parametrize("kind", sorted(STATUS.keys() - {"cancelled"}))  # no vendor has a word for that
@given(message=texts, retry_after=st.one_of(st.none(), st.integers(0, 86400).map(float)))
def test_l18_a_fault_survives(kind: FaultKind, message: str, retry_after: float | None) -> None:
    answers.fault_survives(CODEC, Fault(kind=kind, message=message, whose="upstream", retry_after=retry_after))


@given(data=st.data())
def test_the_stream_that_is_drawn_is_legal(data: st.DataObject) -> None:
    body, stream = drawn(data)
    assert stream_problems(CODEC.name, stream) == []
    assert normal_response(CODEC.name, fold_stream(CODEC.name, stream)) == normal_response(CODEC.name, body)


@given(data=st.data())
def test_l3_a_stream_in_its_own_protocol_is_the_same(data: st.DataObject) -> None:
    streams.stream_identity(CODEC, drawn(data)[1])


@given(data=st.data())
def test_l4_a_stream_amounts_to_the_whole_answer(data: st.DataObject) -> None:
    body, stream = drawn(data)
    streams.stream_is_whole(CODEC, data.draw(json_bytes(body)), stream)


@given(data=st.data())
def test_l4_another_spelling_of_a_stream_amounts_to_the_same(data: st.DataObject) -> None:
    body, stream = drawn(data)
    streams.stream_is_whole(CODEC, data.draw(json_bytes(body)), data.draw(same_stream(stream)))


@given(data=st.data())
def test_l5_cuts_make_no_difference(data: st.DataObject) -> None:
    stream = drawn(data)[1]
    streams.split_invariance(CODEC, stream, data.draw(cuts(stream)))


@given(data=st.data())
def test_l5_cuts_make_no_difference_to_hostile_streams(data: st.DataObject) -> None:
    stream = data.draw(hostile_stream(drawn(data)[1]))
    streams.split_invariance(CODEC, stream, data.draw(cuts(stream)))


@given(data=st.data())
def test_l6_deltas_may_be_cut_in_any_way(data: st.DataObject) -> None:
    events = data.draw(legal_events(failing=False))
    streams.merge_invariance(CODEC, events, data.draw(recut(events)))


@given(data=st.data())
def test_l7_hostile_streams_decode_to_legal_events(data: st.DataObject) -> None:
    stream = data.draw(st.one_of(noise, hostile_stream(drawn(data)[1])))
    streams.decoder_is_legal(CODEC, data.draw(cuts(stream)))


@pytest.mark.parametrize("other", [codec.name for codec in OTHERS])
@given(data=st.data())
def test_l7_streams_of_other_protocols_decode_to_legal_events(other: str, data: st.DataObject) -> None:
    bodies, _, streamed = WHOLES[other]
    streams.decoder_is_legal(CODEC, [data.draw(streamed(data.draw(bodies())))])


@given(data=st.data())
def test_l7_a_stream_without_its_terminal_event_has_failed(data: st.DataObject) -> None:
    stream = drawn(data)[1]
    end = stream.rindex(b"event: ")
    events = events_of(CODEC, [stream[: data.draw(st.integers(0, end))]])
    assert isinstance(events[-1], Failed)


@given(data=st.data())
def test_l7_legal_events_encode_to_a_legal_stream(data: st.DataObject) -> None:
    events = data.draw(legal_events())
    stream = streams.encoder_is_legal(CODEC, data.draw(batched(events)))
    if isinstance(events[-1], Failed):
        streams.failure_is_told(CODEC, stream)


@given(data=st.data())
def test_l7_any_events_encode_to_a_legal_stream(data: st.DataObject) -> None:
    streams.encoder_is_legal(CODEC, data.draw(batched(data.draw(mangled_events()))))


@given(data=st.data())
def test_how_events_are_handed_over_makes_no_difference(data: st.DataObject) -> None:
    events = data.draw(st.one_of(legal_events(), mangled_events()))
    streams.batch_invariance(CODEC, events, data.draw(batched(events)))


@given(data=st.data())
def test_l20_an_edited_answer_is_read_or_refused(data: st.DataObject) -> None:
    bounds.only_faults(CODEC, data.draw(edited_json(data.draw(responses_answers()))))


@given(data=st.data())
def test_l20_any_json_is_read_or_refused(data: st.DataObject) -> None:
    bounds.only_faults(CODEC, data.draw(json_bytes(data.draw(json_values))))


@pytest.mark.parametrize("member", ["", "x_future", "annotations"])
def test_l20_a_deep_answer_crashes_nothing(member: str) -> None:
    deep = '{"a":' * 10_000 + "1" + "}" * 10_000
    part = '{"type":"output_text","text":"x"' + (f',"{member}":{deep}' if member else "") + "}"
    item = f'{{"type":"message","id":"m","role":"assistant","status":"completed","content":[{part}]}}'
    bounds.deep_answer_is_refused(CODEC, f'{{"id":"r","status":"completed","output":[{item}]}}'.encode())
    for frame in (deep, f'{{"type":"response.completed","response":{deep}}}'):
        assert events_of(CODEC, [b"data: " + frame.encode() + b"\n\n"])


def many_deltas(size: int) -> Callable[[], object]:
    begun: list[list[Event]] = [[Start(id="x", model="m"), PartStart(0, 0, Text())]]
    deltas: list[list[Event]] = [[Delta(0, 0, "x")] for _ in range(size)]
    ended: list[list[Event]] = [[PartEnd(0, 0), Finish(0, StopReason(kind="stop")), End()]]
    return lambda: stream_of(CODEC, begun + deltas + ended)


def many_items(size: int) -> Callable[[], object]:
    parts: list[Event] = []
    for number in range(size):
        parts += [PartStart(0, number, Text(at=str(number))), Delta(0, number, "x"), PartEnd(0, number)]
    events = [Start(id="x", model="m"), *parts, Finish(0, StopReason(kind="stop")), End()]
    return lambda: stream_of(CODEC, [events])


def many_events(size: int) -> Callable[[], object]:
    delta = b'data: {"type":"response.output_text.delta","output_index":%d,"content_index":0,"delta":"x"}\n\n'
    stream = b"".join(delta % (number // 2) for number in range(size))
    return lambda: events_of(CODEC, [stream])


def many_pieces(size: int) -> Callable[[], object]:
    return lambda: events_of(CODEC, [b"data: ", *[b"x"] * size, b"\n\n"])


@pytest.mark.parametrize("prepared", [many_deltas, many_items, many_events, many_pieces])
def test_l20_twice_the_input_is_twice_the_work(prepared: Callable[[int], Callable[[], object]]) -> None:
    bounds.is_linear(prepared)
