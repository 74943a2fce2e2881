"""Every documented error of the providers: what kind it is, what each client sees of it, and what is done about it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from twoapi.ir import Fault, FaultKind
from twoapi.ir.fault import STATUS
from twoapi.policy.retry import Step, answer_to_client, next_step
from twoapi.protocols.base import Restore
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.providers.catalog import CatalogError, load_catalog, parse_provider
from twoapi.providers.errors import ErrorRule, Errors
from twoapi.providers.model import capabilities_for

CATALOG = load_catalog()
CHAT = "openai-chat"

# kind -> the statuses that clients of Chat, Responses, Messages and Gemini see, and the next step where there is
# another credential and another candidate. What is wrong with the gateway's own credential is not the client's affair.
SEEN: dict[FaultKind, tuple[tuple[int, int, int, int], Step]] = {
    "invalid_request": ((400, 400, 400, 400), "stop"),
    "context_length": ((400, 400, 400, 400), "stop"),
    "content_filtered": ((400, 400, 400, 400), "stop"),
    "unauthenticated": ((502, 502, 502, 502), "credential"),
    "forbidden": ((502, 502, 502, 502), "credential"),
    "quota_exhausted": ((502, 502, 502, 502), "credential"),
    "rate_limited": ((429, 429, 429, 429), "credential"),
    "not_found": ((404, 404, 404, 404), "stop"),
    "too_large": ((413, 413, 413, 413), "stop"),
    "unprocessable": ((422, 422, 400, 400), "stop"),
    "overloaded": ((503, 503, 529, 503), "candidate"),
    "timeout": ((504, 504, 504, 504), "candidate"),
    "upstream_error": ((502, 502, 502, 502), "candidate"),
}


Row = tuple[str, int, Any, FaultKind]


def flat(code: Any, message: str = "told", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def typed(kind: str, message: str = "told") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind}}


# provider, status, body, kind
ZHIPU: list[tuple[int, str, FaultKind]] = [
    (401, "1000", "unauthenticated"),
    (401, "1001", "unauthenticated"),
    (401, "1002", "unauthenticated"),
    (401, "1003", "unauthenticated"),
    (401, "1004", "unauthenticated"),
    (429, "1110", "forbidden"),
    (429, "1111", "forbidden"),
    (429, "1112", "forbidden"),
    (429, "1113", "quota_exhausted"),
    (500, "1120", "upstream_error"),
    (429, "1121", "forbidden"),
    (400, "1210", "invalid_request"),
    (400, "1211", "not_found"),
    (400, "1212", "invalid_request"),
    (400, "1213", "invalid_request"),
    (400, "1214", "invalid_request"),
    (400, "1215", "invalid_request"),
    (403, "1220", "forbidden"),
    (403, "1221", "forbidden"),
    (403, "1222", "forbidden"),
    (500, "1230", "upstream_error"),
    (400, "1231", "invalid_request"),
    (500, "1234", "upstream_error"),
    (400, "1261", "context_length"),
    (400, "1300", "content_filtered"),
    (400, "1301", "content_filtered"),
    (429, "1302", "rate_limited"),
    (429, "1303", "rate_limited"),
    (429, "1304", "quota_exhausted"),
    (429, "1305", "overloaded"),
    (429, "1308", "quota_exhausted"),
    (429, "1309", "quota_exhausted"),
]
MOONSHOT: list[tuple[int, str, FaultKind]] = [
    (400, "invalid_request_error", "invalid_request"),
    (400, "content_filter", "content_filtered"),
    (401, "invalid_authentication_error", "unauthenticated"),
    (401, "incorrect_api_key_error", "unauthenticated"),
    (403, "permission_denied_error", "forbidden"),
    (404, "resource_not_found_error", "not_found"),
    (429, "engine_overloaded_error", "overloaded"),
    (429, "exceeded_current_quota_error", "quota_exhausted"),
    (429, "rate_limit_reached_error", "rate_limited"),
    (500, "server_error", "upstream_error"),
    (500, "unexpected_output", "upstream_error"),
]
MINIMAX: list[tuple[int, FaultKind]] = [
    (1000, "upstream_error"),
    (1001, "timeout"),
    (1002, "rate_limited"),
    (1004, "unauthenticated"),
    (1008, "quota_exhausted"),
    (1013, "upstream_error"),
    (1024, "upstream_error"),
    (1026, "content_filtered"),
    (1027, "content_filtered"),
    (1033, "upstream_error"),
    (1039, "rate_limited"),
    (1041, "rate_limited"),
    (2013, "invalid_request"),
    (2049, "unauthenticated"),
    (2056, "quota_exhausted"),
    (4711, "upstream_error"),
]
ARK: list[tuple[int, str, FaultKind]] = [
    (401, "AuthenticationError", "unauthenticated"),
    (400, "InvalidParameter", "invalid_request"),
    (404, "InvalidEndpointOrModel.NotFound", "not_found"),
    (404, "ModelNotOpen", "forbidden"),
    (429, "RateLimitExceeded.EndpointRPMExceeded", "rate_limited"),
    (429, "RateLimitExceeded.EndpointTPMExceeded", "rate_limited"),
    (429, "ServerOverloaded", "overloaded"),
    (429, "QuotaExceeded", "quota_exhausted"),
    (400, "SensitiveContentDetected", "content_filtered"),
    (400, "OutputTextSensitiveContentDetected", "content_filtered"),
    (403, "AccountOverdueError", "quota_exhausted"),
    (500, "InternalServiceError", "upstream_error"),
]
BODIES: list[Row] = [
    *((name, status, flat(code, contentFilter=[]), kind) for name in ("zhipu", "zai") for status, code, kind in ZHIPU),
    ("zhipu", 434, flat("x"), "forbidden"),
    ("zhipu", 435, flat("x"), "too_large"),
    *((name, status, typed(word), kind) for name in ("moonshot", "moonshot-cn") for status, word, kind in MOONSHOT),
    (
        "moonshot",
        400,
        typed("invalid_request_error", "Invalid request: Your request exceeded model token limit: 8192"),
        "context_length",
    ),
    *((name, status, flat(code), kind) for name in ("volcengine", "byteplus") for status, code, kind in ARK),
    ("deepseek", 400, flat("invalid_request_error", "Format", type="invalid_request_error"), "invalid_request"),
    (
        "deepseek",
        400,
        flat(None, "This model's maximum context length is 131072 tokens. However, you requested 200000."),
        "context_length",
    ),
    ("deepseek", 401, flat("invalid_request_error", type="authentication_error"), "unauthenticated"),
    ("deepseek", 402, flat("invalid_request_error", "Insufficient Balance", type="unknown_error"), "quota_exhausted"),
    ("deepseek", 422, flat("invalid_request_error"), "unprocessable"),
    ("deepseek", 429, flat("rate_limit"), "rate_limited"),
    ("deepseek", 500, flat(None), "upstream_error"),
    ("deepseek", 503, flat(None), "overloaded"),
    ("openrouter", 400, flat(400), "invalid_request"),
    ("openrouter", 401, flat(401), "unauthenticated"),
    ("openrouter", 402, flat(402), "quota_exhausted"),
    ("openrouter", 403, flat(403, metadata={"reasons": ["violence"]}), "content_filtered"),
    ("openrouter", 408, flat(408), "timeout"),
    ("openrouter", 429, flat(429), "rate_limited"),
    ("openrouter", 502, flat(502), "upstream_error"),
    ("openrouter", 503, flat(503), "overloaded"),
    ("groq", 400, flat("tool_use_failed", type="invalid_request_error", failed_generation="<f"), "upstream_error"),
    ("groq", 413, flat("rate_limit_exceeded", type="tokens"), "rate_limited"),
    ("groq", 429, flat("rate_limit_exceeded", type="requests"), "rate_limited"),
    ("groq", 498, flat(None), "overloaded"),
    ("mistral", 401, {"detail": "Unauthorized"}, "unauthenticated"),
    (
        "mistral",
        422,
        {"object": "error", "message": {"detail": [{"loc": ["body"]}]}, "type": "invalid_request_error"},
        "unprocessable",
    ),
    (
        "mistral",
        400,
        {
            "object": "error",
            "message": "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
            "type": "invalid_function_call",
            "code": "3280",
        },
        "invalid_request",
    ),
    ("siliconflow", 400, {"code": 20012, "message": "Model does not exist.", "data": None}, "not_found"),
    ("siliconflow", 403, {"code": 30001, "message": "insufficient", "data": None}, "quota_exhausted"),
    ("siliconflow", 503, "Too busy", "overloaded"),
    ("siliconflow", 504, "Too busy", "overloaded"),
    ("stepfun", 402, flat(None), "quota_exhausted"),
    ("stepfun", 451, flat(None), "content_filtered"),
    ("cerebras", 402, flat(None), "quota_exhausted"),
    ("xai", 429, {"code": "Some resource has been exhausted", "error": "told"}, "rate_limited"),
    ("openai", 429, flat("insufficient_quota", type="insufficient_quota"), "quota_exhausted"),
    ("openai", 429, flat("rate_limit_exceeded", type="requests"), "rate_limited"),
    ("openai", 400, flat("context_length_exceeded", type="invalid_request_error"), "context_length"),
    (
        "azure-openai",
        400,
        flat("content_filter", inner_error={"code": "ResponsibleAIPolicyViolation"}),
        "content_filtered",
    ),
    ("azure-openai", 401, flat("401"), "unauthenticated"),
    ("azure-openai", 401, {"statusCode": 401, "message": "told"}, "unauthenticated"),
    ("azure-openai", 404, flat("DeploymentNotFound"), "not_found"),
    ("azure-openai", 429, flat("429"), "rate_limited"),
    ("azure-openai", 429, flat("RateLimitReached"), "rate_limited"),
    ("azure-openai", 408, flat(None), "timeout"),
    ("azure-openai", 424, flat(None), "upstream_error"),
]


def judged(name: str, status: int, body: Any, headers: dict[bytes, bytes] | None = None, protocol: str = CHAT) -> Fault:
    """What the gateway makes of an error answer."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fault = UPSTREAM_CODECS[protocol].decode_fault(status, headers or {}, data)
    errors = CATALOG[name].errors
    return fault if errors is None else errors.judged(fault, status, headers or {}, data)


