"""One exchange's memory: the state that its request brings back or leads to, and what its answer leaves behind."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from twoapi.gateway import kept_turns
from twoapi.gateway.kept_turns import History
from twoapi.gateway.state import LIFETIME, State
from twoapi.ir import Fault, FaultError, Loss, Message, Opaque, Origin, Part, Request, Response, Tool
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.base import AnswerContext, Codec
from twoapi.protocols.envelopes import Envelopes
from twoapi.protocols.opening import carriers, open_sealed, withhold
from twoapi.protocols.turns import TURNS, KeptTurn, item_named, keep_turn, kept_turn, leaves_state, put_items, tell_turn
from twoapi.store.port import Kept, StoreError, Turn
from twoapi.wire.http import Incoming
from twoapi.wire.json import fields, string

_UNREADABLE = Fault("overloaded", "the conversation that this request goes on from cannot be read", whose="gateway")
_LEADS = ("system", "developer")


class Memory(msgspec.Struct, eq=False):
    """What one exchange has to do with kept state, and the Sealer of its answer: as of most, whose request leads to
    nothing, and whose answer leaves behind only what its carriers have no room for. First `ready`, unless it
    `is_ready`, then `for_upstream` with each candidate, then `remember`.

    `asked`: the request as the client put it; `request`: as upstreams may see it. `is_ready`: all that it leads to is
    at hand. `fault`: the conversation that it goes on from is not here. `losses`: carriers that could not be opened.
    `leaves_state`: the answer must be told to `remember`, because it may hold state that its client does not carry, or
    the client wants to go on from it. `rows` wait to be stored; `tail` is the end of a stream, which waits for them.
    """

    state: State
    tenant: str
    asked: Request
    request: Request
    candidate: Candidate | None = None  # the one at hand
    credential: Credential | None = None
    envelopes: Envelopes | None = None  # of the candidate at hand
    is_ready: bool = True
    leaves_state: bool = False
    fault: Fault | None = None
    losses: list[Loss] = []
    rows: list[Kept | Turn] = []
    tail: bytes = b""

    def ready(self, resume: Callable[[], None]) -> bool:  # noqa: ARG002  there is nothing to come
        """True when all that the request leads to is at hand. Else it is fetched, and `resume` called then."""
        return True

    def for_upstream(self, candidate: Candidate, credential: Credential | None) -> Request:
        """The request as this candidate may see it. What is sealed from now on is of its answer. Raises FaultError when
        the conversation that it goes on from is not here.
        """
        self.candidate = candidate
        self.credential = credential
        self.envelopes = None
        if self.rows:
            self.rows = []  # of an answer that came to nothing
        return self.request

    def seal(self, opaques: tuple[Opaque, ...], upstream: str) -> str:
        """The carrier of this state, as of a Sealer."""
        return self.sealer().seal(opaques, upstream)

    def remember(self, response: Response, context: AnswerContext, body: bytes | None = None) -> None:
        """Puts into `rows` what of an answer must be found again. `body`: the answer as its client sees it."""

    def save(self, then: Callable[[], None]) -> None:
        """Stores the rows; `then` is called once, when they are durable or that takes too long."""
        rows, self.rows = self.rows, []
        self.state.save(rows, then)

    def sealer(self) -> Envelopes:
        """The seals of the answer of the candidate at hand."""
        envelopes = self.envelopes
        if envelopes is None:
            envelopes = Envelopes(self.state.keys, self.tenant, self.origin(), keep=self._keep)
            self.envelopes = envelopes
        return envelopes

    def origin(self) -> Origin | None:
        """Who the upstream at hand is; None for one that needs no credential."""
        candidate, credential = self.candidate, self.credential
        return None if candidate is None or credential is None else self.state.origin(candidate, credential)

    def _keep(self, name: str, data: bytes) -> None:
        self.rows.append(Kept(name, data, self.state.now() + LIFETIME))


def memory_of(
    state: State, codec: Codec, incoming: Incoming, request: Request, tenant: str, order: Sequence[Candidate]
) -> Memory:
    """The memory of an exchange whose upstream will be one of `order`."""
    carries = request.state.previous is not None or incoming.body.find(codec.seal) >= 0
    leaves = False  # whether the client may have left out state that an upstream of this plan made, or will make
    for candidate in order:
        if leaves_state(codec.name, candidate.protocol, request):
            leaves = True
            break
    form = TURNS.get(codec.name)
    is_kept = form is not None and form.is_kept(request)
    refers = {} if form is None or form.refers is None else form.refers(request)
    if state.is_loaded and not (carries or leaves or is_kept or refers):
        return Memory(state, tenant, request, request)
    previous = None if form is None else request.state.previous
    leads = carries or leaves or bool(refers) or previous is not None
    return Recollection(
        state,
        tenant,
        request,
        # A thread that begins is not for an upstream: it is kept here.
        request if not is_kept or previous is not None else _detached(request),
        is_ready=state.is_loaded and not leads,
        leaves_state=leaves or is_kept,
        codec=codec,
        incoming=incoming,
        previous=previous,
        refers=refers,
        carries=carries,
        leaves=leaves,
        is_kept=is_kept,
    )


class Recollection(Memory, kw_only=True, eq=False):
    """The memory of a request that leads to kept state, or whose answer will be asked for."""

    codec: Codec
    incoming: Incoming
    previous: str | None  # the id of the turn that it goes on from
    refers: dict[str, str]  # items of earlier answers that it only names, each with the id of its answer
    carries: bool  # it may hold carriers
    leaves: bool  # its client may have left out state
    is_kept: bool  # its client wants to go on from the answer
    is_opened: bool = False
    turns: list[tuple[str, Message]] = []  # that something may be kept of
    task: asyncio.Task[None] | None = None

    def ready(self, resume: Callable[[], None]) -> bool:
        """As of every memory."""
        state = self.state
        if state.is_loaded and self.previous is None and not self.refers:
            names = self._names()
            found = state.recent(names) if names else {}
            if found is not None:
                self._open(found)
                return True
        self.task = state.loop.create_task(self._fetch(resume))
        return False

    def for_upstream(self, candidate: Candidate, credential: Credential | None) -> Request:
        """As of every memory."""
        if self.fault is not None:
            raise FaultError(self.fault)
        request = super().for_upstream(candidate, credential)
        if not self.is_opened:
            return request
        origin = self.origin()
        return request if origin is None else withhold(request, origin)

    def remember(self, response: Response, context: AnswerContext, body: bytes | None = None) -> None:
        """As of every memory."""
        if response.fault is not None or not response.candidates:
            return
        expires = context.now + LIFETIME
        parts = response.candidates[0].parts
        if self.leaves and any(map(_has_state, parts)):
            packed = kept_turns.pack(parts, response.protocol, self.sealer())
            history = History().after_all(self.request.messages)
            names = kept_turns.names_of_answer(self.state.keys, self.tenant, history, parts)
            self.rows += [Kept(name, packed, expires) for name in sorted(names)]
        if self.is_kept:
            told = self.codec.encode_response(response, context, []) if body is None else body
            turn = keep_turn(self.codec.name, self.incoming.body, told)
            answer = string(fields(told)["id"])
            self.rows.append(Turn(self.tenant, answer, self.previous, turn, context.now, expires))

    async def _fetch(self, resume: Callable[[], None]) -> None:
        state = self.state
        try:
            await state.load()
            if self.refers:
                await self._look_up(self.refers)
            if self.previous is not None:
                self._join(await state.chain(self.tenant, self.previous), self.previous)
            names = self._names()
            self._open(await state.find(names) if names else {})
        except FaultError as error:
            self.fault = error.fault
        except StoreError:
            self.fault = _UNREADABLE
        resume()

    async def _look_up(self, refers: dict[str, str]) -> None:
        """Puts the items of earlier answers where the request only names them. What is not here stays a name."""
        codec, incoming = self.codec, self.incoming
        kept: dict[str, KeptTurn] = {}
        for answer in set(refers.values()):
            chain = await self.state.chain(self.tenant, answer)
            turn = kept_turn(codec.name, chain[-1].body) if chain else None
            if turn is not None:
                kept[answer] = turn
        found = {
            name: item
            for name, answer in refers.items()
            if answer in kept and (item := item_named(kept[answer], name)) is not None
        }
        if not found:
            return
        body = put_items(incoming.body, found)
        self.incoming = Incoming(incoming.path, incoming.headers, body, incoming.query)
        said = codec.decode_request(self.incoming).messages
        self.request = msgspec.structs.replace(self.request, messages=said)
        self.carries = self.carries or codec.seal in body

    def _join(self, chain: list[Turn] | None, previous: str) -> None:
        """Puts the turns before this request in front of it, as its client would have to send them."""
        request, codec = self.request, self.codec
        where = request.where("state.previous")
        if chain is None:
            raise self._unknown(previous)
        before: list[Message] = []
        lead: list[Message] = []  # what the last one said counts, as without turns
        tools: list[Tool] = []
        for turn in chain:
            kept = kept_turn(codec.name, turn.body)
            if kept is None:
                raise self._unknown(previous)
            told = codec.decode_request(Incoming(self.incoming.path, self.incoming.headers, tell_turn(kept)))
            lead = [message for message in told.messages if _leads(message)] or lead
            before += [message for message in told.messages if not _leads(message)]
            tools = told.tools or tools
        for old in (*lead, *before):
            old.at = where  # whatever is lost of it: the client has only said its id
            for part in old.parts:
                part.at = ""
        lead = [message for message in request.messages if _leads(message)] or lead
        said = [message for message in request.messages if not _leads(message)]
        self.request = msgspec.structs.replace(
            request,
            messages=[*lead, *before, *said],
            tools=request.tools or tools,
        )
        self.request = _sealing(_detached(self.request))

    def _unknown(self, previous: str) -> FaultError:
        message = f"there is no turn {previous!r} to go on from: it was not kept, has expired, or was deleted"
        where = self.request.where("state.previous")
        return FaultError(Fault("not_found", message, code=TURNS[self.codec.name].lost, param=where))

    def _names(self) -> list[str]:
        """The names under which something may be kept that belongs into this request."""
        state, request = self.state, self.request
        names: list[str] = []
        self.turns = []
        if self.carries:
            opener = Envelopes(state.keys, self.tenant)
            names = [name for text in carriers(request) if (name := opener.reference(text)) is not None]
        if (
            self.leaves
            and any([message.role == "assistant" for message in request.messages])  # noqa: C419  no frame for each
            and state.store.holds_state()
        ):
            self.turns = list(kept_turns.names_of_turns(state.keys, self.tenant, request.messages))
            names += [name for name, _ in self.turns]
        return names

    def _open(self, found: dict[str, bytes]) -> None:
        request = self.request
        if not found and not self.carries:
            return
        opener = Envelopes(self.state.keys, self.tenant, kept=found)
        self.losses = open_sealed(request, opener)
        for name, message in self.turns:
            if name in found:
                kept_turns.restore(message, found[name], opener)
        self.is_opened = True


def _detached(request: Request) -> Request:
    """The request without what it asks of a server that keeps conversations."""
    return msgspec.structs.replace(request, state=msgspec.structs.replace(request.state, previous=None, thread=None))


def _sealing(request: Request) -> Request:
    """The request of a client that carries no state, for upstreams which give theirs only to those that ask."""
    if request.reasoning.effort is None or request.reasoning.sealed is not None:
        return request
    return msgspec.structs.replace(request, reasoning=msgspec.structs.replace(request.reasoning, sealed=True))


def _leads(message: Message) -> bool:
    """True for instructions that stand beside the conversation, not in it."""
    return message.role in _LEADS and message.at.count("/") == 1


def _has_state(part: Part) -> bool:
    return any(opaque.data for opaque in part.opaque)
