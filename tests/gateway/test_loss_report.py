"""What a conversion loses is told: by count always, whole to a client that asks, before the answer or behind it."""

import http.client
import json

import pytest

from twoapi.gateway.report import MOST, report
from twoapi.ir import Loss
from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.replies import Gate

FULL = {"twoapi-report": "full"}
LOSSY = {"seed": 7, "logit_bias": {"50256": -100}}  # which the Messages protocol does not have


def told(answer):
    return json.loads(answer.headers["twoapi-loss-report"])


def lossy_body(**more):
    return {**request_body("openai-chat", "messages"), **LOSSY, **more}


def test_the_list_is_told_to_who_asks(running):
    running.one.reply(whole("anthropic-messages"))
    answer = running.post("openai-chat", lossy_body(), FULL)
    paths = {loss["path"]: loss for loss in told(answer)}
    assert {"/seed", "/logit_bias"} <= set(paths)
    assert paths["/seed"]["kind"] == "dropped"
    assert paths["/seed"]["target"] == "anthropic-messages"
    assert answer.headers["twoapi-losses"].startswith(f"{len(told(answer))};")


def test_nobody_else_is_told(running):
    running.one.reply(whole("anthropic-messages"))
    answer = running.post("openai-chat", lossy_body())
    assert "twoapi-loss-report" not in answer.headers
    assert "dropped=2" in answer.headers["twoapi-losses"]


def test_a_refused_request_tells_what_it_would_lose(running):
    answer = running.post("openai-chat", lossy_body(), {**FULL, "twoapi-on-loss": "reject"})
    assert answer.status == 400
    assert answer.json()["error"]["code"] == "conversion_loss"
    assert {"/seed", "/logit_bias"} <= {loss["path"] for loss in told(answer)}
    assert running.one.requests == []


def test_a_stream_tells_the_request_first_and_the_rest_behind_it(running):
    """Why a stream stops is known at its end alone, and chat has no word for a pause."""
    body = {**request_body("openai-chat", "messages", stream=True), **LOSSY}
    usual, gate = stream("anthropic-messages", "hi"), Gate()
    pieces = tuple(piece.replace(b'"end_turn"', b'"pause_turn"') for piece in usual.pieces)
    end = next(number for number, piece in enumerate(pieces) if b"pause_turn" in piece)
    running.one.reply(usual.having(pieces=pieces).failing(gate=gate))
    connection = http.client.HTTPConnection("127.0.0.1", running.gateway.port, timeout=20)
    gate.release(end)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json", **FULL})
    answer = connection.getresponse()
    assert "/seed" in {loss["path"] for loss in json.loads(answer.headers["twoapi-loss-report"])}
    gate.open()
    *_, done, comment = answer.read().rstrip().split(b"\n\n")
    connection.close()
    assert done == b"data: [DONE]"
    prefix = b": twoapi-loss-report "
    assert comment.startswith(prefix)
    [loss] = json.loads(comment.removeprefix(prefix))
    assert loss["kind"] == "approximated"


def test_a_client_that_takes_no_comments_is_told_in_a_last_event(running):
    """Which string an answer stopped at is known at its end alone, and Gemini has no word for it."""
    body = {**request_body("gemini", "messages"), "generationConfig": {"stopSequences": ["END"]}}
    usual, gate = stream("anthropic-messages", "hi"), Gate()
    stopped = b'"stop_reason":"stop_sequence","stop_sequence":"END"'
    old = b'"stop_reason":"end_turn","stop_sequence":null'
    pieces = tuple(piece.replace(b" ", b"").replace(old, stopped) for piece in usual.pieces)
    pieces = tuple(piece.replace(b"data:", b"data: ").replace(b"event:", b"event: ") for piece in pieces)
    end = next(number for number, piece in enumerate(pieces) if stopped in piece)
    running.one.reply(usual.having(pieces=pieces).failing(gate=gate))
    connection = http.client.HTTPConnection("127.0.0.1", running.gateway.port, timeout=20)
    gate.release(end)
    path = "/v1beta/models/messages:streamGenerateContent?alt=sse"
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **FULL})
    answer = connection.getresponse()
    gate.open()
    *_, last = [line for line in answer.read().splitlines() if line]
    connection.close()
    losses = json.loads(last.removeprefix(b"data: "))["twoapiLossReport"]
    assert [loss["kind"] for loss in losses if loss["path"].endswith("/stop_sequence")] == ["dropped"], losses


def test_a_stream_that_loses_nothing_more_has_no_comment(running):
    running.one.reply(stream("anthropic-messages", "hi"))
    answer = running.post("openai-chat", {**request_body("openai-chat", "messages", stream=True), **LOSSY}, FULL)
    assert b": twoapi" not in answer.body


@pytest.mark.parametrize("count", [1, 400])
def test_a_report_is_ascii_json_of_bounded_size(count):
    paths = [f"/metadata/ключ \U0001f511 {number}\r\n" for number in range(count)]
    losses = [Loss(path, "dropped", "gemini", "no such field") for path in paths]
    line = report(losses)
    assert len(line) <= MOST
    assert line.isascii()
    assert b"\n" not in line
    listed = json.loads(line)
    assert listed[0]["path"] == losses[0].path
    if count > 1:
        assert f"{count - len(listed) + 1} more" in listed[-1]["detail"]
