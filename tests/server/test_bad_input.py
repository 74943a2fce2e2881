"""Whatever comes in: the documented status in the client's own format, no key echoed, and the next request served."""

import contextlib
import http.client
import json

import pytest

KEY = "sk-client-0123456789"
PATHS = {"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages"}
MIB = 1 << 20


def call(gateway, path, body=b"", headers=None, method="POST", key=KEY):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        sent = {
            "content-type": "application/json",
            **({"authorization": f"Bearer {key}"} if key else {}),
            **(headers or {}),
        }
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def good(protocol):
    body: dict[str, object] = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
    if protocol == "anthropic-messages":
        body["max_tokens"] = 50
    return json.dumps(body).encode()


def assert_error(protocol, status, expected, body):
    """The error is in the protocol's own format, says something, and does not repeat a key."""
    assert status == expected, body
    assert KEY.encode() not in body
    answer = json.loads(body)
    error = answer["error"]
    assert len(error["message"]) > 10
    if protocol == "anthropic-messages":
        assert answer["type"] == "error"
        assert isinstance(error["type"], str)
        assert answer["request_id"].startswith("req_")
    else:
        assert set(error) == {"message", "type", "param", "code"}


def assert_still_serving(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], good(protocol))
    assert status == 200, body


@pytest.fixture(params=list(PATHS))
def protocol(request):
    return request.param


FIELDS = b'{"model": "demo", "max_tokens": 5'
BODIES = {
    "empty": b"",
    "not_json": b"hello",
    "cut_json": b'{"model": "demo", "messages": [',
    "not_an_object": b"[1, 2]",
    "null": b"null",
    "invalid_utf8": b'{"model": "demo", "max_tokens": 5, "messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "lone_surrogate": b'{"model": "demo", "max_tokens": 5, "messages": [{"role": "user", "content": "\\ud800 x"}]}',
    "model_missing": b'{"max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}',
    "model_not_a_string": b'{"model": 5, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}',
    "messages_missing": b'{"model": "demo", "max_tokens": 5}',
    "messages_not_a_list": b'{"model": "demo", "max_tokens": 5, "messages": "hi"}',
    "message_not_an_object": b'{"model": "demo", "max_tokens": 5, "messages": ["hi"]}',
    "role_unknown": b'{"model": "demo", "max_tokens": 5, "messages": [{"role": "wizard", "content": "hi"}]}',
    "content_a_number": b'{"model": "demo", "max_tokens": 5, "messages": [{"role": "user", "content": 5}]}',
    "part_without_type": FIELDS + b', "messages": [{"role": "user", "content": [{"text": "hi"}]}]}',
    "stream_not_a_bool": FIELDS + b', "stream": "yes", "messages": [{"role": "user", "content": "hi"}]}',
    "max_tokens_not_a_number": b'{"model": "demo", "max_tokens": "9", "messages": [{"role": "user", "content": ""}]}',
    "tools_not_a_list": FIELDS + b', "tools": {}, "messages": [{"role": "user", "content": "hi"}]}',
    "deep_list": b'{"model": "demo", "max_tokens": 5, "messages": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep_object": b'{"model": "demo", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "x": '
    + b'{"a":' * 10_000
    + b"1"
    + b"}" * 10_000
    + b"}",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_wrong_is_a_400(gateway, protocol, name):
    status, body = call(gateway, PATHS[protocol], BODIES[name])
    assert_error(protocol, status, 400, body)
    assert_still_serving(gateway, protocol)


def test_a_body_over_the_limit_is_a_413_though_it_is_still_being_sent(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], b" " * (33 * MIB))
    assert_error(protocol, status, 413, body)
    assert_still_serving(gateway, protocol)


def test_a_chunked_body_over_the_limit_is_a_413(gateway, protocol):
    with gateway.connect() as sock:
        sock.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n"
            % (PATHS[protocol].encode(), KEY.encode())
        )
        piece = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
        answer = b""
        try:
            for _ in range(40):
                sock.sendall(piece)
        except OSError:
            pass  # cut off while sending: the answer is already on its way
        while chunk := receive(sock):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert_still_serving(gateway, protocol)


def receive(sock):
    try:
        return sock.recv(65536)
    except ConnectionResetError:
        return b""


def test_a_body_that_is_refused_by_its_length_is_not_asked_for(gateway, protocol):
    with gateway.connect() as sock:
        sock.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 99999999999\r\n"
            b"Expect: 100-continue\r\n\r\n" % (PATHS[protocol].encode(), KEY.encode())
        )
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer


def test_expect_100_continue_is_answered_before_the_body(gateway, protocol):
    body = good(protocol)
    with gateway.connect() as sock:
        sock.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n" % (PATHS[protocol].encode(), KEY.encode(), len(body))
        )
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_headers_over_the_limit_are_a_431(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], good(protocol), {"x-big": "a" * 20_000})
    assert_error("openai-chat" if b'"type":"error"' not in body else protocol, status, 431, body)
    assert_still_serving(gateway, protocol)


