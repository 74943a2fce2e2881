"""Answers of wenxinworkshop: whole and streamed, complete, cut off, and errors wherever they hide."""

import contextlib
import json
import random
from typing import Any, cast

import pytest

from twoapi import ir
from twoapi.conformance.reply import Called, Cited, Reply, Spoken, Used, event
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.qianfan_v1 import QianfanV1
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import answers, bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.vendors.qianfan_v1 import VENDOR

CODEC = QianfanV1()
CALL = Called(id="", name="f", arguments='{"a":"ü"}')
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x”"),
    "nothing": Reply(),
    "a call": Reply(text="I look.", calls=(CALL,), stop="tool_use"),
    "thoughts": Reply(reasoning="I must look.", calls=(CALL,), stop="tool_use", used=Used(input=61, output=17)),
    "sources": Reply(text="It is high.", cited=Cited(passage="high", url="https://a.example", title="A")),
    "cut": Reply(text="It is", stop="max_tokens"),
    "filtered": Reply(text="**", stop="content_filter"),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)


def spoken(reply: Reply) -> Spoken:
    return VENDOR.say(reply, "m")


def stream_of(reply: Reply) -> bytes:
    said = spoken(reply)
    return b"".join([*said.head, *said.tail])


def body_of(reply: Reply) -> bytes:
    return json.dumps(spoken(reply).body).encode()


def sentence(result: str = "", *, is_end: bool = False, **members: Any) -> dict[str, Any]:
    return {"id": "as-1", "created": 1, "result": result, "is_end": is_end, **members}


def stream(*frames: dict[str, Any]) -> bytes:
    return b"".join(map(event, frames))


def heard(data: bytes, restore: Restore | None = None) -> ir.Response:
    decoder = CODEC.stream_decoder(restore or Restore())
    events = [*decoder.feed(data), *decoder.close()]
    assert violations(events) == []
    return fold(events)


def both(frame: dict[str, Any], restore: Restore | None = None) -> tuple[ir.Response, ir.Response]:
    """A frame as the only one of a stream, and as a whole answer."""
    whole = CODEC.decode_response(json.dumps(frame).encode(), restore or Restore())
    return heard(stream({**frame, "is_end": True}), restore), whole


def failure(data: bytes) -> ir.Fault:
    found = heard(data).fault
    assert found is not None
    return found


def parts(response: ir.Response) -> list[ir.Part]:
    (candidate,) = response.candidates
    return candidate.parts


# --- Laws ---


@each
def test_a_stream_is_the_whole_answer(reply: Reply) -> None:
    streams.stream_is_whole(CODEC, body_of(reply), stream_of(reply))


@each
def test_where_the_bytes_are_cut_makes_no_difference(reply: Reply) -> None:
    data = stream_of(reply)
    for at in range(len(data)):
        streams.split_invariance(CODEC, data, [data[:at], data[at:]])


@each
def test_where_a_document_is_cut_makes_no_difference(reply: Reply) -> None:
    data = b"\n " + body_of(reply)
    for at in range(0, len(data), 7):
        streams.split_invariance(CODEC, data, [data[:at], data[at:]])


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("client", CODECS)
def test_every_client_hears_of_a_stream_what_the_whole_answer_says(name: str, client: str) -> None:
    upstream, other, reply = cast("Codec", CODEC), CODECS[client], REPLIES[name]
    streams.crosses(upstream, other, body_of(reply), stream_of(reply))
    answers.crosses(upstream, other, body_of(reply))


@each
def test_a_stream_that_is_cut_off_has_failed(reply: Reply) -> None:
    data = stream_of(reply)
    for at in range(data.rindex(b"data: ") + 6):
        assert isinstance(events_of(CODEC, [data[:at]])[-1], ir.Failed)


@each
def test_whatever_comes_is_legal(reply: Reply) -> None:
    chance = random.Random(7)  # noqa: S311  no secret
    for _ in range(150):
        data = mutated(chance, [stream_of(reply)])
        streams.decoder_is_legal(CODEC, [data[:40], data[40:]])
        with contextlib.suppress(ir.FaultError):
            CODEC.decode_response(mutated(chance, [body_of(reply)]), Restore())


