"""Answers in Tencent's dialect: whole and streamed, complete, cut off, and errors wherever they hide."""

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from twoapi import ir
from twoapi.conformance.reply import Called, Reply, Spoken, Used
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.hunyuan import Hunyuan
from twoapi.protocols.hunyuan.stop_tail import StopTail
from twoapi.testing.laws import bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.vendors.hunyuan import STAGED

CODEC = Hunyuan()
SDK = Path(__file__).parents[2] / "captures" / "tencentcloud-sdk-python-hunyuan-3.1.180"
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x”"),
    "thoughts": Reply(reasoning="Let me think.", text="It is iron.", used=Used(input=61, cached=20, output=17)),
    "calls": Reply(
        text="I look.",
        calls=(Called(id="c1", name="f", arguments='{"a":"ü"}'), Called(id="c2", name="g", arguments="{}")),
        stop="tool_use",
    ),
    "filtered": Reply(text="It is", stop="content_filter"),
    "cut": Reply(text="It", calls=(Called(id="c1", name="f", arguments='{"a":"Zür'),), stop="max_tokens"),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)


def spoken(reply: Reply) -> Spoken:
    return STAGED.vendor.say(reply, "m")


def stream_of(reply: Reply) -> bytes:
    said = spoken(reply)
    return b"".join([*said.head, *said.tail])


def body_of(reply: Reply) -> bytes:
    return json.dumps(spoken(reply).body).encode()


def frame(**members: Any) -> bytes:
    return b"data: " + json.dumps({"Id": "h1", "Created": 1, **members}).encode() + b"\n\n"


def delta(content: str = "", finish: str = "", **members: Any) -> dict[str, Any]:
    return {"Index": 0, "Delta": {"Role": "assistant", "Content": content, **members}, "FinishReason": finish}


def failure(data: bytes, restore: Restore | None = None) -> ir.Fault:
    decoder = CODEC.stream_decoder(restore or Restore())
    last = [*decoder.feed(data), *decoder.close()][-1]
    assert isinstance(last, ir.Failed)
    return last.fault


def error(code: str, message: str = "m") -> bytes:
    return json.dumps({"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r1"}}).encode()


@each
def test_a_stream_is_the_whole_answer(reply: Reply) -> None:
    streams.stream_is_whole(CODEC, body_of(reply), stream_of(reply))


@each
def test_where_the_bytes_are_cut_makes_no_difference(reply: Reply) -> None:
    stream = stream_of(reply)
    for at in range(len(stream)):
        streams.split_invariance(CODEC, stream, [stream[:at], stream[at:]])
    streams.split_invariance(CODEC, stream, [stream[at : at + 1] for at in range(len(stream))])


@each
def test_a_stream_that_stops_short_has_failed(reply: Reply) -> None:
    said = spoken(reply)
    for count in range(len(said.head) + 1):
        assert failure(b"".join(said.head[:count])).kind == "upstream_error"


def test_whatever_comes_the_events_are_legal() -> None:
    chance = random.Random(7)  # noqa: S311  repeatable
    corpus = [stream_of(reply) for reply in REPLIES.values()] + [frame(ErrorMsg={"Msg": "x", "Code": 4000})]
    for _ in range(300):
        streams.decoder_is_legal(CODEC, [mutated(chance, corpus)])


def test_whatever_comes_is_an_answer_or_a_fault() -> None:
    chance = random.Random(8)  # noqa: S311  repeatable
    corpus = [body_of(reply) for reply in REPLIES.values()] + [error("LimitExceeded"), b"[]", b"<html>"]
    for _ in range(300):
        body = mutated(chance, corpus)
        with contextlib.suppress(ir.FaultError):
            assert CODEC.decode_response(body, Restore()).candidates
        assert CODEC.decode_fault(500, {}, body).http_status >= 500


def test_decoding_takes_linear_time() -> None:
    many = [frame(Choices=[delta("word ")]) for _ in range(400)]

    def prepared(size: int) -> Any:
        data = b"".join(many[:size])
        return lambda: events_of(CODEC, [data])

    bounds.is_linear(prepared)


