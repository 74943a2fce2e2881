"""Requests as the vendors' own clients of these platforms write them."""

from urllib.parse import unquote

import httpx
import pytest
from tests.vendors.clouds import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    VERSION,
    asked,
    captured,
    platform,
    post,
    same,
    telling,
)

from twoapi.config import parse
from twoapi.policy.route import Router
from twoapi.providers.catalog import load_catalog
from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import json_reply

KEYS = "credentials: [{parts: {access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI}}]"
NEWER = f'capabilities: {{api_version: "{VERSION}"}}'

CLAUDES = {
    # InvokeModel takes the newer version for newer models alone, of which the SDK knows nothing: the operator's word.
    "bedrock": (
        captured("anthropic-2.11.0/bedrock_invoke"),
        "anthropic-bedrock",
        "us.anthropic.claude-sonnet-4-6",
        f"{KEYS}, options: {{region: us-east-1}}, {NEWER}",
        "",
    ),
    "bedrock, key": (
        captured("anthropic-2.11.0/bedrock_invoke_bearer"),
        "anthropic-bedrock",
        "us.anthropic.claude-sonnet-4-6",
        f"credentials: [bedrock-api-key-TEST], options: {{region: us-east-1}}, {NEWER}",
        "",
    ),
    "mantle": (
        captured("anthropic-2.11.0/bedrock_mantle"),
        "anthropic-bedrock-mantle",
        "anthropic.claude-opus-4-7",
        f"{KEYS}, options: {{region: us-east-1}}",
        "/anthropic",
    ),
    "aws": (
        captured("anthropic-2.11.0/aws_claude_platform"),
        "anthropic-aws",
        "claude-opus-4-7",
        f"{KEYS}, options: {{region: us-east-1, workspace: wrkspc_1}}",
        "",
    ),
    "foundry": (
        captured("anthropic-2.11.0/azure_foundry"),
        "anthropic-foundry",
        "claude-deploy",
        "credentials: [azTEST]",
        "/anthropic",
    ),
    "foundry, Entra": (
        captured("anthropic-2.11.0/azure_foundry", 1),
        "anthropic-foundry",
        "claude-deploy",
        "auth: bearer, credentials: [eyJ]",
        "/anthropic",
    ),
    "vertex": (
        captured("anthropic-2.11.0/vertex"),
        "anthropic-vertex",
        "claude-sonnet-4-5@20250929",
        "credentials: [ya29.TEST], options: {project: proj, region: us-east5}",
        "",
    ),
    "vertex, streamed": (
        captured("anthropic-2.11.0/vertex_stream"),
        "anthropic-vertex",
        "claude-sonnet-4-5@20250929",
        "credentials: [ya29.TEST], options: {project: proj, region: us-east5}",
        "",
    ),
}


@pytest.mark.parametrize("client", [MESSAGES, CHAT, RESPONSES, GEMINI])
@pytest.mark.parametrize("name", CLAUDES)
def test_claude_is_asked_as_its_sdk_would(name: str, client: str) -> None:
    want, provider, model, settings, base = CLAUDES[name]
    streamed = bool(want["json"].get("stream"))
    with platform(provider, MESSAGES, model, settings, base) as (fake, gateway):
        fake.reply((stream if streamed else whole)(MESSAGES, "hello"))
        answer = post(gateway, *asked(client, streamed=streamed))
    assert answer.status_code == 200
    same(fake.requests[0], want)


@pytest.mark.parametrize(("name", "streamed"), [("invoke", False), ("invoke_stream_arn", True)])
def test_claude_is_asked_as_botocore_would(name: str, streamed: bool) -> None:  # noqa: FBT001
    want = captured(f"botocore-1.44.5/{name}")
    model = unquote(want["path"].split("/")[2])
    settings = f'{KEYS}, options: {{region: us-east-1}}, capabilities: {{api_version: "2023-06-01"}}'
    with platform("anthropic-bedrock", MESSAGES, model, settings) as (fake, gateway):
        fake.reply(whole(MESSAGES))
        post(gateway, *asked(MESSAGES, streamed=streamed, limit=10))
    got = fake.requests[0]
    assert (got.method, got.path, got.query, got.json()) == (want["method"], want["path"], "", want["json"])
    theirs = telling({name.lower(): value for name, value in want["headers"]})
    assert telling(got.headers)["authorization"] == theirs["authorization"]


# --- the same for Gemini and OpenAI

