"""Kept answers by their id: fetched, listed, forgotten; and only by who made them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.front import KEY, PROTOCOLS, UPSTREAM_KEY, running_front

from twoapi.config import parse
from twoapi.gateway.retrieve import page
from twoapi.ir import FaultError
from twoapi.testing.canned import whole
from twoapi.testing.replies import error_reply, hanging_reply, json_reply
from twoapi.wire import json


def respond(front, text="hi", **more):
    front.upstream.reply(whole("anthropic-messages", f"answer to {text}"))
    answer = front.call("POST", "/v1/responses", {"model": "anthropic-messages", "input": text, **more})
    assert answer.status == 200, answer.body
    return answer.json()


def nobody_knows(front):
    """Two upstreams speak the protocol, and will be asked."""
    front.upstream.reply(*[error_reply("openai-responses", 404, "nothing")] * 2)


def test_an_answer_is_fetched_as_it_was_given_and_forgotten_when_told_so(front):
    made = respond(front)
    path = f"/v1/responses/{made['id']}"
    assert front.call("GET", path).json() == made
    assert front.call("GET", f"/openai{path}").json() == made
    deleted = front.call("DELETE", path)
    assert deleted.json() == {"id": made["id"], "object": "response", "deleted": True}
    for method in ("GET", "DELETE"):
        nobody_knows(front)
        gone = front.call(method, path)
        assert (gone.status, gone.json()["error"]["type"]) == (404, "invalid_request_error")


def test_the_input_of_an_answer_is_what_was_said_before_it(front):
    first = respond(front, "one")
    second = respond(front, "two", previous_response_id=first["id"])
    path = f"/v1/responses/{second['id']}/input_items"
    listed = front.call("GET", f"{path}?order=asc").json()
    texts = [
        item["content"] if isinstance(item["content"], str) else item["content"][0]["text"] for item in listed["data"]
    ]
    assert texts == ["one", "answer to one", "two"]
    assert listed["has_more"] is False
    newest = front.call("GET", f"{path}?limit=1").json()
    assert (newest["data"][0]["content"], newest["has_more"]) == ([{"type": "input_text", "text": "two"}], True)
    assert newest["first_id"] == newest["data"][0]["id"]
    ids = [item["id"] for item in listed["data"]]
    assert len(set(ids)) == 3
    assert front.call("GET", f"{path}?order=asc&after={ids[0]}").json()["data"] == listed["data"][1:]
    assert front.call("GET", f"{path}?limit=0").status == 400
    assert front.call("GET", f"{path}?after=nothing").status == 400


@pytest.mark.parametrize("store", [False, True])
def test_what_was_not_to_be_kept_is_not_there(front, store):
    made = respond(front, store=store)
    if not store:
        nobody_knows(front)
    assert front.call("GET", f"/v1/responses/{made['id']}").status == (200 if store else 404)


def test_a_complete_answer_cannot_be_cancelled_and_is_not_streamed_again(front):
    made = respond(front)
    cancelled = front.call("POST", f"/v1/responses/{made['id']}/cancel")
    assert (cancelled.status, "background" in cancelled.json()["error"]["message"]) == (400, True)
    nobody_knows(front)
    assert front.call("POST", "/v1/responses/resp_none/cancel").status == 404
    assert front.call("GET", f"/v1/responses/{made['id']}?stream=true").status == 400
    assert front.call("GET", f"/v1/responses/{made['id']}", key="wrong").status == 401


KEEPER = {"id": "resp_up", "object": "response", "status": "queued", "background": True}


def test_what_an_upstream_keeps_itself_is_asked_of_it(front):
    page_of_it: dict[str, object] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    front.upstream.reply(*[json_reply(one) for one in (KEEPER, page_of_it, {**KEEPER, "status": "cancelled"}, KEEPER)])
    asked = [
        front.call("GET", f"/v1/responses/resp_up?include=x&key={KEY}"),
        front.call("GET", "/openai/v1/responses/resp_up/input_items?limit=5&order=asc"),
        front.call("POST", "/v1/responses/resp_up/cancel"),
        front.call("DELETE", "/v1/responses/resp_up"),
    ]
    assert [answer.status for answer in asked] == [200] * 4
    assert (asked[0].json(), asked[1].json()) == (KEEPER, page_of_it)
    assert {answer.headers["twoapi-upstream"] for answer in asked} == {"responses"}
    assert [(one.method, one.path, one.query) for one in front.upstream.requests] == [
        ("GET", "/v1/responses/resp_up", "include=x"),
        ("GET", "/v1/responses/resp_up/input_items", "limit=5&order=asc"),
        ("POST", "/v1/responses/resp_up/cancel", ""),
        ("DELETE", "/v1/responses/resp_up", ""),
    ]
    assert {one.headers["authorization"] for one in front.upstream.requests} == {f"Bearer {UPSTREAM_KEY}"}


def test_the_next_upstream_is_asked_when_one_does_not_know_it(front):
    front.upstream.reply(error_reply("openai-responses", 404, "nothing"), json_reply(KEEPER))
    answer = front.call("GET", "/v1/responses/resp_up")
    assert (answer.status, answer.headers["twoapi-upstream"]) == (200, "all")
    front.upstream.reply(*[error_reply("openai-responses", 404, "nothing")] * 2)
    assert front.call("GET", "/v1/responses/resp_up").status == 404


def test_an_upstreams_trouble_is_told_and_its_credential_is_not(front):
    front.upstream.reply(error_reply("openai-responses", 401, f"bad key {UPSTREAM_KEY}"))
    answer = front.call("GET", "/v1/responses/resp_up")
    assert (answer.status, UPSTREAM_KEY.encode() in answer.body) == (502, False)
    front.upstream.reply(error_reply("openai-responses", 429, "slow down"))
    assert front.call("GET", "/v1/responses/resp_up").status == 429
    front.upstream.reply(hanging_reply())
    with front.gateway.connect() as sock:
        sock.sendall(b"GET /v1/responses/resp_up HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n\r\n" % KEY.encode())
        front.upstream.wait(lambda upstream: len(upstream.requests) == 3)
        before = len(front.upstream.disconnects)
    front.upstream.wait(lambda upstream: len(upstream.disconnects) > before)


def test_a_client_of_some_models_only_is_not_told_what_an_upstream_keeps():
    with running_front() as front:
        settings = (
            "keys: [{key: sk-narrow-0123456789, models: [gemini]}]\nupstreams: {r: {provider: %s, base_url: '%s'}}"
        )
        text = settings % ("openai-responses-compatible", front.upstream.base_url("openai-responses"))
        front.gateway.publish(parse(text, "narrow.yaml", {}))
        front.gateway.wait(lambda: front.gateway.worker.snapshot.model_names() == [])
        assert front.call("GET", "/v1/responses/resp_up", key="sk-narrow-0123456789").status == 404
        assert front.upstream.requests == []


def test_an_upstream_of_the_protocol_compacts_a_conversation(front):
    compacted = {"id": "resp_c", "object": "response.compaction", "output": [{"type": "compaction"}]}
    front.upstream.reply(json_reply(compacted))
    body = {"model": "openai-responses", "input": "long"}
    answer = front.call("POST", "/v1/responses/compact", body)
    assert (answer.status, answer.json(), answer.headers["twoapi-losses"]) == (200, compacted, "relay")
    (request,) = front.upstream.requests
    assert (request.path, request.json()) == ("/v1/responses/compact", {"model": "m-1", "input": "long"})


@pytest.mark.parametrize("upstream", [*(name for name in PROTOCOLS if name != "openai-responses"), "demo"])
def test_no_other_upstream_does_and_the_client_is_told(front, upstream):
    answer = front.call("POST", "/v1/responses/compact", {"model": upstream, "input": "long"})
    assert (answer.status, answer.json()["error"]["code"]) == (400, "compaction_not_supported")


@given(count=st.integers(0, 130), limit=st.integers(1, 100), order=st.sampled_from(["asc", "desc"]))
def test_the_pages_of_a_list_are_the_list(count, limit, order):
    items = list(json.items(json.encode([{"id": f"i{number}", "type": "x"} for number in range(count)])))
    read: list = []
    query = f"order={order}&limit={limit}"
    while True:
        one = json.decode(page(items, query + (f"&after={read[-1]['id']}" if read else "")))
        read += one["data"]
        assert [one["first_id"], one["last_id"]] == [
            row["id"] for row in (one["data"][:1] + one["data"][-1:])
        ] or not count
        if not one["has_more"]:
            break
    names = [row["id"] for row in read]
    assert names == [f"i{number}" for number in (range(count) if order == "asc" else reversed(range(count)))]


@pytest.mark.parametrize("query", ["limit=101", "limit=-1", "limit=x", "limit=%C2%B2", "after=z"])
def test_a_page_that_cannot_be_is_refused(query):
    with pytest.raises(FaultError):
        page([], query)