def check(fault: Fault, kind: FaultKind, status: int = 0) -> None:
    statuses, step = SEEN[kind]
    if status in (500, 502) and kind == "upstream_error" and fault.status:
        statuses = (status,) * 4  # as the upstream said it
    assert fault.kind == kind
    assert next_step(fault.kind, 1, 0, credentials_left=1, candidates_left=1) == step
    told = answer_to_client(fault, "up", 0)
    seen = {name: codec.encode_fault(told, "id") for name, codec in CODECS.items()}
    order = (CHAT, "openai-responses", "anthropic-messages", "gemini")
    assert tuple(seen[name][0] for name in order) == statuses
    for _, _, body in seen.values():
        assert json.loads(body)["error"]["message"]
    if kind == "context_length":
        assert json.loads(seen[CHAT][2])["error"]["code"] == "context_length_exceeded"
        assert json.loads(seen["anthropic-messages"][2])["error"]["message"].startswith("prompt is too long")


@pytest.mark.parametrize(
    ("name", "status", "body", "kind"),
    BODIES,
    ids=[f"{name}-{status}-{number}" for number, (name, status, _, _) in enumerate(BODIES)],
)
def test_a_documented_error_is_of_its_kind(name: str, status: int, body: Any, kind: FaultKind) -> None:
    check(judged(name, status, body), kind, status)