def test_a_long_stream_is_linear() -> None:
    def prepared(size: int) -> Any:
        data = stream(*[sentence("word ") for _ in range(size)], sentence(is_end=True))
        return lambda: events_of(CODEC, [data])

    bounds.is_linear(prepared)


def test_a_deep_answer_is_refused() -> None:
    bounds.deep_answer_is_refused(CODEC, b'{"result":"a","strange":' + b"[" * 20_000)


# --- What an answer says ---


def test_the_content_of_an_answer() -> None:
    response = CODEC.decode_response(body_of(REPLIES["a call"]), Restore())
    text, call = parts(response)
    assert isinstance(text, ir.Text)
    assert isinstance(call, ir.ToolCall)
    assert (text.text, text.at) == ("I look.", "/result")
    assert (call.name, call.arguments, call.at) == ("f", '{"a":"ü"}', "/function_call")
    assert call.id.startswith("call_")
    assert response.candidates[0].stop == ir.StopReason(kind="tool_use", raw="function_call")
    assert (response.id, response.created, response.protocol) == ("as-conf", 1790000000, "qianfan-v1")
    assert response.extras == {}


def test_a_call_of_another_answer_has_another_id() -> None:
    def made(answer: str) -> str:
        frame = sentence(function_call={"name": "f", "arguments": "{}"}) | {"id": answer}
        (call,) = parts(heard(stream({**frame, "is_end": True})))
        assert isinstance(call, ir.ToolCall)
        return call.id

    assert made("as-1") == made("as-1") != made("as-2")


def test_thoughts_of_a_call_are_reasoning() -> None:
    for response in (
        heard(stream_of(REPLIES["thoughts"])),
        CODEC.decode_response(body_of(REPLIES["thoughts"]), Restore()),
    ):
        thought, call = parts(response)
        assert isinstance(thought, ir.Reasoning)
        assert isinstance(call, ir.ToolCall)
        assert thought.text == "I must look."


def test_frames_may_repeat_a_call_or_go_on_with_it() -> None:
    def called(arguments: str) -> dict[str, Any]:
        return sentence(function_call={"name": "f", "arguments": arguments, "thoughts": "I see"})

    repeated = stream(called('{"a"'), called('{"a":1}'), called('{"a":1}'), sentence(is_end=True))
    in_pieces = stream(called('{"a"'), called(":1}"), sentence(is_end=True))
    for data in (repeated, in_pieces):
        thought, call = parts(heard(data))
        assert isinstance(thought, ir.Reasoning)
        assert isinstance(call, ir.ToolCall)
        assert (thought.text, call.arguments) == ("I see", '{"a":1}')


def test_names_and_free_text_of_the_client_come_back() -> None:
    restore = Restore(names={"short_1": "a.long.name"}, custom=frozenset(("a.long.name",)))
    for response in both(sentence(function_call={"name": "short_1", "arguments": '{"input":"a"}'}), restore):
        (call,) = parts(response)
        assert isinstance(call, ir.ToolCall)
        assert (call.name, call.kind, call.arguments) == ("a.long.name", "custom", "a")


@pytest.mark.parametrize(
    ("members", "kind", "raw"),
    [
        ({"finish_reason": "normal"}, "stop", "normal"),
        ({"finish_reason": "stop"}, "stop_sequence", "stop"),
        ({"finish_reason": "length", "is_truncated": True}, "max_tokens", "length"),
        ({"finish_reason": "content_filter"}, "content_filter", "content_filter"),
        ({"finish_reason": "strange"}, "other", "strange"),
        ({"is_truncated": True}, "max_tokens", None),
        ({"is_truncated": False}, "stop", None),
        ({}, "stop", None),
    ],
)
def test_why_it_ended(members: dict[str, Any], kind: str, raw: str | None) -> None:
    for response in both(sentence("a", **members)):
        stop = response.candidates[0].stop
        assert stop is not None
        assert (stop.kind, stop.raw) == (kind, raw)


