"""Fakes of the platforms that serve another vendor's protocol at paths of their own, written from their references.

Each is that vendor's own fake, behind the platform's paths: it refuses what the platform would, and judges the rest as
the vendor does.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote

import msgspec

from twoapi.conformance import Arrival, Vendor
from twoapi.conformance.asked import Asked
from twoapi.conformance.reply import Fault, Json, Reply, Spoken
from twoapi.conformance.vendors import CHAT, GEMINI, MESSAGES, RESPONSES
from twoapi.testing.eventstream import write_event, write_exception
from twoapi.testing.vendors.staged import Staged

_Problems = list[tuple[str, str]]

_VERSIONS = {
    "bedrock": {"bedrock-2023-05-31": "2023-06-01", "2026-10-21": "2026-10-21"},
    "vertex": {"vertex-2023-10-16": "2023-06-01", "2026-10-21": "2026-10-21"},
}
_is_bedrock = re.compile(r"/model/[A-Za-z0-9._%-]+/invoke(-with-response-stream)?").fullmatch
_CLAUDE = r"/projects/proj/locations/europe-west1/publishers/anthropic/models/[A-Za-z0-9.@_-]+:(raw|streamRaw)Predict"
_is_claude = re.compile(_CLAUDE).fullmatch
_GOOGLE = r"publishers/google/models/[A-Za-z0-9._-]+:(generate|streamGenerate)Content"
_is_vertex = re.compile(rf"/v1beta1/projects/proj/locations/europe-west1/{_GOOGLE}").fullmatch
_is_express = re.compile(rf"/v1beta1/{_GOOGLE}").fullmatch
_is_deployment = re.compile(r"/openai/deployments/[A-Za-z0-9._-]+/chat/completions").fullmatch


# --- Claude with its options in the body


def _in_body(platform: str, model_of: Callable[[str], str], members: tuple[str, ...]) -> Callable[[Arrival], _Problems]:
    """What a platform refuses whose bodies have the API version, and of whose paths the model is a part."""

    def refuses(arrival: Arrival) -> _Problems:
        body, versions = dict(arrival.body), _VERSIONS[platform]
        problems = [(f"/{name}", "Extra inputs are not permitted") for name in members if name in body]
        problems += [("", f"{name}: no such header") for name in arrival.headers if name.startswith("anthropic-")]
        version = body.pop("anthropic_version", None)
        if version not in versions:
            return [*problems, ("/anthropic_version", f"must be one of {tuple(versions)}")]
        headers = {"anthropic-version": versions[version]}
        if (betas := body.pop("anthropic_beta", None)) is not None:
            headers["anthropic-beta"] = ",".join(betas)
        direct = {**body, "model": model_of(arrival.path)}
        return problems + MESSAGES.refuses(msgspec.structs.replace(arrival, headers=headers, body=direct))

    return refuses


def chunk(event: bytes) -> bytes:
    """A server-sent event as a chunk of InvokeModelWithResponseStream."""
    data = event.partition(b"data: ")[2].strip()
    if b'"message_stop"' in data:
        metrics = {"inputTokenCount": 61, "outputTokenCount": 17, "invocationLatency": 1200, "firstByteLatency": 300}
        data = msgspec.json.encode({**msgspec.json.decode(data), "amazon-bedrock-invocationMetrics": metrics})
    return write_event("chunk", {"bytes": data, "p": "abcdefgh"})


def unchunked(message: bytes) -> Json:
    """The event in a chunk; None for any other message."""
    payload = message[12 + int.from_bytes(message[4:8], "big") : -4]
    held = msgspec.json.decode(payload)
    return msgspec.json.decode(msgspec.json.decode(msgspec.json.encode(held["bytes"]), type=bytes)) if held else None


def _say_in_chunks(reply: Reply, model: str) -> Spoken:
    said = MESSAGES.say(reply, model)
    return Spoken(body=said.body, head=[*map(chunk, said.head)], tail=[*map(chunk, said.tail)])


_EXCEPTIONS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def _aws_headers(fault: Fault) -> dict[str, str]:
    kind = _EXCEPTIONS.get(fault.status, "InternalServerException")
    told = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return told | ({"retry-after": fault.retry_after} if fault.retry_after else {})


BEDROCK = msgspec.structs.replace(
    MESSAGES,
    base="/bedrock",
    takes=lambda path: _is_bedrock(path) is not None,
    refuses=_in_body("bedrock", lambda path: unquote(path.split("/")[3]), ("model", "stream")),
    streams=lambda arrival: arrival.path.endswith("-stream"),
    stream_type="application/vnd.amazon.eventstream",
    say=_say_in_chunks,
    event=unchunked,
    fail=lambda fault: {"message": fault.message},
    headers=_aws_headers,
    break_off=lambda fault: write_exception("modelStreamErrorException", {"message": fault.message}),
)


def google_error(fault: Fault) -> Json:
    """An error as Google's services tell it, the wait among its details."""
    words = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
    error = {"code": fault.status, "message": fault.message, "status": words.get(fault.status, "INTERNAL")}
    if fault.retry_after:
        wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.retry_after}s"}
        error["details"] = [wait]
    return {"error": error}


