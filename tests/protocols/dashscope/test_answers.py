"""Answers of DashScope: whole and streamed, complete, cut off, repeated, and errors wherever they stand."""

import contextlib
import json
import random
from typing import Any, cast

import pytest
from msgspec.structs import replace

from twoapi import ir
from twoapi.conformance.reply import Called, Cited, Reply, Spoken, Used
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dashscope import DashScope
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import answers, bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.vendors.dashscope import VENDOR, frame

CODEC = DashScope()
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x” \u2028"),
    "nothing": Reply(),
    "thoughts": Reply(reasoning="Let me think.", text="It is iron.", used=Used(input=61, cached=20, output=17)),
    "calls": Reply(
        text="I look.",
        calls=(Called(id="c1", name="f", arguments='{"a":"ü"}'), Called(id="c2", name="g", arguments="{}")),
        stop="tool_use",
    ),
    "sources": Reply(text="It is high.", cited=Cited(passage="high", url="https://a.example", title="A")),
    "cut": Reply(text="It", calls=(Called(id="c1", name="f", arguments='{"a":"Zür'),), stop="max_tokens"),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
REPEATING = Restore(capabilities=Capabilities(cumulative=True))


def spoken(reply: Reply) -> Spoken:
    return VENDOR.say(reply, "m")


def stream_of(reply: Reply) -> bytes:
    said = spoken(reply)
    return b"".join([*said.head, *said.tail])


def body_of(reply: Reply) -> bytes:
    return json.dumps(spoken(reply).body).encode()


def answer(message: dict[str, Any], finish: str | None = "null", **members: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": "", **message}, "finish_reason": finish}
    return {"output": {"choices": [choice]}, "request_id": "r1", **members}


def stream(*frames: dict[str, Any]) -> bytes:
    return b"".join(frame(number, data) for number, data in enumerate(frames, 1))


def heard(data: bytes, restore: Restore | None = None) -> ir.Response:
    decoder = CODEC.stream_decoder(restore or Restore())
    events = [*decoder.feed(data), *decoder.close()]
    assert violations(events) == []
    return fold(events)


def failure(data: bytes) -> ir.Fault:
    found = heard(data).fault
    assert found is not None
    return found


def parts(response: ir.Response) -> list[ir.Part]:
    (candidate,) = response.candidates
    return candidate.parts


def words(response: ir.Response, number: int = 0) -> str:
    return "".join(ir.plain(part.text) for part in response.candidates[number].parts if isinstance(part, ir.Text))


# --- Laws ---


@each
def test_a_stream_is_the_whole_answer(reply: Reply) -> None:
    streams.stream_is_whole(CODEC, body_of(reply), stream_of(reply))


@each
def test_where_the_bytes_are_cut_makes_no_difference(reply: Reply) -> None:
    data = stream_of(reply)
    for at in range(len(data)):
        streams.split_invariance(CODEC, data, [data[:at], data[at:]])


@pytest.mark.parametrize("name", [name for name in REPLIES if name != "cut"])  # half a call is not for every client
@pytest.mark.parametrize("client", CODECS)
def test_every_client_hears_of_a_stream_what_the_whole_answer_says(name: str, client: str) -> None:
    upstream, other, reply = cast("Codec", CODEC), CODECS[client], REPLIES[name]
    streams.crosses(upstream, other, body_of(reply), stream_of(reply))
    answers.crosses(upstream, other, body_of(reply))


@each
def test_a_stream_that_is_cut_off_has_failed(reply: Reply) -> None:
    data = stream_of(reply)
    finish = data.rindex(b'"finish_reason"')
    for at in range(finish):
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
        data = stream(*[answer({"content": "word "}) for _ in range(size)], answer({}, "stop"))
        return lambda: events_of(CODEC, [data])

    bounds.is_linear(prepared)


def test_a_deep_answer_is_refused() -> None:
    bounds.deep_answer_is_refused(CODEC, b'{"output":{"choices":' + b"[" * 20_000)


# --- What an answer says ---


def test_the_content_of_an_answer() -> None:
    response = CODEC.decode_response(body_of(REPLIES["calls"]), Restore())
    text, first, second = parts(response)
    assert isinstance(text, ir.Text)
    assert isinstance(first, ir.ToolCall)
    assert isinstance(second, ir.ToolCall)
    assert (text.text, text.at) == ("I look.", "/output/choices/0/message/content")
    assert (first.id, first.name, first.arguments) == ("c1", "f", '{"a":"ü"}')
    assert second.at == "/output/choices/0/message/tool_calls/1"
    assert response.candidates[0].stop == ir.StopReason(kind="tool_use", raw="tool_calls")
    assert (response.id, response.protocol) == ("7f1c5b9e-0000-9000-8000-conformance", "dashscope")
    assert response.extras == {}


def test_a_call_that_was_cut_is_not_complete() -> None:
    *_, call = parts(heard(stream_of(REPLIES["cut"])))
    assert isinstance(call, ir.ToolCall)
    assert not call.complete


def test_names_and_free_text_of_the_client_come_back() -> None:
    restore = Restore(names={"short_1": "a.long.name"}, custom=frozenset(("a.long.name",)))
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "short_1", "arguments": '{"input":"a"}'}}
    message = {"tool_calls": [call]}
    for response in (
        CODEC.decode_response(json.dumps(answer(message, "tool_calls")).encode(), restore),
        heard(stream(answer(message, "tool_calls")), restore),
    ):
        (found,) = parts(response)
        assert isinstance(found, ir.ToolCall)
        assert (found.name, found.kind, found.arguments) == ("a.long.name", "custom", "a")


