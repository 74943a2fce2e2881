"""Cached contents with Google's SDK: made, shown, changed, listed and deleted where their model is."""

import asyncio
import json
from collections.abc import Iterator

import aiohttp
import pytest
from google import genai
from google.genai import errors, types
from tests.uploads.google import WEST, Lockers, running_lockers

from twoapi.testing.replies import error_reply, sse_reply


@pytest.fixture
def lockers() -> Iterator[Lockers]:
    with running_lockers() as found:
        yield found


def make(client: genai.Client, model: str = "in-the-west") -> str:
    config = types.CreateCachedContentConfig(contents="a long text", ttl="300s", display_name="text")
    made = client.caches.create(model=model, config=config)
    assert made.name is not None
    return made.name


@pytest.mark.parametrize("version", [None, "v1", "v1beta"])
def test_from_beginning_to_end(lockers: Lockers, version: str | None) -> None:
    client = lockers.client("one-key", None, version)
    name = make(client)
    assert lockers.west.things["cachedContents"][name]["model"] == "models/m-1"
    shown = client.caches.get(name=name)
    assert (shown.display_name, shown.model) == ("text", "models/m-1")
    changed = client.caches.update(name=name, config=types.UpdateCachedContentConfig(ttl="900s"))
    assert changed.expire_time is not None
    assert changed.expire_time.year == 2027
    assert lockers.upstreams[1].requests[-1].json() == {"ttl": "900s"}
    assert [one.name for one in client.caches.list()] == [name]
    client.caches.delete(name=name)
    assert lockers.west.things["cachedContents"] == {}
    assert list(client.caches.list()) == []
    client.close()


def test_a_change_says_of_what(lockers: Lockers) -> None:
    name = make(lockers.one)
    path = f"/v1beta/{name}?updateMask=ttl&key=one-key"
    assert lockers.call("PATCH", path, b'{"ttl": "900s"}').status == 200
    assert lockers.upstreams[1].requests[-1].query == "updateMask=ttl"


async def work(url: str) -> list[str | None]:
    async with aiohttp.ClientSession() as session:
        options = types.HttpOptions(base_url=url, timeout=20_000, aiohttp_client=session)
        client = genai.Client(api_key="one-key", http_options=options)
        config = types.CreateCachedContentConfig(contents="a long text")
        made = await client.aio.caches.create(model="in-the-west", config=config)
        listed = [one.name async for one in await client.aio.caches.list()]
        await client.aio.caches.delete(name=str(made.name))
        client.close()
        return listed


def test_the_asynchronous_client(lockers: Lockers) -> None:
    assert len(asyncio.run(work(lockers.gateway.url))) == 1
    assert lockers.west.things["cachedContents"] == {}


def test_they_belong_to_their_tenant(lockers: Lockers) -> None:
    name = make(lockers.one)
    before = len(lockers.upstreams[1].requests)
    for ask in (lockers.two.caches.get, lockers.two.caches.delete, lockers.two.caches.update):
        with pytest.raises(errors.ClientError, match="NOT_FOUND"):
            ask(name=name)
    assert list(lockers.two.caches.list()) == []
    assert len(lockers.upstreams[1].requests) == before


def ask(client: genai.Client, model: str, name: str) -> str | None:
    config = types.GenerateContentConfig(cached_content=name)
    return client.models.generate_content(model=model, contents="go on", config=config).text


def test_an_answer_goes_on_from_them_where_they_are(lockers: Lockers) -> None:
    config = types.CreateCachedContentConfig(contents="a long text")
    west = lockers.client("one-key", WEST)
    for client, tag, upstream in ((lockers.one, "e", 0), (west, "w", 1)):
        made = client.caches.create(model="anywhere", config=config)
        for _ in range(2):  # the credentials' turns
            lockers.upstreams[upstream].requests.clear()
            assert ask(lockers.one, "anywhere", str(made.name)) == f"{tag}: {made.name}"
            (request,) = lockers.upstreams[upstream].requests
            assert request.headers["x-goog-api-key"] == "upstream-key"
    west.close()


