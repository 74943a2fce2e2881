"""iFlytek Spark behind a running gateway: what its websocket is asked, its errors, and connections that end early."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import Reply, Used
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.spark_socket import STAGED

PARTS = "{app_id: 4CC5779A, api_key: KEY, api_secret: SECRET}"
CREDENTIALS = f"credentials: [{{parts: {PARTS}}}]"
SOCKET = """
upstreams:
  vendor:
    provider: spark-socket
    protocols: {{spark-socket: 'ws://127.0.0.1:{port}'}}
    credentials: [{{parts: {parts}}}]
models:
  conf: {{candidates: [vendor/{model}], retries: 0}}
"""
ASKED = {"messages": [{"role": "user", "content": "Grüße 🚀"}]}
modes = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

Talk = Callable[[ServerConnection], None]


@contextlib.contextmanager
def serving(talk: Talk, **options: Any) -> Iterator[Server]:
    with serve(talk, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def port_of(server: Server) -> int:
    port: int = server.socket.getsockname()[1]
    return port


def ask(config: str, *, stream: bool = False, heard: Callable[[bytes], None] | None = None) -> Exchange:
    with RunningGateway(parse(config, "twoapi.yaml", {})) as gateway:
        speaker = Client(gateway.url, "sk-any", {}, 20)
        return speaker.send(sent("openai-chat", "conf", "sk-any", ASKED, stream=stream), heard)


def asked_of(
    talk: Talk,
    *,
    stream: bool = False,
    model: str = "4.0Ultra",
    heard: Callable[[bytes], None] | None = None,
    **options: Any,
) -> Exchange:
    with serving(talk, **options) as server:
        return ask(SOCKET.format(port=port_of(server), parts=PARTS, model=model), stream=stream, heard=heard)


def frame(status: int = 1, code: int = 0, **members: Any) -> str:
    header = {"code": code, "message": "told" if code else "Success", "sid": "s1", "status": status}
    return json.dumps({"header": header, **({"payload": members} if members else {})})


def saying(text: str) -> dict[str, Any]:
    return {"status": 1, "seq": 0, "text": [{"content": text, "role": "assistant", "index": 0}]}


def error_of(exchange: Exchange) -> str:
    message: str = json.loads(exchange.body)["error"]["message"]
    return message


@modes
@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("4.0Ultra", "/v4.0/chat"),
        ("generalv3.5", "/v3.5/chat"),
        ("max-32k", "/chat/max-32k"),
        ("spark-x", "/v1/x1"),
        ("own-service", "/v1.1/chat"),
    ],
)
def test_the_url_is_signed_and_the_frame_says_who_asks(model: str, place: str, *, stream: bool) -> None:
    seen: list[tuple[Request, dict[str, Any]]] = []

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append((connection.request, json.loads(connection.recv())))
        connection.send(frame(0, choices=saying("Hel")))
        usage = {"text": {"question_tokens": 4, "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
        connection.send(frame(2, choices=saying("lo"), usage=usage))

    exchange = asked_of(talk, stream=stream, model=model)
    assert exchange.status == 200
    assert b"Hel" in exchange.body
    assert b'"prompt_tokens":5' in exchange.body
    ((request, body),) = seen
    path, _, query = request.path.partition("?")
    told = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    assert path == place
    assert told["host"] == request.headers["host"]
    assert abs((parsedate_to_datetime(told["date"]) - datetime.now(UTC)).total_seconds()) < 60
    origin = f"host: {told['host']}\ndate: {told['date']}\nGET {path} HTTP/1.1"
    digest = hmac.new(b"SECRET", origin.encode(), hashlib.sha256).digest()
    plain = base64.b64decode(told["authorization"]).decode()
    assert plain == (
        'api_key="KEY", algorithm="hmac-sha256", headers="host date request-line", '
        f'signature="{base64.b64encode(digest).decode()}"'
    )
    assert body["header"] == {"app_id": "4CC5779A"}
    assert body["parameter"]["chat"]["domain"] == model


@modes
@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10013, 400),
        (10907, 400),
        (10163, 400),
        (11202, 429),
        (10007, 429),
        (10110, 503),
        (10012, 502),
        (11200, 502),
        (10015, 502),
    ],
)
def test_an_error_before_the_answer_has_a_status(code: int, status: int, *, stream: bool) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(frame(2, code))

    exchange = asked_of(talk, stream=stream)
    assert exchange.status == status
    assert error_of(exchange) == "told" or status == 502


def test_an_error_in_the_answer_ends_it_as_one() -> None:
    begun = threading.Event()

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(frame(0, choices=saying("It is")))
        begun.wait(10)
        connection.send(frame(2, 10014))

    exchange = asked_of(talk, stream=True, heard=lambda data: begun.set() if b"It is" in data else None)
    assert b"It is" in exchange.body
    assert b'"message":"told"' in exchange.body
    assert b"[DONE]" not in exchange.body
    assert asked_of(talk).status == 400


def test_an_answer_that_stops_short_is_an_error() -> None:
    begun = threading.Event()

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(frame(0, choices=saying("It is")))
        begun.wait(10)

    exchange = asked_of(talk, stream=True, heard=lambda data: begun.set() if b"It is" in data else None)
    assert b"in the middle of its answer" in exchange.body
    assert b"[DONE]" not in exchange.body
    assert asked_of(talk).status == 502


@modes
def test_a_refused_handshake_names_the_credential(*, stream: bool) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(403, '{"message":"HMAC signature does not match, KEY"}')

    exchange = asked_of(lambda connection: None, stream=stream, process_request=refuse)
    assert exchange.status == 502
    assert "does not accept the gateway's credential (credentials.0)" in error_of(exchange)
    assert b"KEY" not in exchange.body


def test_another_upstream_answers_when_the_first_says_nothing() -> None:
    def silent(connection: ServerConnection) -> None:
        connection.recv()

    with serving(silent) as first, STAGED.serves(vendors={"spark-socket": STAGED.vendor}) as second:
        second.play(Reply(text="From the second.", used=Used(input=3, output=2)))
        config = f"""
