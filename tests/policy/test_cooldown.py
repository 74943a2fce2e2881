"""Who fails is left alone for a while, and tried again by one request."""

import pytest

from twoapi.config import parse
from twoapi.policy.cooldown import Cooldowns
from twoapi.policy.route import Candidate, Router
from twoapi.providers.catalog import load_catalog

CONFIG = """
upstreams:
  a: {provider: anthropic, credentials: [sk-1, sk-2]}
  b: {provider: anthropic, credentials: [sk-3]}
  c: {provider: anthropic, credentials: [sk-4]}
models:
  any: [a/m, b/m, c/m]
"""


@pytest.fixture
def order() -> tuple[Candidate, ...]:
    return Router(parse(CONFIG, "twoapi.yaml", {}), load_catalog()).plan("any", "anthropic-messages").candidates


def names(candidates: tuple[Candidate, ...]) -> str:
    return "".join(candidate.upstream for candidate in candidates)


def fail(cooldowns: Cooldowns, candidate: Candidate, kind: str, *, times: int = 1, at: float = 100.0) -> None:
    for _ in range(times):
        cooldowns.failed(candidate, candidate.credentials[0], kind, None, at)


@pytest.mark.parametrize(
    "kind", ["overloaded", "upstream_error", "timeout", "refused", "dns", "tls", "closed", "protocol"]
)
def test_a_candidate_that_fails_three_times_in_a_row_comes_last(order: tuple[Candidate, ...], kind: str) -> None:
    cooldowns = Cooldowns()
    fail(cooldowns, order[0], kind, times=2)
    assert names(cooldowns.order(order, 100)) == "abc"
    fail(cooldowns, order[0], kind)
    assert names(cooldowns.order(order, 100)) == "bca"


def test_an_answer_in_between_is_a_new_beginning(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    for _ in range(5):
        fail(cooldowns, order[0], "timeout", times=2)
        cooldowns.succeeded(order[0], order[0].credentials[0])
    assert names(cooldowns.order(order, 100)) == "abc"
    assert not cooldowns.places


@pytest.mark.parametrize(
    "kind", ["invalid_request", "context_length", "content_filtered", "not_found", "cannot_carry", "no_credential"]
)
def test_the_clients_own_mistakes_speak_against_nobody(order: tuple[Candidate, ...], kind: str) -> None:
    cooldowns = Cooldowns()
    fail(cooldowns, order[0], kind, times=9)
    assert not cooldowns.places


def test_one_request_tries_it_again_and_the_others_wait_for_what_comes_of_it(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    fail(cooldowns, order[0], "refused", times=3)
    assert [names(cooldowns.order(order, at)) for at in (104.9, 105, 105, 109.9, 110, 110)] == [
        "bca",
        "abc",
        "bca",
        "bca",
        "abc",
        "bca",
    ]
    cooldowns.succeeded(order[0], order[0].credentials[0])
    assert names(cooldowns.order(order, 110)) == "abc"


def test_each_further_time_is_twice_as_long_up_to_a_minute(order: tuple[Candidate, ...]) -> None:
    cooldowns, at, waits = Cooldowns(), 100.0, []
    fail(cooldowns, order[0], "refused", times=2, at=at)
    for _ in range(6):
        fail(cooldowns, order[0], "refused", at=at)
        begun = at
        while names(cooldowns.order(order, at)) != "abc":
            at += 1
        waits.append(at - begun)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_the_wait_that_an_upstream_names_is_kept_at_once(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(order[0], order[0].credentials[0], "overloaded", 20.0, 100.0)
    assert [names(cooldowns.order(order, at)) for at in (100, 119, 120)] == ["bca", "bca", "abc"]


def test_no_wait_is_longer_than_a_minute(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    cooldowns.failed(order[0], order[0].credentials[0], "overloaded", 86_400.0, 100.0)
    assert [names(cooldowns.order(order, at)) for at in (159, 160)] == ["bca", "abc"]


def test_when_all_cool_down_the_one_that_is_ready_soonest_is_asked(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    for number, candidate in enumerate(order):
        fail(cooldowns, candidate, "refused", times=3, at=100.0 - number)
    assert names(cooldowns.order(order, 101)) == "cba"


@pytest.mark.parametrize("kind", ["rate_limited", "quota_exhausted", "unauthenticated", "forbidden"])
def test_a_credential_cools_down_at_once_and_its_candidate_when_all_do(order: tuple[Candidate, ...], kind: str) -> None:
    cooldowns, (one, two) = Cooldowns(), order[0].credentials
    cooldowns.failed(order[0], one, kind, 30.0, 100.0)
    assert names(cooldowns.order(order, 100)) == "abc"
    assert cooldowns.turn(order[0], (one, two), 100) == (two, one)
    cooldowns.failed(order[0], two, kind, 20.0, 100.0)
    assert names(cooldowns.order(order, 100)) == "bca"
    assert cooldowns.turn(order[0], (one, two), 119) == (two, one)
    assert names(cooldowns.order(order, 120)) == "abc"


def test_what_is_mended_is_forgiven(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    fail(cooldowns, order[0], "refused", times=3)
    cooldowns.forgive()
    assert names(cooldowns.order(order, 100)) == "abc"


def test_names_of_clients_own_choice_fill_no_memory(order: tuple[Candidate, ...]) -> None:
    cooldowns = Cooldowns()
    for number in range(10_000):
        order[0].label = b"a/%d" % number
        fail(cooldowns, order[0], "timeout")
    assert len(cooldowns.places) <= 4096
