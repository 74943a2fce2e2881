"""The catalogue: every file loads, says what it must, and a wrong one is named with its place."""

import subprocess
import sys
from pathlib import Path

import pytest

from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.providers.catalog import CatalogError, load_catalog, parse_provider
from twoapi.providers.local import ANSWERERS
from twoapi.providers.model import Auth, Overrides, Provider, auth_headers, capabilities_for, usual_auth
from twoapi.providers.schemes import SCHEMES

CATALOG = load_catalog()
FILES = sorted((Path(__file__).parents[2] / "src/twoapi/providers/catalog").glob("*.yaml"))


def test_every_file_is_a_provider_of_its_name() -> None:
    assert list(CATALOG) == [file.stem for file in FILES]
    assert {"openai", "anthropic", "openai-compatible", "anthropic-compatible", "deepseek", "demo"} <= set(CATALOG)


@pytest.mark.parametrize("name", CATALOG)
def test_a_provider_can_be_used(name: str) -> None:
    provider = CATALOG[name]
    assert provider.title
    assert provider.local is None or provider.local in ANSWERERS
    for protocol, endpoint in provider.protocols.items():
        assert protocol in UPSTREAM_CODECS
        assert endpoint.base_url is None or not endpoint.base_url.endswith("/")
        assert isinstance(capabilities_for(provider, protocol, "any-model"), Capabilities)
    if provider.credentials == "required":
        assert provider.env, "discovery and error messages need the usual variable"


@pytest.mark.parametrize("name", CATALOG)
def test_every_fact_about_models_fits_some_name(name: str) -> None:
    for facts in CATALOG[name].models:
        for pattern in facts.match:
            assert facts.fit(pattern.replace("*", "-x"))
        assert facts.capabilities


def test_base_urls_of_two_protocols_follow_the_vendors_sdks() -> None:
    deepseek = {protocol: endpoint.base_url for protocol, endpoint in CATALOG["deepseek"].protocols.items()}
    assert deepseek == {
        "openai-chat": "https://api.deepseek.com",
        "anthropic-messages": "https://api.deepseek.com/anthropic",
    }


def test_openai_speaks_two_protocols_and_another_base_url_only_the_first() -> None:
    endpoints = CATALOG["openai"].protocols
    assert {protocol: endpoint.base_url for protocol, endpoint in endpoints.items()} == {
        "openai-chat": "https://api.openai.com/v1",
        "openai-responses": "https://api.openai.com/v1",
    }
    assert [endpoint.env for endpoint in endpoints.values()] == ["OPENAI_BASE_URL", None]


def test_older_geminis_think_by_a_budget_and_newer_ones_by_a_level() -> None:
    def thinking(model: str) -> tuple[tuple[str, ...], tuple[int, int] | None]:
        found = capabilities_for(CATALOG["gemini"], "gemini", model)
        return found.thinking_levels, found.thinking_budget

    assert thinking("gemini-2.5-pro") == ((), (128, 32768))
    assert thinking("gemini-2.5-flash-lite") == ((), (0, 24576))
    assert thinking("gemini-2.0-flash") == ((), None)
    assert thinking("gemini-3-pro-preview")[0] == ("low", "high")
    assert thinking("gemini-4") == (Capabilities().thinking_levels, Capabilities().thinking_budget)


def claude(model: str) -> Capabilities:
    return capabilities_for(CATALOG["anthropic"], "anthropic-messages", model)


def test_the_newest_claude_is_what_an_unknown_one_is_taken_for() -> None:
    newest = Capabilities(sampling=False, thinking=("adaptive", "disabled"), prefill=False, max_output=128_000)
    assert claude("claude-opus-5-5") == newest
    assert claude("claude-opus-4-8") == newest
    assert claude("some-future-name") == newest


def test_older_claudes_take_what_they_took() -> None:
    assert claude("claude-opus-4-7-20260101") == Capabilities(
        sampling=False, thinking=("adaptive", "disabled"), prefill=False, max_output=128_000, system_in_place=False
    )
    assert claude("claude-sonnet-4-6") == Capabilities(
        sampling_pair=False,
        thinking=("enabled", "adaptive", "disabled"),
        prefill=False,
        max_output=64_000,
        system_in_place=False,
    )
    assert claude("claude-sonnet-4-5-20250929") == Capabilities(
        sampling_pair=False,
        thinking=("enabled", "disabled"),
        max_output=64_000,
        system_in_place=False,
        effort=False,
    )
    assert claude("claude-3-haiku-20240307") == Capabilities(
        thinking=(), max_output=4096, system_in_place=False, effort=False, strict_tools=False
    )


