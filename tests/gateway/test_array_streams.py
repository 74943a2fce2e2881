"""A Gemini client that does not ask for events reads its stream as one JSON array, whoever answers."""

import http.client
import json

import pytest
from tests.gateway.wire import ALIASES, SPEAKS, error_frame, frames

from twoapi.testing.canned import gemini_path, request_body, stream
from twoapi.testing.replies import Gate, sse_reply


def ask(ready, alias):
    path = gemini_path(alias, stream=True).removesuffix("?alt=sse")
    return ready.post("gemini", request_body("gemini", alias), path=path)


def text_of(elements):
    parts = [part for element in elements for c in element.get("candidates", ()) for part in c["content"]["parts"]]
    return "".join(part["text"] for part in parts)


@pytest.mark.parametrize("upstream", [protocol for protocol in ALIASES if protocol != "gemini"])
def test_a_foreign_stream_becomes_an_array(running, upstream):
    running.one.reply(stream(upstream, "piece ", "by piece"))
    answer = ask(running, ALIASES[upstream])
    assert answer.headers["content-type"] == "application/json"
    elements = answer.json()
    assert text_of(elements) == "piece by piece"
    assert elements[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("chunk", [1, 1_000_000])
def test_an_array_is_relayed_as_one(running, chunk):
    elements = [json.loads(frame.removeprefix(b"data: ")) for frame in frames["gemini"]("piece ", "by piece")]
    body = b"[" + b",\r\n".join(json.dumps(element).encode() for element in elements) + b"\n]"
    running.one.reply(sse_reply([body]).having(content_type="application/json").failing(chunk=chunk))
    answer = ask(running, "gemini")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == elements
    assert running.one.requests[0].query == ""


@pytest.mark.parametrize("upstream", [protocol for protocol in ALIASES if protocol != "gemini"])
def test_a_stream_that_breaks_ends_the_array_with_an_error(running, upstream):
    said, gate = frames[upstream]("alpha")[: SPEAKS[upstream]], Gate()
    running.one.reply(sse_reply([*said, error_frame(upstream)]).failing(gate=gate))
    gate.release(len(said))
    connection = http.client.HTTPConnection("127.0.0.1", running.gateway.port, timeout=20)
    path = gemini_path(ALIASES[upstream], stream=True).removesuffix("?alt=sse")
    connection.request("POST", path, json.dumps(request_body("gemini", "")), {"content-type": "application/json"})
    answer = connection.getresponse()
    gate.open()
    elements = json.loads(answer.read())
    connection.close()
    assert text_of(elements[:1]) == "alpha"
    assert elements[-1]["error"]["message"].endswith("gone wrong")


def test_an_array_that_was_kept_waiting_ends_with_an_error_too(bench):
    with bench("timeouts: {keep_alive: 200ms, first_byte: 900ms}") as ready:
        ready.one.reply(*[stream("openai-chat", "x").failing(hang="before_head")] * 2)
        answer = ask(ready, "chat")
        assert answer.status == 200
        assert answer.json()[-1]["error"]["status"] == "DEADLINE_EXCEEDED"
