"""Signs of life while an answer takes its time: each client gets the one that it can live with."""

import json

import pytest
from google import genai
from google.genai import types
from tests.server.front import KEY, PROTOCOLS, Front, running_front
from tests.server.test_routes import path_of

from twoapi.testing.canned import request_body, stream
from twoapi.testing.replies import Gate

# How many frames of an upstream's stream say nothing yet.
SILENT = {"openai-chat": 1, "openai-responses": 4, "anthropic-messages": 2, "gemini": 0}


@pytest.fixture(scope="module")
def slow():
    with running_front("timeouts: {keep_alive: 150ms}") as front:
        yield front


def streamed(front: Front, client, upstream, *, headers=b"", array=False) -> tuple[bytes, bytes]:
    """What a client hears of an answer that is silent before its first word, and in the middle; its head and body."""
    gate = Gate()
    reply = stream(upstream, "alpha ", "beta")
    if array and upstream == "gemini":  # relayed: the upstream was asked for an array too
        frames = [piece.strip().removeprefix(b"data: ") for piece in reply.pieces]
        pieces = (b"[" + frames[0], *(b",\r\n" + frame for frame in frames[1:]), b"]")
        reply = reply.having(pieces=pieces, content_type="application/json")
    front.upstream.reply(reply.failing(gate=gate))
    path = path_of(client, upstream, streamed=True).replace("?alt=sse", "" if array else "?alt=sse")
    body = json.dumps(request_body(client, upstream, stream=True)).encode()
    with front.gateway.connect() as sock:
        sock.settimeout(10)
        sock.sendall(
            b"POST %s HTTP/1.0\r\nx-api-key: %s\r\n%scontent-length: %d\r\n\r\n%s"
            % (path.encode(), KEY.encode(), headers, len(body), body)
        )
        gate.wait_arrivals(1)
        said_before = heard_until(front, sock, gate, b"")
        gate.release(SILENT[upstream] + 1)
        said_within = heard_until(front, sock, gate, b"alpha")
        gate.open()
        rest = b""
        while piece := sock.recv(65536):
            rest += piece
    head, _, body = (said_before + said_within + rest).partition(b"\r\n\r\n")
    return head, body


def heard_until(front: Front, sock, gate, word) -> bytes:
    """What comes until the word was heard and a sign of life has had its time."""
    heard = sock.recv(65536)
    while word not in heard:
        heard += sock.recv(65536)
    worker = front.gateway.worker
    (attempt,) = worker.active
    front.gateway.wait(lambda: not attempt.is_fresh)  # what was heard has been noted: the next word is the gateway's
    before = attempt.last_write
    front.gateway.wait(lambda: attempt.last_write > before)
    return heard


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_gemini_client_never_hears_a_comment(slow, upstream):
    head, body = streamed(slow, "gemini", upstream, headers=b"twoapi-report: full\r\n")
    assert b"text/event-stream" in head
    lines = [line for line in body.replace(b"\r\n", b"\n").split(b"\n") if line]
    assert all(line.startswith(b"data: {") for line in lines), body
    assert body.startswith(b"\n")  # the sign before there was a word
    assert b"}\n\n\n" in body.replace(b"\r\n", b"\n")  # and one between two frames


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_a_stream_as_one_array_stays_one(slow, upstream):
    head, body = streamed(slow, "gemini", upstream, array=True)
    assert b"content-type: application/json" in head
    texts = [part.get("text", "") for one in json.loads(body) for part in one["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == "alpha beta"


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", ["openai-chat", "openai-responses", "anthropic-messages"])
def test_other_clients_are_kept_awake_by_what_they_skip(slow, client, upstream):
    _, body = streamed(slow, client, upstream)
    signs = body.count(b": keep-alive") + body.count(b"event: ping")
    assert signs >= 2, body
    if client == "anthropic-messages":
        assert b"event: ping" in body.partition(b"event: message_start")[2]


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_the_vendors_sdk_reads_a_slow_stream(slow, upstream, version):
    gate = Gate()
    slow.upstream.reply(stream(upstream, "alpha ", "beta").failing(gate=gate))
    options = types.HttpOptions(base_url=slow.gateway.url, api_version=version)
    client = genai.Client(api_key=KEY, http_options=options)
    worker = slow.gateway.worker
    worker.loop.call_soon_threadsafe(open_after_a_sign, worker, gate)
    chunks = [chunk.text or "" for chunk in client.models.generate_content_stream(model=upstream, contents="hi")]
    assert "".join(chunks) == "alpha beta"


def open_after_a_sign(worker, gate):
    """Lets the upstream speak as soon as its client has got a sign of life."""
    if any(attempt.last_write for attempt in worker.active):
        gate.open()
    else:
        worker.loop.call_later(0.02, open_after_a_sign, worker, gate)