def test_the_endpoint_for_media_answers_in_lists() -> None:
    whole = answer({"content": [{"text": "a"}, {"text": "b"}]}, "stop")
    assert words(CODEC.decode_response(json.dumps(whole).encode(), Restore())) == "ab"
    data = stream(answer({"content": []}), answer({"content": [{"text": "a"}]}), answer({"content": []}, "stop"))
    assert words(heard(data)) == "a"


def test_a_model_that_does_not_know_the_format_answers_with_a_text() -> None:
    body = {"output": {"text": "ho", "finish_reason": "stop"}, "request_id": "r1"}
    assert words(CODEC.decode_response(json.dumps(body).encode(), Restore())) == "ho"


@pytest.mark.parametrize(
    ("word", "kind"), [("stop", "stop"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("strange", "other")]
)
def test_why_it_ended(word: str, kind: str) -> None:
    (candidate,) = heard(stream(answer({"content": "a"}), answer({}, word))).candidates
    assert candidate.stop is not None
    assert (candidate.stop.kind, candidate.stop.raw) == (kind, word)


def test_a_whole_answer_need_not_say_why_it_ended() -> None:
    (candidate,) = CODEC.decode_response(json.dumps(answer({"content": "a"}, None)).encode(), Restore()).candidates
    assert candidate.stop == ir.StopReason(kind="stop")


def test_log_probabilities_belong_to_the_words() -> None:
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1.5}]}
    told = answer({"content": "a"}, "stop")
    told["output"]["choices"][0]["logprobs"] = {"content": [token]}
    (text,) = parts(heard(stream(told)))
    assert isinstance(text, ir.Text)
    assert text.logprobs == [ir.TokenLogprob("a", -0.5, [97], (ir.TokenLogprob("b", -1.5),))]


def test_unknown_members_are_extras() -> None:
    told = answer({"content": "a", "phase": "final", "status": None}, "stop", strange=1)
    expected = {"/output/choices/0/message/phase": b'"final"', "/strange": b"1"}
    for response in (CODEC.decode_response(json.dumps(told).encode(), Restore()), heard(stream(told))):
        assert {pointer: bytes(value) for pointer, value in response.extras.items()} == expected


# --- The search ---


@each
def test_what_the_search_found_is_cited_once(reply: Reply) -> None:
    response = heard(stream_of(reply))
    found = [citation for part in parts(response) if isinstance(part, ir.Text) for citation in part.citations]
    assert found == ([ir.Citation(ir.UrlSource("https://a.example", "A"))] if reply.cited else [])


def search(*pages: dict[str, Any]) -> dict[str, Any]:
    told = answer({"content": "a"})
    told["output"]["search_info"] = {"search_results": list(pages)}
    return told


def test_pages_may_be_repeated_and_may_come_late() -> None:
    one, two = {"url": "https://a.example", "title": "A"}, {"url": "https://b.example"}
    data = stream(answer({"content": "x"}), search(one), search(one, two), answer({}, "stop"))
    (text,) = parts(heard(data))
    assert isinstance(text, ir.Text)
    assert [citation.source for citation in text.citations] == [
        ir.UrlSource("https://a.example", "A"),
        ir.UrlSource("https://b.example"),
    ]


def test_pages_without_words_and_what_else_a_page_has_are_extras() -> None:
    page = {"url": "https://a.example", "site_name": "Site", "icon": None}
    told = search(page)
    told["output"]["choices"][0] = {"message": {"content": ""}, "finish_reason": "stop"}
    response = heard(stream(told))
    assert parts(response) == []
    assert set(response.extras) == {"/output/search_info", "/output/search_info/search_results/0/site_name"}


# --- Streams as they come ---


