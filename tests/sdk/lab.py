"""A running gateway between a vendor's SDK and upstreams that are as strict as the vendors."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import anthropic
import openai
from google import genai

from twoapi.config import parse
from twoapi.ir import Loss
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_turn import Tokens

CLIENT_KEY = "client-key"
UPSTREAM_KEY = "upstream-key"

# The aliases `chat`, `responses`, `messages` and `gemini` are named after the protocol of the upstream that answers.
UPSTREAMS = {
    "chat": "gpt/gpt-5.1",
    "responses": "gpt-responses/gpt-5.1",
    "messages": "claude/claude-opus-5-5",
    "gemini": "google/gemini-3-pro-preview",
}
PROTOCOLS = {
    "chat": "openai-chat",
    "responses": "openai-responses",
    "messages": "anthropic-messages",
    "gemini": "gemini",
}
# `chat-or-gemini` and so on: the second answers when the first does not.
PAIRS = [f"{first}-or-{second}" for first in UPSTREAMS for second in UPSTREAMS if first != second]
MODELS = [*UPSTREAMS, "chat-replaying-reasoning", "either", "messages-with-budgets", *PAIRS]
CONFIG = """
listen: 127.0.0.1:0
keys: [{client_key}]
upstreams:
  gpt: {{provider: openai, base_url: "{chat}", credentials: [{upstream_key}]}}
  gpt-responses:
    {{provider: openai, protocols: {{openai-responses: "{responses}"}}, credentials: [{upstream_key}]}}
  claude: {{provider: anthropic, base_url: "{messages}", credentials: [{upstream_key}]}}
  google: {{provider: gemini, base_url: "{gemini}", credentials: [{upstream_key}]}}
  lab:
    provider: openai-compatible
    base_url: "{chat}"
    credentials: [{upstream_key}]
    capabilities: {{reasoning_field: reasoning_content}}
models:
  chat: {{candidates: [gpt/gpt-5.1], retries: 0}}
  responses: {{candidates: [gpt-responses/gpt-5.1], retries: 0}}
  messages: {{candidates: [claude/claude-opus-5-5], retries: 0}}
  gemini: {{candidates: [google/gemini-3-pro-preview], retries: 0}}
  chat-replaying-reasoning: {{candidates: [lab/qwen3], retries: 0}}
  either: {{candidates: [claude/claude-opus-5-5, gpt/gpt-5.1], retries: 0}}
  messages-with-budgets: {{candidates: [claude/claude-sonnet-4-5], retries: 0}}
"""


def _pair(alias: str) -> str:
    candidates = ", ".join(UPSTREAMS[one] for one in alias.split("-or-"))
    return f"  {alias}: {{candidates: [{candidates}], retries: 0}}\n"


class Lab:
    """A gateway and its one upstream, which speaks every protocol; and the vendors' clients, made once: that is slow.

    The clients do not retry, and every answer must fit the SDK's types exactly.
    """

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.loop = asyncio.Runner()
        strictly: dict[str, Any] = {"max_retries": 0, "timeout": 20, "_strict_response_validation": True}
        self.openai = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CLIENT_KEY, **strictly)
        self.async_openai = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=CLIENT_KEY, **strictly)
        self.anthropic = anthropic.Anthropic(base_url=gateway.url, api_key=CLIENT_KEY, **strictly)
        self.async_anthropic = anthropic.AsyncAnthropic(base_url=gateway.url, api_key=CLIENT_KEY, **strictly)
        self._session = self.loop.run(_session())
        options = genai.types.HttpOptions(base_url=gateway.url, timeout=20_000, aiohttp_client=self._session)
        self.genai = genai.Client(api_key=CLIENT_KEY, http_options=options)

    def close(self) -> None:
        """Close the clients."""
        self.openai.close()
        self.anthropic.close()
        self.loop.run(self.async_openai.close())
        self.loop.run(self.async_anthropic.close())
        self.genai.close()
        self.loop.run(self._session.close())
        self.loop.close()

    def plays(self, **scenario: Any) -> None:
        """What the model behind the upstream does from now on; what came before is forgotten."""
        if "tokens" in scenario:
            scenario["tokens"] = Tokens(**scenario["tokens"])
        self.upstream.handler = ScriptedModel(Scenario(**scenario))
        self.upstream.requests.clear()
        self.upstream.refusals.clear()
        self.gateway.worker.cooldowns.forgive()

    def replies(self, *replies: Reply) -> None:
        """What the upstream answers next, word by word."""
        self.upstream.requests.clear()
        self.upstream.refusals.clear()
        self.gateway.worker.cooldowns.forgive()
        self.upstream.reply(*replies)

    def losses(self) -> list[Loss]:
        """What was lost in the last exchange."""
        records, counters = self.gateway.collected.records, self.gateway.worker.counters
        self.gateway.wait(lambda: len(records) == counters.exchanges)
        return records[-1].losses or []

    def sent(self) -> list[Any]:
        """The bodies that reached the upstream, none of which it refused."""
        assert self.upstream.refusals == []
        return [request.json() for request in self.upstream.requests]


async def _session() -> aiohttp.ClientSession:
    """What genai sends asynchronous requests over; its own session is of a class that aiohttp warns of."""
    return aiohttp.ClientSession()


@contextmanager
def running_lab() -> Iterator[Lab]:
    """A lab for as long as the block lasts."""
    with FakeUpstream(strict=True, key=UPSTREAM_KEY) as upstream:
        text = CONFIG.format(
            client_key=CLIENT_KEY,
            upstream_key=UPSTREAM_KEY,
            **{alias: upstream.base_url(protocol) for alias, protocol in PROTOCOLS.items()},
        )
        text += "".join(map(_pair, PAIRS))
        with RunningGateway(parse(text, "lab.yaml", {})) as gateway:
            lab = Lab(gateway, upstream)
            try:
                yield lab
            finally:
                lab.close()
