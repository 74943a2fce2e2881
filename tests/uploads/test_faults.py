"""What goes wrong with forms: upstreams that refuse, stall or leave, clients that do, forms that are none."""

import hashlib
import http.client
import socket
import threading

import pytest
from tests.uploads.site import (
    BOUNDARY,
    KEY,
    LIMIT,
    SOUND,
    Site,
    answered,
    form,
    read_answer,
    read_until,
    request_head,
    running_site,
)

from twoapi.testing.replies import error_reply, html_reply

PATH = "/v1/audio/transcriptions"
SMALL = SOUND[:100_000]
RAW = form(("model", "raw-pair"), ("file", SOUND))


def refusal(status: str, body: bytes = b'{"error":{"message":"made up","type":"t","param":null,"code":null}}') -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status.encode(),
        len(body),
        body,
    )


# --- Another upstream


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("first", ["file", "model"])
def test_the_next_candidate_gets_a_small_form(site: Site, status: int, first: str) -> None:
    site.upstream.reply(error_reply("openai-chat", status))
    parts: list[tuple[str, str | bytes]] = [("file", SMALL), ("model", "pair")]
    answer = site.post(PATH, form(*(parts if first == "file" else parts[::-1])))
    assert answer.json()["text"] == hashlib.sha256(SMALL).hexdigest()
    assert (answer.headers["twoapi-attempts"], answer.headers["twoapi-upstream"]) == ("2", "second/w-2")
    assert b"w-2\r\n" in site.upstream.requests[1].body


def test_the_next_candidate_gets_a_large_form_that_was_stored(site: Site) -> None:
    site.upstream.reply(error_reply("openai-chat", 503))
    answer = site.post(PATH, form(("file", SOUND), ("model", "pair")))
    assert answer.json()["text"] == hashlib.sha256(SOUND).hexdigest()
    assert answer.headers["twoapi-attempts"] == "2"


def test_what_is_gone_is_not_sent_again(site: Site) -> None:
    site.upstream.reply(error_reply("openai-chat", 503, "made up"))
    answer = site.post(PATH, form(("model", "pair"), ("file", SOUND)))
    assert (answer.status, answer.message(), answer.headers["twoapi-attempts"]) == (503, "made up", "1")
    record = site.record()
    assert (record.outcome, record.fault, record.attempts) == ("failed", "overloaded", 1)


def test_a_refused_credential_is_followed_by_the_next_one(site: Site) -> None:
    for _ in range(2):  # their turns
        assert site.post(PATH, form(("model", "keys/m"), ("file", SMALL))).status == 200
    assert "Bearer wrong-key" in [request.headers["authorization"] for request in site.upstream.requests]


def test_a_refused_credential_is_not_told(site: Site) -> None:
    statuses = set()
    for _ in range(2):
        answer = site.post(PATH, form(("model", "keys/m"), ("file", SOUND)))
        statuses.add(answer.status)
        assert b"wrong-key" not in answer.body
    assert statuses == {200, 502}


def test_a_refusal_before_the_file_is_there_leads_on(site: Site) -> None:
    with site.begin(PATH, len(RAW), RAW[:100_000]) as client, site.raw.accept() as upstream:
        read_until(upstream, b"w-1\r\n")
        upstream.sendall(refusal("429 Too Many Requests"))
        client.sendall(RAW[100_000:])
        answer = read_answer(client)
    assert answer.json()["text"] == hashlib.sha256(SOUND).hexdigest()
    assert (answer.headers["twoapi-attempts"], answer.headers["twoapi-upstream"]) == ("2", "second/w-2")


# --- Answers before the end


@pytest.mark.parametrize("status", ["413 Payload Too Large", "401 Unauthorized", "400 Bad Request"])
def test_an_early_answer_is_told_at_once(site: Site, status: str) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND))
    with site.begin(PATH, len(body), body[:-1000]) as client, site.raw.accept() as upstream:
        read_until(upstream, SOUND[300_000:300_100])  # so much that it cannot be sent again
        upstream.sendall(refusal(status))
        answer = read_answer(client)
        assert answer.status == (502 if status.startswith("401") else int(status[:3]))
        assert answer.headers["connection"] == "close"
        assert client.recv(1) == b""
        assert upstream.recv(1 << 20) is not None
    assert site.record().outcome == "failed"


