"""Fetching from hostile servers: sockets, a resolver that lies, and nothing that is waited for without an end."""

import asyncio
import gzip
import socket
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from tests.media.site import PDF, PNG, b64
from tests.transport.scripted import NewLoop, Upstream, each_loop, read_request, run, until_closed
from tests.transport.test_tls import server_context, trusting

from twoapi.config import parse
from twoapi.gateway.fetch import Fetcher, Files
from twoapi.ir import FaultError, Media, Url
from twoapi.policy.fetching import Guard
from twoapi.protocols.url_media import Wanted
from twoapi.transport.dial import Address
from twoapi.transport.endpoint import Endpoint

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n"
LOCAL = ("127.0.0.1",)


class Names:
    """A resolver that knows these names; each time one is asked for, the next of its answers holds."""

    def __init__(self, **known: Sequence[Sequence[str]]) -> None:
        self.known = {name.replace("_", "."): list(answers) for name, answers in known.items()}
        self.asked: list[str] = []

    async def __call__(self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> list[Address]:
        self.asked.append(endpoint.host)
        answers = self.known.get(endpoint.host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, (one, endpoint.port)) for one in found]


def guard(**more: Any) -> Guard:
    said = {"fetch": True, "private": True, "schemes": ["http"], "hosts": ["*:*"], **more}
    return Guard(parse(f"media: {msgspec.json.encode(said).decode()}", "twoapi.yaml", {}).media)


def wanted(*urls: str, kind: Any = "image") -> list[Wanted]:
    return [
        Wanted(f"/messages/0/content/{index}", Media(kind=kind, source=Url(url)), url) for index, url in enumerate(urls)
    ]


async def fetched(fetcher: Fetcher, rules: Guard, *urls: str, files: Files | None = None) -> Mapping[str, str]:
    """The data of these, as an exchange would get them; raises FaultError."""
    files = files or Files(fetcher, rules)
    over = asyncio.Event()
    if not files.ready(wanted(*urls), over.set):
        await over.wait()
        assert files.ready(wanted(*urls), over.set)
    return {url: file.data for url, file in files.found.items()}


async def refused(fetcher: Fetcher, rules: Guard, *urls: str) -> str:
    with pytest.raises(FaultError) as caught:
        await fetched(fetcher, rules, *urls)
    fault = caught.value.fault
    assert (fault.kind, fault.whose, fault.http_status) == ("invalid_request", "client", 400)
    assert fault.param is not None
    assert fault.param.startswith("/messages/0/content/")
    assert "127.0.0.1:" not in fault.message
    return fault.message


def here(resolver: Names | None = None) -> Fetcher:
    loop = asyncio.get_running_loop()
    return Fetcher(loop) if resolver is None else Fetcher(loop, resolver)


