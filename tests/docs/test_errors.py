"""Each row of the table of the gateway's own errors, provoked: the status is the one that the page says."""

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from twoapi.config import parse
from twoapi.testing.canned import PATHS, request_body
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, sse_reply
from twoapi.testing.running_gateway import RunningGateway

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
KEY, NARROW = "sk-client-0123456789", "sk-narrow-0123456789"
CONFIG = """
listen: 127.0.0.1:0
keys: [{key}, {{key: {narrow}, models: [other]}}]
upstreams:
  demo: {{provider: demo}}
  chat: {{provider: openai-compatible, base_url: "{chat}"}}
  messages: {{provider: anthropic-compatible, base_url: "{messages}", capabilities: {{url_media: false}}}}
media: {{fetch: true}}
limits: {{receive: 1s, streams: 1}}
"""
MIB = 1024 * 1024


class Scene(NamedTuple):
    gateway: RunningGateway
    fake: FakeUpstream


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with FakeUpstream() as fake:
        text = CONFIG.format(key=KEY, narrow=NARROW, chat=fake.base_url(), messages=fake.base_url("anthropic-messages"))
        with RunningGateway(parse(text, "test.yaml", {})) as gateway:
            yield Scene(gateway, fake)


def post(
    scene: Scene,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    key: str = KEY,
    method: str = "POST",
    path: str = PATHS["openai-chat"],
) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body or chat()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", scene.gateway.port, timeout=20)
    # A large body may be answered, and the connection closed, before all of it was sent.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, data, {"authorization": f"Bearer {key}", **(headers or {})})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def raw(scene: Scene, data: bytes) -> int:
    """The status of an answer to these bytes, after which the connection ends."""
    with scene.gateway.connect() as connection:
        connection.sendall(data)
        answer = b""
        while got := connection.recv(65536):
            answer += got
    return int(answer.split(b" ", 2)[1])


def chat(model: str = "demo", **more: object) -> dict[str, object]:
    return {**request_body("openai-chat", model), **more}


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + KEY.encode() + b"\r\n"
SOCKET = (
    b"GET /v1/responses HTTP/1.0\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-api-key: %b\r\n\r\n" % KEY.encode()
)
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
LONELY_CALL = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "user", "content": "b"},
]
SOUND = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://169.254.169.254/latest/meta-data/"}}
DEEP = b'{"model":"demo","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def while_another_is_answered(scene: Scene) -> int:
    gate = Gate()
    scene.fake.reply(sse_reply([b"data: [DONE]\n\n"]).failing(gate=gate))
    with socket.create_connection(("127.0.0.1", scene.gateway.port), 20) as first:
        body = json.dumps(chat("chat/m", stream=True)).encode()
        first.sendall(HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        gate.wait_arrivals()
        status = post(scene)
    gate.open()
    scene.gateway.wait(lambda: scene.gateway.worker.running == 0)
    return status


# The beginning of a row -> requests of that kind.
PROVOKED: dict[str, list[Callable[[Scene], int]]] = {
    "the body is not JSON": [
        lambda scene: post(scene, b"not json"),
        lambda scene: post(scene, json.dumps(chat("messages/m")).encode().replace(b"hi", b"\xff")),
        lambda scene: post(scene, b"[]"),
    ],
    "a field has the wrong type": [
        lambda scene: post(scene, chat(messages=5)),
        lambda scene: post(scene, {"model": "demo"}),
    ],
    "the body is nested": [lambda scene: post(scene, DEEP)],
    "a tool call without": [lambda scene: post(scene, chat("messages/m", messages=LONELY_CALL))],
    "something the target": [lambda scene: post(scene, chat("messages/m", messages=SOUND))],
    "a file by URL": [
        lambda scene: post(scene, chat("messages/m", messages=[{"role": "user", "content": [IMAGE]}])),
    ],
    "the conversion would lose": [lambda scene: post(scene, chat("messages/m", seed=1), {"twoapi-on-loss": "reject"})],
    "nobody who serves": [lambda scene: post(scene, {"model": "demo", "input": "a"}, path="/v1/embeddings")],
    "broken chunked": [
        lambda scene: raw(scene, HEAD + b"transfer-encoding: chunked\r\n\r\nnonsense\r\n"),
        lambda scene: raw(scene, HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        lambda scene: raw(scene, b"this is not HTTP\r\n\r\n"),
    ],
    "no key": [lambda scene: post(scene, key=""), lambda scene: post(scene, key="sk-wrong")],
    "a key that may not": [lambda scene: post(scene, key=NARROW)],
    "a model that nothing": [
        lambda scene: post(scene, chat("nothing/m")),
        lambda scene: post(scene, path="/v1/nothing"),
    ],
    "a method": [lambda scene: post(scene, method="PUT")],
    "the request does not arrive": [lambda scene: raw(scene, HEAD + b"content-length: 5\r\n\r\nhel")],
    "a body larger": [lambda scene: post(scene, b" " * (33 * MIB))],
    "a websocket": [lambda scene: raw(scene, SOCKET)],
    "a body that is not what": [lambda scene: post(scene, headers={"content-encoding": "br"})],
    "a `content-encoding`": [lambda scene: post(scene, headers={"content-encoding": "compress"})],
    "headers larger": [lambda scene: post(scene, headers={"x-big": "a" * 100_000})],
    "as many requests": [while_another_is_answered],
}
NOT_PROVOKED = "the gateway itself broke"


def rows() -> dict[str, int]:
    (table,) = re.findall(r"\| what is wrong \| status \|\n\|---\|---\|\n(.*?)\n\n", PAGE, re.DOTALL)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    return {what: int(status[:3]) for what, status in cells}


def test_every_row_is_provoked():
    untested = [what for what in rows() if not what.startswith((*PROVOKED, NOT_PROVOKED))]
    unknown = [start for start in PROVOKED if not any(what.startswith(start) for what in rows())]
    assert (untested, unknown) == ([], [])


@pytest.mark.parametrize("start", PROVOKED)
def test_a_row_is_true(scene: Scene, start: str):
    (documented,) = [status for what, status in rows().items() if what.startswith(start)]
    found = [provoke(scene) for provoke in PROVOKED[start]]
    assert found == [documented] * len(found)
    assert post(scene) == 200
