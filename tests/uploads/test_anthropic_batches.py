"""Message batches with Anthropic's SDK: where their models are, for whom they belong to, until there are results."""

import asyncio
import gzip
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch
from anthropic.types.messages.batch_create_params import Request
from tests.uploads.anthropic_kept import CONFIG, Cabinets, Kept, running_cabinets
from tests.uploads.site import answered, read_answer

from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.testing.replies import error_reply, hanging_reply

WEST = {"twoapi-upstream": "west"}
EAST = {"twoapi-upstream": "east"}
PATH = "/v1/messages/batches"


@pytest.fixture
def cabinets() -> Iterator[Cabinets]:
    with running_cabinets() as found:
        yield found


def request(name: str, model: str = "western", text: str = "hi") -> Request:
    return {
        "custom_id": name,
        "params": {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": text}]},
    }


def begin(client: anthropic.Anthropic, *names: str, model: str = "western") -> MessageBatch:
    return client.messages.batches.create(requests=[request(name, model) for name in names or ("a", "b")])


def results(client: anthropic.Anthropic, name: str) -> dict[str, str]:
    return {one.custom_id: one.result.type for one in client.messages.batches.results(name)}


# --- From beginning to end


def test_a_batch_from_beginning_to_end(cabinets: Cabinets) -> None:
    batches = cabinets.one.messages.batches
    batch = begin(cabinets.one, "a", "bad", "c")
    assert batch.request_counts.processing == 3
    assert [one["params"]["model"] for one in cabinets.west.asked[batch.id]] == ["claude-opus"] * 3
    assert batches.retrieve(batch.id).processing_status == "in_progress"
    with pytest.raises(anthropic.AnthropicError, match="in_progress"):
        batches.results(batch.id)
    cabinets.west.finish(batch.id)
    done = batches.retrieve(batch.id)
    assert done.results_url == f"{cabinets.gateway.url}{PATH}/{batch.id}/results"
    assert results(cabinets.one, batch.id) == {"a": "succeeded", "bad": "errored", "c": "succeeded"}
    assert [one.id for one in batches.list()] == [batch.id]
    assert batches.delete(batch.id).type == "message_batch_deleted"
    assert cabinets.west.batches == {}
    assert list(batches.list()) == []


def test_the_beta_of_it(cabinets: Cabinets) -> None:
    batches = cabinets.one.beta.messages.batches
    batch = batches.create(requests=[request("a")], betas=["output-300k-2026-03-24"])
    cabinets.west.finish(batch.id)
    assert [one.result.type for one in batches.results(batch.id, betas=["later"])] == ["succeeded"]
    assert [one.id for one in batches.list()] == [batch.id]
    batches.delete(batch.id)
    said = [one.headers.get("anthropic-beta") for one in cabinets.upstreams[1].requests]
    assert said == ["output-300k-2026-03-24", None, "later", None]  # one for each call but the list: all is known


async def run(settings: dict[str, Any], west: Kept) -> list[str]:
    async with anthropic.AsyncAnthropic(api_key="one-key", **settings) as client:
        batch = await client.messages.batches.create(requests=[request(f"{number}") for number in range(50)])
        west.finish(batch.id)
        assert [one.id async for one in client.messages.batches.list(limit=1)] == [batch.id]
        return [one.custom_id async for one in await client.messages.batches.results(batch.id)]


def test_the_asynchronous_client(cabinets: Cabinets) -> None:
    assert asyncio.run(run(cabinets.settings, cabinets.west)) == [f"{number}" for number in range(50)]


def test_what_is_asked_arrives_as_it_was_said(cabinets: Cabinets) -> None:
    spelled = (
        b'{"requests": [ {"custom_id":"a\\u0062", "params" : {"messages":[{"content":"\\ud83d\\ude00 1e2","role":'
        b'"user"}],\n"model":"western", "max_tokens": 9, "metadata": {"n": 1.0e2, "deep": {"model": "western"}}}}]}'
    )
    answer = cabinets.call("POST", PATH, spelled)
    assert answer.status == 200
    (asked,) = cabinets.upstreams[1].requests
    assert b'"a\\u0062"' in asked.body
    assert b'{"content":"\\ud83d\\ude00 1e2","role":"user"}' in asked.body
    assert b'{"n": 1.0e2, "deep": {"model": "western"}}' in asked.body
    before = json.loads(spelled)
    before["requests"][0]["params"]["model"] = "claude-opus"
    assert asked.json() == before
    assert (answer.headers["twoapi-losses"], answer.headers["twoapi-upstream"]) == ("relay", "west")


def test_the_results_as_they_come(cabinets: Cabinets) -> None:
    batch = begin(cabinets.one)
    cabinets.west.finish(batch.id)
    answer = cabinets.call("GET", f"{PATH}/{batch.id}/results")
    assert answer.headers["content-type"] == "application/x-jsonl"
    assert answer.body == b"".join(cabinets.west.answer(cabinets.upstreams[1].requests[-1]).pieces)


def test_results_that_are_cut_off_do_not_look_whole(cabinets: Cabinets) -> None:
    batch = begin(cabinets.one, *(f"{number}" for number in range(500)))
    cabinets.west.finish(batch.id)
    upstream, whole = cabinets.upstreams[1], cabinets.west.answer
    upstream.handler = lambda request: (
        whole(request).failing(cut_at=5000) if request.path.endswith("results") else whole(request)
    )
    with pytest.raises(Exception, match=r"incomplete|closed|peer|Connection"):
        results(cabinets.one, batch.id)


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"host": "gate.example:8443"}, "http://gate.example:8443"),
        ({"host": "inner", "x-forwarded-proto": "https", "x-forwarded-host": "a.example, inner"}, "https://a.example"),
        ({"host": "gate.example", "x-forwarded-proto": "https"}, "https://gate.example"),
    ],
)
def test_the_results_are_where_the_client_has_come_to(cabinets: Cabinets, headers: dict[str, str], origin: str) -> None:
    batch = begin(cabinets.one)
    cabinets.west.finish(batch.id)
    for base in ("", "/anthropic"):
        shown = cabinets.call("GET", f"{base}{PATH}/{batch.id}", **headers).json()
        assert shown["results_url"] == f"{origin}{base}{PATH}/{batch.id}/results"
        (listed,) = cabinets.call("GET", f"{base}{PATH}", **headers).json()["data"]
        assert listed == shown


