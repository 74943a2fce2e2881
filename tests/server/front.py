"""A gateway in front of one upstream that speaks all four protocols, and plain requests to it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from twoapi.config import parse
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway

KEY = "sk-client-0123456789"
UPSTREAM_KEY = "sk-upstream-0123456789"
PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
# The aliases are named after the upstream's protocol.
CONFIG = """
listen: 127.0.0.1:0
keys: [{{key: {key}, name: team}}]
{top}
upstreams:
  demo: {{provider: demo}}
  chat: {{provider: openai-compatible, base_url: "{chat}", credentials: [{upstream}]}}
  responses: {{provider: openai-responses-compatible, base_url: "{responses}", credentials: [{upstream}]}}
  messages: {{provider: anthropic-compatible, base_url: "{messages}", credentials: [{upstream}]}}
  silent:
    provider: anthropic-compatible
    base_url: "{messages}"
    capabilities: {{token_counts: false}}
  google: {{provider: gemini-compatible, base_url: "{gemini}", credentials: [{upstream}]}}
  all:
    provider: openai
    credentials: [{upstream}]
    protocols:
      gemini: "{gemini}"
      openai-chat: "{chat}"
      openai-responses: "{responses}"
      anthropic-messages: "{messages}"
models:
  openai-chat: {{candidates: [chat/m-1], retries: 0}}
  openai-responses: {{candidates: [responses/m-1], retries: 0}}
  anthropic-messages: {{candidates: [messages/m-1], retries: 0}}
  gemini: {{candidates: [google/m-1], retries: 0}}
  silent: {{candidates: [silent/m-1]}}
  every: {{candidates: [all/m-1], retries: 0}}
  two: {{candidates: [messages/m-1, google/m-1], retries: 0}}
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Front(NamedTuple):
    gateway: RunningGateway
    upstream: FakeUpstream

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = KEY,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {key}"} if key else {}
        connection.request(method, path, data, {**sent, **(headers or {})})
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def clear(self) -> None:
        self.gateway.worker.cooldowns.forgive()
        self.upstream.requests.clear()


@contextmanager
def running_front(top: str = "") -> Iterator[Front]:
    """A front with further lines of configuration, for as long as the block lasts."""
    with FakeUpstream() as upstream:
        text = CONFIG.format(
            top=top,
            key=KEY,
            upstream=UPSTREAM_KEY,
            chat=upstream.base_url("openai-chat"),
            responses=upstream.base_url("openai-responses"),
            messages=upstream.base_url("anthropic-messages"),
            gemini=upstream.base_url("gemini"),
        )
        with RunningGateway(parse(text, "front.yaml", {})) as gateway:
            yield Front(gateway, upstream)