def test_frames_may_repeat_what_was_said() -> None:
    def called(arguments: str) -> dict[str, Any]:
        return {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}

    data = stream(
        answer({"reasoning_content": "I"}),
        answer({"reasoning_content": "I see"}),
        answer({"reasoning_content": "I see", "content": "Grü"}),
        answer({"reasoning_content": "I see", "content": "Grüße"}),
        answer({"reasoning_content": "I see", "content": "Grüße", "tool_calls": [called('{"a"')]}),
        answer({"reasoning_content": "I see", "content": "Grüße", "tool_calls": [called('{"a":1}')]}, "tool_calls"),
    )
    thought, text, call = parts(heard(data, REPEATING))
    assert isinstance(thought, ir.Reasoning)
    assert isinstance(text, ir.Text)
    assert isinstance(call, ir.ToolCall)
    assert (thought.text, text.text, call.arguments) == ("I see", "Grüße", '{"a":1}')


def test_a_model_that_was_to_repeat_and_does_not_is_heard() -> None:
    data = stream(answer({"content": "one "}), answer({"content": "two"}), answer({}, "stop"))
    assert words(heard(data, REPEATING)) == "one two"


def test_each_candidate_comes_in_frames_of_its_own() -> None:
    def part(index: int, text: str, finish: str, output: int) -> dict[str, Any]:
        told = answer({"content": text}, finish, usage={"input_tokens": 10, "output_tokens": output})
        told["output"]["choices"][0]["index"] = index
        return told

    data = stream(part(0, "a", "null", 1), part(1, "x", "null", 1), part(1, "y", "stop", 5), part(0, "b", "length", 7))
    response = heard(data)
    assert [words(response, number) for number in (0, 1)] == ["ab", "xy"]
    assert [candidate.stop and candidate.stop.kind for candidate in response.candidates] == ["max_tokens", "stop"]
    assert response.usage == ir.Usage(input=10, output=12)
    unfinished = stream(part(0, "a", "stop", 1), part(1, "x", "null", 1))
    assert "in the middle" in failure(unfinished).message


def test_usage_is_that_of_the_last_frame() -> None:
    counts: dict[str, Any] = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_creation_input_tokens": 20},
        "output_tokens_details": {"reasoning_tokens": 40, "text_tokens": 10},
        "input_tokens_details": {"image_tokens": 60, "text_tokens": 40},
        "plugins": {"search": {"count": 2, "strategy": "turbo"}},
    }
    data = stream(
        answer({"content": "a"}, usage={"input_tokens": 100, "output_tokens": 1}), answer({}, "stop", usage=counts)
    )
    response = heard(data)
    assert response.usage == ir.Usage(
        input=50,
        cache_read=30,
        cache_write=20,
        output=10,
        reasoning=40,
        text_in=40,
        text_out=10,
        image_in=60,
        server_tools={"web_search": 2},
    )
    assert response.usage is not None
    assert (response.usage.total_input, response.usage.total_output) == (100, 50)
    assert set(response.extras) == {"/usage/plugins/search/strategy"}


def test_counts_that_contradict_each_other_are_marked() -> None:
    counts = {"input_tokens": 10, "prompt_tokens_details": {"cached_tokens": 30}}
    usage = heard(stream(answer({"content": "a"}, "stop", usage=counts))).usage
    assert usage is not None
    assert usage.estimated
    assert (usage.input, usage.output) == (10, None)


def test_comments_other_line_ends_and_a_mark_of_other_servers_change_nothing() -> None:
    data = stream(answer({"content": "a"}), answer({}, "stop"))
    plain = heard(data)
    assert heard(data.replace(b"\n", b"\r\n")) == plain
    assert heard(b":heartbeat\n\n" + data + b"data:[DONE]\n\n") == plain
    assert heard(data.replace(b"data:", b"data: ")) == plain


def test_a_frame_that_tells_nothing_is_no_beginning() -> None:
    decoder = CODEC.stream_decoder(Restore())
    assert decoder.feed(frame(1, {"output": {"choices": []}, "usage": {"input_tokens": 3}})) == []
    assert decoder.feed(frame(2, {"request_id": "r1"})) == []
    assert isinstance(decoder.close()[-1], ir.Failed)


def test_nothing_follows_an_error() -> None:
    decoder = CODEC.stream_decoder(Restore())
    assert isinstance(decoder.feed(frame(1, {"code": "Throttling", "message": "m"}, "error", 429))[-1], ir.Failed)
    assert decoder.feed(stream_of(REPLIES["text"])) == []
    assert decoder.close() == []


# --- Errors ---

