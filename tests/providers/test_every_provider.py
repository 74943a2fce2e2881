"""Every file of the catalogue, used: its URLs joined, a request encoded, its errors mapped."""

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from msgspec import Raw

from twoapi.config.settings import CredentialSettings, Settings, UpstreamSettings
from twoapi.ir import Base64, Loss, Media, Message, Request, Text, Tool, ToolCall, ToolResult
from twoapi.ir.fault import STATUS
from twoapi.ir.request import Sampling, Schema
from twoapi.policy.route import Candidate, Router
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.errors import ErrorRule
from twoapi.providers.model import Provider, capabilities_for
from twoapi.transport.endpoint import Endpoint, open_head
from twoapi.wire import json
from twoapi.wire.secret import Secret

CATALOG = load_catalog()
SPOKEN = [(name, protocol) for name, provider in CATALOG.items() for protocol in provider.protocols]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = Schema(raw=Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'))


def asked(*, stream: bool, images: bool) -> Request:
    """What agents ask: instructions, an image where that is taken, a call and its result, tools, settings."""
    image = Media(kind="image", source=Base64(PIXEL), mime="image/png", at="/content/1")
    return Request(
        protocol="openai-chat",
        model="m",
        stream=stream,
        messages=[
            Message("system", [Text(text="Be brief.", at="/content")], at="/messages/0"),
            Message(
                "user",
                [Text(text="What is the weather?", at="/content/0"), *([image] if images else [])],
                at="/messages/1",
            ),
            Message(
                "assistant",
                [ToolCall(id="call_1", name="weather", arguments='{"city":"Rome"}', at="/tool_calls/0")],
                at="/messages/2",
            ),
            Message("tool", [ToolResult(call_id="call_1", content=[Text(text="18")], at="/content")], at="/messages/3"),
            Message("user", [Text(text="And in Paris?", at="/content")], at="/messages/4"),
        ],
        tools=[Tool(name="weather", description="Tells it.", schema=SCHEMA, at="/tools/0")],
        sampling=Sampling(max_tokens=100, temperature=0.5),
    )


def configured(provider: Provider, protocol: str) -> Candidate:
    """A candidate of it, as an operator would set it up with nothing but what must be said."""
    endpoint = provider.protocols[protocol]
    options = dict.fromkeys(provider.options, "here")
    moved = None if endpoint.base_url else {protocol: "http://127.0.0.1:9/base"}
    credentials: tuple[CredentialSettings, ...] = ()
    if provider.credentials != "none":
        parts = next((variable.parts for variable in provider.env if variable.parts), None)
        if parts and not any(variable.name for variable in provider.env):
            credentials = (CredentialSettings(parts={name: Secret("x" * 8) for name in parts}),)
        else:
            credentials = (CredentialSettings(key=Secret("sk-secret")),)
    upstream = UpstreamSettings(
        provider=provider.name,
        protocols=moved,  # type: ignore[arg-type]  # text is as good as a checked URL here
        options=options,
        credentials=credentials,
    )
    router = Router(Settings(upstreams={"u": upstream}), CATALOG)
    return router.plan("u/some-model", protocol).candidates[0]


@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
def test_its_urls_join_and_a_request_is_written(name: str, protocol: str) -> None:
    provider = CATALOG[name]
    client = protocol if protocol in CODECS else next(iter(provider.protocols))
    candidate = configured(provider, client)
    endpoint = Endpoint.parse(candidate.base_url)
    assert "{" not in candidate.base_url
    for stream in (False, True):
        losses: list[Loss] = []
        capabilities = capabilities_for(provider, protocol, "some-model")
        outgoing = (
            UPSTREAM_CODECS[protocol]
            .encode_request(asked(stream=stream, images=capabilities.images), "some-model", capabilities, losses)
            .outgoing
        )
        assert isinstance(json.decode(outgoing.body), dict)
        assert all(loss.path.startswith("/") for loss in losses)
        head = open_head(endpoint, "POST", outgoing.path, outgoing.headers)
        target = head.split(b" ")[1].decode()
        assert target.startswith(urlsplit(candidate.base_url).path)
        assert "//" not in target.partition("?")[0]


RULES = [(name, rule) for name, provider in CATALOG.items() if provider.errors for rule in provider.errors.rules]


def told(rule: ErrorRule) -> Iterator[tuple[int, bytes]]:
    """Answers that a rule is for: each status, code and type that it names."""
    codes, types, words = rule.code or ("",), rule.type or ("",), rule.message or ("some words",)
    for status, code, kind, said in itertools.product(rule.status or (400,), codes, types, words):
        error = {"message": said, "code": code.replace("*", "X"), "type": kind.replace("*", "X")}
        yield status, json.encode({"error": error, **error})


@pytest.mark.parametrize(("name", "rule"), RULES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(RULES)])
def test_its_documented_errors_are_what_the_file_says(name: str, rule: ErrorRule) -> None:
    provider = CATALOG[name]
    assert provider.errors is not None
    assert rule.kind in STATUS
    codec = UPSTREAM_CODECS[next(iter(provider.protocols))]
    earlier = provider.errors.rules[: provider.errors.rules.index(rule)]
    for status, body in told(rule):
        fault = codec.decode_fault(status, {}, body)
        headers = {}
        if provider.errors.code is not None and not provider.errors.code.startswith("/") and rule.code:
            headers = {provider.errors.code.encode(): rule.code[0].replace("*", "X").encode()}
        kinds = {provider.errors.judged(fault, status, headers, body).kind}
        assert kinds <= {rule.kind, *(one.kind for one in earlier)}, (status, body)
        if not earlier:
            assert kinds == {rule.kind}


def test_every_capability_that_a_file_says_exists() -> None:
    known = set(Capabilities.__struct_fields__)
    for provider in CATALOG.values():
        said = [provider.capabilities, *(endpoint.capabilities for endpoint in provider.protocols.values())]
        said += [facts.capabilities for facts in provider.models]
        assert {name for one in said for name in one} <= known
