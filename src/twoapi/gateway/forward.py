"""A question about what an upstream itself keeps, passed on as it is. Off the path of requests, so it may wait."""

import asyncio
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.retry import answer_to_client
from twoapi.policy.route import Candidate
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.transport.endpoint import Endpoint, open_head
from twoapi.transport.errors import TransportError

# Of a query what is the protocol's: a client's key may stand beside it.
_PASSED = ("after", "include", "include[]", "limit", "order")


class Answered(msgspec.Struct, frozen=True):
    """An upstream's answer, and whose it is."""

    candidate: Candidate
    body: bytes


class _Hearer:
    """Collects one whole answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, headers

    def on_data(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def on_failure(self, error: TransportError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


async def ask_keepers(worker: Worker, protocol: str, method: str, name: str, what: str, query: str) -> Answered | None:
    """The answer of the first upstream of this protocol that knows a kept response; None when none does.

    Raises FaultError for any other error of theirs.
    """
    passed = urlencode([pair for pair in parse_qsl(query) if pair[0] in _PASSED])
    path = f"/responses/{quote(name, safe='')}{'/' + what if what else ''}{'?' + passed if passed else ''}"
    for candidate in worker.snapshot.speakers(protocol):
        body = await _ask(worker, candidate, method, path)
        if body is not None:
            return Answered(candidate, body)
    return None


async def _ask(worker: Worker, candidate: Candidate, method: str, path: str) -> bytes | None:
    credential = candidate.credentials[0]
    path = path if candidate.route is None else candidate.route.place(path)
    head = open_head(Endpoint.parse(candidate.base_url), method, path, credential.headers)
    pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
    hearer = _Hearer(worker.loop)
    call = pool.send(head + b"content-length: 0\r\n\r\n", b"", hearer)
    try:
        async with asyncio.timeout(candidate.timeouts.first_byte or None):
            await hearer.done
    except (TimeoutError, TransportError) as error:
        said = error.message if isinstance(error, TransportError) else "it did not answer in time"
        message = f"the upstream {candidate.upstream!r} could not be asked: {said}"
        raise FaultError(Fault("upstream_error", message, whose="upstream")) from None
    finally:
        call.cancel()
    body = b"".join(hearer.pieces)
    if hearer.status in (404, 405, 501):
        return None
    if not 200 <= hearer.status < 300:
        headers = dict(hearer.headers)
        fault = UPSTREAM_CODECS[candidate.protocol].decode_fault(hearer.status, headers, body)
        if candidate.errors is not None:
            fault = candidate.errors.judged(fault, hearer.status, headers, body)
        raise FaultError(answer_to_client(fault, candidate.upstream, credential.index))
    return body
