"""What would become of a request: who would be asked, why, with what, and what is lost on the way. Nothing is sent."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from twoapi.gateway.convert import Convert
from twoapi.gateway.fetch import check, why_inlined
from twoapi.gateway.relay import Relay
from twoapi.gateway.routed import Routed
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.way import Way
from twoapi.ir import FaultError, Loss, Request, Usage
from twoapi.policy.access import KeyEntry
from twoapi.policy.estimate import estimated_tokens
from twoapi.policy.fetching import Guard
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.relaying import Reason, why_converted
from twoapi.protocols.url_media import Inlining, stand_in
from twoapi.providers.cards import ModelCard, bill
from twoapi.providers.presenting import hidden
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing
from twoapi.wire.json import decode, encode

_CLOCK = (0, "explain")
_HIDDEN = "***"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as an upstream would get it, the credential masked. `body` is JSON, verbatim."""

    method: str
    url: str
    headers: dict[str, str]
    body: Raw


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a candidate cannot take the request."""

    status: int
    message: str
    param: str | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the request would cost, in US dollars as decimal text: its input as estimated, and all of it when the model
    writes as much as it may; None while nothing bounds that.
    """

    input: str
    at_most: str | None


class Choice(msgspec.Struct, kw_only=True):
    """One candidate, in the order in which they are tried. `way`: "relay", "convert" or "local" (answered here);
    `because`: why it is converted, where that is an answer of a model. What it goes on from is not looked for.

    `losses` None: nothing is converted. `rejected`: `on_loss` is reject, and something would be lost. `cost` None: the
    model has no price, or nothing is known of the request's length.
    """

    upstream: str
    model: str
    protocol: str
    why: str
    way: str
    because: Reason | None = None
    request: Sent | None = None
    losses: list[Loss] | None = None
    rejected: bool = False
    refused: Refused | None = None
    cost: Cost | None = None


class Explanation(msgspec.Struct, kw_only=True):
    """What would become of a request. `input_tokens` is an estimate; None for a body that cannot be decoded."""

    model: str
    protocol: str
    stream: bool
    on_loss: str
    input_tokens: int | None
    candidates: list[Choice]


def explain(snapshot: Snapshot, codec: Codec, incoming: Incoming, key: KeyEntry) -> Explanation:
    """All candidates for a request; raises FaultError when it is wrong or nothing serves it."""
    peek = codec.peek(incoming)
    plan = snapshot.plan(peek.model, codec.name, key)
    request: Request | None
    try:
        request = codec.decode_request(incoming)
    except FaultError:
        reasons = [
            why_converted(codec, one.protocol, one.capabilities, incoming, peek, knows_turns=False)
            for one in plan.candidates
        ]
        if None not in reasons:
            raise
        request = None  # relayed as it is, by those that do
    rejects = snapshot.rejects_losses(incoming.headers, key, plan)
    choices = [
        chosen(
            candidate,
            why(plan, number, peek.model, snapshot),
            codec,
            incoming,
            peek,
            rejects=rejects,
            guard=snapshot.guard,
        )
        for number, candidate in enumerate(plan.candidates)
    ]
    tokens = None if request is None else estimated_tokens(request)
    if request is not None and tokens is not None:
        for choice, candidate in zip(choices, plan.candidates, strict=True):
            choice.cost = _cost(snapshot.card(candidate), tokens, request, datetime.now(UTC))
    return Explanation(
        model=peek.model,
        protocol=codec.name,
        stream=peek.stream,
        on_loss="reject" if rejects else "allow",
        input_tokens=tokens,
        candidates=choices,
    )


def why(plan: Plan, number: int, name: str, snapshot: Snapshot) -> str:
    """Why a candidate of a plan stands where it does."""
    candidate = plan.candidates[number]
    if name not in snapshot.settings.models:
        named = name == f"{candidate.upstream}/{candidate.model}"
        return "the request names it" if named else "it alone serves a model of this name"
    if len(plan.candidates) == 1:
        return f"the alias {name} stands for it"
    if plan.strategy == "weighted":
        total = sum(one.weight for one in plan.candidates)
        return f"the alias {name} gives it {candidate.weight} of {total} requests"
    return f"the alias {name} asks it {'first' if number == 0 else 'when those before it fail'}"