def test_a_stream_goes_on_from_them_too(lockers: Lockers) -> None:
    name = make(lockers.one, "east/m-1")
    lockers.upstreams[0].reply(sse_reply([b'data: {"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}\n\n']))
    body = json.dumps({"contents": [], "cached_content": name}).encode()
    answer = lockers.call("POST", "/v1beta/models/anywhere:streamGenerateContent?alt=sse", body)
    assert (answer.status, answer.headers["twoapi-upstream"], b"hi" in answer.body) == (200, "east/m-1", True)


def test_contents_that_are_elsewhere(lockers: Lockers) -> None:
    name = make(lockers.one, "east/m-1")
    with pytest.raises(errors.ClientError, match="is at the upstream 'east'"):
        ask(lockers.one, "in-the-west", name)
    with pytest.raises(errors.ClientError, match="403"):
        ask(lockers.few, "in-the-west", name)
    with pytest.raises(errors.ClientError, match="not found"):
        ask(lockers.two, "in-the-west", "cachedContents/never-seen")  # the upstream's own word
    name = make(lockers.one)
    lockers.one.caches.delete(name=name)
    with pytest.raises(errors.ClientError, match="not found"):
        ask(lockers.one, "in-the-west", name)


def batch(client: genai.Client, model: str, *caches: str) -> str | None:
    requests = [
        types.InlinedRequest(contents="go on", config=types.GenerateContentConfig(cached_content=name))
        for name in caches
    ]
    return client.batches.create(model=model, src=list(requests)).name


def test_batches_go_on_from_them_where_they_are(lockers: Lockers) -> None:
    west = lockers.client("one-key", WEST)
    mine = str(west.caches.create(model="anywhere", config=types.CreateCachedContentConfig(contents="x")).name)
    name = batch(lockers.one, "anywhere", mine, "cachedContents/never-seen")
    assert set(lockers.west.things["batches"]) == {name}
    other = make(lockers.one, "east/m-1")
    with pytest.raises(errors.ClientError, match="the batch goes to 'west'"):
        batch(lockers.one, "anywhere", mine, other)
    with pytest.raises(errors.ClientError, match="'in-the-west' is not"):
        batch(lockers.one, "in-the-west", other)
    with pytest.raises(errors.ClientError, match="the batch goes to 'west'"):
        batch(west, "anywhere", other)
    west.close()


def test_words_that_look_like_them(lockers: Lockers) -> None:
    for body in (b'{"contents": [{"parts": [{"text": "cachedContent"}]}]}', b'{"contents": [], "cachedContent": null}'):
        assert lockers.call("POST", "/v1beta/models/in-the-west:generateContent", body).status == 200


def test_those_that_have_ended_are_not_listed(lockers: Lockers) -> None:
    name, other = make(lockers.one, "east/m-1"), make(lockers.one, "east/m-1")
    del lockers.east.things["cachedContents"][name]
    assert [one.name for one in lockers.one.caches.list()] == [other]
    with pytest.raises(errors.ClientError, match=r"403.*may not exist"):
        lockers.one.caches.get(name=name)
    with pytest.raises(errors.ClientError, match=r"403.*not found"):
        ask(lockers.one, "east/m-1", name)


def test_where_they_go(lockers: Lockers) -> None:
    make(lockers.one, "east/m-1")
    make(lockers.few, "east/m-1")
    assert len(lockers.east.things["cachedContents"]) == 2
    with pytest.raises(errors.ClientError, match="403"):
        make(lockers.few, "in-the-west")
    with pytest.raises(errors.ClientError, match="operations"):
        make(lockers.one, "nowhere")
    answer = lockers.call("POST", "/v1beta/cachedContents", b"{}")
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_an_error_comes_through_and_nothing_is_made_twice(lockers: Lockers) -> None:
    lockers.upstreams[1].reply(error_reply("gemini", 500, "made up"))
    with pytest.raises(errors.ServerError, match="made up"):
        make(lockers.one)
    assert len(lockers.upstreams[1].requests) == 1