def test_a_batch_that_is_cancelled(cabinets: Cabinets) -> None:
    batch = begin(cabinets.one)
    assert cabinets.one.messages.batches.cancel(batch.id).processing_status == "canceling"
    assert cabinets.west.batches[batch.id].processing_status == "canceling"
    with pytest.raises(anthropic.BadRequestError, match="not ended"):
        cabinets.one.messages.batches.delete(batch.id)
    assert [one.id for one in cabinets.one.messages.batches.list()] == [batch.id]


# --- Where it goes


def test_the_models_decide_who_gets_it(cabinets: Cabinets) -> None:
    batches = cabinets.one.messages.batches
    assert begin(cabinets.one, model="dear").id in cabinets.east.batches  # its first
    assert begin(cabinets.one, model="cheap").id in cabinets.west.batches  # its first keeps no batches
    assert begin(cabinets.one, model="east/claude-haiku").id in cabinets.east.batches
    mixed = batches.create(requests=[request("a", "dear"), request("b", "western"), request("c", "west/claude-haiku")])
    asked = [one["params"]["model"] for one in cabinets.west.asked[mixed.id]]
    assert asked == ["claude-opus", "claude-opus", "claude-haiku"]
    named = batches.create(requests=[request("a", "dear")], extra_headers=WEST)
    assert named.id in cabinets.west.batches
    by_query = batches.create(requests=[request("a", "dear")], extra_query={"upstream": "west"})
    assert by_query.id in cabinets.west.batches


@pytest.mark.parametrize(
    ("models", "headers", "words"),
    [
        (["western", "east/claude-opus"], {}, "'western' at west; 'east/claude-opus' at east; send several batches"),
        (["western"], EAST, "all requests of a batch go to the upstream 'east'"),
        (["chatty"], {}, r"no upstream of the model 'chatty' offers batches .*`batches: \[anthropic\]`"),
        (["other/gpt-5"], {}, "no upstream of the model 'other/gpt-5' offers batches"),
    ],
)
def test_a_batch_that_nobody_can_take(
    cabinets: Cabinets, models: list[str], headers: dict[str, str], words: str
) -> None:
    requests = [request(f"{number}", model) for number, model in enumerate(models)]
    with pytest.raises(anthropic.BadRequestError, match=words):
        cabinets.one.messages.batches.create(requests=requests, extra_headers=headers)
    assert cabinets.paths(0) == cabinets.paths(1) == []