CLAUDE_ON_VERTEX = msgspec.structs.replace(
    MESSAGES,
    base="/vertex/v1",
    takes=lambda path: _is_claude(path) is not None,
    refuses=_in_body("vertex", lambda path: path.rpartition("/")[2].partition(":")[0], ("model",)),
    streams=lambda arrival: arrival.path.endswith(":streamRawPredict") and arrival.body.get("stream") is True,
    fail=google_error,
    headers=lambda fault: {},  # noqa: ARG005  nothing of it stands there
)


# --- the vendor's own paths, with a header more


def _with_header(vendor: Vendor, name: str, value: str) -> Callable[[Arrival], _Problems]:
    def refuses(arrival: Arrival) -> _Problems:
        missing = [] if arrival.headers.get(name) == value else [("", f"{name}: must be {value}")]
        return missing + vendor.refuses(arrival)

    return refuses


def _without_urls(arrival: Arrival) -> _Problems:
    found = b'"type":"url"' in msgspec.json.encode(arrival.body)
    return [("/messages", "URL sources are not supported")] * found + MESSAGES.refuses(arrival)


CLAUDE_ON_AWS = msgspec.structs.replace(
    MESSAGES, base="/aws", refuses=_with_header(MESSAGES, "anthropic-workspace-id", "wrkspc_1")
)
MANTLE = msgspec.structs.replace(MESSAGES, base="/mantle/anthropic", refuses=_without_urls)
FOUNDRY = msgspec.structs.replace(
    MESSAGES, base="/foundry/anthropic", refuses=_with_header(MESSAGES, "api-key", "sk-vendor")
)


# --- Gemini and OpenAI


def _on_vertex(arrival: Arrival) -> _Problems:
    """Vertex stores nothing, and has labels; each turn must say whose it is."""
    body = {name: value for name, value in arrival.body.items() if name != "labels"}
    problems = [("/store", "Unknown name")] * ("store" in body)
    turns = body.get("contents") or []
    problems += [(f"/contents/{n}", "a valid role: user, model") for n, turn in enumerate(turns) if "role" not in turn]
    return problems + GEMINI.refuses(msgspec.structs.replace(arrival, body=body))


def _read_with_labels(body: Json) -> Asked:
    asked = GEMINI.read(body)
    if labels := body.get("labels"):
        asked.settings["metadata"] = labels
    return asked


VERTEX = msgspec.structs.replace(
    GEMINI,
    base="/vertex-gemini",
    takes=lambda path: _is_vertex(path) is not None,
    read=_read_with_labels,
    refuses=_on_vertex,
)
EXPRESS = msgspec.structs.replace(VERTEX, takes=lambda path: _is_express(path) is not None)


def _versioned(vendor: Vendor) -> Callable[[Arrival], _Problems]:
    def refuses(arrival: Arrival) -> _Problems:
        known = parse_qs(arrival.query).get("api-version") == ["2024-10-21"]
        return ([] if known else [("", "api-version: must be one that exists")]) + vendor.refuses(arrival)

    return refuses