@pytest.mark.parametrize("name", ["minimax", "minimax-cn"])
@pytest.mark.parametrize(("code", "kind"), MINIMAX)
def test_an_error_in_a_200_is_of_its_kind(name: str, code: int, kind: FaultKind) -> None:
    provider = CATALOG[name]
    body = json.dumps({"base_resp": {"status_code": code, "status_msg": "told"}, "choices": None}).encode()
    fault = CODECS[CHAT].inspect(body, capabilities_for(provider, CHAT, "MiniMax-M2")).fault
    assert fault is not None
    assert provider.errors is not None
    check(provider.errors.judged(fault, 200, {}, body), kind)


def test_an_answer_with_the_code_of_no_error_is_an_answer() -> None:
    capabilities = capabilities_for(CATALOG["minimax"], CHAT, "MiniMax-M2")
    told = {"base_resp": {"status_code": 0, "status_msg": ""}, "choices": [{"message": {"content": "hi"}}]}
    body = json.dumps(told).encode()
    assert CODECS[CHAT].inspect(body, capabilities).fault is None
    assert CODECS[CHAT].decode_response(body, Restore(capabilities=capabilities)).candidates[0].parts


@pytest.mark.parametrize(
    ("name", "headers", "wait"),
    [
        ("openai", {b"retry-after-ms": b"1500", b"retry-after": b"9"}, 1.5),
        ("openai", {b"retry-after": b"9"}, 9),
        ("openai", {b"x-ratelimit-reset-requests": b"6m0s"}, 360),
        ("groq", {b"x-ratelimit-reset-tokens": b"7.66s"}, 7.66),
        ("groq", {b"retry-after": b"2", b"x-ratelimit-reset-tokens": b"7.66s"}, 2),
        ("cerebras", {b"x-ratelimit-reset-tokens-minute": b"12.5"}, 12.5),
        ("cerebras", {b"x-ratelimit-reset-tokens-minute": b"soon", b"x-ratelimit-reset-requests-day": b"60"}, 60),
        ("deepseek", {}, None),
    ],
)
def test_the_wait_stands_where_the_provider_tells_it(
    name: str, headers: dict[bytes, bytes], wait: float | None
) -> None:
    assert judged(name, 429, flat(None), headers).retry_after == (None if wait is None else pytest.approx(wait))