def test_a_model_that_there_is_not(cabinets: Cabinets) -> None:
    with pytest.raises(anthropic.NotFoundError, match="no model 'none'"):
        cabinets.one.messages.batches.create(requests=[request("a"), request("b", "none")])


def test_a_client_of_some_models_may_have_batches_of_them(cabinets: Cabinets) -> None:
    batch = begin(cabinets.few, model="cheap")
    assert [one.id for one in cabinets.few.messages.batches.list()] == [batch.id]
    cabinets.west.finish(batch.id)
    assert results(cabinets.few, batch.id) == {"a": "succeeded", "b": "succeeded"}
    with pytest.raises(anthropic.PermissionDeniedError, match="dear"):
        cabinets.few.messages.batches.create(requests=[request("a", "cheap"), request("b", "dear")])


def test_a_model_that_is_named_twice_is_sent_as_it_was_looked_at(cabinets: Cabinets) -> None:
    params = b'{"model":"dear","max_tokens":9,"model":"cheap","messages":[{"role":"user","content":"x"}]}'
    both = b'{"custom_id":"a","params":{"model":"dear"},"params":%b}' % params
    answer = cabinets.call("POST", PATH, b'{"requests":[%b]}' % both, key="few-key")
    assert answer.status == 200
    sent = cabinets.upstreams[1].requests[-1].body
    assert (sent.count(b'"model"'), sent.count(b'"params"')) == (1, 1)
    assert b'"model":"claude-haiku"' in sent


# --- Whose it is


def test_a_batch_belongs_to_its_tenant(cabinets: Cabinets) -> None:
    batch = begin(cabinets.one)
    cabinets.west.finish(batch.id)
    before = len(cabinets.upstreams[1].requests)
    batches = cabinets.two.messages.batches
    assert batches.list().data == []
    for name in (batch.id, "msgbatch_guessed"):
        for ask in (batches.retrieve, batches.cancel, batches.delete, batches.results):
            with pytest.raises(anthropic.NotFoundError) as caught:
                ask(name)
            assert caught.value.body["error"]["type"] == "not_found_error"
        assert cabinets.call("GET", f"{PATH}/{name}/results", key="two-key").status == 404
    assert len(cabinets.upstreams[1].requests) == before
    assert results(cabinets.one, batch.id) == {"a": "succeeded", "b": "succeeded"}


def test_lists_are_of_all_upstreams_fresh_and_in_pages(cabinets: Cabinets) -> None:
    batches = cabinets.one.messages.batches
    made = [begin(cabinets.one, model=model).id for model in ("east/claude-opus", "western", "east/claude-haiku")]
    cabinets.east.finish(made[0])
    newest = [made[1], made[2], made[0]]  # by the vendors' clocks
    listed = {one.id: one.processing_status for one in batches.list(limit=1)}
    assert list(listed.items()) == [(made[1], "in_progress"), (made[2], "in_progress"), (made[0], "ended")]
    first = batches.list(limit=2)
    assert (first.has_more, first.first_id, first.last_id) == (True, newest[0], newest[1])
    assert [one.id for one in batches.list(after_id=newest[1])] == newest[2:]
    assert [one.id for one in batches.list(before_id=newest[2], limit=1)] == [newest[1], newest[0]]
    before = len(cabinets.upstreams[0].requests)
    assert [one.results_url is None for one in batches.list(after_id=newest[1])] == [False]
    assert len(cabinets.upstreams[0].requests) == before  # that it has ended is known
    cabinets.upstreams[1].refuse()
    assert len(batches.list().data) == 3  # as they were
    assert cabinets.call("GET", f"{PATH}?limit=1001").status == 400
    assert cabinets.call("GET", f"{PATH}?after_id=none").status == 400


def test_a_batch_outlives_the_gateway(tmp_path: Path) -> None:
    store, east, west = tmp_path / "twoapi.db", Kept("e"), Kept("w")
    with running_cabinets(store, east, west) as before:
        name = begin(before.one).id
    west.finish(name)
    with running_cabinets(store, east, west) as after:
        assert [one.id for one in after.one.messages.batches.list()] == [name]
        assert results(after.one, name) == {"a": "succeeded", "b": "succeeded"}
        with pytest.raises(anthropic.NotFoundError):
            results(after.two, name)