def test_facts_are_laid_over_each_other_and_the_operator_has_the_last_word() -> None:
    provider = parse_provider(
        """
name: x
title: X
protocols:
  openai-chat: {base_url: http://x/v1, capabilities: {max_stop: 2, images: false}}
  anthropic-messages: http://x
capabilities: {max_stop: 3, audio: false}
models:
  - match: ["a*"]
    capabilities: {max_stop: 5}
  - match: [ab, "*c"]
    capabilities: {max_stop: 6}
""",
        "x.yaml",
    )
    assert capabilities_for(provider, "anthropic-messages", "z") == Capabilities(max_stop=3, audio=False)
    assert capabilities_for(provider, "openai-chat", "z") == Capabilities(max_stop=2, images=False, audio=False)
    assert [capabilities_for(provider, "openai-chat", model).max_stop for model in ("a", "ab", "xc", "abc")] == [
        5,
        6,
        6,
        6,
    ]
    assert capabilities_for(provider, "openai-chat", "ab", Overrides(max_stop=9, images=True)) == Capabilities(
        max_stop=9, audio=False
    )


def test_a_credential_is_presented_as_protocol_or_file_say() -> None:
    presented = [
        auth_headers(usual_auth(CATALOG[name], protocol), "k")
        for name, protocol in (
            ("openai", "openai-chat"),
            ("anthropic", "anthropic-messages"),
            ("zhipu", "anthropic-messages"),
            ("gemini", "gemini"),
            ("gemini-compatible", "gemini"),
            ("openai-responses-compatible", "openai-responses"),
        )
    ]
    assert presented == [
        [(b"authorization", b"Bearer k")],
        [(b"x-api-key", b"k")],
        [(b"authorization", b"Bearer k")],
        [(b"x-goog-api-key", b"k")],
        [(b"x-goog-api-key", b"k")],
        [(b"authorization", b"Bearer k")],
    ]
    assert auth_headers(Auth(scheme="header", header="Api-Key"), "k") == [(b"api-key", b"k")]
    assert auth_headers(Auth(scheme="none"), "k") == []


_SCHEMES = " or ".join(sorted(SCHEMES))
MISTAKES = {
    "name: x\ntitle: X\nprotocols: {openai-chat: h}\ncapabilities: {max_token_field: x}": [
        "x.yaml:4:16 capabilities.max_token_field: unknown key; did you mean 'max_tokens_field'?"
    ],
    "name: x\ntitle: X\nprotocols: {openai-chat: {auth: {scheme: beerer}}}": [
        f"x.yaml:3:42 protocols.openai-chat.auth.scheme: expected {_SCHEMES}; did you mean 'bearer'?"
    ],
    "name: x\ntitle: X": ["x.yaml:1:1: must name protocols, or be local"],
    "name: x\ntitle: X\nprotocols: {openai-chat: h}\ncapabilities: {thinking_budget: [1]}": [
        "x.yaml:4:33 capabilities.thinking_budget: expected a list of 2, found a list"
    ],
    "title: X\nprotocols: {openai-chat: h}\nenv: [1]": [
        "x.yaml:3:7 env.0: expected text, found a number; put it in quotes",
        "x.yaml:1:1: needs name",
    ],
    "name: [": ["x.yaml:1:8: not valid YAML: did not find expected node content"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_wrong_file_names_place_key_and_mend(text: str) -> None:
    with pytest.raises(CatalogError) as caught:
        parse_provider(text, "x.yaml")
    assert str(caught.value).splitlines() == MISTAKES[text]


def test_own_files_add_and_replace_providers(tmp_path: Path) -> None:
    (tmp_path / "openai.yaml").write_text("name: openai\ntitle: Ours\nprotocols: {openai-chat: http://proxy/v1}\n")
    (tmp_path / "mine.yaml").write_text("name: mine\ntitle: Mine\nprotocols: {openai-chat: http://mine/v1}\n")
    (tmp_path / "notes.txt").write_text("not a provider")
    catalog = load_catalog(tmp_path)
    assert len(catalog) == len(CATALOG) + 1
    assert (catalog["openai"].title, catalog["mine"].title, catalog["groq"]) == ("Ours", "Mine", CATALOG["groq"])


def test_own_files_must_be_named_like_their_provider_and_be_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: b\ntitle: B\nprotocols: {openai-chat: http://b/v1}\n")
    (tmp_path / "c.yaml").write_bytes(b"name: \xff")
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/a.yaml:1:1 name: the name must be that of the file: a",
        f"{tmp_path}/c.yaml:1:1: cannot be read: not UTF-8 text",
    ]


def test_the_shipped_catalogue_is_read_once() -> None:
    assert load_catalog() is load_catalog()


def test_importing_the_catalogue_reads_no_file() -> None:
    script = "import twoapi.providers.catalog as c; print(c._shipped.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_a_provider_is_a_value() -> None:
    text = FILES[0].read_text("utf-8")
    assert parse_provider(text, "x") == parse_provider(text, "x")
    assert isinstance(parse_provider(text, "x"), Provider)