def test_endless_headers_are_cut_off(gateway):
    with gateway.connect() as sock:
        with contextlib.suppress(OSError):
            sock.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n" + b"x-a: b\r\n" * 200_000)
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize("model", ["no-such-model", "nowhere/model", "", "demo/", "/"])
def test_an_unknown_model_is_a_404_that_says_how_to_find_the_known_ones(gateway, protocol, model):
    body = json.loads(good(protocol))
    body["model"] = model
    status, answer = call(gateway, PATHS[protocol], json.dumps(body).encode())
    assert_error(protocol, status, 404, answer)
    assert b"/v1/models" in answer


def test_a_model_that_the_key_may_not_use_is_a_403(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], good(protocol), key="sk-narrow-0123456789")
    assert_error(protocol, status, 403, body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer sk-wrong-key"},
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"x-api-key": "sk-wrong-key"},
        {"x-api-key": KEY + "x"},
        {"x-goog-api-key": ""},
    ],
)
def test_a_missing_or_wrong_key_is_a_401_and_is_not_echoed(gateway, protocol, headers):
    status, body = call(gateway, PATHS[protocol], good(protocol), headers, key="")
    assert_error(protocol, status, 401, body)
    assert b"sk-wrong" not in body


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("", {"authorization": f"Bearer {KEY}"}),
        ("", {"authorization": f"bearer {KEY}"}),
        ("", {"x-api-key": KEY}),
        ("", {"x-goog-api-key": KEY}),
        (f"?key={KEY}", {}),
        (f"?beta=true&key={KEY}", {}),
    ],
)
def test_a_key_is_taken_from_every_place_that_clients_use(gateway, protocol, path, headers):
    status, body = call(gateway, PATHS[protocol] + path, good(protocol), headers, key="")
    assert status == 200, body


def test_an_unknown_path_is_a_404_in_the_format_that_the_headers_tell(gateway):
    status, body = call(gateway, "/v1/nothing", b"{}")
    assert_error("openai-chat", status, 404, body)
    status, body = call(gateway, "/v1/nothing", b"{}", {"anthropic-version": "2023-06-01"})
    assert_error("anthropic-messages", status, 404, body)


def test_a_wrong_method_is_a_405(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], method="GET")
    assert_error(protocol, status, 405, body)
    status, body = call(gateway, PATHS[protocol], b"{}", method="DELETE")
    assert_error(protocol, status, 405, body)


def test_an_unknown_coding_is_refused_by_name(gateway, protocol):
    status, body = call(gateway, PATHS[protocol], good(protocol), {"content-encoding": "compress"})
    assert_error(protocol, status, 415, body)
    assert b"compress" in body
    assert b"gzip, deflate, br, zstd" in body


def test_a_client_that_sends_its_request_too_slowly_is_answered_408(gateway):
    with gateway.connect() as sock:
        sock.settimeout(10)
        sock.sendall(
            b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nx-api-key: " + KEY.encode() + b"\r\n\r\nab"
        )
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_requests_in_one_packet_are_answered_in_order(gateway):
    body = good("openai-chat")
    one = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        KEY.encode(),
        len(body),
        body,
    )
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with gateway.connect() as sock:
        sock.sendall(one + health + one + last)
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 200, 200, 404]
    assert answer.count(b'"chat.completion"') == 2


def test_two_thousand_idle_connections_leave_the_gateway_answering(gateway, protocol):
    idle = [gateway.connect() for _ in range(2000)]
    try:
        assert_still_serving(gateway, protocol)
        gateway.wait(lambda: len(gateway.connections) >= 2000)
    finally:
        for sock in idle:
            sock.close()
    gateway.wait(lambda: len(gateway.connections) < 100)
    assert_still_serving(gateway, protocol)


def test_a_head_request_has_no_body(gateway):
    with gateway.connect() as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b""


def test_an_http_1_0_client_gets_a_stream_that_ends_with_the_connection(gateway):
    body = json.dumps({**json.loads(good("openai-chat")), "stream": True}).encode()
    with gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.0\r\nx-api-key: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (KEY.encode(), len(body), body)
        )
        answer = b""
        while chunk := receive(sock):
            answer += chunk
    head, _, stream = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert stream.endswith(b"data: [DONE]\n\n")


def test_model_lists_come_in_the_shape_of_the_client(gateway):
    status, body = call(gateway, "/v1/models", method="GET")
    listed = json.loads(body)
    assert status == 200
    assert listed["object"] == "list"
    assert "demo" in [model["id"] for model in listed["data"]]
    status, body = call(gateway, "/v1/models", method="GET", headers={"anthropic-version": "2023-06-01"})
    listed = json.loads(body)
    assert status == 200
    assert listed["has_more"] is False
    assert listed["data"][0]["type"] == "model"
    status, body = call(gateway, "/v1/models/demo", method="GET")
    assert (status, json.loads(body)["id"]) == (200, "demo")
    status, body = call(gateway, "/v1/models/none", method="GET")
    assert_error("openai-chat", status, 404, body)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_key(gateway, path):
    assert call(gateway, path, method="GET", key="") == (200, b'{"status":"ok"}')