# --- What goes wrong


@pytest.mark.parametrize("status", [500, 503, 529])
def test_a_batch_is_not_begun_twice(cabinets: Cabinets, status: int) -> None:
    cabinets.upstreams[1].reply(error_reply("anthropic-messages", status, "made up"))
    with pytest.raises(anthropic.InternalServerError, match="made up"):
        cabinets.one.messages.batches.create(requests=[request("a", "cheap")])
    assert (cabinets.paths(0), cabinets.paths(1)) == ([], [f"POST {PATH}"])
    assert cabinets.one.messages.batches.list().data == []


def test_a_batch_whose_beginning_is_not_heard_of_is_not_begun_twice() -> None:
    impatient = CONFIG.replace('base_url: "{west}", ', 'base_url: "{west}", timeouts: {{first_byte: 300ms}}, ', 1)
    with running_cabinets(config=impatient) as cabinets:
        cabinets.upstreams[1].reply(hanging_reply())
        with pytest.raises(anthropic.APIStatusError) as caught:
            begin(cabinets.one, model="cheap")
        assert caught.value.status_code == 504
        assert (cabinets.paths(0), cabinets.paths(1)) == ([], [f"POST {PATH}"])


def test_a_wrong_credential_is_followed_by_the_next_one(cabinets: Cabinets) -> None:
    made = [begin(cabinets.one, model="dear").id for _ in range(2)]  # each has its turn to be the first
    keys = [one.headers["x-api-key"] for one in cabinets.upstreams[0].requests]
    assert sorted(keys) == ["upstream-key", "upstream-key", "wrong-key"]
    assert set(cabinets.east.batches) == set(made)
    for name in made * 2:  # the account that has it is asked
        cabinets.one.messages.batches.retrieve(name)
    assert "wrong-key" not in [one.headers["x-api-key"] for one in cabinets.upstreams[0].requests[3:]]


def test_a_wrong_credential_alone_is_the_operators_affair() -> None:
    wrong = CONFIG.replace(
        'base_url: "{west}", credentials: [upstream-key]', 'base_url: "{west}", credentials: [no]', 1
    )
    with running_cabinets(config=wrong) as cabinets:
        with pytest.raises(anthropic.APIStatusError, match="does not accept the gateway's credential") as caught:
            begin(cabinets.one)
        assert (caught.value.status_code, "wrong key" in str(caught.value)) == (502, False)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", "must be a JSON object"),
        (b"{", "must be a JSON object"),
        (b"{}", "requests: "),
        (b'{"requests":[]}', "requests: "),
        (b'{"requests":{"a":1}}', "requests: "),
        (b'{"requests":["a"]}', "requests.0: "),
        (b'{"requests":[{"custom_id":"a"}]}', "requests.0.params: "),
        (b'{"requests":[{"custom_id":"a","params":{"model":"western"}},{"params":[]}]}', "requests.1.params: "),
        (b'{"requests":[{"custom_id":"a","params":{}}]}', "requests.0.params.model: "),
        (b'{"requests":[{"custom_id":"a","params":{"model":""}}]}', "requests.0.params.model: "),
        (b'{"requests":[{"custom_id":"a","params":{"model":7}}]}', "requests.0.params.model: "),
        (b'{"requests":[{"custom_id":"a","params":{"model":"\\ud800"}}]}', "requests.0: "),
        (b'{"requests":[{"custom_id":"\xff","params":{"model":"western"}}]}', "requests.0: is not UTF-8"),
        (b'{"x":"\xff","requests":[{"custom_id":"a","params":{"model":"western"}}]}', "the body is not UTF-8"),
    ],
)
def test_what_is_no_batch(cabinets: Cabinets, body: bytes, pointer: str) -> None:
    answer = cabinets.call("POST", PATH, body)
    assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert pointer in answer.message()
    assert cabinets.upstreams[1].requests == []


def test_reasoning_that_another_upstream_has_made(cabinets: Cabinets) -> None:
    thought = {"type": "thinking", "thinking": "so", "signature": f"{SEAL_PREFIX}abc"}
    sealed = request("b")
    sealed["params"]["messages"] = [{"role": "assistant", "content": [thought]}]
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.1\.params\.messages: .*another upstream has made"):
        cabinets.one.messages.batches.create(requests=[request("a"), sealed])
    assert cabinets.upstreams[1].requests == []


