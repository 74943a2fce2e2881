"""Responses over a websocket, as coding agents use them: warm-up, turns that go on, errors, leave-taking."""

import contextlib
import json
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.front import KEY, PROTOCOLS, Front, running_front
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from twoapi.config import parse
from twoapi.server.head import Head
from twoapi.testing.canned import responses_answer, stream
from twoapi.testing.replies import Gate, error_reply, json_reply, sse_reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.strategies.values import json_values

MIB = 1 << 20
HEADERS = {"authorization": f"Bearer {KEY}", "openai-beta": "responses_websockets=2026-02-06"}
TOOL = {"type": "function", "name": "look", "strict": False, "parameters": {"type": "object", "properties": {}}}
TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "look it up"}]}


def opened(front: Front, path="/v1/responses", headers=None, **more):
    return connect(
        f"ws://127.0.0.1:{front.gateway.port}{path}", additional_headers=HEADERS if headers is None else headers, **more
    )


class Listening(ClientConnection):
    """A connection that tells of the pings that its library answers by itself."""

    def __init__(self, *arguments, **more):
        self.pinged = Event()
        super().__init__(*arguments, **more)

    def process_event(self, event):
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pinged.set()
        super().process_event(event)


def say(socket, model, said, **more):
    socket.send(json.dumps({"type": "response.create", "model": model, "stream": True, "input": said, **more}))


def hear(socket):
    """The events of one answer."""
    events = []
    while True:
        events.append(json.loads(socket.recv(timeout=10)))
        if events[-1]["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
            return events


def output(events):
    assert events[-1]["type"] == "response.completed", events[-1]
    return events[-1]["response"]["output"]


@pytest.fixture
def model(front):
    front.upstream.handler = ScriptedModel(Scenario(calls=1, reasoning="", final="found {results}"))
    yield front
    front.upstream.handler = None


@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses", "/openai/responses"])
@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_every_upstream_answers_event_by_event(front, upstream, path):
    front.upstream.reply(stream(upstream, "hel", "lo"))
    with opened(front, path) as socket:
        say(socket, upstream, "hi")
        events = hear(socket)
    assert [event["type"] for event in events][:2] == ["response.created", "response.in_progress"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert output(events)[-1]["content"][0]["text"] == "hello"


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_conversation_goes_on_with_new_items_only_and_nothing_stored(model, upstream):
    with opened(model) as socket:
        rules = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "be brief"}]}
        say(socket, upstream, [rules], tools=[TOOL], store=False, generate=False)
        warm = hear(socket)
        assert [event["type"] for event in warm] == ["response.created", "response.in_progress", "response.completed"]
        assert output(warm) == []
        assert model.upstream.requests == []

        first_id = warm[-1]["response"]["id"]
        say(socket, upstream, [TEXT], tools=[TOOL], store=False, previous_response_id=first_id)
        called = hear(socket)
        (call,) = [item for item in output(called) if item["type"] == "function_call"]

        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "it is here"}
        second_id = called[-1]["response"]["id"]
        say(socket, upstream, [result], tools=[TOOL], store=False, previous_response_id=second_id)
        said = output(hear(socket))
    assert said[-1]["content"][0]["text"] == "found it is here"
    first, second = (request.body.decode() for request in model.upstream.requests)
    for text in ("be brief", "look it up"):
        assert text in first
        assert text in second
    assert "it is here" in second
    for body in (first, second):
        assert "previous_response_id" not in json.loads(body)


def test_a_turn_can_be_repeated_from_the_same_answer(model):
    with opened(model) as socket:
        say(socket, "openai-chat", "one", store=False)
        name = hear(socket)[-1]["response"]["id"]
        for _ in range(3):
            say(socket, "openai-chat", "two", store=False, previous_response_id=name)
            hear(socket)
    texts = [[turn["content"] for turn in request.json()["messages"]] for request in model.upstream.requests]
    assert texts[1] == texts[2] == texts[3]
    assert len(texts[1]) == 3


def test_what_another_connection_said_is_not_known_here(front):
    front.upstream.reply(stream("openai-chat", "a"))
    with opened(front) as socket:
        say(socket, "openai-chat", "one", store=False)
        name = hear(socket)[-1]["response"]["id"]
    with opened(front) as socket:
        say(socket, "openai-chat", "two", store=False, previous_response_id=name)
        (error,) = hear(socket)
    assert (error["type"], error["error"]["code"]) == ("error", "previous_response_not_found")
    assert name in error["error"]["message"]