def test_an_answer_that_begins_early_goes_on(site: Site) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND))
    with site.begin(PATH, len(body), body[:-1000]) as client, site.raw.accept() as upstream:
        read_until(upstream, SOUND[300_000:300_100])
        upstream.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
        )
        head = read_until(client, b"one")
        assert head.startswith(b"HTTP/1.1 200 ")
        client.sendall(body[-1000:])
        read_until(upstream, body[-20:])
        upstream.sendall(b"3\r\ntwo\r\n0\r\n\r\n")
        assert read_until(client, b"0\r\n\r\n").startswith(b"3\r\ntwo")
    assert site.record().outcome == "ok"


def test_an_upstream_that_leaves_in_the_middle(site: Site) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND))
    with site.begin(PATH, len(body), body[:-1000]) as client:
        with site.raw.accept() as upstream:
            read_until(upstream, SOUND[300_000:300_100])
        answer = read_answer(client)
    assert answer.status == 502
    assert "closed the connection" in answer.message() or "reset" in answer.message()


def test_an_upstream_that_does_not_read(site: Site) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND * 6))
    with site.begin(PATH, len(body), body[:1000]) as client, site.raw.accept() as upstream:
        client.settimeout(0)
        sent = 1000
        while not _can_read(client):
            try:
                sent += client.send(body[sent : sent + 65536])
            except BlockingIOError:
                continue
        client.settimeout(10)
        answer = read_answer(client)
        assert upstream.recv(1)
    assert (answer.status, "did not read" in answer.message()) == (504, True)


def _can_read(client: socket.socket) -> bool:
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def test_a_slow_upstream_makes_the_client_wait_and_nothing_is_lost(site: Site) -> None:
    data = SOUND * 24  # more than what all buffers of the kernel in between hold
    body = form(("model", "raw/w-1"), ("file", data))
    with site.begin(PATH, len(body), body[:1000]) as client, site.raw.accept() as upstream:
        client.settimeout(0)
        sent, received, most = 1000, b"", 0
        while not received.endswith(body[-20:]):
            while sent < len(body):
                try:
                    sent += client.send(body[sent : sent + 262_144])
                except BlockingIOError:
                    break
            most = max(most, sent - len(received))
            received += upstream.recv(32768)
        upstream.sendall(refusal("200 OK", b'{"text":"heard"}'))
        client.settimeout(10)
        assert read_answer(client).json() == {"text": "heard"}
    assert data in received
    assert most < len(body)
    assert site.record().received == len(body)


# --- Clients


