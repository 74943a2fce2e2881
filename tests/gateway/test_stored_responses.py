"""Responses clients that go on from ids, over upstreams that keep nothing."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.gateway.sites import ANN, BOB, SIGNATURE, Answer, Site, data_lines, post

from twoapi.testing.running_gateway import RunningGateway

TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
UPSTREAMS = ["chat", "messages", "gemini"]


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path / "t.db")


def ask(gateway: RunningGateway, model: str, said: Any, who: Any = ANN, **fields: Any) -> Answer:
    body = {"model": model, "input": said, "reasoning": {"effort": "high"}, **fields}
    return post(gateway.port, "openai-responses", body, who)


def told(answer: Answer, *, stream: bool) -> Any:
    """The whole response."""
    assert answer.status == 200, answer.body
    return data_lines(answer)[-1]["response"] if stream else answer.json()


def outputs(response: Any) -> list[Any]:
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    return [{"type": "function_call_output", "call_id": call["call_id"], "output": "seen"} for call in calls]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_chain_is_the_same_conversation_as_if_all_was_sent(site, upstream, stream) -> None:
    site.plays(calls=2, final="There. {results}")
    gateways = site.gateway(), site.gateway()
    fields = {"tools": [TOOL], "stream": stream}
    first = told(ask(gateways[0], upstream, "where?", instructions="Be brief.", **fields), stream=stream)
    second = told(ask(gateways[1], upstream, outputs(first), previous_response_id=first["id"], **fields), stream=stream)
    third = told(ask(gateways[0], upstream, "sure?", previous_response_id=second["id"], **fields), stream=stream)
    chained = [request.json() for request in site.one.requests]
    site.one.requests.clear()
    history: list[Any] = [{"role": "user", "content": "where?"}, *first["output"], *outputs(first)]
    ask(gateways[0], upstream, history, store=False, **fields)
    history += [*second["output"], {"role": "user", "content": "sure?"}]
    ask(gateways[0], upstream, history, store=False, **fields)
    assert [{**body, "store": None} for body in bodies(site)] == [{**body, "store": None} for body in chained[1:]]
    assert third["previous_response_id"] == second["id"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_state_that_the_client_never_sees_goes_back_over_a_chain(site, stream) -> None:
    site.plays(reasoning="Let me think.", signature=SIGNATURE, calls=1, rounds=2, final="There.")
    gateways = site.gateway(), site.gateway()
    fields = {"tools": [TOOL], "stream": stream}
    response = told(ask(gateways[0], "messages", "where?", **fields), stream=stream)
    for turn in (1, 2):
        answer = ask(gateways[turn % 2], "messages", outputs(response), previous_response_id=response["id"], **fields)
        response = told(answer, stream=stream)
        said = [message["content"] for message in bodies(site)[-1]["messages"]]
        thought = {"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE}
        blocks = [block for content in said if isinstance(content, list) for block in content]
        assert [block for block in blocks if block["type"] == "thinking"] == [thought] * turn


def test_what_is_not_kept_is_not_there(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    unkept = told(ask(gateway, "chat", "where?", store=False), stream=False)["id"]
    kept = told(ask(gateway, "chat", "where?"), stream=False)["id"]
    for previous, who in ((unkept, ANN), ("resp_none", ANN), (kept, BOB)):
        answer = ask(gateway, "chat", "sure?", who, previous_response_id=previous)
        assert (answer.status, answer.json()["error"]["code"]) == (404, "previous_response_not_found")
    assert len(site.one.requests) == 2


def test_a_chain_may_branch_and_change_its_upstream(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    first = told(ask(gateway, "chat", "where?"), stream=False)["id"]
    for model in ("chat", "messages", "gemini", "responses"):
        second = told(ask(gateway, model, "sure?", previous_response_id=first), stream=False)
        assert second["status"] == "completed"
    lengths = [len(body.get("messages") or body.get("contents") or body["input"]) for body in bodies(site)[1:]]
    assert lengths == [3, 3, 3, 3]
    assert "previous_response_id" not in bodies(site)[-1]


def test_an_upstream_that_keeps_turns_itself_goes_on_from_its_own(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    ask(gateway, "responses", "sure?", previous_response_id="resp_of_the_vendor")
    assert bodies(site)[-1]["previous_response_id"] == "resp_of_the_vendor"


def bodies(site: Site) -> list[Any]:
    return [request.json() for request in site.one.requests]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_item_that_is_only_named_is_there(site, stream) -> None:
    site.plays(before="Let me see.", calls=1, final="There.")
    gateways = site.gateway(), site.gateway()
    fields = {"tools": [TOOL], "stream": stream}
    first = told(ask(gateways[0], "messages", "where?", **fields), stream=stream)
    named = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]
    assert len(named) == 2
    said = [{"role": "user", "content": "where?"}, named[0], first["output"][1], *outputs(first)]
    second = told(ask(gateways[1], "messages", said, **fields), stream=stream)
    whole = [said[0], *first["output"], *outputs(first)]
    ask(gateways[1], "messages", whole, **fields)
    sent = [body["messages"] for body in bodies(site)]
    assert sent[1] == sent[2]
    assert "Let me see." in str(sent[1][1])
    told(ask(gateways[0], "chat", "sure?", previous_response_id=second["id"]), stream=False)
    assert "Let me see." in str(bodies(site)[-1]["messages"])


def test_an_item_that_is_not_there_is_a_loss(site) -> None:
    site.plays(final="There.")
    said = [{"id": "msg_tw_none_0"}, {"role": "user", "content": "where?"}]
    answer = ask(site.gateway(), "chat", said)
    assert answer.status == 200
    assert "dropped" in answer.headers["twoapi-losses"]


def test_ids_of_the_gateways_own_items_go_to_no_upstream(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    first = told(ask(gateway, "chat", "where?"), stream=False)
    history = [{"role": "user", "content": "where?"}, *first["output"], {"role": "user", "content": "sure?"}]
    named = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]
    assert named
    for said in (history, [history[0], *named, history[-1]]):
        ask(gateway, "responses", said)
        assert b"_tw_" not in site.one.requests[-1].body
        assert bodies(site)[-1]["input"][1]["content"][0]["text"] == "There."
