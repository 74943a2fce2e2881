"""Model lists in the shape of the client that asks, and the truth about what each model does."""

import json

import pytest
from tests.server.front import KEY, PROTOCOLS

from twoapi.gateway.abilities import abilities
from twoapi.ir import FaultError
from twoapi.protocols.registry import CODECS
from twoapi.server.head import Head
from twoapi.testing.laws.subject import decoded

GOOG, ANTHROPIC = {"x-goog-api-key": KEY}, {"anthropic-version": "2023-06-01"}
SHAPES = {
    "openai-chat": [("/v1/models", {}), ("/openai/v1/models", {}), ("/openai/models", GOOG)],
    "anthropic-messages": [("/v1/models", ANTHROPIC), ("/anthropic/v1/models", {}), ("/anthropic/models", GOOG)],
    "gemini": [
        ("/v1/models", GOOG),
        ("/v1/models", {**GOOG, **ANTHROPIC}),
        ("/v1beta/models", {}),
        ("/v1beta/models?pageSize=2", ANTHROPIC),
        ("/gemini/v1/models", {}),
        ("/gemini/models", {}),
    ],
}
ASKED = [(protocol, path, headers) for protocol, ways in SHAPES.items() for path, headers in ways]
ALIASES = {*PROTOCOLS, "every", "two", "silent", "demo"}
VERDICTS = {"native", "emulated", "no"}


def names(protocol, document):
    if protocol == "gemini":
        return {row["name"].removeprefix("models/") for row in document["models"]}
    return {row["id"] for row in document["data"]}


@pytest.mark.parametrize(("protocol", "path", "headers"), ASKED)
def test_the_list_has_the_clients_shape(front, protocol, path, headers):
    answer = front.call("GET", path, headers=headers)
    document = answer.json()
    assert (answer.status, names(protocol, document)) == (200, ALIASES)
    rows = document["models"] if protocol == "gemini" else document["data"]
    if protocol == "openai-chat":
        assert document["object"] == "list"
        assert all(row["object"] == "model" for row in rows)
    elif protocol == "anthropic-messages":
        assert document["has_more"] is False
        assert all(row["type"] == "model" for row in rows)
    else:
        assert all("countTokens" in row["supportedGenerationMethods"] for row in rows)
    assert front.upstream.requests == []


@pytest.mark.parametrize(("protocol", "path", "headers"), ASKED)
def test_one_model_is_told_of_alone(front, protocol, path, headers):
    base = path.partition("?")[0]
    for name in ("two", "messages/claude-x", "messages%2Fclaude-x"):
        row = front.call("GET", f"{base}/{name}", headers=headers).json()
        shown = row["name"].removeprefix("models/") if protocol == "gemini" else row["id"]
        assert shown == name.replace("%2F", "/")
        assert row["twoapi"]["upstream"] == "messages"
    missing = front.call("GET", f"{base}/none/at/all", headers=headers)
    assert missing.status == 404
    assert "message" in missing.json()["error"]


def test_gemini_clients_name_a_model_with_its_collection(front):
    row = front.call("GET", "/v1beta/models/models/demo").json()
    assert row["name"] == "models/demo"


def test_every_entry_says_who_answers_and_what_it_does(front):
    rows = {row["id"]: row["twoapi"] for row in front.call("GET", "/v1/models").json()["data"]}
    assert {name: (row["upstream"], row["model"], row["protocol"], row["relay"]) for name, row in rows.items()} == {
        "openai-chat": ("chat", "m-1", "openai-chat", True),
        "openai-responses": ("responses", "m-1", "openai-responses", False),
        "anthropic-messages": ("messages", "m-1", "anthropic-messages", False),
        "gemini": ("google", "m-1", "gemini", False),
        "every": ("all", "m-1", "openai-chat", True),
        "two": ("messages", "m-1", "anthropic-messages", False),
        "silent": ("silent", "m-1", "anthropic-messages", False),
        "demo": ("demo", "demo", "local", False),
    }
    assert rows["two"]["others"] == ["google/m-1"]
    assert "others" not in rows["demo"]
    assert {verdict for row in rows.values() for verdict in row["features"].values()} <= VERDICTS
    found = {name: row["features"] for name, row in rows.items()}
    assert found["openai-chat"]["audio"] == "native"
    assert "kept_turns" not in found["demo"]  # a chat client has none to go on from
    anthropic = front.call("GET", "/anthropic/v1/models").json()["data"]
    kept = {row["id"]: row["twoapi"]["features"]["kept_turns"] for row in anthropic}
    assert (kept["anthropic-messages"], kept["gemini"], kept["demo"]) == ("native", "emulated", "emulated")
    assert found["anthropic-messages"]["audio"] == "no"
    assert found["openai-responses"]["stop_sequences"] == "no"
    assert found["gemini"]["parallel_tools_off"] == "no"
    assert [found[name]["count_tokens"] for name in ("gemini", "openai-chat", "silent", "demo")] == [
        "native",
        "emulated",
        "emulated",
        "emulated",
    ]


