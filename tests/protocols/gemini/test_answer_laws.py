"""The laws of answers and streams, for this protocol alone and against the others."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import (
    Delta,
    End,
    Event,
    Failed,
    FaultError,
    Finish,
    PartEnd,
    PartStart,
    Reasoning,
    Start,
    StopReason,
    Text,
    Usage,
)
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.gemini.tap import GeminiTap
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.testing.laws import answers, bounds, streams
from twoapi.testing.laws.subject import answer_of, events_of, stream_of
from twoapi.testing.normal import fold_stream
from twoapi.testing.replies import Json
from twoapi.testing.strategies.chat_answers import chat_answer_bodies, chat_answers, chat_streams
from twoapi.testing.strategies.events import batched, legal_events, mangled_events, recut, stops, usages
from twoapi.testing.strategies.gemini_answers import (
    gemini_answer_bodies,
    gemini_answers,
    gemini_arrays,
    gemini_streams,
)
from twoapi.testing.strategies.hostile import edited_json, hostile_stream, noise, same_stream
from twoapi.testing.strategies.messages_answers import messages_answer_bodies, messages_answers, messages_streams
from twoapi.testing.strategies.responses_answers import (
    responses_answer_bodies,
    responses_answers,
    responses_streams,
)
from twoapi.testing.strategies.values import cuts, json_bytes, json_values

CODEC = Gemini()
OTHERS: dict[str, Codec] = {"chat": OpenAIChat(), "responses": OpenAIResponses(), "messages": AnthropicMessages()}
ANSWERS = {"chat": chat_answers, "responses": responses_answers, "messages": messages_answers}
STREAMS = {
    "chat": (chat_answer_bodies, chat_streams),
    "responses": (responses_answer_bodies, responses_streams),
    "messages": (messages_answer_bodies, messages_streams),
}
others = pytest.mark.parametrize("other", sorted(OTHERS))


def drawn(data: st.DataObject) -> tuple[Json, bytes]:
    body = data.draw(gemini_answer_bodies())
    return body, data.draw(gemini_streams(body))


@given(data=st.data())
def test_l2_an_answer_is_the_same(data: st.DataObject) -> None:
    answers.response_identity(CODEC, data.draw(gemini_answers()))


@others
@given(data=st.data())
def test_an_answer_says_the_same_in_the_other_protocol(other: str, data: st.DataObject) -> None:
    answers.crosses(CODEC, OTHERS[other], data.draw(gemini_answers(portable=True)))


@others
@given(data=st.data())
def test_an_answer_of_the_other_protocol_says_the_same_here(other: str, data: st.DataObject) -> None:
    answers.crosses(OTHERS[other], CODEC, data.draw(ANSWERS[other](portable=True)))


@given(data=st.data())
def test_l3_a_stream_is_the_same(data: st.DataObject) -> None:
    streams.stream_identity(CODEC, drawn(data)[1])


@given(data=st.data())
def test_l4_a_stream_amounts_to_the_whole_answer(data: st.DataObject) -> None:
    body, stream = drawn(data)
    streams.stream_is_whole(CODEC, data.draw(json_bytes(body)), stream)


@given(data=st.data())
def test_l4_an_array_amounts_to_the_whole_answer(data: st.DataObject) -> None:
    body = data.draw(gemini_answer_bodies())
    streams.stream_is_whole(CODEC, data.draw(json_bytes(body)), data.draw(gemini_arrays(body)))


@given(data=st.data())
def test_l4_another_spelling_of_a_stream_amounts_to_the_same(data: st.DataObject) -> None:
    body, stream = drawn(data)
    streams.stream_is_whole(CODEC, data.draw(json_bytes(body)), data.draw(same_stream(stream)))


@given(data=st.data())
def test_l5_cuts_make_no_difference(data: st.DataObject) -> None:
    body, stream = drawn(data)
    stream = data.draw(st.one_of(st.just(stream), gemini_arrays(body), hostile_stream(stream)))
    streams.split_invariance(CODEC, stream, data.draw(cuts(stream)))


@given(data=st.data())
def test_l6_how_text_is_cut_makes_no_difference(data: st.DataObject) -> None:
    events = data.draw(legal_events())
    streams.merge_invariance(CODEC, events, data.draw(recut(events)))


@given(data=st.data())
def test_l7_a_decoder_is_legal_for_hostile_streams(data: st.DataObject) -> None:
    body, stream = drawn(data)
    stream = data.draw(st.one_of(hostile_stream(stream), noise, gemini_arrays(body).flatmap(edited_json)))
    streams.decoder_is_legal(CODEC, [stream])


@others
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_other_protocols(other: str, data: st.DataObject) -> None:
    bodies, made = STREAMS[other]
    streams.decoder_is_legal(CODEC, [data.draw(made(data.draw(bodies())))])


@given(data=st.data())
def test_l7_an_encoder_is_legal(data: st.DataObject) -> None:
    events = data.draw(legal_events())
    stream = streams.encoder_is_legal(CODEC, data.draw(batched(events)))
    if any(isinstance(event, Failed) for event in events):
        streams.failure_is_told(CODEC, stream)


@given(data=st.data())
def test_l7_an_encoder_is_legal_for_any_events(data: st.DataObject) -> None:
    streams.encoder_is_legal(CODEC, data.draw(batched(data.draw(mangled_events()))))


@given(data=st.data())
def test_batches_make_no_difference(data: st.DataObject) -> None:
    events: list[Event] = data.draw(st.one_of(legal_events(), mangled_events()))
    streams.batch_invariance(CODEC, events, data.draw(batched(events)))


@given(data=st.data())
def test_a_stream_that_is_cut_off_fails(data: st.DataObject) -> None:
    stream = drawn(data)[1]
    end = max(stream.find(b'"finishReason"'), stream.find(b'"blockReason"') if b'"candidates"' not in stream else -1)
    events = events_of(CODEC, [stream[: data.draw(st.integers(0, max(end, 0)))]])
    assert isinstance(events[-1], Failed)
    streams.failure_is_told(CODEC, stream_of(CODEC, [events]))


@given(usage=usages)
def test_l14_usage_adds_up(usage: Usage) -> None:
    answers.usage_adds_up(CODEC, usage)


@given(stop=stops)
def test_l15_a_stop_reason_stays_in_its_row(stop: StopReason) -> None:
    answers.stop_in_its_row(CODEC, stop)


@given(data=st.data())
def test_l20_an_edited_answer_is_read_or_refused(data: st.DataObject) -> None:
    bounds.only_faults(CODEC, data.draw(edited_json(data.draw(gemini_answers()))))


@given(data=st.data())
def test_l20_any_json_is_read_or_refused(data: st.DataObject) -> None:
    bounds.only_faults(CODEC, data.draw(json_bytes(data.draw(json_values))))


@given(body=st.binary(max_size=40))
def test_l20_any_bytes_are_read_or_refused(body: bytes) -> None:
    bounds.only_faults(CODEC, body)


OPEN, CLOSE = b'{"a":' * 10_000, b"}" * 10_000
OBJECTS = OPEN + b"1" + CLOSE
DEEP = b'{"candidates":[{"content":{"parts":[{"text":"x"%b}]},"finishReason":"STOP"%b}],"responseId":"r"%b}'


@pytest.mark.parametrize(
    "member",
    [b',"xFuture":', b',"partMetadata":', b',"groundingMetadata":', b',"safetyRatings":', b',"functionCall":'],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_l20_a_deep_answer_crashes_nothing(member: bytes, place: int) -> None:
    members = [b"", b"", b""]
    members[place] = member + OBJECTS
    body = DEEP % tuple(members)
    bounds.deep_answer_is_refused(CODEC, body)
    assert events_of(CODEC, [b"data: " + body + b"\n\n"])
    assert events_of(CODEC, [b"[" + body + b"]"])


def frame(parts: bytes, candidate: bytes = b"") -> bytes:
    return b'data: {"candidates":[{"content":{"parts":[%b]}%b}]}\n\n' % (parts, candidate)


def many_pieces(size: int) -> Callable[[], object]:
    return lambda: events_of(CODEC, [b"data: ", *[b"x"] * size, b"\n\n"])


def many_elements(size: int) -> Callable[[], object]:
    return lambda: events_of(CODEC, [b"[", *[b'{"candidates":[{"content":{"parts":[{"text":"x"}]}}]},'] * size])


def many_frames(size: int) -> Callable[[], object]:
    return lambda: events_of(CODEC, [frame(b'{"text":"x"}'), frame(b'{"functionCall":{"name":"f"}}')] * size)


def many_unknown(size: int) -> Callable[[], object]:
    members = b"".join(b',"x_%d":1' % number for number in range(size))
    body = b'{"candidates":[%b]}' % b",".join([b'{"content":{"parts":[{"text":"x"%b}]}}' % members] * 3)
    return lambda: (CODEC.decode_response(body, Restore()), events_of(CODEC, [b"data: " + body + b"\n\n"]))


def many_citations(size: int) -> Callable[[], object]:
    support = b'{"segment":{"endIndex":3,"text":"\xe4\xba\xac"},"groundingChunkIndices":[0]}'
    grounding = b'"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[%b]' % b",".join([support] * size)
    candidate = b',"finishReason":"STOP","groundingMetadata":{%b}' % grounding
    body = frame("京".encode().join([b'{"text":"', b'"}']), candidate)
    return lambda: (events_of(CODEC, [body]), CODEC.decode_response(body[6:], Restore()))


def many_candidates(size: int) -> Callable[[], object]:
    one = b'{"content":{"parts":[{"text":"x","xNew":1},{"text":""}]},"index":0}'
    body = b'{"candidates":[%b]}' % b",".join([one] * size)
    return lambda: (events_of(CODEC, [b"data: " + body + b"\n\n"]), CODEC.decode_response(body, Restore()))


def many_deltas(size: int) -> Callable[[], object]:
    begun: list[list[Event]] = [[Start(id="x", model="m"), PartStart(0, 0, Text()), PartStart(0, 1, Reasoning())]]
    deltas: list[list[Event]] = [[Delta(0, 0, "x"), Delta(0, 1, "y")] for _ in range(size)]
    ended: list[list[Event]] = [[PartEnd(0, 0), PartEnd(0, 1), Finish(0, StopReason(kind="stop")), End()]]
    return lambda: stream_of(CODEC, begun + deltas + ended)


def many_relayed(size: int) -> Callable[[], object]:
    def watched() -> None:
        tap = GeminiTap(array=False)
        for piece in [b'data: {"candidates":', *[b"x"] * size, b"\n\n", *[frame(b'{"text":"x"}')] * size]:
            tap.feed(piece)
        tap.close()

    return watched


@pytest.mark.parametrize(
    "prepared",
    [
        many_pieces,
        many_elements,
        many_frames,
        many_unknown,
        many_citations,
        many_candidates,
        many_deltas,
        many_relayed,
    ],
)
def test_l20_twice_the_input_is_twice_the_work(prepared: Callable[[int], Callable[[], object]]) -> None:
    bounds.is_linear(prepared)


@pytest.mark.parametrize("head", [b"", b"data: ", b"[{", b"{"])
def test_l20_a_frame_without_end_is_not_kept_for_ever(head: bytes) -> None:
    decoder = CODEC.stream_decoder(Restore())
    kilo = b"x" * 1024 * 1024
    events = decoder.feed(head) + [event for _ in range(40) for event in decoder.feed(kilo)]
    assert [type(event).__name__ for event in events] == ["Failed"]


def said(answer: Json) -> Json:
    """What an answer says, however it is cut into parts."""
    if "error" in answer:
        return "failed"
    found = []
    for candidate in answer["candidates"]:
        parts = (candidate.get("content") or {}).get("parts") or []
        words = "".join(part.get("text", "") for part in parts if not part.get("thought"))
        thoughts = "".join(part.get("text", "") for part in parts if part.get("thought"))
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        sources = (candidate.get("groundingMetadata") or {}).get("groundingChunks")
        found.append((candidate["finishReason"], words, thoughts, calls, sources))
    return found, answer.get("usageMetadata")


@others
@given(data=st.data())
def test_a_streamed_answer_of_the_other_protocol_says_what_the_whole_one_does(other: str, data: st.DataObject) -> None:
    codec = OTHERS[other]
    bodies, made = STREAMS[other]
    body = data.draw(bodies())
    stream = stream_of(CODEC, [events_of(codec, [data.draw(made(body))])])
    try:
        whole = json.loads(answer_of(CODEC, codec.decode_response(json.dumps(body).encode(), Restore())))
    except FaultError:
        whole = {"error": {}}
    assert said(fold_stream("gemini", stream)) == said(whole)