def test_the_wait_beside_a_hidden_error_is_known() -> None:
    errors = CATALOG["minimax"].errors
    assert errors is not None
    hidden = Fault("upstream_error", "told", whose="upstream", code="1002")
    assert errors.judged(hidden, 200, {b"retry-after": b"7"}, b"{}").retry_after == 7
    assert errors.judged(hidden, 200, {b"retry-after-ms": b"1500"}, b"{}").retry_after == 1.5


def test_the_wait_may_stand_in_the_body() -> None:
    errors = Errors(wait=("/error/metadata/retry_after",))
    body = json.dumps(flat(429, metadata={"retry_after": "1m30s"})).encode()
    fault = errors.judged(Fault("rate_limited", "told"), 429, {}, body)
    assert fault.retry_after == 90
    assert errors.judged(Fault("invalid_request", "told"), 400, {}, body).retry_after is None


@pytest.mark.parametrize("name", ["openai-compatible", "vllm", "together"])
@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "Requested token count exceeds the model's maximum context length of 4096 tokens.",
        "Input is too long for requested model.",
        "prompt is too long: 9000 tokens > 8192 maximum",
    ],
)
def test_a_prompt_that_is_too_long_is_known_by_its_words_where_nothing_else_tells(name: str, words: str) -> None:
    check(judged(name, 400, {"error": {"message": words, "type": "BadRequestError", "code": 400}}), "context_length")
    check(
        judged(name, 400, {"object": "error", "message": words, "type": "BadRequestError", "code": 40303}),
        "context_length",
    )
    assert judged(name, 400, typed("x", "It is not so that " + words)).kind == "invalid_request"
    assert judged(name, 429, typed("x", words)).kind == "rate_limited"


