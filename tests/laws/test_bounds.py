"""The laws of size and of hostile input, and those of identifiers."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import each, few

from twoapi.ir import End, Finish, PartEnd, PartStart, Start, StopReason, Text
from twoapi.ir.events import Delta, Event
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.call_ids import decode_call_id, encode_call_id
from twoapi.protocols.tool_names import ToolNames
from twoapi.testing.laws import bounds as laws
from twoapi.testing.laws.subject import events_of, incoming, stream_of
from twoapi.testing.strategies.hostile import edited_json
from twoapi.testing.strategies.payloads import ANSWERS, REQUESTS
from twoapi.testing.strategies.values import json_bytes, json_values, texts

DEPTH = 10_000
OPEN, CLOSE = b"[" * DEPTH, b"]" * DEPTH
OBJECTS = b'{"a":' * DEPTH + b"1" + b"}" * DEPTH
TURNS = {"openai-responses": b"input", "gemini": b"contents"}
CONTENT = {"gemini": b"parts"}
CALLED = {"gemini": b"cachedContent"}  # its model is in the path


def sentence(codec: Codec, content: bytes, members: bytes = b"") -> bytes:
    """A request with one message of the user."""
    limit = b',"max_tokens":5' if codec.name == "anthropic-messages" else b""
    head = (
        CALLED.get(codec.name, b"model"),
        limit,
        TURNS.get(codec.name, b"messages"),
        CONTENT.get(codec.name, b"content"),
    )
    return b'{"%b":"m"%b,"%b":[{"role":"user","%b":%b}]%b}' % (*head, content, members)


def text(codec: Codec, members: bytes = b"", count: int = 1) -> bytes:
    """Parts that are texts."""
    kind = {"openai-responses": b'"type":"input_text",', "gemini": b""}.get(codec.name, b'"type":"text",')
    return b"[%b]" % b",".join([b'{%b"text":"x"%b}' % (kind, members)] * count)


ANSWER = {
    "openai-responses": b'{"id":"r","status":"completed","output":[{"type":"message","id":"m","role":"assistant",'
    b'"status":"completed","content":[{"type":"output_text","text":"x"%b}]}]}',
    "gemini": b'{"candidates":[{"content":{"parts":[{"text":"x"%b}]},"finishReason":"STOP"}],"responseId":"r"}',
    "openai-chat": b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"x"%b},"finish_reason":"stop"}]}',
    "anthropic-messages": b'{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text",'
    b'"text":"x"%b}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}',
}


@each
@pytest.mark.parametrize("body", [OPEN + CLOSE, OPEN], ids=["all", "half"])
def test_l20_depth_alone_crashes_nothing(codec: Codec, body: bytes) -> None:
    laws.deep_request_is_refused(codec, body)


@each
@pytest.mark.parametrize(
    "members",
    [
        b'"x_future":' + OBJECTS,
        b'"metadata":' + OBJECTS,
        b'"tools":' + OPEN + CLOSE,
        b'"tools":[{"name":"f","input_schema":%b}]' % OBJECTS,
        b'"tools":[{"type":"function","function":{"name":"f","parameters":%b}}]' % OBJECTS,
        b'"tools":[{"type":"function","name":"f","parameters":%b}]' % OBJECTS,
        b'"tools":[{"functionDeclarations":[{"name":"f","parameters":%b}]}]' % OBJECTS,
        b'"tool_choice":' + OBJECTS,
        b'"generationConfig":{"responseSchema":%b}' % OBJECTS,
    ],
    ids=lambda members: members[:60].decode(),
)
def test_l20_a_deep_member_crashes_nothing(codec: Codec, members: bytes) -> None:
    laws.deep_request_is_refused(codec, sentence(codec, text(codec), b"," + members))


@each
@pytest.mark.parametrize("deep", [b'"x_future":' + OBJECTS, b'"text":' + OPEN + CLOSE], ids=["unknown", "text"])
def test_l20_a_deep_part_crashes_nothing(codec: Codec, deep: bytes) -> None:
    laws.deep_request_is_refused(codec, sentence(codec, text(codec, b"," + deep)))
    laws.deep_request_is_refused(codec, sentence(codec, OPEN + CLOSE))


@each
@pytest.mark.parametrize("member", [b"", b',"x_future":' + OBJECTS, b',"annotations":' + OPEN + CLOSE])
def test_l20_a_deep_answer_crashes_nothing(codec: Codec, member: bytes) -> None:
    laws.deep_answer_is_refused(codec, ANSWER[codec.name] % member)


@each
def test_l20_a_deep_stream_crashes_nothing(codec: Codec) -> None:
    for frame in (b"data: " + OBJECTS, b"event: message_start\ndata: " + OBJECTS, b'data: {"choices":' + OPEN):
        assert events_of(codec, [frame + b"\n\n"])


@each
@few
@given(data=st.data())
def test_l20_an_edited_request_is_read_or_refused(codec: Codec, data: st.DataObject) -> None:
    laws.only_faults(codec, data.draw(edited_json(data.draw(REQUESTS[codec.name]()))))


@each
@few
@given(data=st.data())
def test_l20_an_edited_answer_is_read_or_refused(codec: Codec, data: st.DataObject) -> None:
    laws.only_faults(codec, data.draw(edited_json(data.draw(ANSWERS[codec.name]()))))


@each
@few
@given(data=st.data())
def test_l20_any_json_is_read_or_refused(codec: Codec, data: st.DataObject) -> None:
    laws.only_faults(codec, data.draw(json_bytes(data.draw(json_values))))


@each
@few
@given(body=st.binary(max_size=40))
def test_l20_any_bytes_are_read_or_refused(codec: Codec, body: bytes) -> None:
    laws.only_faults(codec, body)


def many_turns(codec: Codec) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        body = sentence(codec, text(codec))
        start, end = body.index(b'{"role"'), body.rindex(b"]")
        model = b"model" if codec.name == "gemini" else b"assistant"
        said = b'{"role":"%b","%b":%b}' % (model, CONTENT.get(codec.name, b"content"), text(codec))
        said = said.replace(b"input_text", b"output_text")
        turns = b",".join([body[start:end], said] * size + [body[start:end]])
        return lambda: codec.decode_request(incoming(codec, body[:start] + turns + body[end:]))

    return prepared


def many_unknown(codec: Codec) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        members = b"".join(b',"x_%d":[{}]' % number for number in range(size))
        return lambda: codec.decode_request(incoming(codec, sentence(codec, text(codec), members)))

    return prepared


def many_parts(codec: Codec) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        return lambda: codec.decode_request(incoming(codec, sentence(codec, text(codec, b',"x_future":1', size))))

    return prepared


def many_pieces(codec: Codec) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        return lambda: events_of(codec, [b"data: ", *[b"x"] * size, b"\n\n"])

    return prepared


def many_deltas(codec: Codec) -> Callable[[int], Callable[[], object]]:
    def prepared(size: int) -> Callable[[], object]:
        begun: list[list[Event]] = [[Start(id="x", model="m"), PartStart(0, 0, Text())]]
        deltas: list[list[Event]] = [[Delta(0, 0, "x")] for _ in range(size)]
        ended: list[list[Event]] = [[PartEnd(0, 0), Finish(0, StopReason(kind="stop")), End()]]
        return lambda: stream_of(codec, begun + deltas + ended)

    return prepared


@each
@pytest.mark.parametrize("prepared", [many_turns, many_unknown, many_parts, many_pieces, many_deltas])
def test_l20_twice_the_input_is_twice_the_work(codec: Codec, prepared: Callable) -> None:
    laws.is_linear(prepared(codec))


@each
def test_l20_an_event_without_end_is_not_kept_for_ever(codec: Codec) -> None:
    decoder = codec.stream_decoder(Restore())
    kilo = b"x" * 1024 * 1024
    events = [event for _ in range(40) for event in decoder.feed(kilo)]
    assert [type(event).__name__ for event in events] == ["Failed"]


# --- L13 ---------------------------------------------------------------------------------------

wild_ids = st.one_of(
    texts,
    st.sampled_from(("functions.Bash:0", "tw_YWJj", "abc", "tw_", "tw_!!", "call_1", "x" * 41, "y" * 500)),
    st.text("abcXYZ019_-", min_size=30, max_size=60),
    texts.map(lambda text: "tw_" + text),
)
limits = st.sampled_from((40, 64))


@few
@given(one=wild_ids, other=wild_ids, limit=limits)
def test_l13_two_ids_stay_two(one: str, other: str, limit: int) -> None:
    assert (encode_call_id(one, limit) == encode_call_id(other, limit)) == (one == other)


@few
@given(call_id=wild_ids, limit=limits)
def test_l13_an_id_is_legal_on_the_wire(call_id: str, limit: int) -> None:
    wire = encode_call_id(call_id, limit)
    assert 0 < len(wire) <= limit
    assert set(wire) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@few
@given(call_id=wild_ids, limit=limits)
def test_l13_an_id_that_fits_comes_back(call_id: str, limit: int) -> None:
    wire = encode_call_id(call_id, limit)
    assert decode_call_id(wire) == call_id or wire == encode_call_id(wire, limit)


@few
@given(call_id=wild_ids, limit=limits)
def test_l13_an_id_of_a_client_is_the_same_after_a_turn(call_id: str, limit: int) -> None:
    assert encode_call_id(decode_call_id(call_id), limit) == encode_call_id(
        decode_call_id(encode_call_id(decode_call_id(call_id), limit)), limit
    )


@few
@given(one=wild_ids.filter(bool), other=wild_ids.filter(bool))
def test_l13_decoding_keeps_ids_apart(one: str, other: str) -> None:
    assert (decode_call_id(one) == decode_call_id(other)) == (one == other)


@few
@given(names=st.lists(st.one_of(texts, st.text("ab_-.", max_size=90)), min_size=1, max_size=4), limit=limits)
def test_l13_tool_names_are_legal_and_come_back(names: list[str], limit: int) -> None:
    on_wire = ToolNames(limit)
    wire = [on_wire.wire(name) for name in names]
    assert [on_wire.changed.get(short, short) for short in wire] == names
    assert all(0 < len(short) <= limit for short in wire)
    assert wire == [ToolNames(limit).wire(name) for name in names]
