"""The laws of answers and streams, for this protocol alone and against the others."""

from collections.abc import Callable

import pytest

from twoapi.ir import (
    Delta,
    End,
    Event,
    Finish,
    PartEnd,
    PartStart,
    Reasoning,
    Start,
    StopReason,
    Text,
)
from twoapi.protocols.base import Restore
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.gemini.tap import GeminiTap
from twoapi.testing.laws import bounds
from twoapi.testing.laws.subject import events_of, stream_of

CODEC = Gemini()


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