def says(*pieces: bytes) -> Any:
    """A server that says this, whoever asks."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in pieces:
            writer.write(piece)
        await writer.drain()

    return script


@each_loop
def test_a_name_is_resolved_once_and_its_address_connected_to(loop: NewLoop) -> None:
    """A resolver that answers otherwise the second time is not asked a second time."""

    async def main() -> None:
        heads: list[bytes] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append((await read_request(reader))[0])
            writer.write(HEAD % len(PNG) + PNG)

        names = Names(cats_example=[LOCAL, ("169.254.169.254",)])
        async with Upstream(script) as server:
            url = f"http://cats.example:{server.port}/cat.png?size=1#top"
            assert await fetched(here(names), guard(), url) == {url: b64(PNG)}
        assert names.asked == ["cats.example"]
        [head] = heads
        assert head.split(b"\r\n")[:2] == [b"GET /cat.png?size=1 HTTP/1.1", b"host: cats.example:%d" % server.port]
        fields = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:] if line}
        assert fields == {b"host", b"accept-encoding", b"accept", b"user-agent"}

    run(main(), loop)


@each_loop
@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("93.184.216.34", "127.0.0.1"),
        ("10.0.0.1", "93.184.216.34"),
        ("::ffff:127.0.0.1",),
        ("::1",),
        ("169.254.169.254",),
        ("fe80::1%1",),
        (),
    ],
    ids=str,
)
def test_a_name_that_leads_here_is_not_connected_to(loop: NewLoop, addresses: tuple[str, ...]) -> None:
    async def main() -> None:
        async with Upstream(says(HEAD % len(PNG) + PNG)) as server:
            fetcher = here(Names(cats_example=[addresses]))
            told = await refused(fetcher, guard(private=False), f"http://cats.example:{server.port}/cat.png")
            assert server.connections == 0
            # nobody can tell whether there is such a name
            assert told == await refused(fetcher, guard(private=False), f"http://dogs.example:{server.port}/cat.png")

    run(main(), loop)


@each_loop
def test_with_leave_for_private_networks_no_secrets_of_a_cloud_are_asked_for(loop: NewLoop) -> None:
    async def main() -> None:
        fetcher = here(Names(cats_example=[("169.254.169.254",)]))
        assert "host is not found" in await refused(fetcher, guard(), "http://cats.example/cat.png")
        assert "this address" in await refused(fetcher, guard(), "http://169.254.169.254/latest/meta-data/")

    run(main(), loop)


@each_loop
@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://127.0.0.1:{port}/", "this address"),
        ("http://inside.example:{port}/", "host is not found"),
        ("//169.254.169.254/latest/", "this address"),
        ("http://user@cats.example:{port}/", "user name"),
        ("https://cats.example/", "by http only"),
        ("http://elsewhere.example:{port}/", "host and port"),
        ("file:///etc/passwd", "not a URL"),
        ("http://[/", "no URL"),
        ("\\\\127.0.0.1\\", "not a URL"),
        ("", "not a URL"),
        ("/again", "redirected more than 3 times"),
    ],
)
def test_redirects_are_checked_like_the_first_url(loop: NewLoop, location: str, why: str) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            where = location.replace("{port}", str(server.port))
            writer.write(f"HTTP/1.1 302 Found\r\nlocation: {where}\r\ncontent-length: 4\r\n\r\nmove".encode())

        async with Upstream(script) as server:
            names = Names(cats_example=[LOCAL], inside_example=[["10.0.0.1"]])
            rules = guard(hosts=["cats.example:*", "inside.example:*", "127.0.0.1:*", "169.254.169.254"])
            public = _Loopback(rules)
            assert why in await refused(here(names), public, f"http://cats.example:{server.port}/")
            assert server.connections == (4 if location == "/again" else 1)

    run(main(), loop)


class _Loopback(Guard):
    """As if the loopback address were a public one when a name leads there, and only then."""

    def __init__(self, like: Guard) -> None:
        super().__init__(msgspec.structs.replace(like.settings, private=False))

    def permits(self, address: str) -> bool:
        return address == "127.0.0.1" if self._asked_by_name else super().permits(address)

    _asked_by_name = True

    def place(self, url: str) -> Any:
        self._asked_by_name = False
        try:
            return super().place(url)
        finally:
            self._asked_by_name = True


@each_loop
def test_a_certificate_must_be_that_of_the_name(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(says(HEAD % len(PNG) + PNG), ssl=server_context()) as server:
            names = Names(upstream_test=[LOCAL], cats_example=[LOCAL])
            rules = guard(schemes=["https"])
            url = f"https://upstream.test:{server.port}/cat.png"
            trusted = Fetcher(asyncio.get_running_loop(), names, trusting())
            assert await fetched(trusted, rules, url) == {url: b64(PNG)}
            elsewhere = f"https://cats.example:{server.port}/cat.png"
            for fetcher, asked in ((trusted, elsewhere), (here(names), url)):
                assert "certificate is not accepted" in await refused(fetcher, rules, asked)

    run(main(), loop)


@each_loop
def test_redirects_are_followed(loop: NewLoop) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await read_request(reader))[0].split(b" ")[1]
            if path == b"/c/cat.png":
                writer.write(HEAD % len(PNG) + PNG)
            else:
                where = {b"/a": b"b", b"/b": b"/c/x", b"/c/x": b"cat.png"}[path]
                writer.write(b"HTTP/1.1 307 x\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % where)

        async with Upstream(script) as server:
            url = f"http://127.0.0.1:{server.port}/a"
            assert await fetched(here(), guard(), url) == {url: b64(PNG)}

    run(main(), loop)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        await writer.drain()


async def endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not writer.is_closing():
        number += 1
        writer.write(b"x-%d: %b\r\n" % (number, b"a" * 1000))
        await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await until_closed(reader)


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte whenever the other side may have taken the last one, and never the end."""
    await read_request(reader)
    writer.write(HEAD % 90_000)
    closed = asyncio.ensure_future(until_closed(reader))
    while not closed.done():
        writer.write(b"\x89")
        await asyncio.wait([closed], timeout=0.01)


BOMB = gzip.compress(bytes(50 * 2**20))
ZIPPED = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"