def test_the_frames_that_the_vendors_sdk_was_seen_to_take() -> None:
    seen = json.loads((SDK / "chat_stream.json").read_text())["sdk_decoded_our_canned_reply_as"]
    response = fold(events_of(CODEC, [b"".join(b"data: " + one["data"].encode() + b"\n\n" for one in seen)]))
    assert (response.id, response.created, response.protocol) == ("h1", 1, "hunyuan")
    (candidate,) = response.candidates
    assert [ir.plain(part.text) for part in candidate.parts if isinstance(part, ir.Text)] == ["hi"]
    assert candidate.stop == ir.StopReason(kind="stop", raw="stop")
    usage = response.usage
    assert usage is not None
    assert (usage.input, usage.output) == (1, 1)


def test_usage_counts_all_that_there_has_been() -> None:
    usage = fold(events_of(CODEC, [stream_of(REPLIES["thoughts"])])).usage
    whole = CODEC.decode_response(body_of(REPLIES["thoughts"]), Restore()).usage
    assert usage is not None
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning) == (41, 20, 17, None)
    assert whole is not None
    assert replace(usage, raw=None) == replace(whole, raw=None)


def test_usage_is_told_of_a_stream_that_fails() -> None:
    cut = b"".join(spoken(REPLIES["text"]).head)
    assert fold(events_of(CODEC, [cut])).usage is not None


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("stop", "stop"),
        ("sensitive", "content_filter"),
        ("tool_calls", "tool_use"),
        ("length", "max_tokens"),
        ("new", "other"),
    ],
)
def test_reasons(word: str, kind: str) -> None:
    response = fold(events_of(CODEC, [frame(Choices=[delta("x")]), frame(Choices=[delta("", word)])]))
    assert response.candidates[0].stop == ir.StopReason(kind=kind, raw=word)  # type: ignore[arg-type]  # of the table


def test_a_call_beats_a_stop() -> None:
    call = {"Id": "c", "Type": "function", "Index": 0, "Function": {"Name": "f", "Arguments": "{}"}}
    response = fold(events_of(CODEC, [frame(Choices=[delta("", "stop", ToolCalls=[call])])]))
    assert response.candidates[0].stop == ir.StopReason(kind="tool_use", raw="stop")


def test_calls_get_the_clients_names_and_free_text_back() -> None:
    call = {"Id": "c", "Index": 0, "Function": {"Name": "short_1", "Arguments": '{"input": "*** Begin"}'}}
    body = json.dumps(
        {"Response": {"Choices": [{"Message": {"ToolCalls": [call]}, "FinishReason": "tool_calls"}]}}
    ).encode()
    restore = Restore(names={"short_1": "a long name"}, custom=frozenset({"a long name"}))
    (part,) = CODEC.decode_response(body, restore).candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    assert (part.name, part.kind, part.arguments) == ("a long name", "custom", "*** Begin")
    streamed = fold(CODEC.stream_decoder(restore).feed(frame(Choices=[delta("", "", ToolCalls=[call])])))
    (begun,) = streamed.candidates[0].parts
    assert isinstance(begun, ir.ToolCall)
    assert (begun.name, begun.kind) == ("a long name", "custom")


def test_what_is_not_in_the_model_is_kept_aside() -> None:
    choices = [{"Message": {"Content": "x"}, "FinishReason": "stop"}]
    body = json.dumps(
        {"Response": {"Note": "AI", "RequestId": "r", "RecommendedQuestions": ["Why?"], "Choices": choices}}
    ).encode()
    extras = CODEC.decode_response(body, Restore()).extras
    assert {at: json.loads(bytes(raw)) for at, raw in extras.items()} == {
        "/Response/Note": "AI",
        "/Response/RecommendedQuestions": ["Why?"],
    }
    stream = frame(Note="AI", Replaces=[1], ErrorMsg=None, Choices=[delta("x", "stop", Extra=1)])
    extras = fold(events_of(CODEC, [stream])).extras
    assert {at: json.loads(bytes(raw)) for at, raw in extras.items()} == {
        "/Response/Note": "AI",
        "/Response/Replaces": [1],
        "/Response/Choices/0/Message/Extra": 1,
    }


