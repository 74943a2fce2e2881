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


class Memory:
    """What one request needs to know, and the Sealer of its answer. First `ready`, unless it `is_ready`, then
    `for_upstream` with each candidate, then `remember`.

    `is_ready`: the request leads to nothing that would have to be looked for. `fault`: the conversation that it goes on
    from is not here. `losses`: carriers that could not be opened. `leaves_state`: the answer must be told to
    `remember`, because it may hold state that its client does not carry, or the client wants to go on from it
    (`is_kept`). `rows` wait to be stored; `tail` is the end of a stream, which waits for them.
    """

    __slots__ = (
        "_carries",
        "_codec",
        "_envelopes",
        "_incoming",
        "_is_opened",
        "_leaves",
        "_previous",
        "_refers",
        "_state",
        "_task",
        "_tenant",
        "_turns",
        "_upstream",
        "asked",
        "fault",
        "is_kept",
        "is_ready",
        "leaves_state",
        "losses",
        "request",
        "rows",
        "tail",
    )

    def __init__(
        self,
        state: State,
        codec: Codec,
        incoming: Incoming,
        request: Request,
        tenant: str,
        order: Sequence[Candidate],
    ) -> None:
        self._state = state
        self._codec = codec
        self._incoming = incoming
        self._tenant = tenant
        self._envelopes: Envelopes | None = None
        self._carries = request.state.previous is not None or codec.seal in incoming.body
        self._is_opened = False
        self._upstream: tuple[Candidate, Credential | None] | None = None
        # Whether the client may have left out state that an upstream of this plan made, or will make.
        self._leaves = False
        for candidate in order:
            if leaves_state(codec.name, candidate.protocol, request):
                self._leaves = True
                break
        self._turns: list[tuple[str, Message]] = []  # that something may be kept of
        self._task: asyncio.Task[None] | None = None
        form = TURNS.get(codec.name)
        self._previous = None if form is None else request.state.previous
        self._refers = {} if form is None or form.refers is None else form.refers(request)
        self.is_kept = form is not None and form.is_kept(request)
        self.leaves_state = self._leaves or self.is_kept
        leads = self._carries or self._leaves or self._refers or self._previous is not None
        self.is_ready = state.is_loaded and not leads
        self.asked = request  # as the client put it
        # A thread that begins is not for an upstream: it is kept here.
        self.request = request if not self.is_kept or self._previous is not None else _detached(request)
        self.fault: Fault | None = None
        self.losses: list[Loss] = []
        self.rows: list[Kept | Turn] = []
        self.tail = b""

    # --- the way in

    def ready(self, resume: Callable[[], None]) -> bool:
        """True when all that the request leads to is at hand. Else it is fetched, and `resume` called then."""
        state = self._state
        if state.is_loaded and self._previous is None and not self._refers:
            names = self._names()
            found = state.recent(names) if names else {}
            if found is not None:
                self._open(found)
                return True
        self._task = state.loop.create_task(self._fetch(resume))
        return False

    def for_upstream(self, candidate: Candidate, credential: Credential | None) -> Request:
        """The request as this candidate may see it. What is sealed from now on is of its answer. Raises FaultError when
        the conversation that it goes on from is not here.
        """
        if self.fault is not None:
            raise FaultError(self.fault)
        self._upstream = (candidate, credential)
        self._envelopes = None
        self.rows = []  # of an answer that came to nothing
        if not self._is_opened:
            return self.request
        origin = self._origin()
        return self.request if origin is None else withhold(self.request, origin)

    async def _fetch(self, resume: Callable[[], None]) -> None:
        state = self._state
        try:
            await state.load()
            if self._refers:
                await self._look_up(self._refers)
            if self._previous is not None:
                self._join(await state.chain(self._tenant, self._previous), self._previous)
            names = self._names()
            self._open(await state.find(names) if names else {})
        except FaultError as error:
            self.fault = error.fault
        except StoreError:
            self.fault = _UNREADABLE
        resume()

    async def _look_up(self, refers: dict[str, str]) -> None:
        """Puts the items of earlier answers where the request only names them. What is not here stays a name."""
        codec, incoming = self._codec, self._incoming
        kept: dict[str, KeptTurn] = {}
        for answer in set(refers.values()):
            chain = await self._state.chain(self._tenant, answer)
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
        self._incoming = Incoming(incoming.path, incoming.headers, body, incoming.query)
        said = codec.decode_request(self._incoming).messages
        self.request = msgspec.structs.replace(self.request, messages=said)
        self._carries = self._carries or codec.seal in body

    def _join(self, chain: list[Turn] | None, previous: str) -> None:
        """Puts the turns before this request in front of it, as its client would have to send them."""
        request, codec = self.request, self._codec
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
            told = codec.decode_request(Incoming(self._incoming.path, self._incoming.headers, tell_turn(kept)))
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
        return FaultError(Fault("not_found", message, code=TURNS[self._codec.name].lost, param=where))

    def _names(self) -> list[str]:
        """The names under which something may be kept that belongs into this request."""
        state, request = self._state, self.request
        names: list[str] = []
        self._turns = []
        if self._carries:
            opener = Envelopes(state.keys, self._tenant)
            names = [name for text in carriers(request) if (name := opener.reference(text)) is not None]
        if (
            self._leaves
            and any([message.role == "assistant" for message in request.messages])  # noqa: C419  no frame for each
            and state.store.holds_state()
        ):
            self._turns = list(kept_turns.names_of_turns(state.keys, self._tenant, request.messages))
            names += [name for name, _ in self._turns]
        return names

    def _open(self, found: dict[str, bytes]) -> None:
        request = self.request
        if not found and not self._carries:
            return
        opener = Envelopes(self._state.keys, self._tenant, kept=found)
        self.losses = open_sealed(request, opener)
        for name, message in self._turns:
            if name in found:
                kept_turns.restore(message, found[name], opener)
        self._is_opened = True

    # --- the way out

    def seal(self, opaques: tuple[Opaque, ...], upstream: str) -> str:
        """The carrier of this state, as of a Sealer."""
        return self._sealer().seal(opaques, upstream)

    def remember(self, response: Response, context: AnswerContext, body: bytes | None = None) -> None:
        """Puts into `rows` what of an answer must be found again. `body`: the answer as its client sees it."""
        if response.fault is not None or not response.candidates:
            return
        expires = context.now + LIFETIME
        parts = response.candidates[0].parts
        if self._leaves and any(map(_has_state, parts)):
            packed = kept_turns.pack(parts, response.protocol, self._sealer())
            history = History().after_all(self.request.messages)
            names = kept_turns.names_of_answer(self._state.keys, self._tenant, history, parts)
            self.rows += [Kept(name, packed, expires) for name in sorted(names)]
        if self.is_kept:
            told = self._codec.encode_response(response, context, []) if body is None else body
            turn = keep_turn(self._codec.name, self._incoming.body, told)
            answer = string(fields(told)["id"])
            self.rows.append(Turn(self._tenant, answer, self._previous, turn, context.now, expires))

    def save(self, then: Callable[[], None]) -> None:
        """Stores the rows; `then` is called once, when they are durable or that takes too long."""
        rows, self.rows = self.rows, []
        self._state.save(rows, then)

    def _sealer(self) -> Envelopes:
        envelopes = self._envelopes
        if envelopes is None:
            state = self._state
            envelopes = self._envelopes = Envelopes(state.keys, self._tenant, self._origin(), keep=self._keep)
        return envelopes

    def _origin(self) -> Origin | None:
        """Who the upstream at hand is; None for one that needs no credential."""
        candidate, credential = self._upstream or (None, None)
        return None if candidate is None or credential is None else self._state.origin(candidate, credential)

    def _keep(self, name: str, data: bytes) -> None:
        self.rows.append(Kept(name, data, self._state.now() + LIFETIME))


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
