"""Batches with Google's SDK: inlined, and of files; at the model's upstream, begun once, until they are answered."""

import asyncio
import json
from collections.abc import Iterator

import aiohttp
import pytest
from google import genai
from google.genai import errors, types
from tests.uploads.google import CONFIG, EAST, WEST, Lockers, running_lockers

from twoapi.testing.replies import error_reply, json_reply
from twoapi.testing.services.google_kept import GoogleKept

LINES = b"".join(json.dumps({"key": key, "request": {"contents": []}}).encode() + b"\n" for key in ("a", "b"))
ASKED = [types.InlinedRequest(contents="hello", metadata={"n": str(number)}) for number in range(2)]


@pytest.fixture
def lockers() -> Iterator[Lockers]:
    with running_lockers() as found:
        yield found


def begin(client: genai.Client, model: str = "west/m-1", **config: object) -> str:
    batch = client.batches.create(
        model=model, src=list(ASKED), config=types.CreateBatchJobConfig.model_validate(config)
    )
    assert batch.name is not None
    return batch.name


@pytest.mark.parametrize("version", [None, "v1", "v1beta"])
def test_an_inlined_batch_from_beginning_to_end(lockers: Lockers, version: str | None) -> None:
    client = lockers.client("one-key", None, version)
    name = begin(client, "in-the-west", display_name="two hellos")
    metadata = lockers.west.things["batches"][name]["metadata"]
    assert (metadata["model"], metadata["displayName"]) == ("models/m-1", "two hellos")
    assert client.batches.get(name=name).state == types.JobState.JOB_STATE_PENDING
    lockers.west.finish(name)
    done = client.batches.get(name=name)
    assert done.state == types.JobState.JOB_STATE_SUCCEEDED
    assert done.dest is not None
    assert [one.metadata for one in done.dest.inlined_responses or []] == [{"n": "0"}, {"n": "1"}]
    assert [one.name for one in client.batches.list()] == [name]
    client.batches.delete(name=name)
    assert lockers.west.things["batches"] == {}
    assert list(client.batches.list()) == []
    client.close()


def test_a_batch_of_a_file(lockers: Lockers) -> None:
    file = lockers.upload("one-key", WEST, LINES)
    assert file.name is not None
    batch = lockers.one.batches.create(model="anywhere", src=file.name)  # whose other upstreams do not have the file
    assert batch.name is not None
    assert set(lockers.west.things["batches"]) == {batch.name}
    lockers.west.finish(batch.name)
    (done,) = lockers.one.batches.list()
    assert done.dest is not None
    assert done.dest.file_name is not None
    made = lockers.one.files.get(name=done.dest.file_name)
    answers = lockers.one.files.download(file=made)
    assert [json.loads(line)["key"] for line in answers.splitlines()] == ["a", "b"]
    assert lockers.call("GET", f"/download/v1beta/{made.name}:download?alt=media").body == answers
    assert {one.name for one in lockers.one.files.list()} == {file.name, made.name}
    assert lockers.call("GET", f"/v1beta/{made.name}:download?alt=media", key="two-key").status == 404


def test_a_file_that_was_uploaded_is_not_downloaded(lockers: Lockers) -> None:
    file = lockers.upload("one-key", WEST, LINES)
    answer = lockers.call("GET", f"/v1beta/{file.name}:download?alt=media")
    assert (answer.status, "only what was made here" in answer.json()["error"]["message"]) == (400, True)


def test_embeddings_in_a_batch(lockers: Lockers) -> None:
    source = types.EmbeddingsBatchJobSource(inlined_requests=types.EmbedContentBatch(contents=["a", "b"]))
    with pytest.warns(match="experimental"):
        batch = lockers.one.batches.create_embeddings(model="in-the-west", src=source)
    assert set(lockers.west.things["batches"]) == {batch.name}
    assert lockers.upstreams[1].requests[0].path == "/v1beta/models/m-1:asyncBatchEmbedContent"


async def work(url: str, west: GoogleKept) -> tuple[list[types.JobState | None], bytes]:
    async with aiohttp.ClientSession() as session:
        options = types.HttpOptions(base_url=url, timeout=20_000, aiohttp_client=session)
        client = genai.Client(api_key="one-key", http_options=options)
        (file,) = [one async for one in await client.aio.files.list()]
        assert file.name is not None
        batch = await client.aio.batches.create(model="west/m-1", src=file.name)
        assert batch.name is not None
        west.finish(batch.name)
        done = await client.aio.batches.get(name=batch.name)
        assert done.dest is not None
        assert done.dest.file_name is not None
        data = await client.aio.files.download(file=done.dest.file_name)
        states = [one.state async for one in await client.aio.batches.list()]
        client.close()
        return states, data


