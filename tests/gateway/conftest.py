"""A running gateway between a test and its fake upstreams."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from tests.gateway.wire import ALIASES, PAIRS, path

from twoapi.config import parse
from twoapi.testing.canned import PATHS, request_body
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Bench(NamedTuple):
    """A gateway and two upstreams, `one` and `two`, of each protocol (aliases as in wire.ALIASES; chat-both ...)."""

    gateway: RunningGateway
    one: FakeUpstream
    two: FakeUpstream

    def post(self, protocol: str, body: Any, headers: dict[str, str] | None = None, path: str | None = None) -> Answer:
        return _post(self.gateway, protocol, body, headers, path)

    def ask(self, protocol: str, alias: str, *, stream: bool = False) -> Answer:
        """A small question."""
        asked = request_body(protocol, alias, stream=stream)
        return _post(self.gateway, protocol, asked, None, path(protocol, alias, stream=stream))


def _post(
    gateway: RunningGateway,
    protocol: str,
    body: Any,
    headers: dict[str, str] | None = None,
    path: str | None = None,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path or PATHS[protocol], data, {"content-type": "application/json", **(headers or {})})
    response = connection.getresponse()
    answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return answer


CONFIG = """
listen: 127.0.0.1:0
{top}
upstreams:
  chat1:
    provider: openai-compatible
    base_url: "{one_chat}"
    credentials: [key-a, key-b]
    prices: {{priced: {{input: 2.5, output: 10}}}}
  chat2: {{provider: openai-compatible, base_url: "{two_chat}", credentials: [key-c]}}
  messages1: {{provider: anthropic-compatible, base_url: "{one_messages}", credentials: [key-a, key-b]}}
  messages2: {{provider: anthropic-compatible, base_url: "{two_messages}", credentials: [key-c]}}
  responses1: {{provider: openai-responses-compatible, base_url: "{one_responses}", credentials: [key-a, key-b]}}
  responses2: {{provider: openai-responses-compatible, base_url: "{two_responses}", credentials: [key-c]}}
  gemini1: {{provider: gemini-compatible, base_url: "{one_gemini}", credentials: [key-a, key-b]}}
  gemini2: {{provider: gemini-compatible, base_url: "{two_gemini}", credentials: [key-c]}}
models:
  chat: {{candidates: [chat1/m-1], retries: 0}}
  priced: {{candidates: [chat1/priced], retries: 0}}
  messages: {{candidates: [messages1/m-1], retries: 0}}
  responses: {{candidates: [responses1/m-1], retries: 0}}
  gemini: {{candidates: [gemini1/m-1], retries: 0}}
  chat-both: {{candidates: [chat1/m-1, chat2/m-2], retries: 0}}
  messages-both: {{candidates: [messages1/m-1, messages2/m-2], retries: 0}}
  responses-both: {{candidates: [responses1/m-1, responses2/m-2], retries: 0}}
  gemini-both: {{candidates: [gemini1/m-1, gemini2/m-2], retries: 0}}
"""


def base_urls(one: FakeUpstream, two: FakeUpstream) -> dict[str, str]:
    """What CONFIG names, `top` apart."""
    fakes = {"one": one, "two": two}
    return {
        f"{name}_{alias}": fake.base_url(protocol)
        for name, fake in fakes.items()
        for protocol, alias in ALIASES.items()
    }


@contextmanager
def _bench(top: str = "") -> Iterator[Bench]:
    with FakeUpstream() as one, FakeUpstream() as two:
        text = CONFIG.format(
            top=top,
            **base_urls(one, two),
        )
        with RunningGateway(parse(text, "test.yaml", {})) as gateway:
            yield Bench(gateway, one, two)


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}_to_{pair[1]}")
def pair(request: pytest.FixtureRequest) -> Any:
    """Client and upstream."""
    return request.param


@pytest.fixture
def running() -> Iterator[Bench]:
    with _bench() as ready:
        yield ready


@pytest.fixture
def bench():
    """Makes a Bench with further lines of configuration: `with bench("timeouts: {idle: 1s}") as running:`."""
    return _bench


@pytest.fixture
def post():
    """Sends a request to a gateway."""
    return _post
