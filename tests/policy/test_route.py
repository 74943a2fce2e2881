"""From a name to candidates."""

import pytest

from twoapi.config import Settings, parse
from twoapi.config.settings import Timeouts
from twoapi.ir import Fault, FaultError
from twoapi.policy.route import Candidate, Router
from twoapi.protocols.capabilities import Capabilities
from twoapi.providers.catalog import load_catalog
from twoapi.providers.demo import answer

CONFIG = """
upstreams:
  claude:
    provider: anthropic
    credentials: [sk-one, {key: sk-two, weight: 2}]
    timeouts: {idle: 1m}
  seek: {provider: deepseek, credentials: [sk-deep]}
  lab:
    provider: openai-compatible
    base_url: http://127.0.0.1:11434/v1
    models: [qwen3, "llama-*"]
    headers: {X-Team: blue}
    capabilities: {images: false}
    ca: /etc/ca.pem
  demo: {provider: demo}
models:
  small: claude/claude-3-5-haiku-20241022
  smart:
    candidates: [claude/claude-opus-5-5, {model: lab/qwen3, weight: 3}]
    strategy: weighted
    timeouts: {connect: 1s, idle: 7s}
    retries: 1
    on_loss: reject
  safe: [seek/deepseek-flash, claude/claude-opus-5-5]
timeouts: {connect: 3s}
"""


def settings(text: str = CONFIG) -> Settings:
    return parse(text, "twoapi.yaml", {})


def router(text: str = CONFIG) -> Router:
    return Router(settings(text), load_catalog())


def places(found: tuple[Candidate, ...]) -> list[tuple[str, str, str, str]]:
    return [(candidate.upstream, candidate.model, candidate.protocol, candidate.base_url) for candidate in found]


CLAUDE = ("anthropic-messages", "https://api.anthropic.com")
LAB = ("openai-chat", "http://127.0.0.1:11434/v1")
SEEK_CHAT = ("openai-chat", "https://api.deepseek.com")
SEEK_MESSAGES = ("anthropic-messages", "https://api.deepseek.com/anthropic")


@pytest.mark.parametrize(
    ("name", "protocol", "expected"),
    [
        ("small", "openai-chat", [("claude", "claude-3-5-haiku-20241022", *CLAUDE)]),
        ("smart", "openai-chat", [("claude", "claude-opus-5-5", *CLAUDE), ("lab", "qwen3", *LAB)]),
        ("claude/any-name", "openai-chat", [("claude", "any-name", *CLAUDE)]),
        ("lab/org/model:free", "anthropic-messages", [("lab", "org/model:free", *LAB)]),
        ("qwen3", "openai-chat", [("lab", "qwen3", *LAB)]),
        ("llama-4", "openai-chat", [("lab", "llama-4", *LAB)]),
        ("claude-sonnet-4-6", "openai-chat", [("claude", "claude-sonnet-4-6", *CLAUDE)]),
        ("deepseek-flash", "openai-chat", [("seek", "deepseek-flash", *SEEK_CHAT)]),
        ("deepseek-flash", "anthropic-messages", [("seek", "deepseek-flash", *SEEK_MESSAGES)]),
        ("deepseek-flash", "gemini", [("seek", "deepseek-flash", *SEEK_CHAT)]),
        (
            "safe",
            "anthropic-messages",
            [("seek", "deepseek-flash", *SEEK_MESSAGES), ("claude", "claude-opus-5-5", *CLAUDE)],
        ),
        ("demo", "openai-chat", [("demo", "demo", "local", "")]),
        ("demo/anything", "anthropic-messages", [("demo", "anything", "local", "")]),
    ],
)
def test_a_name_leads_to_candidates(name: str, protocol: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert places(router().plan(name, protocol).candidates) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smrt", "there is no model 'smrt' here; did you mean 'smart'? GET /v1/models lists the models"),
        ("zzzzzz", "there is no model 'zzzzzz' here; GET /v1/models lists the models"),
        ("", "there is no model '' here; GET /v1/models lists the models"),
        ("lab/", "there is no model 'lab/' here; GET /v1/models lists the models"),
        ("nowhere/x", "there is no model 'nowhere/x' here; GET /v1/models lists the models"),
        ("x" * 300, f"there is no model '{'x' * 40}...' here; GET /v1/models lists the models"),
    ],
)
def test_an_unknown_name_is_told_with_what_may_be_meant(name: str, message: str) -> None:
    with pytest.raises(FaultError) as caught:
        router().plan(name, "openai-chat")
    assert caught.value.fault == Fault("not_found", message, code="model_not_found", param="model")


