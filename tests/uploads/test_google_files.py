"""Files with Google's SDK: uploads that go on where they were cut off, over two upstreams, for two tenants."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from google import genai
from google.genai import errors, types
from tests.uploads.google import CONFIG, EAST, WEST, Lockers, running_lockers, start
from tests.uploads.site import SOUND, read_answer

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, error_reply, json_reply, raw_reply
from twoapi.testing.services.google_kept import VENDOR, GoogleKept

PIECE = 8 * 2**20  # what the SDK sends at once


@pytest.fixture
def lockers() -> Iterator[Lockers]:
    with running_lockers() as found:
        yield found


def name_of(made: types.File | types.BatchJob | types.CachedContent) -> str:
    assert made.name is not None
    return made.name


def names(client: genai.Client, **config: object) -> list[str]:
    return [name_of(one) for one in client.files.list(config=types.ListFilesConfig.model_validate(config))]


# --- From beginning to end


@pytest.mark.parametrize(("version", "size"), [(None, 0), ("v1beta", len(SOUND)), ("v1", PIECE), (None, PIECE + 1)])
def test_a_file_from_beginning_to_end(lockers: Lockers, version: str | None, size: int) -> None:
    client, data = lockers.client("one-key", WEST, version), (SOUND * 17)[:size]
    config = types.UploadFileConfig(mime_type="text/plain", display_name="a file")
    made = client.files.upload(file=io.BytesIO(data), config=config)
    name = name_of(made)
    assert (made.size_bytes, made.mime_type, made.display_name) == (size, "text/plain", "a file")
    assert lockers.west.contents[name] == data
    shown = client.files.get(name=name)
    assert (shown.uri, shown.state) == (f"{VENDOR}/v1beta/{name}", types.FileState.ACTIVE)
    assert names(client) == [name]
    client.files.delete(name=name)
    assert lockers.west.things["files"] == {}
    assert names(client) == []
    with pytest.raises(errors.ClientError, match="NOT_FOUND"):
        client.files.get(name=name)
    client.close()


def test_a_file_on_disk_has_its_name(lockers: Lockers, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    client = lockers.client("one-key", EAST)
    made = client.files.upload(file=tmp_path / "a.txt", config=types.UploadFileConfig(name="my-file"))
    client.close()
    assert (made.name, lockers.east.contents["files/my-file"]) == ("files/my-file", b"text")
    begun = next(one for one in lockers.upstreams[0].requests if one.headers.get("x-goog-upload-command") == "start")
    assert begun.headers["x-goog-upload-file-name"] == "a.txt"


async def keep(url: str) -> tuple[types.File, list[str], types.File]:
    async with aiohttp.ClientSession() as session:
        options = types.HttpOptions(base_url=url, timeout=20_000, aiohttp_client=session, headers=WEST)
        client = genai.Client(api_key="one-key", http_options=options)
        config = types.UploadFileConfig(mime_type="text/plain")
        try:
            made = await client.aio.files.upload(file=io.BytesIO(SOUND[:200_000]), config=config)
            listed = [name_of(one) async for one in await client.aio.files.list()]
            shown = await client.aio.files.get(name=name_of(made))
            await client.aio.files.delete(name=name_of(made))
        finally:
            client.close()
        return made, listed, shown


def test_the_asynchronous_client(lockers: Lockers) -> None:
    made, listed, shown = asyncio.run(keep(lockers.gateway.url))
    assert listed == [made.name] == [shown.name]
    assert made.size_bytes == len(SOUND[:200_000])
    assert lockers.west.things["files"] == {}


def test_pieces_need_no_key_and_go_to_the_account_that_has_the_upload(lockers: Lockers) -> None:
    for _ in range(2):  # the credentials' turns
        lockers.upload("one-key", EAST, SOUND)
    pieces = [one for one in lockers.upstreams[0].requests if "upload_id" in one.arguments]
    assert {one.headers["x-goog-api-key"] for one in pieces} == {"upstream-key"}
    assert {one.arguments["upload_id"] for one in pieces} == set(lockers.east.uploads)
    assert lockers.upstreams[1].requests == []


def test_a_file_in_a_chat_is_where_it_says(lockers: Lockers) -> None:
    made = lockers.upload("one-key", WEST, b"x")
    assert made.uri is not None
    contents = [types.Part.from_uri(file_uri=made.uri, mime_type="text/plain"), "what is it?"]
    answer = lockers.one.models.generate_content(model="west/m-1", contents=contents)
    assert answer.text == f"w: {made.uri}"


# --- Who gets it, and whose it is


def test_who_gets_a_new_file(lockers: Lockers) -> None:
    with pytest.raises(errors.ClientError, match="east, west"):
        lockers.upload("one-key", {}, b"x")
    with pytest.raises(errors.ClientError, match="'chats'"):
        lockers.upload("one-key", {"twoapi-upstream": "chats"}, b"x")
    made = lockers.upload("few-key", WEST, b"x")
    assert set(lockers.west.things["files"]) == {made.name}


def test_a_file_belongs_to_its_tenant(lockers: Lockers) -> None:
    mine, yours = lockers.upload("one-key", EAST, b"mine"), lockers.upload("two-key", EAST, b"yours")
    assert (names(lockers.one), names(lockers.two)) == ([mine.name], [yours.name])
    before = len(lockers.upstreams[0].requests)
    for ask in (lockers.two.files.get, lockers.two.files.delete):
        with pytest.raises(errors.ClientError, match="NOT_FOUND"):
            ask(name=name_of(mine))
    assert lockers.call("GET", f"/v1beta/{mine.name}:download?alt=media", key="two-key").status == 404
    assert len(lockers.upstreams[0].requests) == before
    assert set(lockers.east.things["files"]) == {mine.name, yours.name}


def test_lists_are_of_all_upstreams_in_pages(lockers: Lockers) -> None:
    made = [name_of(lockers.upload("one-key", where, b"x")) for where in (EAST, WEST, EAST, WEST, WEST)]
    newest = [made[number] for number in (4, 3, 1, 2, 0)]  # by the vendors' clocks
    assert names(lockers.one) == names(lockers.one, page_size=2) == newest
    first = lockers.call("GET", "/v1beta/files?pageSize=2").json()
    assert ([one["name"] for one in first["files"]], set(first)) == (newest[:2], {"files", "nextPageToken"})
    last = lockers.call("GET", f"/v1beta/files?pageSize=100&pageToken={newest[3]}").json()
    assert ([one["name"] for one in last["files"]], set(last)) == (newest[4:], {"files"})
    assert lockers.call("GET", "/v1beta/files?pageSize=5000").status == 200
    for query in ("pageSize=x", "pageToken=none"):
        answer = lockers.call("GET", f"/v1beta/files?{query}")
        assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_file_that_is_not_ready_is_asked_for_anew(lockers: Lockers) -> None:
    made = name_of(lockers.upload("one-key", WEST, b"x"))
    file = lockers.west.things["files"][made]
    file["state"] = "PROCESSING"
    assert lockers.one.files.get(name=made).state == types.FileState.PROCESSING
    file["state"] = "ACTIVE"
    assert [one.state for one in lockers.one.files.list()] == [types.FileState.ACTIVE]
    before = len(lockers.upstreams[1].requests)
    assert [one.state for one in lockers.one.files.list()] == [types.FileState.ACTIVE]
    assert len(lockers.upstreams[1].requests) == before


def test_a_file_that_failed_is_shown_as_it_is(lockers: Lockers) -> None:
    made = name_of(lockers.upload("one-key", WEST, b"x"))
    lockers.west.things["files"][made] |= {"state": "FAILED", "error": {"code": 3, "message": "no film"}}
    shown = lockers.one.files.get(name=made)
    assert (shown.state, shown.error and shown.error.message) == (types.FileState.FAILED, "no film")


def test_a_file_whose_time_is_over_is_not_listed(lockers: Lockers) -> None:
    ready, gone = (upload_that_ends(lockers, year) for year in (2999, 2020))
    assert names(lockers.one) == [ready]
    del lockers.west.things["files"][gone]
    answer = lockers.call("GET", f"/v1beta/{gone}")
    assert (answer.status, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")  # the vendor's own word
    assert "may not exist" in answer.json()["error"]["message"]


def upload_that_ends(lockers: Lockers, year: int) -> str:
    name = name_of(lockers.upload("one-key", WEST, b"x"))
    lockers.west.things["files"][name]["expirationTime"] = f"{year}-01-01T00:00:00.5Z"
    lockers.one.files.get(name=name)
    return name


# --- Cut off, and gone on with


def test_an_upload_that_is_cut_off_goes_on_where_it_was(lockers: Lockers) -> None:
    url = lockers.begin(3000)
    assert lockers.send(url, "upload", SOUND[:1000]).headers["x-goog-upload-status"] == "active"
    before = len(lockers.upstreams[1].requests)
    with lockers.gateway.connect() as client:
        said = b"x-goog-upload-command: upload, finalize\r\nx-goog-upload-offset: 1000\r\ncontent-length: 2000\r\n\r\n"
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\n%b%b" % (url.encode(), said, SOUND[1000:1500]))
        lockers.upstreams[1].wait(lambda fake: fake.open_connections > 0)
    lockers.gateway.wait(lambda: lockers.gateway.worker.running == 0)
    lockers.upstreams[1].wait(lambda fake: fake.open_connections == 0)
    assert len(lockers.upstreams[1].requests) == before  # none that is whole
    asked = lockers.send(url, "query")
    assert (asked.status, asked.body) == (200, b"")
    assert asked.headers["x-goog-upload-status"] == "active"
    received = int(asked.headers["x-goog-upload-size-received"])
    done = lockers.send(url, "upload, finalize", SOUND[received:3000], received)
    assert done.headers["x-goog-upload-status"] == "final"
    assert lockers.west.contents[done.json()["file"]["name"]] == SOUND[:3000]
    assert lockers.send(url, "query").headers["x-goog-upload-status"] == "final"
    assert names(lockers.one) == [done.json()["file"]["name"]]


def test_a_body_of_unknown_length(lockers: Lockers) -> None:
    url = lockers.begin(5)
    with lockers.gateway.connect() as client:
        said = (
            b"x-goog-upload-command: upload, finalize\r\nx-goog-upload-offset: 0\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        client.sendall(b"PUT %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%b" % (url.encode(), said))
        client.sendall(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"x-goog-upload-status: final" in answer
    assert list(lockers.west.contents.values()) == [b"abcde"]
    assert lockers.upstreams[1].requests[-1].method == "PUT"


def test_an_answer_that_is_lost(lockers: Lockers) -> None:
    url, upstream = lockers.begin(4), lockers.upstreams[1]

    def hear(request: Received) -> Reply:
        """It is there, and nobody is told."""
        lockers.west.answer(request)
        upstream.handler = lockers.west.answer
        return raw_reply(b"")

    upstream.handler = hear
    answer = lockers.send(url, "upload", b"ab")
    assert (answer.status, "x-goog-upload-status" in answer.headers) == (502, False)
    assert len([one for one in upstream.requests if one.headers.get("x-goog-upload-command") == "upload"]) == 1
    received = lockers.send(url, "query").headers["x-goog-upload-size-received"]
    assert lockers.send(url, "upload, finalize", b"cd", int(received)).status == 200
    assert list(lockers.west.contents.values()) == [b"abcd"]


def test_a_wrong_offset(lockers: Lockers) -> None:
    url = lockers.begin(10)
    answer = lockers.send(url, "upload", b"x", 5)
    assert (answer.status, answer.headers["x-goog-upload-status"]) == (400, "active")
    assert "offset" in answer.json()["error"]["message"]
    assert lockers.send(url, "query").headers["x-goog-upload-size-received"] == "0"


def test_an_upload_that_is_given_up(lockers: Lockers) -> None:
    url = lockers.begin(10)
    assert lockers.send(url, "cancel").headers["x-goog-upload-status"] == "cancelled"
    assert lockers.send(url, "upload, finalize", b"0123456789").status == 400
    assert names(lockers.one) == []


def test_an_upload_goes_on_in_another_process_and_after_a_restart(tmp_path: Path) -> None:
    store, east, west = tmp_path / "twoapi.db", GoogleKept("e"), GoogleKept("w")
    with running_lockers(store, east, west) as before, running_lockers(store, east, west) as beside:
        url = before.begin(6)
        assert beside.send(url, "upload", b"ab").status == 200
    with running_lockers(store, east, west) as after:
        done = after.send(url, "upload, finalize", b"cdef", 2)
        assert west.contents[done.json()["file"]["name"]] == b"abcdef"
        assert names(after.one) == [done.json()["file"]["name"]]
        assert names(after.two) == []


@pytest.mark.parametrize("place", [15, -30])
def test_urls_that_this_gateway_did_not_make(lockers: Lockers, place: int) -> None:
    path, _, upload_id = lockers.begin(10).replace("&upload_protocol=resumable", "").partition("upload_id=")
    changed = list(upload_id)
    changed[place] = "A" if changed[place] != "A" else "B"
    made_up = next(iter(lockers.west.uploads))
    for forged in ("".join(changed), made_up, "!", "%FF"):
        answer = lockers.send(f"{path}upload_id={forged}", "query")
        assert (answer.status, answer.headers["x-goog-upload-status"]) == (404, "final")
        assert answer.json()["error"]["status"] == "NOT_FOUND"
    assert all("upload_id" not in one.arguments for one in lockers.upstreams[1].requests)


def test_the_url_of_another_tenant(lockers: Lockers) -> None:
    url = lockers.begin(4)
    assert lockers.send(url, "upload", b"abcd", key="two-key").status == 404
    assert lockers.send(url, "upload", b"abcd", key="nobody").status == 401
    assert lockers.send(url, "upload, finalize", b"abcd", key="one-key").status == 200
    assert (len(names(lockers.one)), names(lockers.two)) == (1, [])


def test_a_tenant_that_is_gone(tmp_path: Path) -> None:
    store, west = tmp_path / "twoapi.db", GoogleKept("w")
    with running_lockers(store, west=west) as before:
        url = before.begin(4)
    with running_lockers(store, west=west, config=CONFIG.replace("{{key: one-key, name: one}}", "other")) as after:
        assert after.send(url, "upload", b"abcd").status == 404
    with running_lockers(
        store, west=west, config=CONFIG.replace("  west:", "  far:").replace("west/", "far/")
    ) as after:
        assert after.send(url, "upload", b"abcd").status == 404


def test_behind_a_proxy_the_url_leads_there(lockers: Lockers) -> None:
    proxied = {"x-forwarded-proto": "https", "x-forwarded-host": "llm.example.org"}
    answer = lockers.call("POST", "/gemini/upload/v1beta/files", headers={**start(1), **WEST, **proxied})
    url = answer.headers["x-goog-upload-url"]
    assert url.startswith("https://llm.example.org/gemini/upload/v1beta/files?upload_id=")
    assert VENDOR not in str(answer.headers)
    assert next(iter(lockers.west.uploads)) not in answer.headers["x-goog-upload-url"]


def test_a_page_in_a_browser(lockers: Lockers) -> None:
    url, page = lockers.begin(1), {"origin": "http://localhost:3000"}
    asks = {**page, "access-control-request-method": "PUT", "access-control-request-headers": "x-goog-upload-command"}
    for path in ("/upload/v1beta/files", url):
        asked = lockers.call("OPTIONS", path, key="", headers=asks)
        assert (asked.status, "PUT" in asked.headers["access-control-allow-methods"]) == (200, True)
    said = {**page, "x-goog-upload-command": "query"}
    answer = lockers.call("POST", url, key="", headers=said)
    assert answer.headers["access-control-expose-headers"] == "*"
    assert lockers.call("GET", url).status == 405


# --- Faults


def test_upstreams_errors_come_through(lockers: Lockers) -> None:
    lockers.upstreams[1].reply(error_reply("gemini", 400, "made up"))
    with pytest.raises(errors.ClientError, match=r"INVALID_ARGUMENT.*made up"):
        lockers.upload("one-key", WEST, b"x")
    lockers.upload("one-key", WEST, b"x", name="same")
    with pytest.raises(errors.ClientError, match="409"):
        lockers.upload("one-key", WEST, b"x", name="same")


def test_a_piece_is_sent_once(lockers: Lockers) -> None:
    url = lockers.begin(1)
    lockers.upstreams[1].requests.clear()
    lockers.upstreams[1].reply(error_reply("gemini", 503, "made up"))
    answer = lockers.send(url, "upload, finalize", b"x")
    assert (answer.status, "x-goog-upload-status" in answer.headers) == (503, False)
    assert len(lockers.upstreams[1].requests) == 1
    assert lockers.send(url, "upload, finalize", b"x").status == 200  # as the SDK does when no status is told


def test_a_wrong_credential_is_not_told(lockers: Lockers) -> None:
    url = lockers.begin(1)
    lockers.upstreams[1].reply(error_reply("gemini", 401, "upstream-key is wrong"))
    answer = lockers.send(url, "upload, finalize", b"x")
    assert (answer.status, b"upstream-key" in answer.body) == (502, False)


@pytest.mark.parametrize("url", [None, "", "https://x.test", "https://x.test/a b"])
def test_an_upstream_that_does_not_say_where(lockers: Lockers, url: str | None) -> None:
    headers = {} if url is None else {"x-goog-upload-url": url}
    lockers.upstreams[1].reply(json_reply({}, headers=headers))
    with pytest.raises(errors.ServerError, match="did not say where"):
        lockers.upload("one-key", WEST, b"x")


def test_a_piece_that_is_too_large(lockers: Lockers) -> None:
    url = lockers.begin(10)
    with lockers.gateway.connect() as client:
        length = 32 * 2**20 + 1
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (url.encode(), length))
        answer = read_answer(client)
    assert (answer.status, answer.json()["error"]["code"]) == (413, 413)
    with lockers.gateway.connect() as client:
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" % url.encode())
        for _ in range(33):
            client.sendall(b"%x\r\n%b\r\n" % (len(SOUND), SOUND))
        answer = read_answer(client)
    assert (answer.status, answer.headers["x-goog-upload-status"]) == (413, "final")
    assert lockers.send(url, "query").headers["x-goog-upload-size-received"] == "0"


def test_a_client_that_stops_sending(lockers: Lockers) -> None:
    url = lockers.begin(10)
    with lockers.gateway.connect() as client:
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc" % url.encode())
        assert read_answer(client).status == 408
    assert lockers.send(url, "query").headers["x-goog-upload-size-received"] == "0"


def test_a_name_that_two_upstreams_have(lockers: Lockers) -> None:
    for where in (EAST, WEST):
        lockers.upload("one-key", where, b"x", name="same")
    with pytest.raises(errors.ClientError, match="several upstreams"):
        lockers.one.files.get(name="files/same")
    there = lockers.client("one-key", EAST)
    there.files.delete(name="files/same")
    there.close()
    assert lockers.one.files.get(name="files/same").name == "files/same"
    assert (set(lockers.east.things["files"]), set(lockers.west.things["files"])) == (set(), {"files/same"})


def test_refusals(lockers: Lockers) -> None:
    assert lockers.call("POST", "/upload/v1beta/files", key="nobody", headers=start(1)).status == 401
    assert lockers.call("POST", "/upload/v1beta/files", key="", headers=start(1)).status == 401
    raw = {**start(1), "x-goog-upload-protocol": "raw"}
    assert lockers.call("POST", "/upload/v1beta/files", b"x", headers=raw).status == 400
    answer = lockers.call("POST", "/upload/v1beta/files", headers={**start(33 * 2**20), **WEST})
    assert (answer.status, "limits.upload" in answer.json()["error"]["message"]) == (413, True)
    assert lockers.call("GET", "/upload/v1beta/files").status == 405
    assert lockers.call("POST", "/v1beta/files").status == 405
    for path in ("/upload/v1beta/files/x", "/upload/v2/files", "/v1beta/files/a/b", "/download/v1beta/files/x"):
        answer = lockers.call("GET", path)
        assert (answer.status, answer.json()["error"]["status"]) == (404, "NOT_FOUND"), path
    assert lockers.upstreams[1].requests == []


def test_records(lockers: Lockers) -> None:
    lockers.upload("one-key", WEST, SOUND)
    lockers.gateway.wait(lambda: len(lockers.gateway.collected.records) == 2)
    begun, piece = lockers.gateway.collected.records
    assert [(one.operation, one.outcome, one.upstream, one.key) for one in (begun, piece)] == [
        ("files", "ok", "west", "one")
    ] * 2
    assert (begun.received, piece.received) == (0, len(SOUND))