def test_errors_are_messages_and_the_connection_goes_on(front):
    front.upstream.reply(error_reply("openai-chat", 429, "slow down"), stream("openai-chat", "there"))
    with opened(front) as socket:
        for message in ("no json", "[]", '{"type": "response.steer"}', "{}", '{"type": "response.create", "input": 5}'):
            socket.send(message)
            (error,) = hear(socket)
            assert (error["type"], error["status"]) == ("error", 400)
            assert set(error["error"]) == {"message", "type", "param", "code"}
        say(socket, "none", "hi")
        assert hear(socket)[0]["status"] == 404
        say(socket, "openai-chat", "hi")
        assert hear(socket)[0]["status"] == 429
        say(socket, "openai-chat", "hi", generate=False, tools="wrong")
        assert hear(socket)[0]["status"] == 400
        say(socket, "openai-chat", "hi")
        assert output(hear(socket))[-1]["content"][0]["text"] == "there"


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_is_said_is_answered_and_the_next_message_too(front, data):
    members = st.dictionaries(
        st.sampled_from(
            ["type", "model", "input", "generate", "previous_response_id", "stream", "tools", "store", "x"]
        ),
        st.one_of(json_values, st.sampled_from(["response.create", "demo", "resp_1", [TEXT], [{}], ["a"]])),
    )
    message = data.draw(st.one_of(members.map(json.dumps), st.text(max_size=50), st.binary(max_size=50)))
    with opened(front) as socket:
        socket.send(message)
        hear(socket)
        say(socket, "demo", "hi")
        assert output(hear(socket))


@pytest.mark.parametrize("answer", ["null", "{}", '{"id": "resp_1", "output": null}', '{"id": 5, "output": [1]}', "5"])
def test_an_upstreams_end_without_what_it_must_have_is_no_turn_to_go_on_from(front, answer):
    event = b'event: response.completed\ndata: {"type":"response.completed","response":%b}\n\n' % answer.encode()
    front.upstream.reply(sse_reply([event]), stream("openai-responses", "still here"))
    with opened(front) as socket:
        say(socket, "openai-responses", "hi")
        hear(socket)
        say(socket, "openai-responses", "hi")
        assert output(hear(socket))[-1]["content"][0]["text"] == "still here"


