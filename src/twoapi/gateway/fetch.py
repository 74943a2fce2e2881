"""Files that a client gives by URL, fetched for upstreams that fetch none: guarded, bounded, with nothing of anyone's.

A name is resolved once, each of its addresses is checked, and the connection is to one of them. So is every redirect.
"""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from urllib.parse import urljoin

import msgspec

from twoapi.ir import Fault, FaultError, Request
from twoapi.policy.fetching import Guard, NotFetchedError, Place, judged
from twoapi.policy.route import Candidate
from twoapi.protocols.relaying import Reason
from twoapi.protocols.url_media import File, Inlining, Wanted
from twoapi.transport.connection import Limits
from twoapi.transport.dial import Address, Resolver, resolve
from twoapi.transport.endpoint import Endpoint, request_head
from twoapi.transport.errors import TransportError
from twoapi.transport.pool import Pool
from twoapi.wire.http import Incoming

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_REDIRECTS = 3
_HEAD_LIMIT = 32 * 1024  # bytes of a head
_AT_ONCE = 256 * 1024  # bytes up to which a file is encoded between two turns of the loop
_WEB = b'"http'  # how a URL begins in JSON
_SHARE = 4
_HEADERS = ((b"accept", b"*/*"), (b"user-agent", b"twoapi"))
_NOT_FOUND = "its host is not found, or is not one that files are fetched from"
_WORDS = {
    "dns": _NOT_FOUND,
    "refused": "its server cannot be reached",
    "timeout": "its server cannot be reached in time",
    "tls": "its server's certificate is not accepted",
    "closed": "its server broke off",
    "protocol": "its server does not speak HTTP",
}


