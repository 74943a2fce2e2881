"""What the vendors refuse: each rule's smallest request is repaired with its losses, or refused with a 400."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from twoapi.protocols.registry import CODECS
from twoapi.testing.rules import GONE, RULES, Rule, broken, keep
from twoapi.testing.rules.page import markdown
from twoapi.testing.strict import refusal_reasons

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def each(rules: list[Rule]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rule", rules, ids=lambda rule: f"{rule.target}-{rule.name}")


def at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; GONE where there is nothing."""
    for token in pointer.split("/")[1:]:
        if isinstance(document, list):
            document = document[int(token)] if int(token) < len(document) else GONE
        else:
            document = document.get(token, GONE) if isinstance(document, dict) else GONE
    return document


@each([rule for rule in RULES if rule.refused is None])
def test_a_request_is_repaired_with_its_losses_and_the_vendor_takes_it(rule: Rule):
    kept = keep(rule)
    assert kept.fault is None
    assert kept.told == rule.losses
    assert {pointer: at(kept.body, pointer) for pointer in rule.sends} == rule.sends
    assert refusal_reasons(rule.target, kept.body, kept.headers) == []


@each([rule for rule in RULES if rule.refused is not None])
def test_a_request_is_refused_in_the_format_of_its_client(rule: Rule):
    kept = keep(rule)
    assert kept.fault is not None
    fault = kept.fault.fault
    assert (fault.kind, fault.whose, fault.param) == ("invalid_request", "client", rule.refused)
    status, _, body = CODECS[rule.client].encode_fault(fault, "r-1")
    assert status == 400
    assert fault.message in json.loads(body)["error"]["message"]


@each([rule for rule in RULES if rule.breaks])
def test_the_vendor_would_refuse_what_breaks_the_rule(rule: Rule):
    assert broken(rule) != []


@each([rule for rule in RULES if rule.capabilities])
def test_a_rule_of_some_models_is_none_of_the_others(rule: Rule):
    free = keep(rule, limited=False)
    assert (free.told, free.body) != (keep(rule).told, keep(rule).body)


def test_every_rule_has_its_own_name():
    assert [name for name, count in Counter((rule.target, rule.name) for rule in RULES).items() if count > 1] == []


def test_every_vendor_has_rules_for_the_clients_of_every_other():
    pairs = {(rule.client, rule.target) for rule in RULES}
    assert [
        (client, target) for client in CODECS for target in CODECS if client != target and (client, target) not in pairs
    ] == []


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == markdown(), "run: python -m twoapi.testing.rules.page docs/rules.md"