def test_an_answer_that_breaks_off_ends_with_failed(front):
    front.upstream.reply(sse_reply([b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n']))
    with opened(front) as socket:
        say(socket, "openai-chat", "hi")
        assert hear(socket)[-1]["type"] == "response.failed"


def test_messages_are_answered_one_after_the_other(front):
    front.upstream.reply(*[stream("openai-chat", f"answer {number}") for number in range(3)])
    with opened(front) as socket:
        for number in range(3):
            say(socket, "openai-chat", f"question {number}")
        texts = [output(hear(socket))[-1]["content"][0]["text"] for _ in range(3)]
    assert texts == ["answer 0", "answer 1", "answer 2"]


def test_too_many_messages_at_once_are_too_many(front):
    gate = Gate()
    front.upstream.reply(stream("openai-chat", "a").failing(gate=gate))
    with opened(front) as socket:
        say(socket, "openai-chat", "first")
        gate.wait_arrivals(1)
        for _ in range(16):
            say(socket, "openai-chat", "more")
        socket.ping().wait(10)
        with contextlib.suppress(ConnectionClosed):
            say(socket, "openai-chat", "one too many")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    gate.open()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


@pytest.mark.parametrize("compression", ["deflate", None])
def test_compression_is_agreed_upon_and_large_messages_pass(front, compression):
    front.upstream.reply(json_reply(responses_answer("x" * MIB)))
    with opened(front, compression=compression, max_size=None) as socket:
        say(socket, "openai-responses", "y" * 5 * MIB)
        assert output(hear(socket))[0]["content"][0]["text"] == "x" * MIB
    assert len(front.upstream.requests[0].body) > 5 * MIB


def test_a_message_over_the_limit_closes_the_connection():
    with running_front("limits: {body: 1MiB}") as front:
        for text in ("y" * 2 * MIB, "\x00" * MIB):
            with opened(front) as socket:
                say(socket, "openai-chat", text)
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
        front.upstream.reply(stream("openai-chat", "a"))
        with opened(front) as socket:
            say(socket, "openai-chat", "y" * 600_000)
            name = hear(socket)[-1]["response"]["id"]
            say(socket, "openai-chat", "y" * 600_000, previous_response_id=name)
            assert hear(socket)[0]["status"] == 413


def test_a_client_that_leaves_stops_the_upstream(front):
    gate = Gate()
    front.upstream.reply(stream("openai-chat", *["word "] * 50).failing(gate=gate))
    before = len(front.upstream.disconnects)
    with opened(front) as socket:
        say(socket, "openai-chat", "hi")
        gate.wait_arrivals(1)
        gate.release(3)
        socket.recv(timeout=10)
    front.upstream.wait(lambda upstream: len(upstream.disconnects) > before)
    front.gateway.wait(lambda: front.gateway.worker.running == 0)
    gate.open()


def test_a_waiting_client_is_kept_awake_without_a_message():
    with running_front("timeouts: {keep_alive: 200ms}") as front:
        gate = Gate()
        front.upstream.reply(stream("openai-chat", "at last").failing(gate=gate))
        with opened(front, create_connection=Listening) as socket:
            assert isinstance(socket, Listening)
            say(socket, "openai-chat", "hi")
            assert socket.pinged.wait(10)
            gate.open()
            assert output(hear(socket))[-1]["content"][0]["text"] == "at last"


def test_who_may_not_call_gets_no_socket(front):
    refused = [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({**HEADERS, "origin": "https://evil.example"}, 403),
    ]
    for headers, status in refused:
        with pytest.raises(InvalidStatus) as answer, opened(front, headers=headers):
            pass
        assert answer.value.response.status_code == status
        assert b'"error"' in (answer.value.response.body or b"")
    with opened(front, headers={**HEADERS, "origin": "http://localhost:3000"}):
        pass


def test_a_key_that_is_taken_back_ends_with_the_next_message():
    with running_front() as front:
        front.upstream.reply(stream("openai-chat", "a"))
        with opened(front) as socket:
            say(socket, "openai-chat", "hi")
            hear(socket)
            front.gateway.publish(
                parse("keys: [sk-another-0123456789]\nupstreams: {demo: {provider: demo}}", "new", {})
            )
            front.gateway.wait(lambda: "openai-chat" not in dict(front.gateway.worker.snapshot.model_names()))
            say(socket, "openai-chat", "hi")
            assert hear(socket)[0]["status"] == 401


def test_only_responses_are_offered_over_a_socket(front):
    for path in ("/v1/chat/completions", "/v1/models", "/nowhere"):
        with pytest.raises(InvalidStatus) as answer, opened(front, path):
            pass
        assert answer.value.response.status_code in (200, 404, 405)


def test_where_no_socket_can_be_had_the_client_is_told_to_go_on_by_http(front):
    raw = {b"upgrade": b"websocket", b"connection": b"Upgrade", b"authorization": b"Bearer " + KEY.encode()}
    head = Head(b"/v1/responses", raw, b"GET", "1.0", front.gateway.worker.snapshot, keep_alive=False)
    assert head.objection is not None
    assert (head.objection.http_status, head.objection.code) == (426, "websocket_not_supported")


def test_a_handshake_that_is_none_is_refused(front):
    answer = front.call("GET", "/v1/responses", headers={"connection": "Upgrade", "upgrade": "websocket"})
    assert answer.status in (400, 426)
    assert front.call("GET", "/healthz").status == 200


def test_half_a_wish_for_a_socket_is_a_plain_request(front):
    for headers in ({"upgrade": "websocket"}, {"upgrade": "websocket", "connection": "keep-alive"}, {"upgrade": "h2c"}):
        assert front.call("GET", "/v1/responses", headers=headers).status == 405


def test_a_wish_for_a_socket_behind_a_running_request_ends_the_connection_after_that(front):
    front.upstream.reply(stream("openai-chat", "a"))
    body = json.dumps(
        {"model": "openai-chat", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    ).encode()
    wish = b"GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    with front.gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\ncontent-length: %d\r\n\r\n%b"
            b"%bx-api-key: %b\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            % (KEY.encode(), len(body), body, wish, KEY.encode())
        )
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"[DONE]" in answer


def test_sockets_end_with_the_gateway():
    with running_front() as front:
        gate = Gate()
        front.upstream.reply(stream("openai-chat", "a", "b").failing(gate=gate))
        with opened(front) as idle, opened(front) as busy:
            say(busy, "openai-chat", "hi")
            gate.wait_arrivals(1)
            gate.release(2)
            busy.recv(timeout=10)
            front.gateway.stop()
            with pytest.raises(ConnectionClosed) as closed:
                idle.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert hear(busy)[-1]["type"] == "response.failed"
        gate.open()