def test_the_asynchronous_client(lockers: Lockers) -> None:
    lockers.upload("one-key", WEST, LINES)
    states, data = asyncio.run(work(lockers.gateway.url, lockers.west))
    assert (states, data.count(b"\n")) == ([types.JobState.JOB_STATE_SUCCEEDED], 2)


def test_a_batch_that_is_cancelled(lockers: Lockers) -> None:
    name = begin(lockers.one, "east/m-1")
    lockers.one.batches.cancel(name=name)
    assert lockers.one.batches.get(name=name).state == types.JobState.JOB_STATE_CANCELLED


def test_a_batch_that_failed_is_shown_as_it_is(lockers: Lockers) -> None:
    name = begin(lockers.one)
    batch = lockers.west.things["batches"][name]
    batch |= {"done": True, "error": {"code": 8, "message": "no more"}}
    batch["metadata"]["state"] = "BATCH_STATE_FAILED"
    assert lockers.one.batches.get(name=name).state == types.JobState.JOB_STATE_FAILED
    assert lockers.call("GET", f"/v1beta/{name}").json()["error"] == {"code": 8, "message": "no more"}


# --- The models in it


@pytest.mark.parametrize("named", ["models/west/m-1", "west/m-1"])
def test_models_in_it_are_the_upstreams_own(lockers: Lockers, named: str) -> None:
    inner = {"request": {"model": named, "contents": [{"parts": [{"text": "x"}]}]}, "metadata": {"a": "b"}}
    batch = {"model": named, "input_config": {"requests": {"requests": [inner, {"request": {"contents": []}}]}}}
    body = json.dumps({"batch": {"displayName": "d", **batch}}).encode()
    answer = lockers.call("POST", "/v1beta/models/west/m-1:batchGenerateContent", body)
    assert answer.status == 200, answer
    sent = lockers.upstreams[1].requests[0].json()["batch"]
    assert (sent["displayName"], sent["model"]) == ("d", "models/m-1")
    first, second = sent["inputConfig"]["requests"]["requests"]
    assert first == {"request": {**inner["request"], "model": "models/m-1"}, "metadata": {"a": "b"}}  # type: ignore[dict-item]
    assert second == {"request": {"contents": []}}


def test_a_body_without_models_goes_as_it_is(lockers: Lockers) -> None:
    body = b'{ "batch" : {"input_config": {"requests": {"requests": [{"request": {"contents": []}, "x": 1.50}]}}}}'
    assert lockers.call("POST", "/v1beta/models/in-the-west:batchGenerateContent", body).status == 200
    assert lockers.upstreams[1].requests[0].body == body


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({}, "inputConfig is required"),
        ({"inputConfig": {}}, "of a file or of requests"),
        ({"inputConfig": {"fileName": "files/x", "requests": {"requests": [{"request": {}}]}}}, "of a file or of"),
        ({"inputConfig": {"requests": {"requests": [{}]}}}, "request is required"),
        ({"inputConfig": {"requests": {"requests": [{"request": {"model": "models/other"}}]}}}, "model in its path"),
        ({"model": "models/other", "inputConfig": {"fileName": "files/x"}}, "model in its path"),
        ({"inputConfig": {"fileName": "files/x"}}, "there is no file 'files/x'"),
    ],
)
def test_what_clients_ask_wrongly(lockers: Lockers, batch: object, words: str) -> None:
    answer = lockers.call(
        "POST", "/v1beta/models/in-the-west:batchGenerateContent", json.dumps({"batch": batch}).encode()
    )
    assert (answer.status in (400, 404), words in answer.json()["error"]["message"]) == (True, True), answer
    assert lockers.upstreams[1].requests == []


def test_clients_that_may_use_some_models(lockers: Lockers) -> None:
    begin(lockers.few, "east/m-1")
    with pytest.raises(errors.ClientError, match="403"):
        begin(lockers.few, "in-the-west")
    file = lockers.upload("few-key", EAST, LINES)
    with pytest.raises(errors.ClientError, match="nobody looks into the file"):
        lockers.few.batches.create(model="east/m-1", src=str(file.name))


