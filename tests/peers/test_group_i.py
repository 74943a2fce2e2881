"""Rows I1-I17: errors, truncation, retries."""

import json

import pytest
from msgspec.structs import replace
from tests.gateway.wire import ALIASES
from tests.peers.gateways import (
    CHAT,
    DONE,
    GEMINI,
    MESSAGES,
    RESPONSES,
    arguments_of,
    asks,
    assert_broken,
    assert_complete,
    begun,
    broken_after,
    calling,
    documents,
    each_pair,
    each_protocol,
    error_frame,
    in_two_reads,
    is_error,
    kept_awake,
    post,
    said,
    text_of,
)
from tests.peers.pairs import CHAT_TO_MSG, MSG_TO_CHAT, chat_answer, chat_call, chunk, message_stream, start

from twoapi.ir import FaultError
from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import (
    Reply,
    error_reply,
    hidden_error_reply,
    html_reply,
    json_reply,
    malformed_json_reply,
    sse_reply,
)


def assert_failed_later(running, client: str, failed: bytes) -> None:
    """The frame ends a stream that the client has seen begin, and the gateway knows it as broken."""
    before = begun(CHAT, "alpha")
    reply = sse_reply([*before, failed, DONE])
    body = in_two_reads(running, asks(client, CHAT), reply, len(before), b"alpha")
    assert text_of(client, body) == "alpha"
    if client == CHAT:  # what its own protocol's server sends is relayed as it is
        assert body == reply.body
    else:
        assert_broken(client, body, "gone wrong")
    running.gateway.wait(lambda: any(r.outcome == "broken" for r in running.gateway.collected.records))


@each_pair
@pytest.mark.parametrize("cut", ["close", "reset", "clean"])
def test_i01_an_upstream_that_dies_is_no_short_answer(running, client, upstream, cut):
    reply = broken_after(begun(upstream, "alpha", "beta"))
    if cut != "clean":  # in the middle of the last frame
        reply = reply.failing(cut_at=len(reply.body) - 9, cut=cut)
    body = in_two_reads(running, asks(client, upstream), reply, len(begun(upstream, "alpha")), b"alpha")
    assert text_of(client, body) == ("alphabeta" if cut == "clean" else "alpha")
    assert_broken(client, body)


@each_pair
def test_i02_an_empty_200_is_an_error_and_another_upstream_may_answer(running, client, upstream):
    running.one.reply(sse_reply([]), Reply(), sse_reply([]))
    for streaming in (True, False):
        answer = post(running, asks(client, upstream, stream=streaming))
        assert answer.status == 502
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["error"]["message"]
    running.two.reply(stream(upstream, "from two"))
    answer = post(running, asks(client, upstream, "-both"))
    assert (answer.status, text_of(client, answer.body)) == (200, "from two")


@each_protocol
def test_i03_an_error_beside_an_empty_list_of_choices_is_an_error(running, client):
    hidden = chunk(error={"message": "gone wrong", "code": "server_error"})
    running.one.reply(sse_reply([hidden, DONE]))
    running.two.reply(stream(CHAT, "from two"))
    answer = post(running, asks(client, CHAT, "-both"))
    assert (answer.status, text_of(client, answer.body)) == (200, "from two")

    assert_failed_later(running, client, hidden)


@each_protocol
def test_i04_an_error_frame_that_holds_nothing_else_is_not_swallowed(running, client):
    error = {"message": "gone wrong", "code": 503, "status": "UNAVAILABLE"}
    frame = b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
    running.one.reply(sse_reply([frame]))
    answer = post(running, asks(client, CHAT))
    assert answer.status in (503, 529)  # the two vendors' words for it
    assert answer.json()["error"]["message"] == "gone wrong"
    assert_failed_later(running, client, frame)


@each_protocol
def test_i04_an_error_frame_of_gemini_is_not_swallowed(running, client):
    error = {"error": {"code": 503, "message": "gone wrong", "status": "UNAVAILABLE"}}
    frame = b"data: " + json.dumps(error).encode() + b"\r\n\r\n"
    running.one.reply(sse_reply([frame]))
    answer = post(running, asks(client, GEMINI))
    assert answer.status in (503, 529)  # the vendors' words for it
    assert answer.json()["error"]["message"] == "gone wrong"
    before = begun(GEMINI, "alpha")
    body = in_two_reads(running, asks(client, GEMINI), sse_reply([*before, frame]), 1, b"alpha")
    assert_broken(client, body, "gone wrong")


@each_pair
@pytest.mark.parametrize("form", ["stream", "whole"])
def test_i05_a_200_whose_only_word_is_an_error_goes_to_the_next_upstream(running, client, upstream, form):
    hidden = sse_reply([error_frame(upstream)]) if form == "stream" else hidden_error_reply(upstream)
    running.one.reply(hidden, hidden)
    running.two.reply(stream(upstream, "from two") if form == "stream" else whole(upstream, "from two"))
    answer = post(running, asks(client, upstream, "-both", stream=form == "stream"))
    assert answer.status == 200
    assert answer.headers["twoapi-upstream"] == f"{ALIASES[upstream]}2/m-2"
    if form == "stream":
        assert_complete(client, answer.body)
        assert text_of(client, answer.body) == "from two"