def test_what_the_search_found_is_cited() -> None:
    pages = [{"Index": 1, "Title": "Towers", "Url": "https://x/1", "Text": "site"}, {"Index": 2, "Url": "https://x/2"}]
    search = {"SearchResults": pages}
    cited = [ir.Citation(ir.UrlSource("https://x/1", "Towers")), ir.Citation(ir.UrlSource("https://x/2"))]
    body = {"Response": {"SearchInfo": search, "Choices": [{"Message": {"Content": "x"}, "FinishReason": "stop"}]}}
    whole = CODEC.decode_response(json.dumps(body).encode(), Restore())
    early = [frame(SearchInfo=search, Choices=[delta()]), frame(Choices=[delta("x", "stop")])]
    late = [frame(Choices=[delta("x")]), frame(SearchInfo=search, Choices=[delta("", "stop")])]
    for response in (whole, fold(events_of(CODEC, early)), fold(events_of(CODEC, late))):
        (part,) = response.candidates[0].parts
        assert isinstance(part, ir.Text)
        assert part.citations == cited
        assert response.extras == {}


def test_what_a_search_found_for_no_words_is_kept_aside() -> None:
    search = {"SearchResults": [{"Url": "https://x/1"}], "Mindmap": {"Url": "https://x/2"}}
    call = {"Id": "c", "Index": 0, "Function": {"Name": "f", "Arguments": "{}"}}
    response = fold(events_of(CODEC, [frame(SearchInfo=search, Choices=[delta("", "tool_calls", ToolCalls=[call])])]))
    assert {at: json.loads(bytes(raw)) for at, raw in response.extras.items()} == {
        "/Response/SearchInfo": search,
        "/Response/SearchInfo/Mindmap": {"Url": "https://x/2"},
    }


# --- Stop strings come back in the answer ---


@pytest.mark.parametrize(
    ("stops", "text", "told", "matched"),
    [
        (("END",), "It is. END", "It is. ", "END"),
        (("END",), "It is. EN", "It is. EN", None),
        (("END",), "It is.", "It is.", None),
        (("b", "ab c"), "xab", "xa", "b"),
        (("aab",), "aaab", "a", "aab"),
        ((), "END", "END", None),
        (("END",), "END of it", "END of it", None),
    ],
)
def test_a_stop_string_is_left_out_wherever_it_is_cut(
    stops: tuple[str, ...], text: str, told: str, matched: str | None
) -> None:
    for size in range(1, len(text) + 1):
        tail = StopTail(stops)
        out = "".join(tail.feed(text[at : at + size]) for at in range(0, len(text), size))
        rest, found = tail.finish()
        assert (out + rest, found) == (told, matched)


def test_a_stop_string_ends_an_answer() -> None:
    restore = Restore(stop=("END",))
    body = json.dumps({"Response": {"Choices": [{"Message": {"Content": "It is.END"}, "FinishReason": "stop"}]}})
    (candidate,) = CODEC.decode_response(body.encode(), restore).candidates
    assert [ir.plain(part.text) for part in candidate.parts if isinstance(part, ir.Text)] == ["It is."]
    assert candidate.stop == ir.StopReason(kind="stop_sequence", raw="stop", sequence="END")


def test_the_beginning_of_a_stop_string_is_told_when_it_was_none() -> None:
    restore = Restore(stop=("END",))
    for finish in ("stop", "sensitive"):
        decoder = CODEC.stream_decoder(restore)
        events = decoder.feed(frame(Choices=[delta("It E")]) + frame(Choices=[delta("", finish)]))
        (part,) = fold([*events, *decoder.close()]).candidates[0].parts
        assert isinstance(part, ir.Text)
        assert part.text == "It E"


