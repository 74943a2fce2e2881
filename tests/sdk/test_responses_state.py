"""Reasoning and conversations of Responses: sealed in items, or kept by the gateway and gone on from by an id."""

from typing import Any

import openai
import pytest
from tests.sdk.lab import UPSTREAMS, Lab
from tests.sdk.responses_client import HOWS, ask, carried, results, said
from tests.sdk.sent import state
from tests.sdk.thinker import Thinker, made, thought

from twoapi.ir import ENVELOPE_PREFIX
from twoapi.testing.scripted_model import Scenario

TOOL: Any = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}
STATELESS: Any = {"store": False, "include": ["reasoning.encrypted_content"]}
REASONING: Any = {"reasoning": {"effort": "high", "summary": "auto"}}

each_way = pytest.mark.parametrize("how", HOWS)
# Upstreams that keep nothing themselves.
each_stateless = pytest.mark.parametrize("upstream", ["chat", "messages", "gemini"])


@pytest.fixture
def thinking(lab: Lab) -> Lab:
    lab.plays()
    lab.upstream.handler = Thinker(Scenario(calls=1, final="It is {results}."))
    return lab


@each_way
def test_reasoning_is_a_summary_with_a_seal(thinking, upstream, how):
    response = ask(thinking, how, model=upstream, **STATELESS, **REASONING)
    assert said(response)["reasoning"] == thought(1)
    (seal, *_) = carried(response)
    own = upstream == "responses"
    assert seal == made("responses", 1)[0][0] if own else seal.startswith(ENVELOPE_PREFIX)


def test_no_seal_is_given_to_a_client_that_does_not_ask(thinking, upstream):
    response = ask(thinking, "create", model=upstream, **REASONING)
    assert said(response)["reasoning"] == thought(1)
    assert carried(response) == []


def test_a_damaged_seal_costs_the_reasoning_and_not_the_answer(thinking):
    question: Any = {"role": "user", "content": "look"}
    fields: Any = {"model": "messages", "tools": [TOOL], **STATELESS, **REASONING}
    called = ask(thinking, "create", input=[question], **fields)
    items = [item.to_dict() for item in called.output]
    for item in items:
        if item["type"] == "reasoning":
            item["encrypted_content"] = item["encrypted_content"][:-8] + "AAAAAAAA"
    answered = ask(thinking, "create", input=[question, *items, *results(called, "seen")], **fields)
    assert said(answered)["text"] == "It is seen."
    assert state("messages", thinking.sent()[1]) == []
    assert "reasoning_foreign" in {loss.kind for loss in thinking.losses()}


@each_stateless
@each_way
def test_a_client_goes_on_from_the_id_of_an_answer(thinking, upstream, how):
    fields: Any = {"model": upstream, "tools": [TOOL], **REASONING}
    called = ask(thinking, how, input="look", instructions="Be brief.", **fields)
    told = results(called, "seen")
    answered = ask(thinking, how, input=told, previous_response_id=called.id, **fields)
    assert said(answered)["text"] == "It is seen."
    assert (called.store, answered.previous_response_id) == (True, called.id)
    branched = ask(thinking, how, input="and now?", previous_response_id=answered.id, **fields)
    assert len(said(branched)["calls"]) == 1
    first, second, third = map(str, thinking.sent())
    assert ("look" in first, "look" in second, "look" in third) == (True, True, True)
    assert ("seen" in second, "seen" in third, "It is seen." in third) == (True, True, True)
    assert ("Be brief." in first, "Be brief." in second) == (True, False)  # instructions are of one request


@each_stateless
def test_an_answer_is_kept_until_it_is_deleted(thinking, upstream):
    called = ask(thinking, "create", model=upstream, input="look", tools=[TOOL])
    again = thinking.openai.responses.retrieve(called.id)
    assert again.output == called.output
    (given,) = thinking.openai.responses.input_items.list(called.id).data
    assert given.content[0].text == "look"
    thinking.openai.responses.delete(called.id)
    with pytest.raises(openai.NotFoundError):
        thinking.openai.responses.retrieve(called.id)
    with pytest.raises(openai.NotFoundError) as caught:
        ask(thinking, "create", model=upstream, input="more", previous_response_id=called.id)
    assert caught.value.code == "previous_response_not_found"


@each_stateless
def test_what_is_not_to_be_stored_is_not(thinking, upstream):
    answered = ask(thinking, "create", model=upstream, input="look", store=False)
    assert answered.store is False
    with pytest.raises(openai.NotFoundError):
        thinking.openai.responses.retrieve(answered.id)


CROSSINGS = [(first, second) for first in ("messages", "gemini") for second in UPSTREAMS if first != second]


@pytest.mark.parametrize(("first", "second"), CROSSINGS, ids=["-".join(crossing) for crossing in CROSSINGS])
def test_a_kept_conversation_goes_on_at_another_kind_of_upstream_and_back(thinking, first, second):
    fields: Any = {"tools": [TOOL], **REASONING}
    called = ask(thinking, "create", model=first, input=f"{first}, {second}: look", **fields)  # like no other
    told = results(called, "seen")
    answered = ask(thinking, "create", model=second, input=told, previous_response_id=called.id, **fields)
    assert said(answered)["text"] == "It is seen."
    assert state(second, thinking.sent()[1]) == []
    ask(thinking, "create", model=first, input="and now?", previous_response_id=answered.id, **fields)
    assert state(first, thinking.sent()[2]) == made(first, 1)


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_a_vendor_that_keeps_conversations_is_told_the_id(lab, how):
    raw = lab.openai.responses.with_raw_response.create(
        model="responses", input="more", previous_response_id="resp_1", store=True, stream=how == "iterate"
    )
    assert raw.headers["twoapi-losses"] == "relay"
    (sent,) = lab.sent()
    assert (sent["previous_response_id"], sent["input"], sent["store"]) == ("resp_1", "more", True)


@each_stateless
def test_an_id_that_nobody_kept_is_not_found(lab, upstream):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(lab, "create", model=upstream, input="more", previous_response_id="resp_1")
    assert (caught.value.code, lab.sent()) == ("previous_response_not_found", [])


@each_way
def test_a_vendor_whose_conversation_is_kept_here_gets_its_own_state(thinking, how):
    thinking.upstream.handler = Thinker(Scenario(calls=1, rounds=9))
    fields: Any = {"tools": [TOOL], **REASONING}
    called = ask(thinking, how, model="messages", input="look", **fields)
    for _ in range(2):
        told = results(called, "seen")
        called = ask(thinking, how, model="responses", input=told, previous_response_id=called.id, **fields)
    assert [state("responses", body) for body in thinking.sent()[1:]] == [[], made("responses", 2)]