class Fetcher:
    """The fetches of one worker. `resolver` and `ssl_context` replace the system's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = loop
        self._resolver = resolver
        self._ssl = ssl_context
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(1)
        self._most = 1

    def start(self, files: "Files", wanted: Sequence[Wanted], resume: Callable[[], None]) -> asyncio.Task[None]:
        """Fetches what is wanted into `files`; `resume` is called when that is over, unless it is cancelled."""
        most = files.guard.settings.concurrency
        if most != self._most:  # another configuration is in force; what is running keeps the old one's
            self._slots, self._most = asyncio.Semaphore(most), most
        task = self._loop.create_task(files.fetch(wanted, resume))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Ends all that is running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def get(self, guard: Guard, wanted: Wanted, budget: "Budget") -> File:
        """One file, through all its redirects; raises NotFetchedError."""
        async with self._slots:
            place = guard.place(wanted.url)
            for _ in range(_MOST_REDIRECTS + 1):
                answer = await self._ask(guard, place, budget)
                if answer.status in _REDIRECTS:
                    place = guard.place(_location(place, answer))
                elif answer.status == 200:
                    return await self._made(answer, wanted, place)
                else:
                    raise NotFetchedError(f"its server answers {answer.status}")
            raise NotFetchedError(f"it is redirected more than {_MOST_REDIRECTS} times")

    async def _ask(self, guard: Guard, place: Place, budget: "Budget") -> "_Reading":
        async def checked(loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> list[Address]:
            return await self._checked(loop, endpoint, guard)

        endpoint = Endpoint(place.scheme, place.host, place.port, "", place.host)
        head = request_head(endpoint, "GET", place.path, _HEADERS)
        limit = guard.settings.size
        pool = Pool(
            endpoint,
            loop=self._loop,
            ssl_context=self._ssl,
            max_idle=0,
            limits=Limits(_HEAD_LIMIT, limit),
            resolver=checked,
        )
        reading = _Reading(self._loop, limit, budget)
        call = pool.send(head, b"", reading)
        try:
            await reading.done
        finally:
            call.cancel()
            await pool.close()
        return reading

    async def _checked(self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint, guard: Guard) -> list[Address]:
        """The addresses of a host, when files may be fetched from all of them; raises OSError."""
        found = await self._resolver(loop, endpoint)
        if not found or not all(guard.permits(address[0]) for _, address in found):
            raise socket.gaierror(socket.EAI_NONAME, _NOT_FOUND)
        return found

    async def _made(self, answer: "_Reading", wanted: Wanted, place: Place) -> File:
        told = dict(answer.headers).get(b"content-type", b"").decode("latin-1")
        arguments = (b"".join(answer.pieces), wanted, told, place.path)
        answer.pieces.clear()
        if answer.size <= _AT_ONCE:
            return _file(*arguments)
        return await self._loop.run_in_executor(None, _file, *arguments)


class Budget(msgspec.Struct):
    """How many bytes one request may still fetch."""

    left: int


class Files:
    """What has been fetched for one exchange, by URL: each is fetched once, for whichever candidate."""

    __slots__ = ("_budget", "_fetcher", "_refused", "_share", "_task", "_unexpected", "found", "guard")

    def __init__(self, fetcher: Fetcher, guard: Guard) -> None:
        self.guard = guard
        self.found: dict[str, File] = {}
        self._fetcher = fetcher
        self._budget = Budget(guard.settings.total)
        self._share = asyncio.Semaphore(max(1, guard.settings.concurrency // _SHARE))  # one request is not to take all
        self._refused: dict[str, str] = {}
        self._unexpected: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def ready(self, wanted: Sequence[Wanted], resume: Callable[[], None]) -> bool:
        """True when all that is wanted is in `found`; else it is fetched, and `resume` called then. Raises FaultError
        for what cannot be had, or must not.
        """
        if self._unexpected is not None:
            raise self._unexpected
        missing: dict[str, Wanted] = {}
        for one in wanted:
            if one.url in self._refused:
                raise FaultError(refusal(self._refused[one.url], one.path))
            if one.url not in self.found:
                missing.setdefault(one.url, one)
        if not missing:
            return True
        check(self.guard, wanted)
        self._task = self._fetcher.start(self, tuple(missing.values()), resume)
        return False

    def cancel(self) -> None:
        """Stops what is being fetched."""
        if self._task is not None:
            self._task.cancel()

    async def fetch(self, wanted: Sequence[Wanted], resume: Callable[[], None]) -> None:
        """Fetches these, then calls `resume`; the first that cannot be had ends the others."""
        loop = asyncio.get_running_loop()
        limit = self.guard.settings.timeout
        tasks = {loop.create_task(self._one(one)): one.url for one in wanted}
        try:
            await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            late = [url for task, url in tasks.items() if not task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task, url in tasks.items():
            error = None if task.cancelled() else task.exception()
            if isinstance(error, NotFetchedError):
                self._refused[url] = str(error)
            elif error is not None:
                self._unexpected = error
            elif not task.cancelled():
                self.found[url] = task.result()
        if late and not (self._refused or self._unexpected):
            self._refused |= dict.fromkeys(late, f"it does not come within {limit:g} s")
        resume()

    async def _one(self, wanted: Wanted) -> File:
        async with self._share:
            return await self._fetcher.get(self.guard, wanted, self._budget)


def check(guard: Guard, wanted: Sequence[Wanted]) -> None:
    """Raises FaultError for what will not be fetched, as far as that can be told without asking anyone."""
    most = guard.settings.count
    if len({one.url for one in wanted}) > most:
        raise FaultError(refusal(f"a request may have at most {most} files by URL for this target", wanted[most].path))
    for one in wanted:
        try:
            guard.place(one.url)
        except NotFetchedError as error:
            raise FaultError(refusal(str(error), one.path)) from None


def why_inlined(candidate: Candidate, incoming: Incoming, decoded: Callable[[], Request]) -> Reason | None:
    """Where the client's own protocol is spoken, but no URL is taken: "files" when the request has some. Without leave
    to fetch them the upstream says itself what it thinks of them.
    """
    if _WEB not in incoming.body:
        return None
    try:
        wanted = Inlining(candidate.protocol, candidate.capabilities, native=True).wanted(decoded())
    except FaultError:
        return None  # its upstream may understand it
    return "files" if wanted else None


def refusal(why: str, path: str) -> Fault:
    """What a client is told of a file that is not fetched."""
    message = f"the target fetches no files, and the gateway cannot fetch this one: {why}"
    return Fault("invalid_request", message, code="media_by_url", param=path or None)


def _file(data: bytes, wanted: Wanted, told: str, path: str) -> File:
    part = wanted.part
    mime = judged(data, part.kind, part.mime, told, path)
    return File(b64encode(data).decode(), mime)


def _location(place: Place, answer: "_Reading") -> str:
    where = dict(answer.headers).get(b"location", b"")
    try:
        return urljoin(place.url, where.decode()) if where else ""
    except ValueError:  # no UTF-8, or no URL
        raise NotFetchedError("it is redirected to what is no URL") from None


class _Reading:
    """Hears one answer, and no more of it than may be kept."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, budget: Budget) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.size = 0
        self._limit = limit
        self._budget = budget

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, headers
        length = dict(headers).get(b"content-length", b"")
        if status != 200:
            self._end(None)  # what it says is not looked at
        elif length.isdigit() and int(length[:20]) > self._limit:
            self._end(self._too_large())

    def on_data(self, data: bytes) -> None:
        if self.done.done():
            return
        self.size += len(data)
        self._budget.left -= len(data)
        if self.size > self._limit:
            self._end(self._too_large())
        elif self._budget.left < 0:
            self._end(NotFetchedError("the files of this request are larger together than the gateway fetches"))
        else:
            self.pieces.append(data)

    def on_end(self) -> None:
        self._end(None)

    def on_failure(self, error: TransportError) -> None:
        self._end(self._too_large() if error.kind == "too_large" else NotFetchedError(_WORDS[error.kind]))

    def _too_large(self) -> NotFetchedError:
        return NotFetchedError(f"it is larger than {self._limit} bytes")

    def _end(self, error: NotFetchedError | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.pieces.clear()
            self.done.set_exception(error)