@each_loop
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (endless, "larger than 100000 bytes"),
        (endless_head, "larger than 100000 bytes"),
        (says(HEAD % 100_001), "larger than 100000 bytes"),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n" % (b"9" * 60)), ""),
        (says(ZIPPED % len(BOMB) + BOMB), "larger than 100000 bytes"),
        (silent, "does not come within 0.2 s"),
        (dripping, "does not come within 0.2 s"),
        (says(HEAD % 500 + PNG), "broke off"),
        (says(b"SSH-2.0-OpenSSH_9.9\r\n"), "does not speak HTTP"),
        (says(b""), "broke off"),
        (says(HEAD % 6 + b"<html>"), "it is text/html, and no image"),
        (says(HEAD % 4 + bytes(4)), "of no type"),
        (says(HEAD % 0), "empty"),
        (says(b"HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"), "answers 401"),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "answers 204"),
        (says(b"HTTP/1.1 206 Part\r\ncontent-length: 1\r\n\r\na"), "answers 206"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_servers_that_mean_no_good(loop: NewLoop, script: Any, why: str) -> None:
    async def main() -> None:
        async with Upstream(script) as server:
            rules = guard(size=100_000, timeout="200ms" if script in (silent, dripping) else "20s")
            fetcher = here()
            assert why in await refused(fetcher, rules, f"http://127.0.0.1:{server.port}/a")
            assert server.connections == 1

    run(main(), loop)


@each_loop
@pytest.mark.parametrize("script", [endless, says(ZIPPED % len(BOMB) + BOMB)], ids=["endless", "bomb"])
def test_no_more_is_held_than_may_be_kept(loop: NewLoop, script: Any) -> None:
    async def main() -> None:
        async with Upstream(script) as server:
            fetcher, rules = here(), guard(size=2**20)
            tracemalloc.start()
            try:
                await refused(fetcher, rules, f"http://127.0.0.1:{server.port}/a")
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 6 * 2**20

    run(main(), loop)


@each_loop
def test_a_server_that_is_not_there(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(silent) as server:
            port = server.port
        assert "cannot be reached" in await refused(here(), guard(), f"http://127.0.0.1:{port}/a")

    run(main(), loop)


@each_loop
def test_the_files_of_a_request_are_bounded_together(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(says(HEAD % len(PNG) + PNG)) as server:
            urls = [f"http://127.0.0.1:{server.port}/{number}" for number in range(4)]
            rules = guard(total=4 * len(PNG), count=4)
            assert len(await fetched(here(), rules, *urls)) == 4
            assert "together" in await refused(here(), guard(total=4 * len(PNG) - 1), *urls)
            before = server.connections
            assert "at most 3 files" in await refused(here(), guard(count=3), *urls)
            assert server.connections == before

    run(main(), loop)


@each_loop
def test_only_so_many_are_fetched_at_once_and_one_request_does_not_take_all(loop: NewLoop) -> None:
    async def main() -> None:
        gate, news, open_now, most = asyncio.Event(), asyncio.Condition(), 0, 0

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal open_now, most
            await read_request(reader)
            async with news:
                open_now += 1
                most = max(most, open_now)
                news.notify_all()
            await gate.wait()
            open_now -= 1
            writer.write(HEAD % len(PNG) + PNG)

        async with Upstream(script) as server:
            rules, fetcher = guard(concurrency=8), here()
            urls = [[f"http://127.0.0.1:{server.port}/{one}/{two}" for two in range(5)] for one in range(6)]
            first = asyncio.ensure_future(fetched(fetcher, rules, *urls[0]))
            async with news:
                await news.wait_for(lambda: open_now == 2)
            rest = [asyncio.ensure_future(fetched(fetcher, rules, *some)) for some in urls[1:]]
            async with news:
                await news.wait_for(lambda: open_now == 8)
            gate.set()
            assert [len(found) for found in await asyncio.gather(first, *rest)] == [5] * 6
            assert most == 8

    run(main(), loop)


@each_loop
def test_one_that_cannot_be_had_ends_the_others(loop: NewLoop) -> None:
    async def main() -> None:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head, _ = await read_request(reader)
            if b"/none" in head:
                writer.write(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")
            else:
                await until_closed(reader)

        async with Upstream(script) as server:
            base = f"http://127.0.0.1:{server.port}"
            told = await refused(here(), guard(timeout="20s"), f"{base}/slow", f"{base}/none", f"{base}/slow2")
            assert "answers 404" in told

    run(main(), loop)


@each_loop
def test_whoever_leaves_or_stops_leaves_nothing_behind(loop: NewLoop) -> None:
    async def main() -> None:
        closed = asyncio.Semaphore(0)
        came = asyncio.Semaphore(0)

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            came.release()
            assert await until_closed(reader)
            closed.release()

        async with Upstream(script) as server:
            fetcher, rules = here(), guard()
            for leave in ("cancel", "close"):
                files, called = Files(fetcher, rules), asyncio.Event()
                assert not files.ready(wanted(f"http://127.0.0.1:{server.port}/a"), called.set)
                await came.acquire()
                if leave == "cancel":
                    files.cancel()
                else:
                    await fetcher.close()
                await closed.acquire()
                assert not called.is_set()

    run(main(), loop)


@each_loop
def test_a_large_file_is_whole_and_leaves_the_loop_free(loop: NewLoop) -> None:
    async def main() -> None:
        data = PDF + bytes(range(256)) * 8192
        async with Upstream(says(HEAD % len(data), data)) as server:
            files, over = Files(here(), guard()), asyncio.Event()
            part = wanted(f"http://127.0.0.1:{server.port}/a.pdf", kind="file")
            assert not files.ready(part, over.set)
            await over.wait()
            assert files.ready(part, over.set)
            [file] = files.found.values()
            assert (file.data, file.mime) == (b64(data), "application/pdf")

    run(main(), loop)
