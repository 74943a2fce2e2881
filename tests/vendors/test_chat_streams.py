"""Streams of vendors with deviations: cut anywhere they say the same, cut off they fail, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vendors.deviations import CODEC, declared

from twoapi.conformance.reply import Called, Fault, Reply, Used
from twoapi.ir import Event, Failed
from twoapi.ir.assemble import fold
from twoapi.ir.events import End
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Peek, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.testing.vendors.compatible import COMPATIBLE
from twoapi.wire.http import Incoming

CALL = Called(id="abcDEF123", name="get_weather", arguments='{"city":"Zürich"}')
REPLY = Reply(
    text="It is. 你好",
    reasoning="Hm, well.\nYes.",
    calls=(CALL,),
    stop="tool_use",
    used=Used(input=61, cached=20, output=30, reasoning=9),
)
NAMES = list(COMPATIBLE)
each = pytest.mark.parametrize("name", NAMES)


def capabilities(name: str) -> Capabilities:
    return declared(name, COMPATIBLE[name].model)


def stream(name: str) -> bytes:
    spoken = COMPATIBLE[name].vendor.say(REPLY, "m")
    return b"".join([*spoken.head, *spoken.tail])


def events(name: str, *pieces: bytes) -> list[Event]:
    decoder = CODEC.stream_decoder(Restore(capabilities=capabilities(name)))
    return [*(event for piece in pieces for event in decoder.feed(piece)), *decoder.close()]


def tapped(name: str, *pieces: bytes) -> tuple[bytes, Any]:
    incoming = Incoming("/v1/chat/completions", {}, b'{"model":"m","stream":true}')
    tap = CODEC.stream_tap(incoming, Peek("m", stream=True), capabilities(name))
    out = b"".join([*map(tap.feed, pieces), tap.close()])
    return out, tap


@each
def test_a_stream_cut_anywhere_says_the_same(name: str) -> None:
    data = stream(name)
    whole = fold(events(name, data))
    assert whole.fault is None
    for at in range(1, len(data)):
        assert fold(events(name, data[:at], data[at:])) == whole
    assert fold(events(name, *(data[at : at + 1] for at in range(len(data))))) == whole


@each
def test_a_stream_says_what_the_whole_answer_says(name: str) -> None:
    spoken = COMPATIBLE[name].vendor.say(REPLY, "m")
    restore = Restore(capabilities=capabilities(name))
    whole = CODEC.decode_response(json.dumps(spoken.body, ensure_ascii=False).encode(), restore)
    streamed = fold(events(name, stream(name)))
    assert [type(part) for part in streamed.candidates[0].parts] == [type(part) for part in whole.candidates[0].parts]
    stop = streamed.candidates[0].stop
    assert stop is not None
    assert stop.kind == "tool_use"
    counts = [
        (one.usage.input, one.usage.cache_read, one.usage.output, one.usage.reasoning)
        for one in (whole, streamed)
        if one.usage
    ]
    assert counts == [(41, 20, 21, 9)] * 2


@each
def test_a_stream_that_breaks_off_fails(name: str) -> None:
    data = stream(name)
    end = (
        data.index(b'"finish_reason":"', data.rindex(b'"finish_reason":null'))
        if b'"finish_reason":null' in data
        else len(data)
    )
    for at in range(0, end, 5):
        told = events(name, data[:at])
        assert isinstance(told[-1], Failed)
        assert not any(isinstance(event, End) for event in told)


@each
def test_an_error_in_a_stream_fails_it(name: str) -> None:
    data = COMPATIBLE[name].vendor.break_off(Fault(where="within", message="told"))
    first = COMPATIBLE[name].vendor.say(REPLY, "m").head[:3]
    told = events(name, *first, data)
    assert isinstance(told[-1], Failed)
    assert "told" in told[-1].fault.message


@each
def test_a_relayed_stream_cut_anywhere_passes_the_same(name: str) -> None:
    data = stream(name)
    whole, tap = tapped(name, data)
    assert tap.complete
    assert tap.usage is not None
    for at in range(1, len(data), 7):
        out, one = tapped(name, data[:at], data[at:])
        assert out == whole
        assert (one.usage, one.complete, one.fault) == (tap.usage, True, None)


@settings(max_examples=60)
@given(st.sampled_from(NAMES), st.data())
def test_garbage_in_a_stream_raises_nothing(name: str, data: st.DataObject) -> None:
    good = stream(name)
    at = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(at, min(len(good), at + 40)))
    broken = good[:at] + data.draw(st.binary(max_size=12) | st.just(b"null") | st.just(b"{}")) + good[end:]
    told = events(name, broken)
    assert violations(told) == []
    assert isinstance(told[-1], End | Failed)
    tapped(name, broken)
    CODEC.inspect(broken, capabilities(name))
