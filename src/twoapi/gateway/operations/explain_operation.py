"""What would become of a request for an operation. Nothing is sent."""

from msgspec.structs import replace

from twoapi.gateway.explain import Choice, Explanation, Refused, chosen, sent, why
from twoapi.gateway.operations.operation_ways import COMPLETIONS, continued, streams, way_to
from twoapi.gateway.routed import Routed
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.way import Way
from twoapi.ir import FaultError
from twoapi.policy.access import KeyEntry
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Operation
from twoapi.providers.services import Want
from twoapi.wire.http import Incoming


def explain_operation(
    snapshot: Snapshot, codec: Codec, incoming: Incoming, key: KeyEntry, operation: Operation, shape: str
) -> Explanation:
    """All candidates for a request in a shape that clients speak; raises FaultError when it is wrong or nothing serves
    it. Of a request that becomes several, the first is shown.
    """
    native = operation.shapes[shape].native
    assert native is not None  # noqa: S101  as the docstring says
    peek = native.peek(incoming)
    peek = replace(peek, stream=streams(operation, peek))
    want = Want(operation.name, shape, operation.like or codec.name)
    plan = snapshot.plan(peek.model, want, key)
    rejects = snapshot.rejects_losses(incoming.headers, key, plan)
    choices = []
    for number, candidate in enumerate(plan.candidates):
        choice = _choice(operation, shape, candidate, incoming, peek, why(plan, number, peek.model, snapshot))
        choice.rejected = rejects and bool(choice.losses)
        choices.append(choice)
    return Explanation(
        model=peek.model,
        protocol=codec.name,
        stream=peek.stream,
        on_loss="reject" if rejects else "allow",
        input_tokens=None,
        candidates=choices,
    )


def _choice(
    operation: Operation, shape: str, candidate: Candidate, incoming: Incoming, peek: Peek, reason: str
) -> Choice:
    chats = operation.answers == "chat" and candidate.service is None
    if chats:
        choice = chosen(candidate, reason, COMPLETIONS, incoming, peek, rejects=False)
        if choice.losses is not None:
            choice.losses = [*choice.losses, continued(candidate)]
        return choice
    choice = Choice(
        upstream=candidate.upstream, model=candidate.model, protocol=candidate.protocol, why=reason, way="convert"
    )
    spoken = operation.shapes[shape]
    try:
        asked = None if spoken.face is None else spoken.face.decode
        made = way_to(operation, spoken, candidate, incoming, peek, lambda: asked and asked(incoming))
        choice.way = "relay" if made.losses is None else "convert"
        way: Way = made
        if candidate.route is not None:
            way = Routed(way, candidate.route, stream=peek.stream)
        choice.request, choice.losses = sent(candidate, way.outgoing), way.losses
    except FaultError as error:
        fault = error.fault
        choice.refused = Refused(status=fault.http_status, message=fault.message, param=fault.param)
    return choice
