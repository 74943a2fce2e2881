"""Tokens at hand: each asked for once however many wait for it, and again before it ends."""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from twoapi.providers.tokens.exchanges import EXCHANGES
from twoapi.providers.tokens.source import Ask, RefusedError, Source, Token
from twoapi.transport.chains import Chain, open_chain
from twoapi.transport.connection import Limits
from twoapi.transport.dial import tls_context
from twoapi.transport.endpoint import Endpoint, request_head
from twoapi.transport.errors import TransportError
from twoapi.transport.pool import Pool
from twoapi.transport.proxied import ProxiedPool
from twoapi.transport.whole import Whole, whole_answer

T = TypeVar("T")

_log = logging.getLogger("twoapi.tokens")
_PATIENCE = 30.0  # seconds for one token
_EARLY = 60.0  # seconds before its end in which a token is renewed, at least; or this share of its lifetime
_EARLY_SHARE = 0.1
_JITTER = 0.2  # by which share of that workers differ, as they would all ask at once
_YOUNG = 30.0  # seconds: a token that is refused so soon is not too old
_REMEMBERED = 300.0  # seconds for which it is known that a credential is refused
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds until one is tried again that could not be had
_UNUSED = 3600.0  # seconds after which a token that nobody wants is let go
_LIMITS = Limits(body=1 << 20)
_FILE = "_file"  # what the names of parts that are files end in


class _Held:
    """What is known of one source. The times are the clock's."""

    __slots__ = (
        "chain",
        "ends",
        "failure",
        "failures",
        "got",
        "renew_at",
        "retry_at",
        "task",
        "token",
        "used",
        "waiting",
    )

    def __init__(self) -> None:
        self.token: Token | None = None
        self.got = 0.0
        self.renew_at = 0.0
        self.ends = 0.0
        self.failure: RefusedError | None = None
        self.failures = 0
        self.retry_at = 0.0
        self.used = 0.0
        self.task: asyncio.Task[None] | None = None
        self.waiting: list[Callable[[], None]] = []
        self.chain: Chain | None = None


