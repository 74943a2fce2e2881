"""A provider that is like another: what is known of its models holds there too."""

from pathlib import Path

import pytest

from twoapi.providers.catalog import CatalogError, load_catalog
from twoapi.providers.model import capabilities_for

MESSAGES = "anthropic-messages"
CLOUDS = ("anthropic-bedrock", "anthropic-bedrock-mantle", "anthropic-aws", "anthropic-vertex", "anthropic-foundry")
OWN = """
name: mine
title: Mine
protocols: {openai-chat: http://x/v1}
credentials: optional
like: %s
capabilities: {max_stop: 2}
models:
  - match: [twin-1]
    capabilities: {effort: true}
"""
TWIN = """
name: twin
title: Twin
protocols: {openai-chat: http://y/v1}
credentials: optional
capabilities: {max_stop: 3, audio: false}
models:
  - match: [twin-1]
    capabilities: {effort: false, images: false}
"""


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("form", ["claude-{}", "anthropic.claude-{}", "us.anthropic.claude-{}-v1:0", "x/claude-{}"])
@pytest.mark.parametrize("model", ["opus-4-8", "opus-4-7", "sonnet-4-6", "sonnet-4-5-20250929", "3-haiku-20240307"])
def test_a_claude_is_the_same_wherever_it_is_served(cloud: str, form: str, model: str) -> None:
    catalog = load_catalog()
    direct = capabilities_for(catalog["anthropic"], MESSAGES, f"claude-{model}")
    there = capabilities_for(catalog[cloud], MESSAGES, form.format(model))
    same = ("thinking", "sampling", "sampling_pair", "max_output", "prefill", "effort", "system_in_place")
    assert [getattr(there, name) for name in same] == [getattr(direct, name) for name in same]


@pytest.mark.parametrize("cloud", ["anthropic-bedrock", "anthropic-bedrock-mantle"])
@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("anthropic.claude-opus-4-8", None),
        ("us.anthropic.claude-opus-4-7-v1:0", None),
        ("claude-sonnet-5", None),
        ("anthropic.claude-sonnet-4-6", "2023-06-01"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "2023-06-01"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "2023-06-01"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "2023-06-01"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "2023-06-01"),
    ],
)
def test_bedrock_takes_the_newer_version_for_newer_models(cloud: str, model: str, version: str | None) -> None:
    assert capabilities_for(load_catalog()[cloud], MESSAGES, model).api_version == version


def test_what_a_provider_says_itself_is_laid_over(tmp_path: Path) -> None:
    (tmp_path / "twin.yaml").write_text(TWIN)
    (tmp_path / "mine.yaml").write_text(OWN % "twin")
    mine = load_catalog(tmp_path)["mine"]
    found = capabilities_for(mine, "openai-chat", "twin-1")
    assert (found.max_stop, found.audio, found.effort, found.images) == (2, False, True, False)
    assert not capabilities_for(mine, "openai-chat", "org/twin-1").images


@pytest.mark.parametrize(
    ("like", "problem"),
    [("twinn", "no such provider in the catalogue"), ("vertex", "vertex is itself like another")],
)
def test_only_one_that_is_like_none_can_be_named(tmp_path: Path, like: str, problem: str) -> None:
    (tmp_path / "mine.yaml").write_text(OWN % like)
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'mine.yaml'}:1:1 like: {problem}"