def test_the_first_rule_that_fits_decides_and_all_that_a_rule_says_must_hold() -> None:
    errors = Errors(
        rules=(
            ErrorRule(kind="context_length", status=(400,), code=("a*",), message=("Too much",)),
            ErrorRule(kind="not_found", code=("ab",)),
            ErrorRule(kind="overloaded", code=("a?",)),
        )
    )

    def kind(status: int, code: str, message: str) -> str:
        body = json.dumps(flat(code, message)).encode()
        fault = CODECS[CHAT].decode_fault(status, {}, body)
        return errors.judged(fault, status, {}, body).kind

    assert kind(400, "ab", "TOO MUCH of it") == "context_length"
    assert kind(500, "ab", "too much of it") == "not_found"
    assert kind(400, "ac", "other") == "overloaded"
    assert kind(400, "b", "too much of it") == "invalid_request"


def test_what_a_provider_means_otherwise_is_told_in_the_words_of_the_protocol() -> None:
    fault = judged("zhipu", 429, flat("1305", "busy"))
    status, _, body = CODECS[CHAT].encode_fault(fault, "id")
    assert (status, json.loads(body)["error"]["code"]) == (503, "overloaded")
    assert fault.code == "1305"
    same = judged("zhipu", 429, flat("1302", "slowly"))  # as the protocol means it: verbatim
    assert json.loads(CODECS[CHAT].encode_fault(same, "id")[2]) == flat("1302", "slowly")


@pytest.mark.parametrize("body", ["", "<html>", "[", '"x"', "[]", '{"error": 3}', '{"error": {"code": {}}}', "\n\n{}"])
@pytest.mark.parametrize("name", [name for name, provider in CATALOG.items() if provider.errors is not None])
def test_any_body_is_judged(name: str, body: str) -> None:
    for protocol in CATALOG[name].protocols:
        assert judged(name, 500, body, protocol=protocol).kind in STATUS


@pytest.mark.parametrize("name", [name for name, provider in CATALOG.items() if provider.errors is not None])
def test_no_rule_stands_behind_one_that_always_fits_first(name: str) -> None:
    errors = CATALOG[name].errors
    assert errors is not None
    for number, rule in enumerate(errors.rules):
        for earlier in errors.rules[:number]:
            assert not (
                _covers(earlier.code, rule.code)
                and earlier.status in ((), rule.status)
                and _covers(earlier.type, rule.type)
                and _covers(earlier.message, rule.message)
            ), rule


def _covers(patterns: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return not patterns or (bool(words) and set(words) <= set(patterns))


@pytest.mark.parametrize(
    ("errors", "mend"),
    [
        ("{rules: [{kind: busy, code: [a]}]}", "expected"),
        ("{rules: [{kind: overloaded}]}", "a rule must say which errors it is for"),
        ("{rules: [{kind: overloaded, cod: [a]}]}", "did you mean 'code'"),
        ("{hidden: {code: /a}}", "needs ok and message"),
    ],
)
def test_wrong_errors_of_a_file_are_named_with_their_place(errors: str, mend: str) -> None:
    with pytest.raises(CatalogError, match=mend) as raised:
        parse_provider(f"name: x\ntitle: X\nprotocols: {{openai-chat: http://x}}\nerrors: {errors}\n", "x.yaml")
    assert str(raised.value).startswith("x.yaml:4:")


def test_the_documented_rules_are_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("errors:")]
    provider = parse_provider(f"name: x\ntitle: X\nprotocols: {{openai-chat: http://x}}\n{shown}", "x.yaml")
    assert provider.errors is not None
    assert len(provider.errors.rules) == 3
    assert provider.errors.hidden is not None
    assert set(re.findall(r"`(\w+)`", page[page.index("The\nkinds are") : page.index("A client gets")])) == set(SEEN)