def chosen(  # noqa: PLR0913  what is asked, and of whom
    candidate: Candidate,
    why: str,
    codec: Codec,
    incoming: Incoming,
    peek: Peek,
    *,
    rejects: bool,
    guard: Guard | None = None,
) -> Choice:
    """What a candidate would get for a request for an answer. A file that would be fetched for it is shown as a mere
    mark, and told among the losses.
    """
    choice = Choice(
        upstream=candidate.upstream, model=candidate.model, protocol=candidate.protocol, why=why, way="local"
    )
    if candidate.local is not None:
        return choice
    protocol, model, capabilities = candidate.protocol, candidate.model, candidate.capabilities
    choice.because = why_converted(codec, protocol, capabilities, incoming, peek, knows_turns=False)
    if choice.because is None and guard is not None and not capabilities.url_media:
        choice.because = why_inlined(candidate, incoming, lambda: codec.decode_request(incoming))
    choice.way = "relay" if choice.because is None else "convert"
    try:
        way: Way
        if choice.because is None:
            way = Relay(codec, incoming, peek, model, capabilities, _CLOCK)
        else:
            request = codec.decode_request(incoming)
            changed: list[Loss] = []
            if guard is not None:
                request, changed = _marked(guard, candidate, request, native=protocol == codec.name)
            way = Convert(codec, candidate, request, _CLOCK, None, changed)
        if candidate.route is not None:
            way = Routed(way, candidate.route, stream=peek.stream)
        choice.request, choice.losses = sent(candidate, way.outgoing), way.losses
        choice.rejected = rejects and bool(way.losses)
    except FaultError as error:
        fault = error.fault
        choice.refused = Refused(status=fault.http_status, message=fault.message, param=fault.param)
    return choice


def _marked(guard: Guard, candidate: Candidate, request: Request, *, native: bool) -> tuple[Request, list[Loss]]:
    """The request with a mark for each file that would be fetched; raises FaultError for what would not be."""
    inlining = Inlining(candidate.protocol, candidate.capabilities, native=native)
    wanted = inlining.wanted(request)
    check(guard, wanted)
    return inlining.put(request, {one.url: stand_in(one) for one in wanted}), inlining.losses(wanted)


def _cost(card: ModelCard | None, tokens: int, request: Request, now: datetime) -> Cost | None:
    if card is None:
        return None
    told = bill(card, Usage(input=tokens), now).usd
    if told is None:
        return None
    limits = [limit for limit in (request.sampling.max_tokens, card.max_output) if limit is not None]
    most = bill(card, Usage(input=tokens, output=min(limits)), now).usd if limits else None
    return Cost(input=format(told, "f"), at_most=None if most is None else format(most, "f"))


def sent(candidate: Candidate, outgoing: Outgoing) -> Sent:
    """A request as this candidate would get it."""
    headers = {"content-type": "application/json", **_text(dict(outgoing.headers))}
    credential = candidate.credentials[0]
    headers |= {name.decode("latin-1"): _HIDDEN for name, _ in credential.headers}
    url = candidate.base_url + outgoing.path
    if credential.made is not None:
        added = hidden(credential.made.style)
        headers |= _text(dict(added.headers))
        if added.query:
            url += ("&" if "?" in url else "?") + added.query
    return Sent(method="POST", url=url, headers=headers, body=_json(outgoing.body))


def _json(body: bytes) -> Raw:
    """A body as it is; as a string when it is not JSON, which not every relay looks at."""
    try:
        decode(body)
    except WireError:
        return Raw(encode(body.decode("utf-8", "replace")))
    return Raw(body)


def _text(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
