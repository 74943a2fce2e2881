"""Answers of Spark over HTTP and over a websocket: complete, cut off, and errors wherever they hide."""

import contextlib
import json
import random
from typing import Any

import pytest
from msgspec.structs import replace

from twoapi import ir
from twoapi.conformance.reply import Called, Reply, Spoken, Used
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore, UpstreamCodec
from twoapi.protocols.spark import Spark, SparkSocket
from twoapi.testing.laws import bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.vendors import VENDORS

HTTP, SOCKET = Spark(), SparkSocket()
both = pytest.mark.parametrize("codec", [HTTP, SOCKET], ids=["http", "socket"])
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x”"),
    "thoughts": Reply(reasoning="Let me think.", text="It is iron.", used=Used(input=61, output=17)),
    "call": Reply(text="I look.", calls=(Called(id="c1", name="f", arguments='{"a":"ü"}'),), stop="tool_use"),
    "calls": Reply(
        calls=(Called(id="c1", name="f", arguments='{"a":1}'), Called(id="c2", name="g", arguments="{}")),
        stop="tool_use",
    ),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)


def spoken(codec: UpstreamCodec, reply: Reply) -> Spoken:
    return VENDORS[codec.name].vendor.say(reply, "m")


def pieces_of(codec: UpstreamCodec, reply: Reply) -> list[bytes]:
    """The stream as it reaches the decoder."""
    said = spoken(codec, reply)
    frames = [*said.head, *said.tail]
    return frames if codec is HTTP else [frame + b"\n" for frame in frames]


def stream_of(codec: UpstreamCodec, reply: Reply) -> bytes:
    return b"".join(pieces_of(codec, reply))


def chunk(**members: Any) -> bytes:
    return b"data: " + json.dumps({"code": 0, "message": "Success", "sid": "s1", **members}).encode() + b"\n\n"


def message(*texts: dict[str, Any], status: int = 1, **members: Any) -> bytes:
    header = {"code": 0, "message": "Success", "sid": "s1", "status": status, **members}
    payload = {"choices": {"status": status, "seq": 0, "text": list(texts)}}
    return json.dumps({"header": header, "payload": payload}).encode() + b"\n"


def answered(codec: UpstreamCodec, *pieces: bytes, restore: Restore | None = None) -> ir.Response:
    decoder = codec.stream_decoder(restore or Restore())
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return fold([*events, *decoder.close()])


def failure(codec: UpstreamCodec, *pieces: bytes) -> ir.Fault:
    fault = answered(codec, *pieces).fault
    assert fault is not None
    return fault


def calls(response: ir.Response) -> list[ir.ToolCall]:
    return [part for part in response.candidates[0].parts if isinstance(part, ir.ToolCall)]


# --- Laws ---


@each
def test_a_stream_is_the_whole_answer(reply: Reply) -> None:
    dated = {**spoken(HTTP, reply).body, "created": 1790000000}  # a whole answer has no date
    streams.stream_is_whole(HTTP, json.dumps(dated).encode(), stream_of(HTTP, reply))
    streams.stream_is_whole(SOCKET, stream_of(SOCKET, reply), stream_of(SOCKET, reply))


@both
@each
def test_where_the_bytes_are_cut_makes_no_difference(codec: UpstreamCodec, reply: Reply) -> None:
    stream = stream_of(codec, reply)
    for at in range(len(stream)):
        streams.split_invariance(codec, stream, [stream[:at], stream[at:]])
    streams.split_invariance(codec, stream, [stream[at : at + 1] for at in range(len(stream))])


@both
@each
def test_a_stream_that_stops_short_has_failed(codec: UpstreamCodec, reply: Reply) -> None:
    pieces = pieces_of(codec, reply)
    for count in range(len(pieces)):
        assert failure(codec, *pieces[:count]).kind == "upstream_error"


@both
def test_whatever_comes_the_events_are_legal(codec: UpstreamCodec) -> None:
    chance = random.Random(7)  # noqa: S311  repeatable
    corpus = [stream_of(codec, reply) for reply in REPLIES.values()]
    for _ in range(300):
        streams.decoder_is_legal(codec, [mutated(chance, corpus)])


@both
def test_whatever_comes_is_an_answer_or_a_fault(codec: UpstreamCodec) -> None:
    chance = random.Random(8)  # noqa: S311  repeatable
    corpus = [json.dumps(spoken(codec, reply).body).encode() for reply in REPLIES.values()] + [b"[]", b"<html>"]
    for _ in range(300):
        body = mutated(chance, corpus)
        with contextlib.suppress(ir.FaultError):
            assert codec.decode_response(body, Restore()).candidates
        assert codec.decode_fault(500, {}, body).http_status >= 500


@both
def test_decoding_takes_linear_time(codec: UpstreamCodec) -> None:
    word = {"content": "word ", "role": "assistant"}
    one = chunk(choices=[{"delta": word, "index": 0}]) if codec is HTTP else message(word)
    bounds.is_linear(lambda size: lambda: events_of(codec, [one * size]))


