"""What is found when nothing is configured."""

from collections.abc import Mapping, Sequence

from twoapi.config import Settings, discover
from twoapi.config.settings import CredentialSettings, UpstreamSettings
from twoapi.config.values import Address, BaseUrl
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Auth
from twoapi.wire.secret import Secret

DEMO = {"demo": UpstreamSettings(provider="demo")}


def nothing(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    return {}


def with_key(
    provider: str, key: str, auth: Auth | None = None, protocols: dict[str, BaseUrl] | None = None
) -> UpstreamSettings:
    credentials = (CredentialSettings(key=Secret(key)),)
    return UpstreamSettings(provider=provider, credentials=credentials, auth=auth, protocols=protocols)


def test_with_nothing_there_is_still_the_demo() -> None:
    assert discover({}, nothing) == Settings(upstreams=DEMO)


def test_the_vendors_variables_make_upstreams() -> None:
    environ = {"OPENAI_API_KEY": "sk-o", "DASHSCOPE_API_KEY": " sk-d ", "DEEPSEEK_API_KEY": "", "GOOGLE_API_KEY": "g"}
    assert discover(environ, nothing).upstreams == {
        "dashscope": with_key("dashscope", "sk-d"),
        "gemini": with_key("gemini", "g"),
        "openai": with_key("openai", "sk-o"),
        **DEMO,
    }


def test_an_auth_token_is_presented_as_a_bearer() -> None:
    found = discover({"ANTHROPIC_AUTH_TOKEN": "t"}, nothing).upstreams
    assert found == {"anthropic": with_key("anthropic", "t", auth=Auth(scheme="bearer")), **DEMO}


def test_an_api_key_wins_over_an_auth_token() -> None:
    found = discover({"ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_API_KEY": "k"}, nothing).upstreams
    assert found == {"anthropic": with_key("anthropic", "k"), **DEMO}


def test_a_base_url_of_the_sdk_is_taken_over() -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://eu.api.openai.com/v1/"}
    protocols = {"openai-chat": BaseUrl("https://eu.api.openai.com/v1")}
    assert discover(environ, nothing).upstreams["openai"] == with_key("openai", "k", protocols=protocols)


def test_a_base_url_that_leads_back_to_us_is_not_used() -> None:
    for url in ("http://127.0.0.1:8000/v1", "http://localhost:8000/openai/v1", "http://gw:8000"):
        environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": url}
        found = discover(environ, nothing, Address("gw:8000" if "gw" in url else "127.0.0.1:8000"))
        assert found.upstreams["openai"] == with_key("openai", "k")


def test_local_servers_are_asked_all_at_once_but_for_our_own_port() -> None:
    asked: list[list[str]] = []

    def probe(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        asked.append(list(urls))
        return {"http://127.0.0.1:11434/v1": ("qwen3:8b",), "http://127.0.0.1:8080/v1": ()}

    found = discover({}, probe)
    assert asked == [["http://127.0.0.1:8080/v1", "http://127.0.0.1:1234/v1", "http://127.0.0.1:11434/v1"]]
    assert found.upstreams == {
        "llamacpp": UpstreamSettings(provider="llamacpp"),
        "ollama": UpstreamSettings(provider="ollama", models=("qwen3:8b",)),
        **DEMO,
    }


def test_vllm_is_asked_when_we_listen_elsewhere() -> None:
    asked: list[str] = []

    def probe(urls: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        asked.extend(urls)
        return {}

    assert discover({}, probe, Address("127.0.0.1:9000")) == Settings(listen=Address("127.0.0.1:9000"), upstreams=DEMO)
    assert "http://127.0.0.1:8000/v1" in asked


def test_a_variable_stands_for_one_provider() -> None:
    """What is found must not depend on chance: who sets a key means one service."""
    catalog = load_catalog()
    options = {
        name: "x" for provider in catalog.values() for option in provider.options.values() for name in option.env
    }
    names = {name for provider in catalog.values() for variable in provider.env for name in variable.names}
    several = {}
    for name in sorted(names):
        found = discover({**options, name: "key"}, lambda urls: {}).upstreams
        meant = [one for one, upstream in found.items() if upstream.credentials]
        if len(meant) > 1:
            several[name] = meant
    # Who names an API version as well means deployments, which are no other account.
    assert several == {"AZURE_OPENAI_API_KEY": ["azure-openai-deployments", "azure-openai"]}