def test_a_name_that_two_upstreams_serve_must_be_told_apart() -> None:
    text = """
upstreams:
  a: {provider: vllm, models: [qwen3]}
  b: {provider: ollama, models: [qwen3]}
"""
    with pytest.raises(FaultError) as caught:
        router(text).plan("qwen3", "openai-chat")
    assert caught.value.fault.message == "several upstreams serve the model 'qwen3'; name one: a/qwen3 or b/qwen3"
    assert places(router(text).plan("b/qwen3", "openai-chat").candidates) == [
        ("b", "qwen3", "openai-chat", "http://127.0.0.1:11434/v1")
    ]


def test_the_only_upstream_serves_every_name() -> None:
    text = "upstreams: {a: {provider: openai, credentials: [k]}, demo: {provider: demo}}"
    plan = router(text).plan("ft:mine", "anthropic-messages")
    assert places(plan.candidates) == [("a", "ft:mine", "openai-chat", "https://api.openai.com/v1")]


def test_the_only_upstream_with_a_list_serves_nothing_else() -> None:
    text = "upstreams: {a: {provider: openai, credentials: [k], models: [gpt-5]}, demo: {provider: demo}}"
    with pytest.raises(FaultError):
        router(text).plan("gpt-6", "openai-chat")


def test_an_operators_list_wins_over_the_catalogue() -> None:
    text = "upstreams: {a: {provider: vllm, models: [gpt-5]}, b: {provider: openai, credentials: [k]}}"
    assert places(router(text).plan("gpt-5", "openai-chat").candidates)[0][0] == "a"
    assert places(router(text).plan("gpt-6", "openai-chat").candidates)[0][0] == "b"


def test_another_base_url_leaves_the_other_protocols_out() -> None:
    text = "upstreams: {a: {provider: deepseek, credentials: [k], base_url: 'http://proxy/v1'}}"
    assert places(router(text).plan("a/x", "anthropic-messages").candidates) == [
        ("a", "x", "openai-chat", "http://proxy/v1")
    ]


def test_protocols_can_be_named_with_their_base_urls() -> None:
    text = """
upstreams:
  a: {provider: vllm, protocols: {openai-chat: "http://h:8000/v1", anthropic-messages: "http://h:8000"}}
"""
    plan = router(text).plan("a/x", "anthropic-messages")
    assert places(plan.candidates) == [("a", "x", "anthropic-messages", "http://h:8000")]


def test_a_plan_is_made_once() -> None:
    routes = router()
    assert routes.plan("smart", "openai-chat") is routes.plan("smart", "openai-chat")
    assert routes.plan("smart", "openai-chat") is not routes.plan("smart", "anthropic-messages")


def test_names_of_clients_own_making_do_not_fill_the_memory() -> None:
    routes = router()
    for number in range(5000):
        routes.plan(f"lab/{number}", "openai-chat")
    assert len(routes._plans) <= 4096


def test_credentials_are_presented_as_the_protocol_wants_and_take_turns_by_weight() -> None:
    candidate = router().plan("small", "openai-chat").candidates[0]
    turns = [[credential.index for credential in candidate.credential_turn()] for _ in range(4)]
    assert turns == [[1, 0], [0, 1], [1, 0], [1, 0]]
    assert [credential.headers for credential in candidate.credentials] == [
        [(b"x-api-key", b"sk-one")],
        [(b"x-api-key", b"sk-two")],
    ]


def test_one_provider_takes_its_credential_another_way_per_protocol() -> None:
    routes = router()
    chat = routes.plan("seek/x", "openai-chat").candidates[0]
    messages = routes.plan("seek/x", "anthropic-messages").candidates[0]
    assert [chat.credentials[0].headers, messages.credentials[0].headers] == [
        [(b"authorization", b"Bearer sk-deep")],
        [(b"x-api-key", b"sk-deep")],
    ]


