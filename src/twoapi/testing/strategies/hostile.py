"""Streams as bad upstreams send them: a mutator of transcripts, and bytes without any sense."""

import json
import re

from hypothesis import strategies as st

from twoapi.testing.replies import Json, split_frames

_LINE_ENDS = (b"\n", b"\r\n", b"\r")
_JUNK = (
    b"data: {}\n\n",
    b"data: \n\n",
    b"data:\n\n",
    b"data: null\n\n",
    b"data: []\n\n",
    b"data: 7\n\n",
    b'data: "text"\n\n',
    b'data: {"choices": null}\n\n',
    b'data: {"choices": [null]}\n\n',
    b'data: {"choices": [{}]}\n\n',
    b'data: {"choices": [{"delta": null}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{}]}}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"tool_calls": null, "content": 5}}]}\n\n',
    b'data: {"choices": [{"index": -1, "delta": {"content": "x"}}]}\n\n',
    b'data: {"error": "text"}\n\n',
    b'data: {"error": {"message": "no"}}\n\n',
    b"data: {broken\n\n",
    b"data: \xff\xfe\n\n",
    b'data: {"a": "\\ud800"}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"content": "\\ud83d"}}]}\n\n',
    b"event: ping\ndata: {}\n\n",
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b'event: error\ndata: {"type": "error"}\n\n',
    b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "o"}}\n\n',
    b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 9, "delta": {}}\n\n',
    b'event: content_block_delta\ndata: {"index": 0, "delta": {"type": "text_delta", "text": "x"}}\n\n',
    b'event: content_block_start\ndata: {"type": "content_block_start", "index": 3}\n\n',
    b'event: content_block_stop\ndata: {"type": "content_block_stop", "index": 0}\n\n',
    b'event: message_start\ndata: {"type": "message_start"}\n\n',
    b'event: message_delta\ndata: {"type": "message_delta"}\n\n',
    b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
    b'event: new_thing\ndata: {"type": "new_thing"}\n\n',
    b'event: response.created\ndata: {"type": "response.created"}\n\n',
    b'event: response.completed\ndata: {"type": "response.completed", "response": {"output": [{}]}}\n\n',
    b'data: {"type": "response.output_item.added", "item": {"type": "function_call"}}\n\n',
    b'data: {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": 5}}\n\n',
    b'data: {"type": "response.output_text.delta", "output_index": -1, "delta": "x"}\n\n',
    b'data: {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "x"}\n\n',
    b'data: {"type": "response.reasoning_summary_text.done", "item_id": 7, "text": "x"}\n\n',
    b'data: {"type": "response.output_text.annotation.added", "annotation": {"type": "x"}}\n\n',
    b": comment\n\n",
    b"id: 7\nretry: 10\n\n",
    b"data: [DONE]\n\n",
)


@st.composite
def same_stream(draw: st.DrawFn, stream: bytes) -> bytes:
    """The same events in another legal spelling: line ends, byte order mark, comments, no space, several data lines."""
    spelled = b""
    for frame in split_frames(stream):
        if draw(st.integers(0, 5)) == 0:
            spelled += draw(st.sampled_from((b": comment\n\n", b":\n\n", b"id: 1\n", b"retry: 5\n")))
        tight = frame.replace(b"data: ", b"data:", 1) if draw(st.integers(0, 2)) == 0 else frame
        spelled += _several_lines(tight) if draw(st.integers(0, 4)) == 0 else tight
    if draw(st.integers(0, 3)) == 0:
        spelled = spelled.removesuffix(b"\n")  # no blank line at the end
        spelled = spelled.removesuffix(b"\n") if draw(st.booleans()) else spelled
    spelled = spelled.replace(b"\n", draw(st.sampled_from(_LINE_ENDS)))
    return b"\xef\xbb\xbf" + spelled if draw(st.booleans()) else spelled


def _several_lines(frame: bytes) -> bytes:
    """A JSON document over two data lines, cut where JSON allows a line end."""
    return re.sub(rb"^(data: ?\{)(?=\")", rb"\1\ndata: ", frame, count=1, flags=re.MULTILINE)


@st.composite
def hostile_stream(draw: st.DrawFn, stream: bytes) -> bytes:
    """A transcript as a careless upstream would send it. What it means is not defined; that nothing breaks is."""
    frames = list(split_frames(stream))
    for _ in range(draw(st.integers(1, 4))):
        if frames:
            at = draw(st.integers(0, len(frames) - 1))
            frames = draw(st.sampled_from(_MUTATIONS))(draw, frames, at)
    return draw(same_stream(b"".join(frames)))


def _dropped(_: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return frames[:at] + frames[at + 1 :]


def _doubled(_: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return [*frames[:at], frames[at], *frames[at:]]


def _swapped(draw: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    other = draw(st.integers(0, len(frames) - 1))
    swapped = list(frames)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return swapped


def _cut(draw: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return [*frames[:at], frames[at][: draw(st.integers(0, len(frames[at])))]]


def _interrupted(draw: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return [*frames[:at], draw(st.sampled_from(_JUNK)), *frames[at:]]


def _altered(draw: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return [*frames[:at], draw(_edited(frames[at])), *frames[at + 1 :]]


def _ended_twice(draw: st.DrawFn, frames: list[bytes], _: int) -> list[bytes]:
    return frames + frames[-draw(st.integers(1, 3)) :]


def _soiled(draw: st.DrawFn, frames: list[bytes], at: int) -> list[bytes]:
    return [*frames[:at], draw(st.binary(max_size=20)) + frames[at], *frames[at + 1 :]]


_MUTATIONS = [_dropped, _doubled, _swapped, _cut, _interrupted, _altered, _ended_twice, _soiled]


@st.composite
def _edited(draw: st.DrawFn, frame: bytes) -> bytes:
    """A frame of which one member, at any depth, is gone, null, or of another type."""
    before, mark, data = frame.partition(b"data: ")
    try:
        document = json.loads(data)
    except ValueError:
        return frame
    holders = list(_containers(document))
    if not holders:
        return frame
    holder = draw(st.sampled_from(holders))
    key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))))
    if draw(st.booleans()) and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = draw(st.sampled_from((None, "", "x", 7, -1, 1.5, True, [], {}, [None], {"a": 1}, 10**30)))
    return before + mark + json.dumps(document).encode() + b"\n\n"


def _containers(value: Json) -> list[Json]:
    """Every object and list in a document that is not empty."""
    if isinstance(value, dict):
        found = [inner for item in value.values() for inner in _containers(item)]
    elif isinstance(value, list):
        found = [inner for item in value for inner in _containers(item)]
    else:
        return []
    return [value, *found] if value else found


noise = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(_JUNK), max_size=6).map(b"".join),
)


@st.composite
def edited_json(draw: st.DrawFn, body: bytes) -> bytes:
    """A JSON document of which up to three members, at any depth, are gone, null, or of another type."""
    for _ in range(draw(st.integers(1, 3))):
        body = draw(_edited(b"data: " + body)).removeprefix(b"data: ").rstrip(b"\n")
    return body
