"""What the catalogue says of Bedrock's models, which are of many vendors."""

import json

import pytest

from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for

BEDROCK = load_catalog()["bedrock"]


def taken(model: str) -> Capabilities:
    return capabilities_for(BEDROCK, "bedrock-converse", model)


@pytest.mark.parametrize(
    "model", ["meta.llama4-maverick-17b-instruct-v1:0", "us.deepseek.r1-v1:0", "arn:aws:bedrock:us-east-1:1:x/y"]
)
def test_a_model_of_another_vendor_gets_nothing_that_is_claudes(model: str) -> None:
    found = taken(model)
    assert found.thinking == ()
    assert [found.effort, found.cache_marks, found.citations, found.strict_tools] == [False] * 4
    assert found.top_k_field is None
    assert found.stop_field is None
    assert found.max_output is None
    assert found.sampling
    assert found.tool_choices == ("auto",)


def test_an_older_claude_thinks_within_a_budget() -> None:
    found = taken("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert found.thinking == ("enabled", "disabled")
    assert not found.effort
    assert not found.sampling_pair
    assert found.max_output == 64_000
    assert found.top_k_field == "/top_k"
    assert found.stop_field == "/stop_sequence"


@pytest.mark.parametrize("model", ["anthropic.claude-opus-4-8-v1:0", "global.anthropic.claude-sonnet-5-5"])
def test_a_new_claude_thinks_as_it_likes(model: str) -> None:
    found = taken(model)
    assert found.thinking == ("adaptive", "disabled")
    assert found.effort
    assert not found.sampling
    assert not found.prefill
    assert found.cache_marks
    assert "json_schema" in found.formats


def test_an_effort_is_known_of_the_models_between() -> None:
    assert taken("eu.anthropic.claude-opus-4-6-v1:0").effort
    assert taken("anthropic.claude-opus-4-5-20251101-v1:0").effort
    assert not taken("anthropic.claude-3-7-sonnet-20250219-v1:0").effort


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "ValidationException", "The provided model identifier is invalid.", "not_found"),
        (400, "ValidationException", "1 validation error detected", "invalid_request"),
        (
            403,
            "AccessDeniedException",
            "Authentication failed: is your API Key valid?",
            "unauthenticated",
        ),
        (403, "AccessDeniedException", "You don't have access to the model", "forbidden"),
    ],
)
def test_errors_that_only_words_tell(status: int, code: str, message: str, kind: str) -> None:
    headers, body = {b"x-amzn-errortype": code.encode()}, json.dumps({"message": message}).encode()
    fault = UPSTREAM_CODECS["bedrock-converse"].decode_fault(status, headers, body)
    assert BEDROCK.errors is not None
    assert BEDROCK.errors.judged(fault, status, headers, body).kind == kind