upstreams:
  one: {{provider: spark-socket, protocols: {{spark-socket: 'ws://127.0.0.1:{port_of(first)}'}}, {CREDENTIALS}}}
  two: {{provider: spark-socket, protocols: {{spark-socket: '{second.url}/spark-socket'}}, {CREDENTIALS}}}
models:
  conf: {{candidates: [one/4.0Ultra, two/4.0Ultra], retries: 0}}
"""
        for stream in (False, True):
            exchange = ask(config, stream=stream)
            assert exchange.headers["twoapi-upstream"] == "two/4.0Ultra"
            assert exchange.headers["twoapi-attempts"] == "2"
            assert exchange.status == 200


def test_a_client_that_leaves_closes_the_websocket() -> None:
    gone = threading.Event()

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        with contextlib.suppress(ConnectionClosed):
            connection.send(frame(0, choices=saying("It is")))
            connection.recv()
        gone.set()

    with (
        serving(talk) as server,
        RunningGateway(
            parse(SOCKET.format(port=port_of(server), parts=PARTS, model="4.0Ultra"), "twoapi.yaml", {})
        ) as gateway,
    ):
        body = json.dumps({**ASKED, "model": "conf", "stream": True}).encode()
        with gateway.connect() as client:
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-any\r\n"
            client.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
            heard = b""
            while b"It is" not in heard:
                heard += client.recv(65536)
        assert gone.wait(10)


@pytest.mark.parametrize(
    ("upstream", "complaint"),
    [
        (
            "{provider: openai, protocols: {openai-chat: 'ws://127.0.0.1:9'}, credentials: [sk-x]}",
            "openai-chat is not spoken over a websocket",
        ),
        (
            f"{{provider: spark-socket, protocols: {{spark-socket: 'http://127.0.0.1:9'}}, {CREDENTIALS}}}",
            "spark-socket is spoken over a websocket",
        ),
        (
            f"{{provider: spark-socket, proxy: 'http://127.0.0.1:9', {CREDENTIALS}}}",
            "a websocket cannot be led through a proxy",
        ),
    ],
)
def test_a_place_that_cannot_be_asked_is_named(upstream: str, complaint: str) -> None:
    exchange = ask(f"upstreams:\n  vendor: {upstream}\nmodels:\n  conf: {{candidates: [vendor/m], retries: 0}}\n")
    assert exchange.status >= 500
    assert complaint in error_of(exchange)


# --- Over HTTP ---


@modes
@pytest.mark.parametrize(("code", "status"), [(10013, 400), (11202, 429), (10110, 503), (11200, 502), (10012, 502)])
def test_an_error_with_status_200_is_one_with_its_own(code: int, status: int, *, stream: bool) -> None:
    with FakeUpstream() as fake:
        fake.reply(json_reply({"code": code, "message": "told", "sid": "s1"}))
        exchange = ask(
            f"upstreams:\n  vendor: {{provider: spark, protocols: {{spark: 'http://127.0.0.1:{fake.port}'}}, "
            "credentials: ['KEY:SECRET']}\nmodels:\n  conf: {candidates: [vendor/4.0Ultra], retries: 0}\n",
            stream=stream,
        )
        assert exchange.status == status
        (request,) = fake.requests
        assert request.path == "/v1/chat/completions"
        assert request.headers["authorization"] == "Bearer KEY:SECRET"


def test_the_model_that_reasons_is_at_another_path() -> None:
    with FakeUpstream() as fake:
        said = {"role": "assistant", "content": "Iron.", "reasoning_content": "Hm."}
        fake.reply(json_reply({"code": 0, "sid": "s1", "choices": [{"message": said, "index": 0}]}))
        exchange = ask(
            f"upstreams:\n  vendor: {{provider: spark, protocols: {{spark: 'http://127.0.0.1:{fake.port}'}}, "
            "credentials: [sk-x]}\nmodels:\n  conf: {candidates: [vendor/spark-x], retries: 0}\n"
        )
        assert fake.requests[0].path == "/v2/chat/completions"
        message = json.loads(exchange.body)["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("Iron.", "Hm.")