CODES: dict[str, tuple[int, str]] = {
    "InvalidParameter": (400, "invalid_request"),
    "InvalidParameter.DataInspection": (400, "invalid_request"),
    "DataInspectionFailed": (400, "content_filtered"),
    "data_inspection_failed": (400, "content_filtered"),
    "BadRequest.EmptyInput": (400, "invalid_request"),
    "BadRequest.EmptyParameters": (400, "invalid_request"),
    "BadRequest.EmptyModel": (400, "invalid_request"),
    "BadRequest.TooLarge": (413, "too_large"),
    "InvalidURL": (400, "invalid_request"),
    "Arrearage": (400, "quota_exhausted"),
    "UnsupportedOperation": (400, "invalid_request"),
    "InvalidApiKey": (401, "unauthenticated"),
    "AccessDenied": (403, "forbidden"),
    "AccessDenied.Unpurchased": (403, "forbidden"),
    "Model.AccessDenied": (403, "forbidden"),
    "AllocationQuota.FreeTierOnly": (403, "quota_exhausted"),
    "ModelNotFound": (404, "not_found"),
    "RequestTimeOut": (408, "timeout"),
    "Throttling": (429, "rate_limited"),
    "Throttling.RateQuota": (429, "rate_limited"),
    "Throttling.AllocationQuota": (429, "rate_limited"),
    "Throttling.BurstRate": (429, "rate_limited"),
    "InternalError": (500, "upstream_error"),
    "InternalError.Algo": (500, "upstream_error"),
    "SystemError": (500, "upstream_error"),
    "ModelUnavailable": (503, "overloaded"),
    "ModelServingError": (503, "overloaded"),
}
CLIENTS = {"invalid_request", "content_filtered", "too_large", "not_found"}


def error(code: str) -> dict[str, Any]:
    return {"code": code, "message": "so it is", "request_id": "r1"}


@pytest.mark.parametrize("code", CODES)
def test_every_listed_error_has_its_kind(code: str) -> None:
    status, kind = CODES[code]
    body = json.dumps(error(code)).encode()
    by_status = CODEC.decode_fault(status, {}, body)
    as_event = CODEC.decode_fault(status, {}, frame(1, error(code), "error", status))
    in_stream = failure(stream(answer({"content": "a"})) + frame(2, error(code), "error", status))
    alone = failure(body)  # where a stream was asked for
    with pytest.raises(ir.FaultError) as hidden:
        CODEC.decode_response(body, Restore())
    for fault in (by_status, as_event, in_stream, alone, hidden.value.fault):
        assert (fault.kind, fault.code, fault.message, fault.request_id) == (kind, code, "so it is", "r1")
        assert fault.whose == ("client" if kind in CLIENTS else "upstream")
        assert fault.protocol == "dashscope"
        assert fault.http_status // 100 == (4 if status < 500 and kind != "timeout" else 5)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request"), (401, "unauthenticated"), (429, "rate_limited"), (500, "upstream_error")],
)
def test_an_unknown_code_is_judged_by_its_status(status: int, kind: str) -> None:
    assert CODEC.decode_fault(status, {}, json.dumps(error("Strange.New")).encode()).kind == kind


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"plain words", b'{"a":1}', b"[]", b"data:x\n\n"])
def test_an_error_in_another_form_is_judged_by_its_status(body: bytes) -> None:
    fault = CODEC.decode_fault(502, {b"retry-after": b"7"}, body)
    assert (fault.kind, fault.whose, fault.retry_after) == ("upstream_error", "upstream", 7)
    assert fault.message
    assert "<html>" not in fault.message


def test_usage_of_an_answer_that_broke_off_is_told() -> None:
    told = answer({"content": "a"}, usage={"input_tokens": 5, "output_tokens": 2})
    response = heard(stream(told) + frame(2, error("InternalError"), "error", 500))
    assert response.usage == ir.Usage(input=5, output=2)


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b"{}", b'{"output":{}}', b'{"output":{"choices":[]}}'])
def test_an_answer_without_content_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


def test_a_choice_with_a_wrong_number_is_left_out() -> None:
    told = answer({"content": "a"}, "stop")
    told["output"]["choices"][0]["index"] = -1
    with pytest.raises(ir.FaultError):
        CODEC.decode_response(json.dumps(told).encode(), Restore())
    assert failure(stream(told)).kind == "upstream_error"


def test_the_decoder_takes_what_the_encoder_declares() -> None:
    capabilities = replace(Capabilities(), cumulative=True)
    request = ir.Request(protocol="openai-chat", model="m", messages=[ir.Message("user", [ir.Text(text="hi")])])
    restore = CODEC.encode_request(request, "m", capabilities, []).restore
    assert words(heard(stream(answer({"content": "a"}), answer({"content": "ab"}, "stop")), restore)) == "ab"
