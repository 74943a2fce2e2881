"""A question about what an upstream itself keeps, passed on as it is. Off the path of requests, so it may wait."""

import asyncio
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from twoapi.gateway.presented import awaited_head
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.retry import answer_to_client
from twoapi.policy.route import Candidate
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.transport.errors import TransportError
from twoapi.transport.whole import whole_answer
from twoapi.wire.http import Outgoing

# Of a query what is the protocol's: a client's key may stand beside it.
_PASSED = ("after", "include", "include[]", "limit", "order")


class Answered(msgspec.Struct, frozen=True):
    """An upstream's answer, and whose it is."""

    candidate: Candidate
    body: bytes


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
    pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
    try:
        async with asyncio.timeout(candidate.timeouts.first_byte or None):
            head = await awaited_head(worker, candidate, credential, Outgoing(path, b""), method=method)
            answer = await whole_answer(pool, head)
    except (TimeoutError, TransportError) as error:
        said = error.message if isinstance(error, TransportError) else "it did not answer in time"
        message = f"the upstream {candidate.upstream!r} could not be asked: {said}"
        raise FaultError(Fault("upstream_error", message, whose="upstream")) from None
    if answer.status in (404, 405, 501):
        return None
    if not 200 <= answer.status < 300:
        headers = dict(answer.headers)
        fault = UPSTREAM_CODECS[candidate.protocol].decode_fault(answer.status, headers, answer.body)
        if candidate.errors is not None:
            fault = candidate.errors.judged(fault, answer.status, headers, answer.body)
        raise FaultError(answer_to_client(fault, candidate.upstream, credential.index))
    return answer.body
