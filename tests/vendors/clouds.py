"""A platform behind a gateway, and what a client asks of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from twoapi.config import parse
from twoapi.testing.canned import request_body
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway

Json = Any  # a parsed JSON document

CAPTURES = Path(__file__).parents[1] / "captures"
MESSAGES, GEMINI, CHAT, RESPONSES = "anthropic-messages", "gemini", "openai-chat", "openai-responses"
VERSION = "2026-10-21"


def captured(name: str, number: int = 0) -> Json:
    return json.loads((CAPTURES / f"{name}.json").read_text())["requests"][number]


@contextmanager
def platform(
    provider: str, protocol: str, model: str, settings: str, base: str = ""
) -> Iterator[tuple[FakeUpstream, RunningGateway]]:
    with FakeUpstream() as fake:
        url = f"http://127.0.0.1:{fake.port}{base}"
        text = (
            f"upstreams:\n  it: {{provider: {provider}, protocols: {{{protocol}: '{url}'}}, {settings}}}\n"
            f"models:\n  conf: {{candidates: ['it/{model}'], retries: 0}}\n"
        )
        with RunningGateway(parse(text, "twoapi.yaml", {})) as gateway:
            yield fake, gateway


def asked(protocol: str, *, streamed: bool = False, limit: int | None = 64) -> tuple[str, dict[str, str], Json]:
    """The path, headers and body of a client's request for a word of "hi"."""
    if protocol == GEMINI:
        method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        config = {} if limit is None else {"generationConfig": {"maxOutputTokens": limit}}
        return (
            f"/v1beta/models/conf:{method}",
            {},
            {"contents": [{"parts": [{"text": "hi"}], "role": "user"}], **config},
        )
    path = {MESSAGES: "/v1/messages", CHAT: "/v1/chat/completions", RESPONSES: "/v1/responses"}[protocol]
    body = request_body(protocol, "conf", stream=streamed)
    member = {MESSAGES: "max_tokens", CHAT: "max_completion_tokens", RESPONSES: "max_output_tokens"}[protocol]
    headers = {"anthropic-version": VERSION} if protocol == MESSAGES else {}
    return path, headers, body if limit is None else {**body, member: limit}


def post(gateway: RunningGateway, path: str, headers: dict[str, str], body: Json) -> httpx.Response:
    return httpx.post(gateway.url + path, headers=headers, json=body)


def telling(headers: dict[str, str]) -> dict[str, str]:
    """The headers that mean something to a platform; of a signature what it is for."""
    names = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "content-type")
    found = {name: value for name, value in headers.items() if name in names or name.startswith("anthropic-")}
    if (signed := found.get("authorization", "")).startswith("AWS4"):
        key, _, *scope = signed.partition("Credential=")[2].partition(",")[0].split("/")
        found["authorization"] = " ".join((key, *scope))
    return found


def same(got: Received, want: Json) -> None:
    wanted = telling({name.lower(): value for name, value in want["headers"]})
    assert (got.method, got.path, got.query) == (want["method"], want["path"], want["query"])
    assert telling(got.headers) == wanted
    assert spelled_alike(got.json()) == want["json"]


def spelled_alike(body: Json) -> Json:
    """The same body, whose texts are strings wherever that says the same."""
    if "messages" not in body:
        return body
    messages = [{**one, "content": _text(one["content"])} for one in body["messages"]]
    return {**body, "messages": messages}


def _text(content: Json) -> Json:
    return content[0]["text"] if isinstance(content, list) and [*content[0]] == ["type", "text"] else content