PLACE = "options: {project: proj, location: us-central1}"
OTHERS = {
    "vertex": (
        "google-genai-3.4.0/vertex",
        0,
        "vertex",
        GEMINI,
        f"credentials: [ya29.TEST], {PLACE}",
        "gemini-2.5-pro",
    ),
    "vertex, streamed": (
        *("google-genai-3.4.0/vertex", 1, "vertex", GEMINI),
        *(f"credentials: [ya29.TEST], {PLACE}", "gemini-2.5-pro"),
    ),
    "express": (
        *("google-genai-3.4.0/vertex_express", 0, "vertex-express", GEMINI, "credentials: [AIzaTEST]"),
        "gemini-2.5-pro",
    ),
    "deployments": (
        *("openai-3.52.0/azure_deployments", 0, "azure-openai-deployments", CHAT),
        *("credentials: [azkey-TEST], options: {api_version: 2024-10-21}", "my-deploy"),
    ),
    "deployments, streamed": (
        *("openai-3.52.0/azure_deployments", 1, "azure-openai-deployments", CHAT),
        *("credentials: [azkey-TEST], options: {api_version: 2024-10-21}", "my-deploy"),
    ),
    "deployments, Responses": (
        *("openai-3.52.0/azure_deployments", 3, "azure-openai-deployments", RESPONSES),
        *("credentials: [azkey-TEST], options: {api_version: 2024-10-21}", "my-deploy"),
    ),
    "deployments, Entra": (
        *("openai-3.52.0/azure_entra", 0, "azure-openai-deployments", CHAT),
        *("auth: bearer, credentials: [eyJ.TEST], options: {api_version: 2024-10-21}", "my-deploy"),
    ),
    "v1": (
        *("openai-3.52.0/azure_v1", 0, "azure-openai", CHAT),
        *("auth: bearer, credentials: [azkey-TEST]", "my-deploy"),
    ),
}


@pytest.mark.parametrize("client", [MESSAGES, CHAT, RESPONSES, GEMINI])
@pytest.mark.parametrize("name", OTHERS)
def test_gemini_and_openai_are_asked_as_their_sdks_would(name: str, client: str) -> None:
    capture, number, provider, protocol, settings, model = OTHERS[name]
    want = captured(capture, number)
    streamed = bool(want["json"].get("stream")) or want["query"] == "alt=sse"
    base = "/openai/v1" if provider == "azure-openai" else ""
    with platform(provider, protocol, model, settings, base) as (fake, gateway):
        fake.reply((stream if streamed else whole)(protocol, "hello"))
        path, headers, body = asked(client, streamed=streamed, limit=100 if client == MESSAGES else None)
        if protocol == RESPONSES == client:
            body["input"] = "x"
        answer = post(gateway, path, headers, body)
    assert answer.status_code == 200
    got = fake.requests[0]
    wanted = telling({name.lower(): value for name, value in want["headers"]})
    assert (got.method, got.path, got.query) == (want["method"], want["path"], want["query"])
    assert telling(got.headers) == wanted
    if client == protocol:
        assert got.json() == want["json"]


def test_a_key_of_the_newer_form_is_presented_in_its_own_header() -> None:
    with platform("azure-openai", CHAT, "my-deploy", "credentials: [k1]", "/openai/v1") as (fake, gateway):
        fake.reply(whole(CHAT))
        post(gateway, *asked(CHAT))
    assert telling(fake.requests[0].headers) == {"api-key": "k1", "content-type": "application/json"}


# --- counting tokens

VERTEX_CLAUDE = "credentials: [ya29.x], options: {project: proj, region: europe-west1}"
VERTEX_GEMINI = "credentials: [ya29.x], options: {project: proj, location: europe-west1}"


def test_tokens_are_counted_where_vertex_counts_claudes() -> None:
    with platform("anthropic-vertex", MESSAGES, "claude-opus-4-8", VERTEX_CLAUDE) as (fake, gateway):
        fake.reply(json_reply({"input_tokens": 7}))
        _, headers, body = asked(MESSAGES, limit=None)
        answer = post(gateway, "/v1/messages/count_tokens", headers, body)
    got = fake.requests[0]
    assert answer.json() == {"input_tokens": 7}
    assert got.path == "/projects/proj/locations/europe-west1/publishers/anthropic/models/count-tokens:rawPredict"
    assert got.json() == {**body, "model": "claude-opus-4-8", "anthropic_version": VERSION}
    assert "anthropic-version" not in got.headers