def test_a_list_tells_only_what_the_key_may_use(gateway):
    def listed(key):
        head = Head(b"/v1/models", {b"x-api-key": key}, b"GET", "1.1", gateway.worker.snapshot, keep_alive=True)
        status, _, body = gateway._server.config.http.site.answer(head)
        assert status == 200
        return names("openai-chat", json.loads(body))

    assert listed(b"sk-client-0123456789") == {"demo"}
    assert listed(b"sk-narrow-0123456789") == set()


@pytest.mark.parametrize("path", ["/v1/models", "/openai/v1/models"])
def test_codex_reads_a_list_of_its_own(front, path):
    document = front.call("GET", f"{path}?client_version=0.169.0").json()
    assert names("openai-chat", document) == ALIASES
    by_slug = {row["slug"]: row for row in document["models"]}
    assert set(by_slug) == ALIASES
    required = {
        *("slug", "display_name", "description", "supported_reasoning_levels", "shell_type", "visibility"),
        *("supported_in_api", "priority", "upgrade", "base_instructions", "supports_reasoning_summaries"),
        *("support_verbosity", "default_verbosity", "apply_patch_tool_type", "truncation_policy"),
        *("supports_parallel_tool_calls", "experimental_supported_tools"),
    }
    for row in by_slug.values():
        assert required <= set(row)
        assert row["base_instructions"]
        assert {level["effort"] for level in row["supported_reasoning_levels"]} <= {"low", "medium", "high"}
    assert "models" not in front.call("GET", path).json()


# A request that needs a feature, in each client's own words: what is said to be native must cross unharmed.
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def chat(**more):
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}


def responses(**more):
    return {"model": "m", "input": "hi", **more}


def messages(**more):
    return {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **more}


def gemini(**more):
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **more}


FUNCTION = {"name": "look", "parameters": SCHEMA}
NEEDS = {
    ("openai-chat", "tools"): chat(tools=[{"type": "function", "function": FUNCTION}]),
    ("openai-chat", "structured_output"): chat(
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    ),
    ("openai-chat", "stop_sequences"): chat(stop=["END"]),
    ("openai-chat", "images"): chat(
        messages=[
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]}
        ]
    ),
    ("openai-responses", "tools"): responses(tools=[{"type": "function", "strict": False, **FUNCTION}]),
    ("openai-responses", "reasoning"): responses(reasoning={"effort": "high", "summary": "auto"}),
    ("anthropic-messages", "tools"): messages(tools=[{"name": "look", "input_schema": SCHEMA}]),
    ("anthropic-messages", "stop_sequences"): messages(stop_sequences=["END"]),
    ("anthropic-messages", "prompt_cache_marks"): messages(
        system=[{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]
    ),
    ("gemini", "tools"): gemini(tools=[{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}]),
    ("gemini", "stop_sequences"): gemini(generationConfig={"stopSequences": ["END"]}),
}


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize(("client", "feature"), NEEDS)
def test_what_is_said_to_be_native_is_not_lost_and_what_is_said_not_to_be_is(front, client, feature, upstream):
    snapshot = front.gateway.worker.snapshot
    key = snapshot.keys.lookup(KEY.encode())
    candidate = snapshot.plan(upstream, client, key).candidates[0]
    verdict = abilities(CODECS[client], candidate)[feature]
    request = decoded(CODECS[client], json.dumps(NEEDS[client, feature]).encode())
    losses: list = []
    try:
        CODECS[candidate.protocol].encode_request(request, "m", candidate.capabilities, losses)
    except FaultError:
        assert verdict == "no"
        return
    gone = [loss for loss in losses if loss.kind in ("dropped", "unsupported")]
    assert (verdict == "no") == bool(gone), losses
