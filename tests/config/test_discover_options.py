"""What the environment says of a provider's options, when nothing is configured."""

from collections.abc import Mapping, Sequence

from twoapi.config import discover
from twoapi.config.settings import CredentialSettings, UpstreamSettings
from twoapi.config.values import BaseUrl
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