def _say_filtered(reply: Reply, model: str) -> Spoken:
    """As Azure says it: first a chunk about the prompt without choices, and what the filter found beside the text."""
    said = CHAT.say(reply, model)
    clean = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
    prompt = [{"prompt_index": 0, "content_filter_results": clean}]
    body = {**said.body, "prompt_filter_results": prompt}
    body["choices"] = [{**choice, "content_filter_results": clean} for choice in body["choices"]]
    first: Json = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": prompt}
    offsets = {"check_offset": 0, "start_offset": 0, "end_offset": 9}
    later: Json = {"index": 0, "finish_reason": None, "delta": {}, "content_filter_offsets": offsets}
    later = {**first, "choices": [{**later, "content_filter_results": clean}], "prompt_filter_results": []}
    frames = [b"data: " + msgspec.json.encode(frame) + b"\n\n" for frame in (first, later)]
    return Spoken(body=body, head=[frames[0], *said.head, frames[1]], tail=said.tail)


DEPLOYMENTS = msgspec.structs.replace(
    CHAT,
    base="/azure",
    takes=lambda path: _is_deployment(path) is not None,
    refuses=_versioned(CHAT),
    say=_say_filtered,
)
DEPLOYED_RESPONSES = msgspec.structs.replace(
    RESPONSES, base="/azure", takes=lambda path: path == "/openai/responses", refuses=_versioned(RESPONSES)
)
AZURE = msgspec.structs.replace(CHAT, base="/azure/openai/v1", say=_say_filtered)

_KEY = "credentials: [sk-vendor]"
_TOKEN = "auth: bearer, credentials: [sk-vendor]"  # noqa: S105  a dummy
_PLACE = "options: {project: proj, region: europe-west1}"
_CLAUDE_MODEL = "claude-opus-4-8"

# By a name of their own: many speak the same protocol.
PLATFORMS: Mapping[str, Staged] = {
    "bedrock": Staged(
        vendor=BEDROCK,
        provider="anthropic-bedrock",
        model=f"us.anthropic.{_CLAUDE_MODEL}-v1:0",
        settings=f"{_KEY}, options: {{region: eu-west-1}}",
    ),
    "bedrock, an older model": Staged(
        vendor=BEDROCK,
        provider="anthropic-bedrock",
        model="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        settings=f"{_KEY}, options: {{region: eu-west-1}}",
    ),
    "mantle": Staged(
        vendor=MANTLE,
        provider="anthropic-bedrock-mantle",
        model=f"anthropic.{_CLAUDE_MODEL}",
        settings=f"{_KEY}, options: {{region: eu-west-1}}",
    ),
    "aws": Staged(
        vendor=CLAUDE_ON_AWS,
        provider="anthropic-aws",
        model=_CLAUDE_MODEL,
        settings=f"{_KEY}, options: {{region: eu-west-1, workspace: wrkspc_1}}",
    ),
    "claude on vertex": Staged(
        vendor=CLAUDE_ON_VERTEX,
        provider="anthropic-vertex",
        model=f"{_CLAUDE_MODEL}@20260801",
        settings=f"{_TOKEN}, {_PLACE}",
    ),
    "claude on vertex, an older model": Staged(
        vendor=CLAUDE_ON_VERTEX,
        provider="anthropic-vertex",
        model="claude-sonnet-4-5@20250929",
        settings=f"{_TOKEN}, {_PLACE}",
    ),
    "foundry": Staged(vendor=FOUNDRY, provider="anthropic-foundry", model=_CLAUDE_MODEL),
    "vertex": Staged(
        vendor=VERTEX,
        provider="vertex",
        model="gemini-3-flash",
        settings=f"{_TOKEN}, options: {{project: proj, location: europe-west1}}",
    ),
    "vertex express": Staged(vendor=EXPRESS, provider="vertex-express", model="gemini-3-flash"),
    "azure deployments": Staged(
        vendor=DEPLOYMENTS,
        provider="azure-openai-deployments",
        model="my-deploy",
        settings=f"{_KEY}, options: {{api_version: 2024-10-21}}",
    ),
    "azure deployments, responses": Staged(
        vendor=DEPLOYED_RESPONSES,
        provider="azure-openai-deployments",
        model="my-deploy",
        settings=f"{_KEY}, options: {{api_version: 2024-10-21}}",
    ),
    "azure": Staged(vendor=AZURE, provider="azure-openai", model="my-deploy"),
}