def test_that_the_vendor_would_not_go_on_is_not_lost() -> None:
    for response in both(sentence("a", need_clear_history=True, ban_round=-1, flag=3, strange=7, null=None)):
        assert {pointer: bytes(value) for pointer, value in response.extras.items()} == {
            "/need_clear_history": b"true",
            "/ban_round": b"-1",
            "/flag": b"3",
            "/strange": b"7",
        }
    for response in both(sentence("a", need_clear_history=False, ban_round=0, flag=0)):
        assert response.extras == {}


@each
def test_what_the_search_found_is_cited_once(reply: Reply) -> None:
    found = [
        citation for part in parts(heard(stream_of(reply))) if isinstance(part, ir.Text) for citation in part.citations
    ]
    assert found == ([ir.Citation(ir.UrlSource("https://a.example", "A"))] if reply.cited else [])


def test_usage_is_that_of_the_last_frame() -> None:
    first = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    last = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "plugins": [{"name": "chatFile"}]}
    response = heard(stream(sentence("a", usage=first), sentence("b", is_end=True, usage=last)))
    assert response.usage == ir.Usage(input=9, output=5)
    assert set(response.extras) == {"/usage/plugins"}
    assert heard(stream(sentence("a", is_end=True))).usage is None


def test_nothing_follows_the_end() -> None:
    decoder = CODEC.stream_decoder(Restore())
    assert isinstance(decoder.feed(stream(sentence("a", is_end=True)))[-1], ir.End)
    assert decoder.feed(stream(sentence("b"))) == []
    assert decoder.close() == []


# --- Errors ---

CODES: dict[int, str] = {
    1: "upstream_error",
    2: "overloaded",
    3: "not_found",
    4: "rate_limited",
    6: "forbidden",
    13: "unauthenticated",
    14: "unauthenticated",
    15: "unauthenticated",
    17: "quota_exhausted",
    18: "rate_limited",
    19: "quota_exhausted",
    100: "invalid_request",
    110: "unauthenticated",
    111: "unauthenticated",
    336000: "upstream_error",
    336001: "invalid_request",
    336002: "invalid_request",
    336003: "invalid_request",
    336004: "forbidden",
    336005: "not_found",
    336100: "overloaded",
    336101: "method_not_allowed",
    336104: "invalid_request",
    336105: "invalid_request",
    336501: "rate_limited",
    336502: "rate_limited",
    999: "upstream_error",
}


@pytest.mark.parametrize("code", CODES)
def test_every_listed_error_has_its_kind(code: int) -> None:
    told = {"error_code": code, "error_msg": "so it is", "id": "as-1"}
    body = json.dumps(told).encode()
    with pytest.raises(ir.FaultError) as hidden:
        CODEC.decode_response(body, Restore())
    for fault in (
        hidden.value.fault,  # with status 200
        CODEC.decode_fault(400, {}, body),
        failure(body),  # where a stream was asked for
        failure(stream(told)),
        failure(stream(sentence("a"), told)),
    ):
        assert (fault.kind, fault.code, fault.message) == (CODES[code], str(code), "so it is")
        assert fault.whose == ("client" if fault.kind in ("invalid_request", "not_found") else "upstream")
        assert fault.protocol == "qianfan-v1"


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"plain words", b'{"a":1}', b'{"error_code":0}'])
def test_an_error_in_another_form_is_judged_by_its_status(body: bytes) -> None:
    fault = CODEC.decode_fault(502, {b"retry-after": b"7"}, body)
    assert (fault.kind, fault.whose, fault.retry_after) == ("upstream_error", "upstream", 7)
    assert fault.message


def test_usage_of_an_answer_that_broke_off_is_told() -> None:
    data = stream(sentence("a", usage={"prompt_tokens": 5, "completion_tokens": 2}), {"error_code": 336000})
    assert heard(data).usage == ir.Usage(input=5, output=2)


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b"{}", b'{"id":"as-1","error_code":0}'])
def test_an_answer_without_content_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")
    assert failure(body).kind == "upstream_error"