def test_a_message_in_many_pieces_takes_linear_time() -> None:
    bounds.is_linear(lambda size: lambda: events_of(SOCKET, [b'{"a":"', *[b"x" * 100] * size, b'"}\n']))


# --- What they say ---


@both
def test_what_an_answer_says(codec: UpstreamCodec) -> None:
    response = answered(codec, *pieces_of(codec, REPLIES["thoughts"]))
    (candidate,) = response.candidates
    assert [
        (type(part), ir.plain(part.text)) for part in candidate.parts if isinstance(part, ir.Reasoning | ir.Text)
    ] == [
        (ir.Reasoning, "Let me think."),
        (ir.Text, "It is iron."),
    ]
    assert candidate.stop == ir.StopReason(kind="stop")
    assert response.id in ("cha000b@conf", "cht000@conf")
    assert response.protocol == codec.name
    assert response.usage is not None
    assert replace(response.usage, raw=None) == ir.Usage(input=61, output=17)


def test_one_call_may_come_as_an_object() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    said = {"role": "assistant", "content": "", "tool_calls": call}
    whole = HTTP.decode_response(
        json.dumps({"code": 0, "sid": "s1", "choices": [{"message": said, "index": 0}]}).encode(), Restore()
    )
    streamed = answered(HTTP, chunk(choices=[{"delta": said, "index": 0}]), b"data:[DONE]\n\n")
    for response in (whole, streamed):
        (made,) = calls(response)
        assert (made.name, made.arguments) == ("f", '{"a":1}')
        assert made.id.startswith("call_")
        assert response.candidates[0].stop == ir.StopReason(kind="tool_use")
    assert calls(whole)[0].id == calls(streamed)[0].id


def test_calls_of_the_vendors_own_tools_are_kept_aside() -> None:
    search = {"type": "web_search", "web_search": {"outputs": "[]"}}
    response = answered(
        HTTP, chunk(choices=[{"delta": {"content": "x", "tool_calls": search}, "index": 0}]), b"data:[DONE]\n\n"
    )
    assert calls(response) == []
    assert response.candidates[0].stop == ir.StopReason(kind="stop")
    assert {at: json.loads(bytes(raw)) for at, raw in response.extras.items()} == {
        "/choices/0/message/tool_calls": search
    }


def test_arguments_may_come_as_an_object() -> None:
    response = answered(
        SOCKET, message({"content": "", "function_call": {"name": "f", "arguments": {"a": 1}}}, status=2)
    )
    assert [json.loads(call.arguments) for call in calls(response)] == [{"a": 1}]


def test_calls_of_frames_with_names_are_many_and_those_without_go_on() -> None:
    texts = [{"name": "f", "arguments": '{"a"'}, {"arguments": ":1}"}, {"name": "f", "arguments": "{}"}]
    frames = [message({"content": "", "function_call": one}) for one in texts]
    response = answered(SOCKET, *frames, message(status=2))
    assert [(call.name, call.arguments) for call in calls(response)] == [("f", '{"a":1}'), ("f", "{}")]
    assert len({call.id for call in calls(response)}) == 2


def test_calls_of_frames_may_be_listed() -> None:
    listed = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    response = answered(SOCKET, message({"content": "", "tool_calls": listed}, status=2))
    assert [(call.id, call.name) for call in calls(response)] == [("c1", "f")]


@both
def test_calls_get_the_clients_names_and_free_text_back(codec: UpstreamCodec) -> None:
    restore = Restore(names={"f": "a long name"}, custom=frozenset({"a long name"}))
    reply = Reply(calls=(Called(id="c", name="f", arguments='{"input":"*** Begin"}'),), stop="tool_use")
    (made,) = calls(answered(codec, *pieces_of(codec, reply), restore=restore))
    assert (made.name, made.kind, made.arguments) == ("a long name", "custom", "*** Begin")


@pytest.mark.parametrize(
    ("word", "kind"), [("stop", "stop"), ("length", "max_tokens"), ("content_filter", "content_filter"), ("x", "other")]
)
def test_reasons_where_they_are_told(word: str, kind: Any) -> None:
    response = answered(HTTP, chunk(choices=[{"delta": {"content": "x"}, "index": 0, "finish_reason": word}]))
    assert response.candidates[0].stop == ir.StopReason(kind=kind, raw=word)


def test_a_stream_without_a_mark_or_a_reason_is_cut() -> None:
    said = chunk(choices=[{"delta": {"content": "x"}, "index": 0}])
    assert failure(HTTP, said).kind == "upstream_error"
    assert answered(HTTP, said, b"data:[DONE]\n\n").fault is None
    assert failure(HTTP, b"data:[DONE]\n\n").kind == "upstream_error"