class Tokens:
    """The tokens of one worker. Belongs to one event loop; what blocks runs in a thread.

    `clock` tells seconds that only grow, `now` seconds since the epoch.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        clock: Callable[[], float] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._loop = loop
        self._clock = clock or loop.time
        self._now = now
        self._held: dict[Source, _Held] = {}
        self._threads: ThreadPoolExecutor | None = None

    def get(self, source: Source, resume: Callable[[], None]) -> Token | None:
        """The token at hand; None while it is asked for: `resume` is called once when it is worth asking again.

        Raises RefusedError when there is none, and will not be for now.
        """
        held = self._held.get(source)
        if held is None:
            held = self._held[source] = _Held()
        now = held.used = self._clock()
        token = held.token
        if token is not None and now < held.ends:
            if now >= held.renew_at and now >= held.retry_at:
                self._ask(source, held)
            return token
        if held.failure is not None and now < held.retry_at and held.task is None:
            raise held.failure
        self._ask(source, held)
        held.waiting.append(resume)
        return None

    def renew(self, source: Source, begun: float, sent: float) -> bool:
        """True when a request may be sent once more with this credential, as what it was sent with was refused.

        `begun`: when its exchange began; `sent`: when it was sent, both by the clock. What has been given since then
        may be accepted; what is refused though it is new was no question of age.
        """
        held = self._held.get(source)
        if held is None or held.token is None or held.got > sent:
            return True
        if held.got > begun or self._clock() - held.got < _YOUNG:
            return False
        held.token = None
        return True

    def forgive(self) -> None:
        """Forgets what was refused: somebody may have mended it."""
        for held in self._held.values():
            held.failure = None
            held.failures = 0
            held.retry_at = 0.0

    def sweep(self) -> None:
        """Lets go of what nobody has wanted for long."""
        now = self._clock()
        unused = [source for source, held in self._held.items() if now - held.used > _UNUSED and held.task is None]
        for source in unused:
            del self._held[source]

    async def close(self) -> None:
        """Ends what is under way; nobody is called any more."""
        tasks = [held.task for held in self._held.values() if held.task is not None]
        self._held.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    # --- asking

    def _ask(self, source: Source, held: _Held) -> None:
        if held.task is None:
            held.task = self._loop.create_task(self._renew(source, held))

    async def _renew(self, source: Source, held: _Held) -> None:
        asked = self._clock()
        try:
            async with asyncio.timeout(_PATIENCE):
                token = await self._fetch(source, held)
        except RefusedError as error:
            self._note(source, held, error)
        except TransportError as error:
            self._note(source, held, RefusedError(f"the token server cannot be reached: {error.message}"))
        except TimeoutError:
            self._note(source, held, RefusedError(f"no token was given within {_PATIENCE:g} seconds"))
        except Exception as error:  # noqa: BLE001  those that wait must be told; its words may hold a part
            self._note(source, held, RefusedError(f"asking for a token failed ({type(error).__name__})"))
        else:
            wrong = _wrong(token)
            if wrong:
                self._note(source, held, RefusedError(wrong))
            else:
                self._keep(held, token, asked)
        finally:
            held.task = None
        waiting, held.waiting = held.waiting, []
        for resume in waiting:
            resume()

    def _keep(self, held: _Held, token: Token, asked: float) -> None:
        early = max(_EARLY, token.lifetime * _EARLY_SHARE) * (1 + _JITTER * random.random())  # noqa: S311  no secret
        held.token = token
        held.got = self._clock()
        held.ends = asked + token.lifetime * 0.98
        held.renew_at = asked + max(token.lifetime - early, token.lifetime / 2)
        held.failure = None
        held.failures = 0
        held.retry_at = 0.0

    def _note(self, source: Source, held: _Held, error: RefusedError) -> None:
        pause = _REMEMBERED if error.lasting else _PAUSES[min(held.failures, len(_PAUSES) - 1)]
        held.failure = error
        held.failures += 1
        held.retry_at = self._clock() + pause
        _log.warning("%s: %s", source.label or source.kind, error.message)

    async def _fetch(self, source: Source, held: _Held) -> Token:
        exchange = EXCHANGES.get(source.kind)
        if exchange is not None:
            now = int(self._now())
            ask = await self._in_thread(lambda: exchange.ask(_read(source.parts), now))
            answer = await self._send(ask, source)
            return exchange.read(answer.status, answer.body, int(self._now()))
        anew = held.token is None and held.got > 0
        if held.chain is None:
            held.chain = await self._in_thread(lambda: open_chain(source.kind, source.parts))
        chain = held.chain
        return await self._in_thread(lambda: chain.token(anew=anew))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(8, "twoapi-tokens")
        return await self._loop.run_in_executor(self._threads, work)

    async def _send(self, ask: Ask, source: Source) -> Whole:
        place = urlsplit(ask.url)
        endpoint = Endpoint.parse(f"{place.scheme}://{place.netloc}")
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        head = request_head(endpoint, ask.method, path, ask.headers, len(ask.body) if ask.method == "POST" else None)
        pool = self._pool(endpoint, source)
        try:
            return await whole_answer(pool, head, ask.body)
        finally:
            await pool.close()

    def _pool(self, endpoint: Endpoint, source: Source) -> Pool | ProxiedPool:
        context: ssl.SSLContext | None = tls_context(source.ca) if endpoint.scheme == "https" else None
        if source.proxy is not None:
            return ProxiedPool(endpoint, loop=self._loop, proxy=source.proxy, ssl_context=context, limits=_LIMITS)
        return Pool(endpoint, loop=self._loop, ssl_context=context, limits=_LIMITS)


def _wrong(token: Token) -> str:
    """Why a token cannot be used; "" when it can."""
    if token.lifetime <= 0:
        return "the token has ended already: is this machine's clock right?"
    if not all(value.isascii() and value.isprintable() for value in token.parts.values()):
        return "the token that was given has characters that cannot be sent"
    return ""


def _read(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts, with the content of those that are files under the name without the ending; raises RefusedError."""
    read = {}
    for name, value in parts.items():
        if not name.endswith(_FILE):
            read[name] = value
            continue
        try:
            read[name.removesuffix(_FILE)] = Path(value).read_text("utf-8")
        except OSError as error:
            raise RefusedError(f"the {name} {value} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise RefusedError(f"the {name} {value} is not UTF-8 text") from None
    return read