@each_pair
def test_i06_an_error_behind_half_a_frame_is_a_frame_of_its_own(running, client, upstream):
    frames = said(upstream, "alpha", "beta")
    half = frames[len(begun(upstream, "alpha"))][:-20]
    before = begun(upstream, "alpha")
    body = in_two_reads(running, asks(client, upstream), broken_after(before, half), len(before), b"alpha")
    assert_broken(client, body)
    last = body.replace(b"\r\n", b"\n").removesuffix(b"\n\n").split(b"\n\n")[-1].split(b"\n")
    assert last[-1].startswith(b'data: {"')
    assert len(last) == (2 if client in (RESPONSES, MESSAGES) else 1)
    assert is_error(json.loads(last[-1][6:]))


@each_pair
def test_i07_an_error_keeps_its_status_and_its_words_whatever_its_form(running, client, upstream):
    html = html_reply(400)
    detail = json_reply({"detail": "no such option"}, 400)
    listed = json_reply({"detail": [{"loc": ["body", "n"], "msg": "must be one", "type": "x"}]}, 422)
    plain = json_reply("just words", 404)
    running.one.reply(error_reply(upstream, 400, "your mistake"), detail, listed, html, plain)
    answers = [post(running, asks(client, upstream, stream=False)) for _ in range(5)]
    unprocessable = 400 if client in (MESSAGES, GEMINI) else 422
    assert [answer.status for answer in answers] == [400, 400, unprocessable, 400, 404]
    messages = [answer.json()["error"]["message"] for answer in answers]
    assert messages[:2] == ["your mistake", "no such option"]
    assert "must be one" in messages[2]
    assert "<html>" not in messages[3]
    running.one.reply(*[html_reply(502)] * 2)
    answer = post(running, asks(client, upstream, stream=False))
    assert (answer.status, len(running.one.requests) > 5) == (502, True)
    assert answer.json()["error"]["message"]


@each_pair
def test_i08_an_error_that_is_all_of_a_stream_is_read_as_what_it_says(running, client, upstream):
    frame = error_frame(upstream, "invalid")
    running.one.reply(sse_reply([frame]))
    answer = post(running, asks(client, upstream, "-both"))
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "gone wrong"
    assert (len(running.one.requests), len(running.two.requests)) == (1, 0)


@each_pair
@pytest.mark.parametrize("form", ["status", "frame"])
def test_i09_a_rate_limit_of_a_stream_goes_on_to_the_next(running, client, upstream, form):
    limited = error_reply(upstream, 429)
    if form == "frame":
        limited = sse_reply([error_frame(upstream, "limited")])
    running.one.reply(limited, limited)
    running.two.reply(stream(upstream, "from two"))
    answer = post(running, asks(client, upstream, "-both"))
    assert (answer.status, text_of(client, answer.body)) == (200, "from two")
    assert answer.headers["twoapi-attempts"] == "3"  # two credentials of the first, then the second