# --- Errors ---

KINDS = {
    "AuthFailure.SignatureExpire": "unauthenticated",
    "AuthFailure.SecretIdNotFound": "unauthenticated",
    "AuthFailure.UnauthorizedOperation": "forbidden",
    "FailedOperation": "upstream_error",
    "FailedOperation.ConsoleServerError": "upstream_error",
    "FailedOperation.EngineRequestTimeout": "timeout",
    "FailedOperation.EngineServerError": "upstream_error",
    "FailedOperation.EngineServerLimitExceeded": "overloaded",
    "FailedOperation.FreeResourcePackExhausted": "quota_exhausted",
    "FailedOperation.ResourcePackExhausted": "quota_exhausted",
    "FailedOperation.ServiceNotActivated": "forbidden",
    "FailedOperation.ServiceStop": "forbidden",
    "FailedOperation.ServiceStopArrears": "quota_exhausted",
    "FailedOperation.UserUnAuthError": "forbidden",
    "InternalError": "upstream_error",
    "InvalidParameter": "invalid_request",
    "InvalidParameter.ImageCountLimitExceededError": "invalid_request",
    "InvalidParameterValue.Model": "not_found",
    "InvalidParameterValue.ParameterValueError": "invalid_request",
    "LimitExceeded": "rate_limited",
    "OperationDenied": "forbidden",
    "OperationDenied.ImageIllegalDetected": "content_filtered",
    "OperationDenied.TextIllegalDetected": "content_filtered",
    "RequestLimitExceeded": "rate_limited",
    "RequestLimitExceeded.UinLimitExceeded": "rate_limited",
    "ResourceInsufficient": "overloaded",
    "ResourceInsufficient.ChargeResourceExhaust": "quota_exhausted",
    "ResourceNotFound": "not_found",
    "ResourceUnavailable.InArrears": "quota_exhausted",
    "ResourceUnavailable.LowBalance": "quota_exhausted",
    "ResourceUnavailable.NotExist": "forbidden",
    "ResourceUnavailable.StopUsing": "forbidden",
    "UnsupportedOperation": "invalid_request",
    "Something.New": "upstream_error",
}


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_codes(code: str, kind: str) -> None:
    fault = CODEC.decode_fault(200, {}, error(code))
    assert (fault.kind, fault.code, fault.message, fault.request_id) == (kind, code, "m", "r1")
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(error(code), Restore())
    assert caught.value.fault == fault
    assert failure(b"data: " + error(code) + b"\n\n") == fault


@pytest.mark.parametrize(
    ("code", "kind"), [(4000, "upstream_error"), (4001, "timeout"), ("LimitExceeded", "rate_limited")]
)
def test_an_error_in_a_stream(code: int | str, kind: str) -> None:
    begun = frame(Choices=[delta("It")], Usage={"PromptTokens": 1, "CompletionTokens": 1})
    fault = failure(begun + frame(ErrorMsg={"Msg": "sorry", "Code": code}) + frame(Choices=[delta("x", "stop")]))
    assert (fault.kind, fault.message, fault.code) == (kind, "sorry", str(code))


def test_an_error_in_place_of_a_stream() -> None:
    assert failure(error("LimitExceeded")).kind == "rate_limited"


def test_an_empty_error_member_is_none() -> None:
    response = fold(events_of(CODEC, [frame(ErrorMsg={"Msg": "", "Code": 0}, Choices=[delta("x", "stop")])]))
    assert response.fault is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"Response":null}', b'{"Response":{}}', b'{"Response":{"Choices":[]}}', b"[]"]
)
def test_an_answer_without_one_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


def test_an_error_of_a_proxy_is_read_by_its_status() -> None:
    assert CODEC.decode_fault(503, {b"retry-after": b"3"}, b"<html>").retry_after == 3
    assert CODEC.decode_fault(503, {}, b"<html>").kind == "overloaded"
    assert CODEC.decode_fault(502, {}, error("InvalidParameter")).kind == "upstream_error"
