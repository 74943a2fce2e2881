"""The laws of answers and streams for this protocol: alone, and across to and from the others."""

from collections.abc import Callable

import pytest

from twoapi.ir import Delta, Event, Finish, PartEnd, PartStart, Start, StopReason, Text
from twoapi.ir.events import End
from twoapi.protocols.base import Codec
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.testing.laws import bounds
from twoapi.testing.laws.subject import events_of, stream_of

CODEC: Codec = OpenAIResponses()


@pytest.mark.parametrize("member", ["", "x_future", "annotations"])
def test_l20_a_deep_answer_crashes_nothing(member: str) -> None:
    deep = '{"a":' * 10_000 + "1" + "}" * 10_000
    part = '{"type":"output_text","text":"x"' + (f',"{member}":{deep}' if member else "") + "}"
    item = f'{{"type":"message","id":"m","role":"assistant","status":"completed","content":[{part}]}}'
    bounds.deep_answer_is_refused(CODEC, f'{{"id":"r","status":"completed","output":[{item}]}}'.encode())
    for frame in (deep, f'{{"type":"response.completed","response":{deep}}}'):
        assert events_of(CODEC, [b"data: " + frame.encode() + b"\n\n"])


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


@pytest.mark.parametrize("prepared", [many_items, many_events])
def test_l20_twice_the_input_is_twice_the_work(prepared: Callable[[int], Callable[[], object]]) -> None:
    bounds.is_linear(prepared)