def test_too_many_models(cabinets: Cabinets) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.100\..*more than 100 models"):
        cabinets.one.messages.batches.create(requests=[request(f"{n}", f"west/m-{n}") for n in range(101)])


def test_what_the_vendor_refuses_is_told_in_its_words(cabinets: Cabinets) -> None:
    with pytest.raises(anthropic.BadRequestError, match="custom_id must be unique"):
        begin(cabinets.one, "a", "a")
    with pytest.raises(anthropic.NotFoundError, match="model: claude-none"):
        begin(cabinets.one, model="west/claude-none")


def test_records(cabinets: Cabinets) -> None:
    begin(cabinets.one)
    cabinets.gateway.wait(lambda: bool(cabinets.gateway.collected.records))
    (record,) = cabinets.gateway.collected.records
    assert (record.operation, record.outcome, record.upstream, record.attempts) == ("batches", "ok", "west", 1)


# --- Large ones


def test_a_large_batch_goes_on_beside_other_requests(cabinets: Cabinets) -> None:
    count, text = 10_000, "many words " * 300
    body = json.dumps({"requests": [request(f"{number}", "western", text) for number in range(count)]}).encode()
    assert len(body) > 30 * 2**20
    answers: list[int] = []

    def send() -> None:
        answers.append(cabinets.call("POST", PATH, body).status)

    sending = threading.Thread(target=send)
    sending.start()
    while sending.is_alive():
        assert cabinets.call("GET", PATH).status == 200
    sending.join()
    assert answers == [200]
    (asked,) = cabinets.west.asked.values()
    assert len(asked) == count
    assert {one["params"]["model"] for one in asked} == {"claude-opus"}
    assert [one["custom_id"] for one in asked[:3]] == ["0", "1", "2"]
    assert asked[-1]["params"]["messages"] == [{"role": "user", "content": text}]


def test_a_batch_of_unknown_length(cabinets: Cabinets) -> None:
    body = json.dumps({"requests": [request(f"{number}", "western", "many words " * 300) for number in range(100)]})
    pieces = [body[at : at + 7777].encode() for at in range(0, len(body), 7777)]
    connection = http.client.HTTPConnection("127.0.0.1", cabinets.gateway.port, timeout=20)
    connection.request("POST", PATH, iter(pieces), {"x-api-key": "one-key"}, encode_chunked=True)
    name = answered(connection).json()["id"]
    assert len(cabinets.west.asked[name]) == 100
    (received,) = cabinets.upstreams[1].requests
    assert int(received.headers["content-length"]) == len(received.body)


def test_a_batch_beyond_the_limit(cabinets: Cabinets) -> None:
    answer = cabinets.call("POST", PATH, b'{"requests":[' + b" " * (65 * 2**20))
    assert (answer.status, answer.json()["error"]["type"]) == (413, "request_too_large")


def test_a_batch_that_is_compressed(cabinets: Cabinets) -> None:
    answer = cabinets.call("POST", PATH, gzip.compress(b"{}"), content_encoding="gzip")
    assert (answer.status, answer.json()["error"]["type"]) == (415, "invalid_request_error")


def test_what_is_wrong_is_told_before_the_end(cabinets: Cabinets) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nx-api-key: one-key\r\ncontent-length: 1000000\r\n\r\n"
    with cabinets.gateway.connect() as client:
        client.sendall(head.encode() + b'{"requests":[{"custom_id":"a","params":{}},')
        answer = read_answer(client)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert "requests.0.params.model" in answer.message()


@pytest.mark.parametrize("share", [0.3, 1])
def test_a_client_that_leaves(cabinets: Cabinets, share: float) -> None:
    requests = [request(f"{number}", "western", "many words " * 300) for number in range(1000)]
    body = json.dumps({"requests": requests}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nx-api-key: one-key\r\ncontent-length: {len(body)}\r\n\r\n"
    with cabinets.gateway.connect() as client:
        client.sendall(head.encode() + body[: int(len(body) * share)])
    cabinets.gateway.wait(lambda: not cabinets.gateway.connections and cabinets.gateway.worker.running == 0)
    assert len(cabinets.upstreams[1].requests) <= share  # all of it must be there before anybody is asked
