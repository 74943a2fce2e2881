"""Batches: where their file is, for whom it belongs to, until their answers are there."""

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tests.uploads.keeping import Drawers, running_drawers

from twoapi.testing.replies import error_reply
from twoapi.testing.services.kept import Kept

LINES = b"".join(
    json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}).encode()
    + b"\n"
    for name in ("a", "b")
)
WEST = {"twoapi-upstream": "west"}
EAST = {"twoapi-upstream": "east"}


@pytest.fixture
def drawers() -> Iterator[Drawers]:
    with running_drawers() as found:
        yield found


def begin(client: openai.OpenAI, where: dict[str, str]) -> str:
    file = client.files.create(file=("a.jsonl", LINES), purpose="batch", extra_headers=where)
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )
    return batch.id


def test_a_batch_from_beginning_to_end(drawers: Drawers) -> None:
    name = begin(drawers.one, WEST)
    assert drawers.west.batches[name]["metadata"] == {"a": "b"}
    assert drawers.one.batches.retrieve(name).status == "validating"
    drawers.west.finish(name)
    done = drawers.one.batches.retrieve(name)
    assert (done.status, done.output_file_id is None) == ("completed", False)
    assert done.output_file_id is not None
    answers = [json.loads(line) for line in drawers.one.files.content(done.output_file_id).iter_lines()]
    assert [one["custom_id"] for one in answers] == ["a", "b"]
    assert {one.id: one.purpose for one in drawers.one.files.list()} == {
        done.input_file_id: "batch",
        done.output_file_id: "batch_output",
    }


def test_a_batch_is_not_begun_twice(drawers: Drawers) -> None:
    file = drawers.one.files.create(file=("a.jsonl", LINES), purpose="batch", extra_headers=WEST)
    drawers.upstreams[1].reply(error_reply("openai-chat", 500, "made up"))
    with pytest.raises(openai.InternalServerError, match="made up"):
        drawers.one.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert drawers.west.batches == {}
    assert [request.path for request in drawers.upstreams[1].requests].count("/v1/batches") == 1


def test_clients_that_leave_before_it_is_known_where_their_file_is(drawers: Drawers) -> None:
    head = b"GET /v1/files/file-1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer one-key\r\n\r\n"
    for _ in range(20):
        with drawers.gateway.connect() as client:
            client.sendall(head)
    drawers.gateway.wait(lambda: not drawers.gateway.connections and drawers.gateway.worker.running == 0)


def test_a_batch_that_is_cancelled(drawers: Drawers) -> None:
    name = begin(drawers.one, EAST)
    assert drawers.one.batches.cancel(name).status == "cancelling"
    assert drawers.east.batches[name]["status"] == "cancelling"


def test_lists_are_of_all_upstreams_and_fresh(drawers: Drawers) -> None:
    names = [begin(drawers.one, where) for where in (EAST, WEST, EAST)]
    drawers.east.finish(names[0])
    listed = {one.id: one.status for one in drawers.one.batches.list(limit=1)}
    assert listed == {names[0]: "completed", names[1]: "validating", names[2]: "validating"}
    before = len(drawers.upstreams[0].requests)
    assert [one.status for one in drawers.one.batches.list(after=names[2])] == ["completed"]
    assert len(drawers.upstreams[0].requests) == before  # that it is complete is known
    drawers.upstreams[1].refuse()
    assert len(drawers.one.batches.list().data) == 3  # as they were
    assert drawers.call("GET", "/v1/batches?limit=101").status == 400


def test_the_files_of_a_batch_that_was_only_listed(drawers: Drawers) -> None:
    name = begin(drawers.one, WEST)
    drawers.west.finish(name)
    (batch,) = drawers.one.batches.list().data
    assert batch.output_file_id is not None
    assert drawers.one.files.retrieve(batch.output_file_id).purpose == "batch_output"


def test_the_files_of_a_batch_by_their_purpose(drawers: Drawers) -> None:
    name = begin(drawers.one, WEST)
    drawers.west.finish(name)
    made = drawers.one.batches.retrieve(name).output_file_id
    assert [one.id for one in drawers.one.files.list(purpose="batch_output")] == [made]


def test_a_batch_belongs_to_its_tenant(drawers: Drawers) -> None:
    name = begin(drawers.one, WEST)
    drawers.west.finish(name)
    done = drawers.one.batches.retrieve(name)
    assert drawers.two.batches.list().data == []
    for ask in (drawers.two.batches.retrieve, drawers.two.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(name)
    assert done.output_file_id is not None
    for file in (done.input_file_id, done.output_file_id):
        with pytest.raises(openai.NotFoundError):
            drawers.two.files.content(file)
        with pytest.raises(openai.NotFoundError):
            drawers.two.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h")


def test_a_client_of_some_models_gets_no_batches(drawers: Drawers) -> None:
    file = drawers.few.files.create(file=("a.jsonl", LINES), purpose="batch", extra_headers=EAST)
    with pytest.raises(openai.PermissionDeniedError, match="some models only"):
        drawers.few.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    with pytest.raises(openai.PermissionDeniedError):
        drawers.few.batches.list()


def test_a_batch_outlives_the_gateway(tmp_path: Path) -> None:
    store, east, west = tmp_path / "twoapi.db", Kept("e"), Kept("w")
    with running_drawers(store, east, west) as before:
        name = begin(before.one, WEST)
    west.finish(name)
    with running_drawers(store, east, west) as after:
        done = after.one.batches.retrieve(name)
        assert done.output_file_id is not None
        assert after.one.files.content(done.output_file_id).read().count(b"\n") == 2


@pytest.mark.parametrize("body", [{}, {"input_file_id": 7}, {"input_file_id": None}, []])
def test_a_batch_of_no_file(drawers: Drawers, body: object) -> None:
    answer = drawers.call("POST", "/v1/batches", body)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "/input_file_id")


def test_a_batch_of_a_file_that_is_not_there(drawers: Drawers) -> None:
    assert drawers.call("POST", "/v1/batches", {"input_file_id": "file-none"}).status == 404
    assert drawers.call("GET", "/v1/batches/file-none").status == 404