@each_pair
@pytest.mark.parametrize("form", ["whole", "stream"])
def test_i10_an_upstream_that_fails_is_left_alone_whichever_attempt_it_was(running, client, upstream, form):
    streamed = form == "stream"
    running.one.reply(*[error_reply(upstream, 500)] * 6)
    running.two.reply(*[stream(upstream, "from two") if streamed else whole(upstream, "from two")] * 5)
    asked = asks(client, upstream, "-both", stream=streamed)
    answers = [post(running, asked) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    assert [answer.headers["twoapi-attempts"] for answer in answers] == ["2", "2", "2", "1", "1"]
    assert len(running.one.requests) == 3


@each_protocol
def test_i11_errors_in_a_row_take_an_upstream_out_of_rotation_at_once(bench, client):
    with bench() as running:
        settings = running.gateway.worker.snapshot.settings
        both = settings.models[f"{ALIASES[client]}-both"]
        turns = replace(both, strategy="weighted")
        running.gateway.publish(replace(settings, models={**settings.models, f"{ALIASES[client]}-turns": turns}))
        running.one.handler = lambda _: error_reply(client, 500)
        running.two.handler = lambda _: whole(client, "from two")
        answers = [post(running, asks(client, client, "-turns", stream=False)) for _ in range(25)]
        assert [answer.status for answer in answers] == [200] * 25
        assert len(running.one.requests) == 3


@each_pair
def test_i12_nothing_of_the_first_attempt_is_left_in_the_second(running, client, upstream):
    failed = error_reply(upstream, 500).having(
        headers=(("x-ratelimit-remaining-requests", "0"), ("x-request-id", "one"), ("request-id", "one"))
    )
    running.one.reply(failed, failed)
    running.two.reply(whole(upstream, "from two"))
    answer = post(running, asks(client, upstream, "-both", stream=False))
    assert answer.status == 200
    assert "x-ratelimit-remaining-requests" not in answer.headers
    assert "one" not in (answer.headers.get("x-request-id"), answer.headers.get("request-id"))
    first, second = running.one.requests[0], running.two.requests[0]
    if upstream == GEMINI:  # whose path names the model
        assert (first.path.split(":")[0][-4:], second.path.split(":")[0][-4:]) == ("/m-1", "/m-2")
        assert second.json() == first.json()
    else:
        assert second.json() == {**first.json(), "model": "m-2"}
    own = {"host", "authorization", "x-api-key", "x-goog-api-key", "content-length"}
    assert {k: v for k, v in first.headers.items() if k not in own} == {
        k: v for k, v in second.headers.items() if k not in own
    }
    keys = [second.headers.get(name, "") for name in ("authorization", "x-api-key", "x-goog-api-key")]
    assert [key.removeprefix("Bearer ") for key in keys if key] == ["key-c"]


@each_pair
def test_i13_a_sign_of_life_is_nothing_that_a_client_must_parse(bench, client, upstream):
    with bench("timeouts: {keep_alive: 100ms}") as ready:
        body = kept_awake(ready, asks(client, upstream), upstream)
    assert text_of(client, body) == "alphabeta"
    assert_complete(client, body)
    pings = [frame for frame in documents(body) if frame != "[DONE]" and frame.get("type") == "ping"]
    assert pings == [{"type": "ping"}] * len(pings)
    assert (pings != []) is (client == MESSAGES)
    lines = {line.partition(b":")[0] for line in body.splitlines() if line}
    comments = {b""} if client != GEMINI else set()  # its SDK stops at a comment
    assert lines - comments <= ({b"data"} if client in (CHAT, GEMINI) else {b"data", b"event"})


def test_i15_an_overload_behind_the_first_event_still_goes_to_the_next_upstream(running):
    for client in ALIASES:
        hidden = sse_reply([message_stream(start()), error_frame(MESSAGES)])
        running.one.reply(hidden, hidden)
        running.two.reply(stream(MESSAGES, "from two"))
        answer = post(running, asks(client, MESSAGES, "-both"))
        assert (answer.status, text_of(client, answer.body)) == (200, "from two")
        assert b"gone wrong" not in answer.body


@each_pair
def test_i16_a_call_that_was_cut_off_is_never_a_call_without_arguments(running, client, upstream):
    frames = calling(upstream, '{"path":"/', 'etc"}')
    until = next(i for i, frame in enumerate(frames) if b"etc" in frame)
    if GEMINI in (client, upstream):  # calls are whole there, or there is none
        half = broken_after([*begun(upstream, "alpha"), *frames[:until], frames[until][:-30]])
        body = in_two_reads(running, asks(client, upstream), half, len(begun(upstream, "alpha")), b"alpha")
        assert (text_of(client, body), arguments_of(client, body)) == ("alpha", "")
    else:
        body = in_two_reads(running, asks(client, upstream), broken_after(frames[:until]), until, b"path")
        assert arguments_of(client, body) == '{"path":"/'
    assert_broken(client, body)


def test_i16_nor_in_a_whole_answer():
    cut = {"content": "a", "tool_calls": [chat_call("c1", "f", '{"path":"/')]}
    message, losses = MSG_TO_CHAT.whole(chat_answer(cut, "length"))
    assert message["content"] == [{"type": "text", "text": "a"}]
    assert message["stop_reason"] == "max_tokens"
    assert losses == [("/choices/0/message/tool_calls/0", "dropped")]
    with pytest.raises(FaultError) as raised:
        MSG_TO_CHAT.whole(chat_answer(cut, "tool_calls"))
    assert (raised.value.fault.kind, raised.value.fault.code) == ("upstream_error", "invalid_tool_arguments")
    with pytest.raises(FaultError):
        CHAT_TO_MSG.whole(b'{"type":"message","role":"assistant","content":[{"type":"tool_use","id":"a","na')


@each_protocol
def test_i17_an_error_in_the_middle_is_no_complete_text_and_empty_choices_do_no_harm(running, client):
    empty = [chunk(), chunk(choices=None)]
    in_choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    assert_failed_later(running, client, chunk(choices=[in_choice], error={"code": 502, "message": "gone wrong"}))
    running.one.reply(sse_reply([*empty, *begun(CHAT, "alpha"), *empty, *said(CHAT)[1:]]))
    answer = post(running, asks(client, CHAT))
    assert text_of(client, answer.body) == "alpha"
    assert_complete(client, answer.body)


@each_pair
def test_i07_a_body_that_is_no_answer_is_the_upstreams_fault(running, client, upstream):
    running.one.reply(*[malformed_json_reply()] * 2)
    answer = post(running, asks(client, upstream, stream=False))
    assert answer.status == 502
    assert answer.json()["error"]["message"]
