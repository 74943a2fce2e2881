"""Files: with OpenAI's SDK, over two upstreams, for two tenants, before and after a restart."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tests.uploads.keeping import CONFIG, Drawers, running_drawers
from tests.uploads.site import SOUND

from twoapi.testing.replies import error_reply, html_reply
from twoapi.testing.services.kept import Kept

WEST = {"twoapi-upstream": "west"}
EAST = {"twoapi-upstream": "east"}


@pytest.fixture
def drawers() -> Iterator[Drawers]:
    with running_drawers() as found:
        yield found


@pytest.mark.parametrize("size", [0, 1000, len(SOUND)])
def test_a_file_from_beginning_to_end(drawers: Drawers, size: int) -> None:
    files = drawers.one.files
    made = files.create(file=("a.bin", SOUND[:size]), purpose="user_data", extra_headers=WEST)
    assert (made.bytes, made.filename, made.purpose) == (size, "a.bin", "user_data")
    assert drawers.west.contents[made.id] == SOUND[:size]
    assert files.retrieve(made.id).id == made.id
    assert files.content(made.id).read() == SOUND[:size]
    assert [one.id for one in files.list()] == [made.id]
    assert files.delete(made.id).deleted
    assert drawers.west.files == {}
    assert list(files.list()) == []
    with pytest.raises(openai.NotFoundError):
        files.retrieve(made.id)


async def keep(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="one-key", max_retries=0) as client:
        made = await client.files.create(file=("a.bin", SOUND), purpose="user_data", extra_headers=WEST)
        assert (await client.files.content(made.id)).content == SOUND
        assert [one.id async for one in client.files.list()] == [made.id]


def test_the_asynchronous_client(drawers: Drawers) -> None:
    asyncio.run(keep(drawers.gateway.url))


def test_a_content_that_looks_like_an_error_is_a_content(drawers: Drawers) -> None:
    data = b'{"error": {"message": "mine", "code": "server_error"}}'
    made = drawers.one.files.create(file=("a.json", data), purpose="user_data", extra_headers=EAST)
    assert drawers.one.files.content(made.id).read() == data


def test_a_content_that_is_cut_off_does_not_look_whole(drawers: Drawers) -> None:
    made = drawers.one.files.create(file=("a.bin", SOUND), purpose="user_data", extra_headers=WEST)
    (_, upstream), whole = drawers.upstreams, drawers.west.answer
    upstream.handler = lambda request: whole(request).failing(cut_at=5000)
    with pytest.raises(Exception, match=r"incomplete|closed|peer|Connection"):
        drawers.one.files.content(made.id).read()


def test_who_gets_a_new_file(drawers: Drawers) -> None:
    files = drawers.one.files
    by_query = files.create(file=("a", b"x"), purpose="user_data", extra_query={"upstream": "west"})
    by_model = files.create(file=("a", b"x"), purpose="user_data", extra_body={"model": "in-the-west"})
    assert {by_query.id, by_model.id} == set(drawers.west.files)  # the fake takes no field `model`
    with pytest.raises(openai.BadRequestError, match="east, west"):
        files.create(file=("a", b"x"), purpose="user_data")
    with pytest.raises(openai.BadRequestError, match="'chats'"):
        files.create(file=("a", b"x"), purpose="user_data", extra_headers={"twoapi-upstream": "chats"})
    with pytest.raises(openai.PermissionDeniedError):
        drawers.few.files.create(file=("a", b"x"), purpose="user_data", extra_body={"model": "in-the-west"})


def test_the_only_one_that_offers_files_needs_no_name() -> None:
    config = CONFIG.replace("    operations: {{files: [openai], batches: [openai]}}\n", "", 1)
    with running_drawers(config=config) as drawers:
        made = drawers.one.files.create(file=("a", b"x"), purpose="user_data")
        assert set(drawers.west.files) == {made.id}


def test_nobody_offers_files() -> None:
    config = CONFIG.replace("    operations: {{files: [openai], batches: [openai]}}\n", "")
    with running_drawers(config=config) as drawers, pytest.raises(openai.BadRequestError, match="operations"):
        drawers.one.files.create(file=("a", b"x"), purpose="user_data")


def test_a_file_belongs_to_its_tenant(drawers: Drawers) -> None:
    mine = drawers.one.files.create(file=("a", b"mine"), purpose="user_data", extra_headers=EAST)
    yours = drawers.two.files.create(file=("b", b"yours"), purpose="user_data", extra_headers=EAST)
    assert [one.id for one in drawers.one.files.list()] == [mine.id]
    assert [one.id for one in drawers.two.files.list()] == [yours.id]
    for ask in (drawers.two.files.retrieve, drawers.two.files.delete, drawers.two.files.content):
        with pytest.raises(openai.NotFoundError):
            ask(mine.id)
    assert set(drawers.east.files) == {mine.id, yours.id}
    before = len(drawers.upstreams[0].requests)
    with pytest.raises(openai.NotFoundError):
        drawers.one.files.retrieve("file-guessed")
    assert len(drawers.upstreams[0].requests) == before


def test_lists_are_of_all_upstreams_in_pages(drawers: Drawers) -> None:
    made = [
        drawers.one.files.create(file=(f"{number}", b"x"), purpose="user_data", extra_headers=headers).id
        for number, headers in enumerate([EAST, WEST, EAST, WEST, WEST])
    ]
    newest = [*(made[number] for number in (4, 3, 1, 2, 0))]  # by the vendors' clocks
    assert [one.id for one in drawers.one.files.list()] == newest
    assert [one.id for one in drawers.one.files.list(limit=2)] == newest  # page after page
    assert [one.id for one in drawers.one.files.list(order="asc", limit=3)] == newest[::-1]
    first = drawers.one.files.list(limit=2)
    assert ([one.id for one in first.data], first.has_more) == (newest[:2], True)
    assert [one.id for one in drawers.one.files.list(after=newest[3]).data] == newest[4:]
    assert drawers.one.files.list(purpose="batch").data == []
    assert [one.id for one in drawers.one.files.list(extra_headers=EAST).data] == [made[2], made[0]]
    for query in ("limit=0", "limit=x", "after=none"):
        assert drawers.call("GET", f"/v1/files?{query}").status == 400


def test_a_file_that_is_gone_elsewhere_is_gone(drawers: Drawers) -> None:
    made = drawers.one.files.create(file=("a", b"x"), purpose="user_data", extra_headers=EAST)
    drawers.east.files.clear()
    with pytest.raises(openai.NotFoundError):
        drawers.one.files.retrieve(made.id)
    assert list(drawers.one.files.list()) == []


def test_a_404_of_somebody_in_between_makes_nobody_forget(drawers: Drawers) -> None:
    made = drawers.one.files.create(file=("a", b"x"), purpose="user_data", extra_headers=EAST)
    drawers.upstreams[0].reply(html_reply(404))
    with pytest.raises(openai.NotFoundError):
        drawers.one.files.retrieve(made.id)
    assert drawers.one.files.retrieve(made.id).id == made.id


def test_a_head_alone(drawers: Drawers) -> None:
    made = drawers.one.files.create(file=("a", b"x"), purpose="user_data", extra_headers=EAST)
    answer = drawers.call("HEAD", f"/v1/files/{made.id}")
    assert (answer.status, answer.headers["twoapi-upstream"], answer.body) == (200, "east", b"")
    assert drawers.call("HEAD", f"/v1/files/{made.id}/content").status == 405
    assert drawers.call("HEAD", "/v1/files").status == 200


def test_two_upstreams_with_the_same_id() -> None:
    with running_drawers(east=Kept("same"), west=Kept("same")) as drawers:
        files = drawers.one.files
        ids = {files.create(file=("a", b"x"), purpose="user_data", extra_headers=one).id for one in (EAST, WEST)}
        (name,) = ids
        with pytest.raises(openai.BadRequestError, match="several upstreams"):
            files.retrieve(name)
        assert files.delete(name, extra_headers=EAST).deleted
        assert files.retrieve(name).id == name
        assert set(drawers.west.files) == {name}


def test_ids_outlive_the_gateway_and_are_known_to_each_of_its_processes(tmp_path: Path) -> None:
    store, east, west = tmp_path / "twoapi.db", Kept("e"), Kept("w")
    with running_drawers(store, east, west) as before, running_drawers(store, east, west) as beside:
        made = before.one.files.create(file=("a", b"x"), purpose="user_data", extra_headers=WEST)
        assert beside.one.files.content(made.id).read() == b"x"
    with running_drawers(store, east, west) as after:
        assert [one.id for one in after.one.files.list()] == [made.id]
        assert after.one.files.content(made.id).read() == b"x"
        with pytest.raises(openai.NotFoundError):
            after.two.files.retrieve(made.id)


def test_the_account_that_has_a_file_is_asked_for_it(drawers: Drawers) -> None:
    made = [drawers.one.files.create(file=("a", SOUND[:9]), purpose="user_data", extra_headers=EAST) for _ in range(2)]
    (upstream, _) = drawers.upstreams
    upstream.requests.clear()
    for one in made * 2:
        drawers.one.files.retrieve(one.id)
    assert {request.headers["authorization"] for request in upstream.requests} == {"Bearer upstream-key"}


def test_faults_and_records(drawers: Drawers) -> None:
    drawers.upstreams[0].reply(error_reply("openai-chat", 400, "made up"))
    with pytest.raises(openai.BadRequestError, match="made up"):
        drawers.one.files.create(file=("a", b"x"), purpose="user_data", extra_headers=EAST)
    drawers.upstreams[1].reply(error_reply("openai-chat", 500).having(status=200))
    made = drawers.one.files.with_raw_response.create(file=("a", b"x"), purpose="user_data", extra_headers=WEST)
    shown = [made.headers[f"twoapi-{name}"] for name in ("upstream", "losses", "attempts")]
    assert shown == ["west", "relay", "2"]  # small as it was, it was sent again
    drawers.one.files.content(made.parse().id)
    drawers.gateway.wait(lambda: len(drawers.gateway.collected.records) == 3)
    records = drawers.gateway.collected.records
    assert [(one.operation, one.outcome, one.upstream) for one in records] == [
        ("files", "failed", "east"),
        ("files", "ok", "west"),
        ("files", "ok", "west"),
    ]
    assert all(one.received for one in records[:2])


def test_refusals(drawers: Drawers) -> None:
    assert drawers.call("GET", "/v1/files", key="nobody").status == 401
    assert drawers.call("POST", "/v1/files", {"purpose": "x"}).status == 415
    assert drawers.call("PUT", "/v1/files").status == 405
    assert drawers.call("GET", "/v1/files/a/b").status == 404
    assert drawers.call("GET", "/v1/files/a/content/b").status == 404
    assert drawers.call("GET", "/openai/v1/files").json()["data"] == []
