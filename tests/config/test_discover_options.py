"""What the environment says of a provider's options, when nothing is configured."""

import sys
from collections.abc import Mapping, Sequence

import pytest

from twoapi.config import discover
from twoapi.config.settings import CredentialSettings, UpstreamSettings
from twoapi.config.values import BaseUrl
from twoapi.providers.model import Auth
from twoapi.wire.secret import Secret

DEMO = {"demo": UpstreamSettings(provider="demo")}


def nothing(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    return {}


def test_a_platform_is_found_with_what_its_tools_read() -> None:
    environ = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/"}
    assert "azure-openai-deployments" not in discover(environ, nothing).upstreams
    found = discover({**environ, "OPENAI_API_VERSION": "2024-10-21"}, nothing).upstreams["azure-openai-deployments"]
    url = BaseUrl("https://mine.openai.azure.com")
    assert found == UpstreamSettings(
        provider="azure-openai-deployments",
        protocols={"openai-chat": url, "openai-responses": url},
        options={"api_version": "2024-10-21"},
        credentials=(CredentialSettings(key=Secret("k")),),
    )


def in_parts(provider: str, auth: Auth | None, options: dict[str, str], **parts: str) -> UpstreamSettings:
    credential = CredentialSettings(parts={part: Secret(value) for part, value in parts.items()})
    return UpstreamSettings(provider=provider, auth=auth, options=options, credentials=(credential,))


def test_a_credential_in_parts_is_found_when_it_is_whole() -> None:
    region = {"AWS_REGION": "us-east-1"}
    pair = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}
    sigv4 = Auth(scheme="sigv4", service="bedrock")
    found = discover({**region, **pair}, nothing).upstreams
    parts = {"access_key_id": "AKID", "secret_access_key": "s"}
    assert found == {"bedrock": in_parts("bedrock", sigv4, {"region": "us-east-1"}, **parts), **DEMO}
    found = discover({**region, **pair, "AWS_SESSION_TOKEN": "t"}, nothing).upstreams
    assert found["bedrock"].credentials[0].parts["session_token"].reveal() == "t"
    assert discover({**region, "AWS_ACCESS_KEY_ID": "AKID"}, nothing).upstreams == DEMO
    assert discover(pair, nothing).upstreams == DEMO
    elsewhere = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9"}
    assert discover({**pair, **elsewhere}, nothing).upstreams == DEMO  # a signature must know the region
    assert "bedrock" in discover({**pair, **elsewhere, **region}, nothing).upstreams


def test_a_chain_is_found_by_what_it_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"AWS_REGION": "us-east-1", "AWS_PROFILE": "prod"}
    found = discover(environ, nothing).upstreams
    assert found["bedrock"] == in_parts("bedrock", Auth(scheme="aws"), {"region": "us-east-1"}, profile="prod")
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert discover(environ, nothing).upstreams == DEMO


def test_an_option_is_read_from_the_first_variable_that_has_it() -> None:
    environ = {"ANTHROPIC_AWS_API_KEY": "k", "AWS_DEFAULT_REGION": "eu-west-1", "ANTHROPIC_AWS_WORKSPACE_ID": "w"}
    found = discover(environ, nothing).upstreams["anthropic-aws"]
    assert found.options == {"region": "eu-west-1", "workspace": "w"}
    found = discover({**environ, "AWS_REGION": "us-east-1"}, nothing).upstreams["anthropic-aws"]
    assert found.options == {"region": "us-east-1", "workspace": "w"}


def test_a_platform_is_not_found_without_what_it_needs() -> None:
    environ = {"ANTHROPIC_AWS_API_KEY": "k", "AWS_REGION": "us-east-1"}
    assert discover(environ, nothing).upstreams == DEMO
    assert discover({**environ, "ANTHROPIC_AWS_WORKSPACE_ID": "a/b"}, nothing).upstreams == DEMO
