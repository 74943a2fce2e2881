"""A running gateway, a fake of OpenAI's services behind it, and an upstream whose every byte is the test's."""

import hashlib
import http.client
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import openai

from twoapi.config import parse
from twoapi.gateway.record import Record
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.services.forms import Form, form_of
from twoapi.testing.services.openai import answer

KEY, UPSTREAM_KEY = "client-key", "upstream-key"
LIMIT = 32 * 2**20
SOUND = hashlib.shake_256(b"sound").digest(2**20)  # more than is kept to be sent again
BOUNDARY = "a-boundary"
CONFIG = """
listen: 127.0.0.1:0
keys: [{{key: {key}, name: team}}, {{key: other-key, name: other, models: [other]}}]
limits: {{upload: 32MiB, receive: {receive}}}
upstreams:
  first: {{provider: openai-compatible, base_url: "{url}/v1", credentials: [{upstream}]}}
  second: {{provider: openai-compatible, base_url: "{url}/v1", credentials: [{upstream}]}}
  keys: {{provider: openai-compatible, base_url: "{url}/v1", credentials: [wrong-key, {upstream}]}}
  raw: {{provider: openai-compatible, base_url: "{raw}/v1", credentials: [{upstream}], timeouts: {{idle: 500ms}}}}
  signed:
    provider: openai-compatible
    base_url: "{url}/v1"
    auth: {{scheme: sigv4, service: bedrock}}
    credentials: [{{parts: {{access_key_id: a, secret_access_key: b, region: r}}}}]
  gemini: {{provider: gemini-compatible, base_url: "{url}", credentials: [{upstream}]}}
models:
  pair: {{candidates: [first/w-1, second/w-2], retries: 0}}
  raw-pair: {{candidates: [raw/w-1, second/w-2], retries: 0}}
  once: {{candidates: [first/w-1], retries: 0}}
  deployed: first/w-1
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def message(self) -> str:
        found: str = self.json()["error"]["message"]
        return found


class RawUpstream:
    """A socket that listens; a test takes its connections one by one."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        # Inherited by what it accepts: little of an upload disappears in the kernel.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.port: int = self._listener.getsockname()[1]

    def accept(self) -> socket.socket:
        found, _ = self._listener.accept()
        found.settimeout(10)
        return found

    def close(self) -> None:
        self._listener.close()


class Site:
    """The gateway, its upstreams, and clients in front of it."""

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream, raw: RawUpstream) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.raw = raw
        settings: dict[str, Any] = {"max_retries": 0, "timeout": 20, "api_key": KEY, "base_url": f"{gateway.url}/v1"}
        self.openai = openai.OpenAI(**settings, _strict_response_validation=True)
        self.lenient = openai.OpenAI(**settings)

    def clear(self) -> None:
        self.gateway.wait(self._is_idle)
        self.gateway.collected.records.clear()
        self.upstream.requests.clear()

    def _is_idle(self) -> bool:
        self.gateway.worker.records.clear()
        self.gateway.worker.cooldowns.forgive()
        return self.gateway.worker.running == 0

    def sent(self) -> Form:
        """The one form that reached the fake."""
        return form_of(self.request())

    def request(self) -> Received:
        (request,) = self.upstream.requests
        return request

    def record(self) -> Record:
        self.gateway.wait(lambda: bool(self.gateway.collected.records))
        (record,) = self.gateway.collected.records
        return record

    def post(
        self, path: str, body: bytes | Iterable[bytes], headers: Mapping[str, str] | None = None, key: str = KEY
    ) -> Answer:
        """A bare request; chunked when the body comes in pieces."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        sent = {"authorization": f"Bearer {key}", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", path, body, {**sent, **(headers or {})}, encode_chunked=not isinstance(body, bytes))
        return answered(connection)

    def begin(self, path: str, length: int, start: bytes) -> socket.socket:
        """A connection on which a form of this length has begun."""
        client = self.gateway.connect()
        client.sendall(request_head(path, f"content-length: {length}") + start)
        return client


def request_head(path: str, *lines: str) -> bytes:
    """The head of a request with a form."""
    named = ["host: x", f"authorization: Bearer {KEY}", f"content-type: multipart/form-data; boundary={BOUNDARY}"]
    return "\r\n".join([f"POST {path} HTTP/1.1", *named, *lines, "", ""]).encode()


def answered(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    found = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return found


def read_answer(client: socket.socket) -> Answer:
    """The answer on a bare connection."""
    response = http.client.HTTPResponse(client)
    response.begin()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """What comes, up to and with this."""
    found = b""
    while end not in found:
        data = connection.recv(65536)
        assert data, found[-200:]
        found += data
    return found


def form(*parts: tuple[str, str | bytes]) -> bytes:
    """A form; bytes are a file."""
    written = b""
    for name, value in parts:
        file_name = "; filename=sound.mp3" if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'
        written += head.encode() + data + b"\r\n"
    return written + f"--{BOUNDARY}--\r\n".encode()


@contextmanager
def running_site(*, receive: str = "1s") -> Iterator[Site]:
    """A site for as long as the block lasts, whose clients may take so long to send."""
    raw = RawUpstream()
    with FakeUpstream(answer) as upstream:
        urls = {"url": f"http://127.0.0.1:{upstream.port}", "raw": f"http://127.0.0.1:{raw.port}"}
        text = CONFIG.format(key=KEY, upstream=UPSTREAM_KEY, receive=receive, **urls)
        with RunningGateway(parse(text, "site.yaml", {})) as gateway:
            site = Site(gateway, upstream, raw)
            try:
                yield site
            finally:
                site.openai.close()
                site.lenient.close()
                raw.close()