def test_tokens_are_counted_where_vertex_counts_geminis() -> None:
    want = captured("google-genai-3.4.0/vertex", 2)
    settings = f"credentials: [ya29.TEST], {PLACE}"
    contents = want["json"]
    with platform("vertex", GEMINI, "gemini-2.5-pro", settings) as (fake, gateway):
        for body in (contents, {"generateContentRequest": {"model": "models/conf", **contents}}):
            fake.reply(json_reply({"totalTokens": 7}))
            answer = post(gateway, "/v1beta/models/conf:countTokens", {}, body)
            assert answer.json() == {"totalTokens": 7}
            same(fake.requests[-1], want)
        fake.reply(json_reply({"totalTokens": 7}))
        answer = post(gateway, "/v1/messages/count_tokens", {}, {**asked(MESSAGES)[2], "system": "Be brief."})
    assert answer.json() == {"input_tokens": 7}
    assert fake.requests[-1].path == want["path"]
    assert fake.requests[-1].json()["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert fake.requests[-1].json().keys() <= {"contents", "systemInstruction", "generationConfig"}


def test_tokens_are_estimated_where_the_platform_counts_in_another_form() -> None:
    settings = "credentials: [k], options: {region: us-east-1}"
    with platform("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", settings) as (fake, gateway):
        answer = post(gateway, "/v1/messages/count_tokens", *asked(MESSAGES)[1:])
    assert answer.headers["twoapi-estimated"] == "1"
    assert fake.requests == []


# --- a relay stays one

SPELLED = (
    b'{ "model" : "conf", "max_tokens":1.0e2,\n "metadata": {"user_id": "a\\u002fb"},'
    b' "messages": [{"role": "user", "content": "\\u0041 1.50"}] , "stream": false }'
)


def test_a_relayed_body_keeps_its_bytes_but_for_what_the_platform_says_elsewhere() -> None:
    settings = "credentials: [k], options: {region: us-east-1}"
    with platform("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", settings) as (fake, gateway):
        fake.reply(whole(MESSAGES))
        headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-1m-2025-08-07, effort-2025-11-24"}
        answer = httpx.post(f"{gateway.url}/v1/messages", headers=headers, content=SPELLED)
    assert answer.headers["twoapi-losses"] == "relay"
    assert fake.requests[0].body == (
        b'{ "max_tokens":1.0e2,\n "metadata": {"user_id": "a\\u002fb"},'
        b' "messages": [{"role": "user", "content": "\\u0041 1.50"}],'
        b'"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07","effort-2025-11-24"] }'
    )
    assert not {name for name in fake.requests[0].headers if name.startswith("anthropic-")}


def test_what_a_client_says_itself_of_the_version_stays() -> None:
    settings = "credentials: [k], options: {region: us-east-1}"
    with platform("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", settings) as (fake, gateway):
        fake.reply(whole(MESSAGES))
        path, headers, body = asked(MESSAGES)
        post(gateway, path, headers, {**body, "anthropic_version": "bedrock-2023-05-31"})
    assert fake.requests[0].json()["anthropic_version"] == "bedrock-2023-05-31"


def test_an_older_model_is_asked_in_the_older_version() -> None:
    settings = "credentials: [k], options: {region: us-east-1}"
    model = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    with platform("anthropic-bedrock", MESSAGES, model, settings) as (fake, gateway):
        for client in (MESSAGES, CHAT):
            fake.reply(whole(MESSAGES))
            path, headers, body = asked(client)
            post(gateway, path, headers, {**body, "temperature": 0.5})
            assert fake.requests[-1].json()["anthropic_version"] == "bedrock-2023-05-31"
            assert fake.requests[-1].json()["temperature"] == 0.5
    assert fake.requests[0].path == "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"


@pytest.mark.parametrize("name", ["..", ".", "a/../b", "../../v1/secrets"])
def test_no_name_of_a_model_leads_elsewhere(name: str) -> None:
    settings = "credentials: [k], options: {project: proj, location: europe-west1}"
    with platform("vertex", GEMINI, "gemini-3-flash", settings) as (fake, gateway):
        path, headers, body = asked(MESSAGES)
        answer = post(gateway, path, headers, {**body, "model": f"it/{name}"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    assert fake.requests == []


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3-flash", "publishers/google/models/gemini-3-flash"),
        ("publishers/google/models/gemini-3-flash", "publishers/google/models/gemini-3-flash"),
        ("endpoints/123", "endpoints/123"),
    ],
)
def test_models_of_vertex_by_their_longer_names(model: str, path: str) -> None:
    with platform("vertex", GEMINI, model, VERTEX_GEMINI) as (fake, gateway):
        fake.reply(whole(GEMINI))
        post(gateway, *asked(GEMINI))
    assert fake.requests[0].path == f"/v1beta1/projects/proj/locations/europe-west1/{path}:generateContent"


def test_what_would_become_of_a_request_is_told_with_its_place() -> None:
    settings = "credentials: [k-secret], options: {region: us-east-1}"
    with platform("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", settings) as (fake, gateway):
        path, headers, body = asked(CHAT, streamed=True)
        answer = post(gateway, f"/api/explain{path}", headers, body)
        url = f"http://127.0.0.1:{fake.port}/model/anthropic.claude-opus-4-8/invoke-with-response-stream"
    (choice,) = answer.json()["candidates"]
    assert choice["request"]["url"] == url
    assert choice["request"]["body"].keys() == {"anthropic_version", "max_tokens", "messages"}
    assert "k-secret" not in answer.text
    assert fake.requests == []


def test_a_turn_that_does_not_say_whose_it_is_is_the_users_on_vertex() -> None:
    body = b'{"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"topK": 40.0}}'
    with platform("vertex", GEMINI, "gemini-3-flash", VERTEX_GEMINI) as (fake, gateway):
        fake.reply(whole(GEMINI))
        answer = httpx.post(f"{gateway.url}/v1beta/models/conf:generateContent", content=body)
    assert answer.headers["twoapi-losses"] == "relay"
    assert fake.requests[0].body == (
        b'{"contents": [{"parts": [{"text": "hi"}],"role":"user"}], "generationConfig": {"topK": 40.0}}'
    )


BETAS = "claude-code-20250219,effort-2025-11-24,advanced-tool-use-2025-11-20"
NOT_HERE = "claude-code-20250219 in the header anthropic-beta: not known on this platform"


def test_a_flag_that_the_platform_does_not_know_is_left_out_and_reported() -> None:
    settings = "credentials: [k], options: {region: us-east-1}"
    with platform("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", settings) as (fake, gateway):
        fake.reply(whole(MESSAGES))
        path, _, body = asked(MESSAGES)
        headers = {"anthropic-beta": BETAS}
        answer = post(gateway, path, headers, body)
        refused = post(gateway, path, {**headers, "twoapi-on-loss": "reject"}, body)
        told = post(gateway, f"/api/explain{path}", headers, body).json()["candidates"][0]
    assert fake.requests[0].json()["anthropic_beta"] == ["effort-2025-11-24", "tool-search-tool-2025-10-19"]
    assert answer.headers["twoapi-losses"] == "1;dropped=1"
    assert (refused.status_code, len(fake.requests)) == (400, 1)
    assert NOT_HERE in refused.json()["error"]["message"]
    assert [loss["detail"] for loss in told["losses"]] == [NOT_HERE]


def test_flags_are_left_out_of_a_count_too() -> None:
    with platform("anthropic-foundry", MESSAGES, "claude-opus-4-8", "credentials: [k]", "/anthropic") as (
        fake,
        gateway,
    ):
        fake.reply(json_reply({"input_tokens": 7}))
        headers = {"anthropic-version": VERSION, "anthropic-beta": "claude-code-20250219,effort-2025-11-24"}
        answer = post(gateway, "/v1/messages/count_tokens", headers, asked(MESSAGES, limit=None)[2])
    assert (answer.json(), answer.headers["twoapi-losses"]) == ({"input_tokens": 7}, "1;dropped=1")
    assert fake.requests[0].path == "/anthropic/v1/messages/count_tokens"
    assert fake.requests[0].headers["anthropic-beta"] == "effort-2025-11-24"


def test_a_base_url_of_ones_own_needs_no_name_of_the_host() -> None:
    text = "upstreams: {a: {provider: anthropic-foundry, base_url: 'https://proxy.example/claude', credentials: [k]}}"
    candidate = Router(parse(text, "twoapi.yaml", {}), load_catalog()).plan("a/m", MESSAGES).candidates[0]
    assert candidate.base_url == "https://proxy.example/claude"
    text = "upstreams: {a: {provider: vertex, options: {project: p, location: eu}, credentials: [k]}}"
    candidate = Router(parse(text, "twoapi.yaml", {}), load_catalog()).plan("a/m", GEMINI).candidates[0]
    assert candidate.base_url == "https://aiplatform.eu.rep.googleapis.com"
