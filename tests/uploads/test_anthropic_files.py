"""Files with Anthropic's SDK: over two upstreams, for two tenants, before and after a restart."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import FileNotDownloadableError
from tests.uploads.anthropic_kept import CONFIG, Cabinets, Kept, running_cabinets
from tests.uploads.site import SOUND

from twoapi.testing.replies import error_reply, html_reply

WEST = {"twoapi-upstream": "west"}
EAST = {"twoapi-upstream": "east"}


@pytest.fixture
def cabinets() -> Iterator[Cabinets]:
    with running_cabinets() as found:
        yield found


@pytest.mark.parametrize("size", [0, 1000, len(SOUND)])
def test_a_file_from_beginning_to_end(cabinets: Cabinets, size: int) -> None:
    files = cabinets.one.beta.files
    made = files.upload(file=("a.bin", SOUND[:size], "application/x-a"), extra_headers=WEST)
    assert (made.size_bytes, made.filename, made.mime_type) == (size, "a.bin", "application/x-a")
    assert cabinets.west.contents[made.id] == SOUND[:size]
    assert files.retrieve_metadata(made.id) == made
    cabinets.west.change(made.id, downloadable=True)
    assert files.download(made.id).read() == SOUND[:size]
    assert [one.id for one in files.list()] == [made.id]
    assert files.delete(made.id).type == "file_deleted"
    assert cabinets.west.files == {}
    assert list(files.list()) == []
    with pytest.raises(anthropic.NotFoundError):
        files.retrieve_metadata(made.id)


def test_the_files_that_are_no_beta_any_more(cabinets: Cabinets) -> None:
    files = cabinets.one.files
    made = files.upload(file=("a.bin", b"x"), expires_in_seconds=3600, extra_headers=EAST)
    assert made.expires_at is not None
    assert [one.id for one in files.list()] == [made.id]
    assert files.retrieve_metadata(made.id).id == made.id
    assert files.delete(made.id).id == made.id


async def keep(settings: dict[str, Any], upstream: Kept) -> None:
    async with anthropic.AsyncAnthropic(api_key="one-key", **settings) as client:
        made = await client.beta.files.upload(file=("a.bin", SOUND), extra_headers=WEST)
        upstream.change(made.id, downloadable=True)
        async with client.beta.files.with_streaming_response.download(made.id) as answer:
            pieces = [piece async for piece in answer.iter_bytes(4096)]
        assert b"".join(pieces) == SOUND
        assert [one.id async for one in client.beta.files.list(limit=1)] == [made.id]


def test_the_asynchronous_client(cabinets: Cabinets) -> None:
    asyncio.run(keep(cabinets.settings, cabinets.west))


def test_betas_and_the_version_are_passed_on_and_nothing_else(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    made = files.upload(
        file=("a", b"x"), betas=["files-api-2025-04-14"], extra_headers={**WEST, "cookie": "mine"}, workspace_id="w"
    )
    files.retrieve_metadata(made.id, betas=["one", "two"], extra_query={"beta": "true", "key": "mine"})
    upload, question = cabinets.upstreams[1].requests
    assert (upload.query, question.query) == ("", "beta=true")
    assert upload.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert question.headers["anthropic-beta"] == "one,two"
    assert question.headers["anthropic-version"] == cabinets.one.default_headers["anthropic-version"]
    assert {"cookie", "anthropic-workspace-id", "twoapi-upstream"}.isdisjoint(upload.headers)


def test_an_upstream_that_is_pinned_to_a_version_is_asked_in_that() -> None:
    pinned = CONFIG.replace(
        'base_url: "{west}",', 'base_url: "{west}", capabilities: {{api_version: "2023-06-01"}},', 1
    )
    with running_cabinets(config=pinned) as cabinets:
        cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
        (request,) = cabinets.upstreams[1].requests
        assert request.headers["anthropic-version"] == "2023-06-01"


def test_a_platform_that_wants_to_be_told_more() -> None:
    place = 'provider: anthropic-aws, options: {{region: eu, workspace: mine}}, base_url: "{west}",'
    with running_cabinets(config=CONFIG.replace('provider: anthropic, base_url: "{west}",', place, 1)) as cabinets:
        cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
        (request,) = cabinets.upstreams[1].requests
        assert request.headers["anthropic-workspace-id"] == "mine"


def test_what_cannot_be_downloaded_is_told_in_the_vendors_words(cabinets: Cabinets) -> None:
    made = cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
    with pytest.raises(FileNotDownloadableError):
        cabinets.one.beta.files.download(made.id)
    assert cabinets.one.beta.files.retrieve_metadata(made.id).id == made.id


def test_an_expired_content_makes_nobody_forget_the_file(cabinets: Cabinets) -> None:
    made = cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
    cabinets.upstreams[1].reply(error_reply("anthropic-messages", 404, "the file has expired"))
    with pytest.raises(anthropic.NotFoundError, match="expired"):
        cabinets.one.beta.files.download(made.id)
    assert cabinets.one.beta.files.retrieve_metadata(made.id).id == made.id


def test_who_gets_a_new_file(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    by_query = files.upload(file=("a", b"x"), extra_query={"upstream": "west"})
    by_model = files.upload(file=("a", b"x"), extra_body={"model": "western"})
    assert {by_query.id, by_model.id} == set(cabinets.west.files)  # the fake takes no field `model`
    by_alias = files.upload(file=("a", b"x"), extra_body={"model": "cheap"})  # whose first keeps no files
    assert by_alias.id in cabinets.west.files
    with pytest.raises(anthropic.BadRequestError, match="several upstreams offer files: east, west"):
        files.upload(file=("a", b"x"))
    with pytest.raises(anthropic.BadRequestError, match="no upstream 'chats' offers files"):
        files.upload(file=("a", b"x"), extra_headers={"twoapi-upstream": "chats"})
    with pytest.raises(anthropic.BadRequestError, match="no upstream 'other' offers files"):
        files.upload(file=("a", b"x"), extra_headers={"twoapi-upstream": "other"})  # those are OpenAI's
    with pytest.raises(anthropic.PermissionDeniedError):
        cabinets.few.beta.files.upload(file=("a", b"x"), extra_body={"model": "dear"})


def test_a_file_belongs_to_its_tenant(cabinets: Cabinets) -> None:
    mine = cabinets.one.beta.files.upload(file=("a", b"mine"), extra_headers=EAST)
    yours = cabinets.two.beta.files.upload(file=("b", b"yours"), extra_headers=EAST)
    assert [one.id for one in cabinets.one.beta.files.list()] == [mine.id]
    assert [one.id for one in cabinets.two.beta.files.list()] == [yours.id]
    assert list(cabinets.two.beta.files.list(ids=[mine.id])) == []
    before = len(cabinets.upstreams[0].requests)
    files = cabinets.two.beta.files
    for ask in (files.retrieve_metadata, files.delete, files.download):
        with pytest.raises(anthropic.NotFoundError) as caught:
            ask(mine.id)
        assert caught.value.body["error"]["type"] == "not_found_error"
        with pytest.raises(anthropic.NotFoundError):
            ask("file_guessed")
    assert len(cabinets.upstreams[0].requests) == before
    assert set(cabinets.east.files) == {mine.id, yours.id}


def test_clients_of_different_vendors_have_lists_of_their_own(cabinets: Cabinets) -> None:
    made = cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
    with openai.OpenAI(base_url=f"{cabinets.gateway.url}/v1", api_key="one-key", max_retries=0) as other:
        assert list(other.files.list()) == []
        with pytest.raises(openai.NotFoundError):
            other.files.retrieve(made.id)
        with pytest.raises(openai.BadRequestError, match="no upstream 'west' offers files"):
            other.files.create(file=("a", b"x"), purpose="user_data", extra_headers=WEST)


def test_lists_are_of_all_upstreams_in_pages(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    made = [
        files.upload(file=(f"{number}", b"x"), extra_headers=headers).id
        for number, headers in enumerate([EAST, WEST, EAST, WEST, WEST])
    ]
    newest = [*(made[number] for number in (4, 3, 1, 2, 0))]  # by the vendors' clocks
    assert [one.id for one in files.list()] == newest
    assert [one.id for one in files.list(limit=2)] == newest  # page after page
    first = files.list(limit=2)
    assert ([one.id for one in first.data], first.next_page) == (newest[:2], f"page_{newest[1]}")
    assert [one.id for one in files.list(ids=[newest[3], newest[0], "file_none"]).data] == [newest[0], newest[3]]
    assert [one.id for one in files.list(extra_headers=EAST).data] == [made[2], made[0]]
    for query in ("limit=0", "limit=1001", "limit=x", "page=page_none", "after_id=none", "ids=a&limit=2"):
        answer = cabinets.call("GET", f"/v1/files?{query}")
        assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_pages_as_older_clients_read_them(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    made = [files.upload(file=(f"{number}", b"x"), extra_headers=WEST).id for number in range(5)][::-1]

    def page(query: str) -> tuple[list[str], bool, str | None, str | None]:
        found = cabinets.call("GET", f"/v1/files?{query}").json()
        ids = [one["id"] for one in found["data"]]
        return ids, found["has_more"], found["first_id"], found["last_id"]

    assert page("limit=2") == (made[:2], True, made[0], made[1])
    assert page(f"limit=2&after_id={made[1]}") == (made[2:4], True, made[2], made[3])
    assert page(f"limit=2&after_id={made[3]}") == (made[4:], False, made[4], made[4])
    assert page(f"limit=2&before_id={made[3]}") == (made[1:3], True, made[1], made[2])
    assert page(f"limit=9&before_id={made[2]}") == (made[:2], False, made[0], made[1])
    assert page(f"before_id={made[0]}") == ([], False, None, None)
    assert cabinets.call("GET", f"/v1/files?before_id={made[0]}&after_id={made[1]}").status == 400


def test_the_files_of_a_session(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    made = [files.upload(file=(f"{number}", b"x"), extra_headers=WEST).id for number in range(3)]
    cabinets.west.scoped(made[1], "session_1")
    files.retrieve_metadata(made[1])
    assert [one.id for one in files.list(scope_id="session_1")] == [made[1]]


def test_a_file_that_is_gone_elsewhere_is_gone(cabinets: Cabinets) -> None:
    made = cabinets.one.beta.files.upload(file=("a", b"x"), extra_headers=EAST)
    cabinets.upstreams[0].reply(html_reply(404))
    with pytest.raises(anthropic.NotFoundError):
        cabinets.one.beta.files.retrieve_metadata(made.id)  # somebody in between says so
    assert cabinets.one.beta.files.retrieve_metadata(made.id).id == made.id
    cabinets.east.files.clear()
    with pytest.raises(anthropic.NotFoundError):
        cabinets.one.beta.files.retrieve_metadata(made.id)
    assert list(cabinets.one.beta.files.list()) == []


def test_ids_outlive_the_gateway_and_are_known_to_each_of_its_processes(tmp_path: Path) -> None:
    store, east, west = tmp_path / "twoapi.db", Kept("e"), Kept("w")
    with running_cabinets(store, east, west) as before, running_cabinets(store, east, west) as beside:
        made = before.one.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
        assert beside.one.beta.files.retrieve_metadata(made.id).id == made.id
    with running_cabinets(store, east, west) as after:
        assert [one.id for one in after.one.beta.files.list()] == [made.id]
        assert after.one.beta.files.delete(made.id).id == made.id
        with pytest.raises(anthropic.NotFoundError):
            after.two.beta.files.retrieve_metadata(made.id)


def test_the_account_that_has_a_file_is_asked_for_it(cabinets: Cabinets) -> None:
    made = [cabinets.one.beta.files.upload(file=("a", SOUND[:9]), extra_headers=EAST) for _ in range(2)]
    keys = {request.headers["x-api-key"] for request in cabinets.upstreams[0].requests}
    assert keys == {"wrong-key", "upstream-key"}  # the wrong one was tried, and another after it
    cabinets.upstreams[0].requests.clear()
    for one in made * 2:
        cabinets.one.beta.files.retrieve_metadata(one.id)
    assert {request.headers["x-api-key"] for request in cabinets.upstreams[0].requests} == {"upstream-key"}


def test_faults_and_records(cabinets: Cabinets) -> None:
    files = cabinets.one.beta.files
    cabinets.upstreams[0].reply(error_reply("anthropic-messages", 400, "made up"))
    with pytest.raises(anthropic.BadRequestError, match="made up"):
        files.upload(file=("a", b"x"), extra_headers=EAST)
    cabinets.upstreams[1].reply(error_reply("anthropic-messages", 529, "made up"))
    made = files.with_raw_response.upload(file=("a", b"x"), extra_headers=WEST)
    shown = [made.headers[f"twoapi-{name}"] for name in ("upstream", "losses", "attempts")]
    assert shown == ["west", "relay", "2"]  # small as it was, it was sent again
    cabinets.gateway.wait(lambda: len(cabinets.gateway.collected.records) == 2)
    told = [(one.operation, one.outcome, one.upstream) for one in cabinets.gateway.collected.records]
    assert told == [("files", "failed", "east"), ("files", "ok", "west")]


def test_below_the_vendors_name(cabinets: Cabinets) -> None:
    with anthropic.Anthropic(
        **{**cabinets.settings, "base_url": f"{cabinets.gateway.url}/anthropic"}, api_key="one-key"
    ) as client:
        made = client.beta.files.upload(file=("a", b"x"), extra_headers=WEST)
        assert client.beta.files.retrieve_metadata(made.id).id == made.id
        assert [one.id for one in client.beta.files.list()] == [made.id]


def test_refusals(cabinets: Cabinets) -> None:
    refusals = [
        (cabinets.call("GET", "/v1/files", key="nobody"), 401, "authentication_error"),
        (cabinets.call("POST", "/v1/files", {"a": 1}), 415, "invalid_request_error"),
        (cabinets.call("PUT", "/v1/files"), 405, "invalid_request_error"),
        (cabinets.call("GET", "/v1/files/a/b"), 404, "not_found_error"),
        (cabinets.call("GET", "/v1/files/a/results"), 404, "not_found_error"),
    ]
    for answer, status, kind in refusals:
        assert (answer.status, answer.json()["error"]["type"]) == (status, kind)
    assert cabinets.upstreams[0].requests == cabinets.upstreams[1].requests == []