def test_an_error_in_place_of_a_stream() -> None:
    assert failure(HTTP, b'{"error":{"message":"m","code":"10013"}}').kind == "content_filtered"


def test_what_follows_the_last_frame_is_not_heard() -> None:
    events = events_of(SOCKET, [message({"content": "x"}, status=2), message({"content": "y"}), b"garbage\n"])
    assert isinstance(events[-1], ir.End)
    assert fold(events).candidates[0].parts[0] == ir.Text(text="x", at="/payload/choices/text/0/content")


def test_frames_may_be_empty_lines_or_spread_by_the_transport() -> None:
    assert answered(SOCKET, b"\n \n", message({"content": "x"}, status=2)[:-1]).fault is None


@both
def test_what_is_not_in_the_model_is_kept_aside(codec: UpstreamCodec) -> None:
    if codec is HTTP:
        pieces = [chunk(choices=[{"delta": {"content": "x", "plugins": [1]}, "index": 0}], extra=2), b"data:[DONE]\n\n"]
        expected = {"/choices/0/message/plugins": [1], "/extra": 2}
    else:
        pieces = [message({"content": "x", "content_meta": [1]}, status=2, extra=2)]
        expected = {"/payload/choices/text/0/content_meta": [1], "/header/extra": 2}
    extras = answered(codec, *pieces).extras
    assert {at: json.loads(bytes(raw)) for at, raw in extras.items()} == expected


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (message({"content": "x"}, status=0), False),
        (message({"content": "x"}), False),
        (message({"content": "x"}, status=2), True),
        (message(code=10013), True),
        (b'{"header":{"code":0,"status":1}}', False),
        (b"{}", False),
        (b"garbage", True),
    ],
)
def test_the_last_message_is_known(data: bytes, last: bool) -> None:  # noqa: FBT001  a column of the table
    assert SOCKET.is_last(data) is last


# --- Errors ---

KINDS = {
    10000: "upstream_error",
    10003: "invalid_request",
    10004: "invalid_request",
    10005: "invalid_request",
    10006: "rate_limited",
    10007: "rate_limited",
    10008: "overloaded",
    10009: "upstream_error",
    10012: "upstream_error",
    10013: "content_filtered",
    10014: "content_filtered",
    10015: "forbidden",
    10016: "forbidden",
    10019: "content_filtered",
    10021: "content_filtered",
    10110: "overloaded",
    10163: "invalid_request",
    10222: "upstream_error",
    10907: "context_length",
    11200: "quota_exhausted",
    11201: "quota_exhausted",
    11202: "rate_limited",
    11203: "rate_limited",
    99999: "upstream_error",
}


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_codes(code: int, kind: str) -> None:
    expected = (kind, str(code), "m", "s1")
    whole = json.dumps({"code": code, "message": "m", "sid": "s1"}).encode()
    with pytest.raises(ir.FaultError) as caught:
        HTTP.decode_response(whole, Restore())
    begun = chunk(choices=[{"delta": {"content": "x"}, "index": 0}])
    framed = json.dumps({"header": {"code": code, "message": "m", "sid": "s1", "status": 2}}).encode()
    with pytest.raises(ir.FaultError) as socket_caught:
        SOCKET.decode_response(framed, Restore())
    faults = [
        caught.value.fault,
        failure(HTTP, begun, b"data: " + whole + b"\n\n"),
        socket_caught.value.fault,
        failure(SOCKET, message({"content": "x"}), framed + b"\n"),
    ]
    for fault in faults:
        assert (fault.kind, fault.code, fault.message, fault.request_id) == expected


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"message": "m", "code": "10907", "type": "api_error", "param": None}}, "context_length"),
        (429, {"error": {"message": "m", "code": "11202"}}, "rate_limited"),
        (401, {"error": {"message": "m", "code": "invalid_api_key"}}, "unauthenticated"),
        (401, {"message": "m"}, "unauthenticated"),
        (500, {"error": {"message": "m", "code": "10004"}}, "upstream_error"),
        (503, {}, "overloaded"),
    ],
)
def test_errors_of_the_front(status: int, body: Any, kind: str) -> None:
    fault = HTTP.decode_fault(status, {b"retry-after": b"3"}, json.dumps(body).encode())
    assert fault.kind == kind
    assert fault.message == "m" or not body
    assert fault.retry_after == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_signature_that_is_refused_is_a_wrong_credential(status: int) -> None:
    fault = SOCKET.decode_fault(status, {}, b'{"message":"HMAC signature does not match"}')
    assert (fault.kind, fault.message) == ("unauthenticated", "HMAC signature does not match")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"code":0}', b'{"code":0,"choices":[]}', b"[]", b'{"error":{}}'])
def test_an_answer_without_one_is_the_upstreams_fault(body: bytes) -> None:
    for codec in (HTTP, SOCKET):
        with pytest.raises(ir.FaultError) as caught:
            codec.decode_response(body, Restore())
        assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")