# --- Where it goes, and whose it is


def test_who_gets_a_batch(lockers: Lockers) -> None:
    begin(lockers.one, "anywhere")
    assert len(lockers.east.things["batches"]) == 1  # the first that offers it
    named = lockers.client("one-key", WEST)
    begin(named, "anywhere")
    assert len(lockers.west.things["batches"]) == 1
    named.close()
    with pytest.raises(errors.ClientError, match="operations"):
        begin(lockers.one, "nowhere")
    file = lockers.upload("one-key", EAST, LINES)
    with pytest.raises(errors.ClientError, match="is at the upstream 'east'"):
        lockers.one.batches.create(model="in-the-west", src=str(file.name))


def test_a_batch_belongs_to_its_tenant(lockers: Lockers) -> None:
    name = begin(lockers.one)
    file = lockers.upload("one-key", WEST, LINES)
    before = len(lockers.upstreams[1].requests)
    for ask in (lockers.two.batches.get, lockers.two.batches.cancel, lockers.two.batches.delete):
        with pytest.raises(errors.ClientError, match="NOT_FOUND"):
            ask(name=name)
    with pytest.raises(errors.ClientError, match="NOT_FOUND"):
        lockers.two.batches.create(model="in-the-west", src=str(file.name))
    assert list(lockers.two.batches.list()) == []
    assert len(lockers.upstreams[1].requests) == before


def test_lists_are_of_all_upstreams_and_fresh(lockers: Lockers) -> None:
    made = [begin(lockers.one, model) for model in ("east/m-1", "west/m-1", "east/m-1")]
    lockers.east.finish(made[0])
    config = types.ListBatchJobsConfig(page_size=1)
    listed = {one.name: one.state for one in lockers.one.batches.list(config=config)}
    pending, done = types.JobState.JOB_STATE_PENDING, types.JobState.JOB_STATE_SUCCEEDED
    assert listed == {made[0]: done, made[1]: pending, made[2]: pending}
    lockers.upstreams[1].refuse()
    assert len(list(lockers.one.batches.list())) == 3  # as they were


def test_a_batch_whose_answers_are_too_much_to_be_written_down(lockers: Lockers) -> None:
    name = begin(lockers.one)
    lockers.west.finish(name)
    answers = lockers.west.things["batches"][name]["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    answers[0]["metadata"]["long"] = "x" * 2**20
    for _ in range(2):
        assert lockers.one.batches.get(name=name).state == types.JobState.JOB_STATE_SUCCEEDED
        assert [one.state for one in lockers.one.batches.list()] == [types.JobState.JOB_STATE_SUCCEEDED]


@pytest.mark.parametrize("status", [500, 503])
def test_a_batch_is_not_begun_twice(lockers: Lockers, status: int) -> None:
    lockers.upstreams[0].reply(*[error_reply("gemini", status, "made up")] * 2)
    named = lockers.client("one-key", EAST)
    with pytest.raises(errors.ServerError, match="made up"):
        begin(named, "anywhere")
    named.close()
    assert len(lockers.upstreams[0].requests) == 1
    assert lockers.upstreams[1].requests == []
    assert (lockers.east.things["batches"], lockers.west.things["batches"]) == ({}, {})


def test_a_wrong_credential_is_followed_by_the_next_one(lockers: Lockers) -> None:
    for _ in range(2):  # their turns
        begin(lockers.one, "east/m-1")
    keys = {one.headers["x-goog-api-key"] for one in lockers.upstreams[0].requests}
    assert keys == {"wrong-key", "upstream-key"}
    assert len(lockers.east.things["batches"]) == 2


def test_answers_that_are_none(lockers: Lockers) -> None:
    lockers.upstreams[1].reply(json_reply([]), json_reply({"error": {"code": 500, "message": "hidden"}}))
    for words in ("JSON object", "hidden"):
        with pytest.raises(errors.ServerError, match=words):
            begin(lockers.one)


def test_an_upstream_that_offers_no_more(lockers: Lockers) -> None:
    with running_lockers(config=CONFIG.replace("provider: gemini,", "provider: gemini-compatible,")) as others:
        with pytest.raises(errors.ClientError, match="no upstream offers files"):
            others.upload("one-key", {}, b"x")
        with pytest.raises(errors.ClientError, match="operations"):
            begin(others.one)