def test_all_candidates_of_an_upstream_share_its_turns() -> None:
    routes = router()
    one = routes.plan("small", "openai-chat").candidates[0]
    other = routes.plan("claude/x", "anthropic-messages").candidates[0]
    assert [one.credential_turn()[0].index, other.credential_turn()[0].index, one.credential_turn()[0].index] == [
        1,
        0,
        1,
    ]


def test_an_upstream_without_credentials_sends_its_own_headers_alone() -> None:
    candidate = router().plan("qwen3", "openai-chat").candidates[0]
    assert [credential.headers for credential in candidate.credential_turn()] == [[(b"x-team", b"blue")]]


def test_a_header_that_the_operator_writes_out_wins_over_the_credential() -> None:
    text = "upstreams: {a: {provider: openai, credentials: [k], headers: {Authorization: 'Token t'}}}"
    candidate = router(text).plan("x", "openai-chat").candidates[0]
    assert candidate.credentials[0].headers == [(b"authorization", b"Token t")]


def test_timeouts_come_from_the_alias_then_the_upstream_then_the_top_then_the_defaults() -> None:
    routes = router()
    smart = routes.plan("smart", "openai-chat").candidates
    assert [candidate.timeouts for candidate in smart] == [
        Timeouts(connect=1.0, idle=7.0),
        Timeouts(connect=1.0, idle=7.0),
    ]
    assert routes.plan("claude/x", "openai-chat").candidates[0].timeouts == Timeouts(connect=3.0, idle=60.0)


def test_a_plan_says_how_often_to_retry_and_what_losses_mean() -> None:
    routes = router()
    smart, small = routes.plan("smart", "openai-chat"), routes.plan("small", "openai-chat")
    assert (smart.strategy, smart.retries, smart.on_loss) == ("weighted", 1, "reject")
    assert (small.strategy, small.retries, small.on_loss) == ("fallback", 2, None)


def test_fallback_keeps_the_order_whatever_the_counter() -> None:
    plan = router().plan("safe", "openai-chat")
    assert [plan.order(counter) for counter in range(3)] == [plan.candidates] * 3


def test_weighted_begins_with_the_one_whose_turn_it_is_and_goes_on_with_the_others() -> None:
    plan = router().plan("smart", "openai-chat")
    orders = [[candidate.upstream for candidate in plan.order(counter)] for counter in range(5)]
    assert orders == [["lab", "claude"], ["claude", "lab"], ["lab", "claude"], ["lab", "claude"], ["lab", "claude"]]


def test_a_candidate_has_its_capabilities_connection_and_label() -> None:
    candidate = router().plan("lab/a b\N{SNOWMAN}", "openai-chat").candidates[0]
    assert candidate.capabilities == Capabilities(
        max_tokens_field="max_tokens", developer_role=False, cache_marks=False, images=False
    )
    assert candidate.connection == ("http://127.0.0.1:11434/v1", "/etc/ca.pem", None, None)
    assert candidate.label == b"lab/a?b?"
    assert candidate.local is None


def test_the_demo_answers_in_this_process() -> None:
    assert router().plan("demo", "openai-chat").candidates[0].local is answer


def test_the_names_that_can_be_told_are_aliases_and_lists() -> None:
    assert router().model_names() == [
        ("small", "claude"),
        ("smart", "claude"),
        ("safe", "seek"),
        ("qwen3", "lab"),
        ("demo", "demo"),
    ]


def test_a_name_that_two_upstreams_list_is_told_with_the_upstream() -> None:
    text = "upstreams: {a: {provider: vllm, models: [m]}, b: {provider: ollama, models: [m, n]}}"
    assert router(text).model_names() == [("a/m", "a"), ("b/m", "b"), ("n", "b")]


def test_nothing_of_a_route_prints_a_credential() -> None:
    routes = router()
    plan = routes.plan("small", "openai-chat")
    printed = repr([routes, plan, plan.candidates, plan.candidates[0].credentials])
    assert "sk-" not in printed