def test_a_client_that_leaves_lets_go_of_the_upstream(site: Site) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND))
    with site.begin(PATH, len(body), body[:100_000]):
        upstream = site.raw.accept()
        read_until(upstream, b"w-1\r\n")
    with upstream:
        rest = read_to_end(upstream)
    assert BOUNDARY.encode() + b"--" not in rest
    assert site.record().outcome == "cancelled"


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the other side is gone."""
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except ConnectionResetError:
        pass
    return found


def test_a_client_that_stops_sending(site: Site) -> None:
    body = form(("model", "raw/w-1"), ("file", SOUND))
    with site.begin(PATH, len(body), body[:100_000]) as client, site.raw.accept() as upstream:
        answer = read_answer(client)
        assert upstream.recv(1)
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert site.record().outcome == "failed"


def test_connections_stay(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=20)
    headers = {"authorization": f"Bearer {KEY}", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    for model, size in [("once", len(SOUND)), ("none/x", 10), ("once", 10)]:
        connection.request("POST", PATH, form(("model", model), ("file", SOUND[:size])), headers)
        response = connection.getresponse()
        assert (response.status, response.headers["connection"]) == (404 if model == "none/x" else 200, None)
        response.read()
    connection.close()


def test_requests_in_one_packet(site: Site) -> None:
    models = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n\r\n" % KEY.encode()
    body = form(("model", "once"), ("file", SMALL))
    head = request_head(PATH, f"content-length: {len(body)}")
    with site.gateway.connect() as client:
        client.sendall(models + head + body + head + body + models)
        found = b""
        for mark in (b'"object":"list"', b'{"text"', b'{"text"', b'"object":"list"'):
            if mark not in found:
                found += read_until(client, mark)
            found = found[found.index(mark) + len(mark) :]
    assert len(site.upstream.requests) == 2


def test_a_client_that_asks_whether_to_send(site: Site) -> None:
    body = form(("model", "once"), ("file", SMALL))
    with site.gateway.connect() as client:
        client.sendall(request_head(PATH, f"content-length: {len(body)}", "expect: 100-continue"))
        assert read_until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert read_answer(client).status == 200


# --- Limits and refusals


def test_a_form_that_is_too_large_is_refused_by_its_head(site: Site) -> None:
    with site.begin(PATH, LIMIT + 1, b"") as client:
        answer = read_answer(client)
    assert (answer.status, "limits.upload" in answer.message()) == (413, True)
    assert site.upstream.requests == []


@pytest.mark.parametrize("first", ["file", "model"])
def test_a_form_that_turns_out_too_large(site: Site, first: str) -> None:
    parts: list[tuple[str, str | bytes]] = [("file", SOUND * (LIMIT // len(SOUND))), ("model", "once")]
    body = form(*(parts if first == "file" else parts[::-1]))
    with site.gateway.connect() as client:
        client.sendall(request_head(PATH, "transfer-encoding: chunked"))
        for at in range(0, len(body), 100_000):
            piece = body[at : at + 100_000]
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        answer = read_answer(client)
    assert answer.status == 413
    assert site.upstream.requests == []  # none that is whole


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (form(("file", b"x")), {}, 400, "must name a model"),
        (form(("model", "once"), ("file", b"x"), ("model", "other")), {}, 400, "twice"),
        (form(("model", "once"), ("file", SOUND), ("model", "other")), {}, 400, "twice"),
        (form(("file", SOUND), ("model", "once"), ("model", "other")), {}, 400, "twice"),
        (form(("model", "once"), ("file", SOUND))[:-9], {}, 400, "cut short"),
        (form(("file", SOUND), ("model", "once"))[:-9], {}, 400, "cut short"),
        (b"nothing", {}, 400, "cut short"),
        (b"--a-boundary\r\nmodel\r\n\r\nonce\r\n--a-boundary--", {}, 400, "Content-Disposition"),
        (form(("model", "once"), ("file", b"x")), {"content-type": "text/plain"}, 415, "multipart/form-data"),
        (form(("model", "once"), ("file", b"x")), {"content-type": "multipart/form-data"}, 400, "boundary"),
        (form(("model", "once"), ("file", b"x")), {"content-encoding": "gzip"}, 415, "compressed"),
        (form(("model", "once"), ("file", b"x")), {"authorization": "Bearer nobody"}, 401, "key"),
        (form(("model", "none/x"), ("file", b"x")), {}, 404, "none/x"),
        (form(("model", "gemini/x"), ("file", b"x")), {}, 400, "does not offer transcriptions"),
        (form(("model", "other"), ("file", b"x")), {}, 404, "no model"),
        (form(("model", "x" * 70_000), ("file", b"x")), {}, 400, "short text"),
    ],
)
def test_refusals(site: Site, body: bytes, headers: dict[str, str], status: int, words: str) -> None:
    answer = site.post(PATH, body, headers)
    assert (answer.status, words in answer.message()) == (status, True), answer
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert not [request for request in site.upstream.requests if request.body.endswith(b"--\r\n")]


def test_a_client_gets_the_models_that_it_may_use(site: Site) -> None:
    answer = site.post(PATH, form(("model", "once"), ("file", SMALL)), key="other-key")
    assert (answer.status, "may not use" in answer.message()) == (403, True)


def test_a_credential_that_signs_bodies_cannot_send_a_form(site: Site) -> None:
    answer = site.post(PATH, form(("model", "signed/m"), ("file", SMALL)))
    assert (answer.status, "signs bodies" in answer.message()) == (502, True)


def test_the_gateway_stops_in_the_middle() -> None:
    with running_site(receive="20s") as site:  # what ends it is the stop
        body = form(("model", "raw/w-1"), ("file", SOUND))
        with site.begin(PATH, len(body), body[:100_000]) as client, site.raw.accept() as upstream:
            read_until(upstream, b"w-1\r\n")
            threading.Thread(target=site.gateway.stop).start()
            answer = read_answer(client)
        assert (answer.status, "stopping" in answer.message()) == (503, True)


def test_an_upstream_that_answers_with_a_page(site: Site) -> None:
    site.upstream.reply(html_reply(502))
    answer = site.post(PATH, form(("model", "once"), ("file", SMALL)))
    assert (answer.status, bool(answer.message())) == (502, True)


def test_a_length_that_lies(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=20)
    body = form(("model", "once"), ("file", SMALL))
    headers = {"authorization": f"Bearer {KEY}", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    connection.request("POST", PATH, body[:-1] + b"\n trailing", headers)
    assert answered(connection).status == 200  # what stands behind the last boundary means nothing
