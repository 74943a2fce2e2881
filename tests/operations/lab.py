"""A running gateway between the vendors' SDKs and fakes of the vendors' services, one upstream for each shape."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cohere
import httpx
import openai
from google import genai

from twoapi.config import parse
from twoapi.gateway.record import Record
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.services.others import everything

KEY, UPSTREAM_KEY = "client-key", "upstream-key"
# A provider that offers everything at one address, each operation in a shape of the upstream's name.
PROVIDER = """
name: shapes
title: Shapes
protocols: {openai-chat: {}}
"""
CONFIG = """
listen: 127.0.0.1:0
keys: [{{key: {key}, name: team}}]
catalog: {catalog}
upstreams:
  openai: {{provider: openai-compatible, base_url: "{url}/v1", credentials: [{upstream}]}}
  gemini: {{provider: gemini-compatible, base_url: "{url}", credentials: [{upstream}]}}
  cohere:
    provider: shapes
    base_url: "{url}"
    credentials: [{upstream}]
    operations: {{embeddings: [cohere], rerank: [cohere]}}
  dashscope:
    provider: shapes
    base_url: "{url}/api/v1"
    credentials: [{upstream}]
    operations: {{embeddings: [dashscope], rerank: [dashscope]}}
  ollama: {{provider: shapes, base_url: "{url}", credentials: [{upstream}], operations: {{embeddings: [ollama]}}}}
  bedrock:
    provider: shapes
    base_url: "{url}"
    credentials: [{upstream}]
    operations:
      embeddings:
        - {{shape: bedrock-titan, models: ["*titan-embed*"]}}
        - {{shape: bedrock-cohere, models: ["*cohere.embed*"]}}
  vertex:
    provider: shapes
    base_url: "{url}"
    credentials: [{upstream}]
    operations: {{embeddings: [{{shape: vertex-predict, path: "/v1/models/{{model}}:predict"}}]}}
  two-keys: {{provider: openai-compatible, base_url: "{url}/v1", credentials: [wrong-key, {upstream}]}}
  nothing:
    provider: openai-compatible
    base_url: "{url}/v1"
    credentials: [{upstream}]
    operations: {{embeddings: []}}
  chat:
    provider: openai-compatible
    base_url: "{url}/v1"
    credentials: [{upstream}]
    operations: {{completions: []}}
  responses: {{provider: openai, protocols: {{openai-responses: "{url}/v1"}}, credentials: [{upstream}]}}
  claude: {{provider: anthropic, base_url: "{url}", credentials: [{upstream}]}}
  demo: {{provider: demo}}
models:
  either: {{candidates: [openai/m-1, gemini/m-1], retries: 0}}
  patient: {{candidates: [openai/m-1], timeouts: {{keep_alive: 300ms}}}}
  once: {{candidates: [openai/m-1], retries: 0}}
  omni-moderation-latest: openai/omni-moderation-latest
  kept: {{candidates: [cohere/m-1], on_loss: reject}}
  cohere-once: {{candidates: [cohere/m-1], retries: 0}}
"""
# upstream -> a model of it
MODELS = {
    "openai": "openai/m-1",
    "gemini": "gemini/m-1",
    "cohere": "cohere/m-1",
    "dashscope": "dashscope/m-1",
    "ollama": "ollama/m-1",
    "titan": "bedrock/amazon.titan-embed-text-v2:0",
    "bedrock-cohere": "bedrock/cohere.embed-english-v3",
    "vertex": "vertex/text-embedding-005",
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def losses(self) -> list[Any]:
        return json.loads(self.headers.get("twoapi-loss-report", "[]"))


class Lab:
    """The gateway, the vendors behind it, and the SDKs in front of it, which do not retry."""

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream) -> None:
        self.gateway = gateway
        self.upstream = upstream
        strictly: dict[str, Any] = {"max_retries": 0, "timeout": 20, "_strict_response_validation": True}
        self.openai = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, **strictly)
        # For vectors in base64 and streamed completions, of which its own strictness knows nothing.
        self.lenient = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=20)
        self._http = httpx.Client(timeout=20)
        self.cohere = cohere.ClientV2(api_key=KEY, base_url=gateway.url, httpx_client=self._http)
        self.cohere_v1 = cohere.Client(api_key=KEY, base_url=gateway.url, httpx_client=self._http)
        options = genai.types.HttpOptions(base_url=gateway.url, timeout=20_000)
        self.genai = genai.Client(api_key=KEY, http_options=options)

    def close(self) -> None:
        self.openai.close()
        self.lenient.close()
        self.genai.close()
        self._http.close()

    def clear(self) -> None:
        self.gateway.wait(self._is_idle)
        self.gateway.collected.records.clear()
        self.upstream.handler = everything
        self.upstream.requests.clear()

    def _is_idle(self) -> bool:
        """True when nothing runs; what it left behind is forgotten."""
        worker = self.gateway.worker
        worker.records.clear()
        worker.cooldowns.forgive()
        return worker.running == 0

    def sent(self) -> Any:
        """The one body that reached the vendor."""
        (request,) = self.upstream.requests
        return request.json()

    def record(self) -> Record:
        """Of the one request."""
        self.gateway.wait(lambda: bool(self.gateway.collected.records))
        (record,) = self.gateway.collected.records
        return record

    def call(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """A bare request, with the whole report of losses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {KEY}", "twoapi-report": "full", **(headers or {})}
        connection.request("POST", path, data, sent)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A lab for as long as the block lasts."""
    (folder / "shapes.yaml").write_text(PROVIDER)
    with FakeUpstream(everything) as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        text = CONFIG.format(key=KEY, upstream=UPSTREAM_KEY, url=url, catalog=folder)
        with RunningGateway(parse(text, "lab.yaml", {})) as gateway:
            lab = Lab(gateway, upstream)
            try:
                yield lab
            finally:
                lab.close()
