"""The carriers that a request brings back, opened, and what is in them given to nobody but its origin."""

from collections.abc import Iterator

import msgspec

from twoapi.ir import Loss, Message, Opaque, Origin, Part, Reasoning, Request
from twoapi.protocols.sealing import LOST, Opener, is_sealed

# State that only the account that it was made for can use; other state is its vendor's.
_OF_AN_ACCOUNT = frozenset(("encrypted_reasoning", "compaction"))
# State that stands on reasoning. A client that gives no reasoning back may bring it on another part.
_OF_REASONING = frozenset(("signature", "redacted", "encrypted_reasoning"))


def carriers(request: Request) -> Iterator[str]:
    """The text of every carrier in a request."""
    for message in request.messages:
        for part in message.parts:
            for opaque in part.opaque:
                if is_sealed(opaque):
                    yield opaque.data


def open_sealed(request: Request, opener: Opener) -> list[Loss]:
    """Puts the state that carriers hold in their places, and returns what was lost: carriers that cannot be opened."""
    losses: list[Loss] = []
    for message in request.messages:
        displaced = False
        for part in message.parts:
            if part.opaque and any(map(is_sealed, part.opaque)):
                _open_part(message, part, opener, losses)
                displaced = displaced or not isinstance(part, Reasoning)
        if displaced:
            message.parts = list(_in_place(message.parts))
    return losses


def _in_place(parts: list[Part]) -> Iterator[Part]:
    """The parts with the state of reasoning on reasoning: on what came back too, or before the part that brought it."""
    here = {opaque for part in parts if isinstance(part, Reasoning) for opaque in part.opaque}
    for part in parts:
        if not isinstance(part, Reasoning) and part.opaque:
            moved = [opaque for opaque in part.opaque if opaque.kind in _OF_REASONING]
            part.opaque = tuple(opaque for opaque in part.opaque if opaque.kind not in _OF_REASONING)
            for opaque in moved:
                if opaque not in here:
                    here.add(opaque)
                    yield Reasoning(form="hidden", opaque=(opaque,), at=part.at)
        yield part


def _open_part(message: Message, part: Part, opener: Opener, losses: list[Loss]) -> None:
    opened: list[Opaque] = []
    for opaque in part.opaque:
        found = opener.open(opaque.data) if is_sealed(opaque) else (opaque,)
        if found is None:
            detail = "the carrier of this state is damaged, expired or another client's"
            losses.append(Loss(message.at + part.at, "reasoning_foreign", "twoapi", detail))
        opened += LOST if found is None else found
    part.opaque = tuple(opened)


def withhold(request: Request, upstream: Origin) -> Request:
    """The request for this upstream: state that another one made is nobody's, so that its encoder reports it.

    What says no more than its protocol is the client's own, and left to it. The request itself is not changed.
    """
    messages = request.messages
    changed: list[Message] | None = None
    for index, message in enumerate(messages):
        if any(part.opaque and not _all_fit(part, upstream) for part in message.parts):
            changed = list(messages) if changed is None else changed
            parts = [_withheld(part, upstream) if part.opaque else part for part in message.parts]
            changed[index] = msgspec.structs.replace(message, parts=parts)
    return request if changed is None else msgspec.structs.replace(request, messages=changed)


def without_state(request: Request) -> Request:
    """The request for an upstream that has refused its state: what each part carries is nobody's, to be reported."""
    nobody = Origin("")
    messages = [
        msgspec.structs.replace(message, parts=[_without_state(part, nobody) for part in message.parts])
        for message in request.messages
    ]
    return msgspec.structs.replace(request, messages=messages)


def _without_state(part: Part, nobody: Origin) -> Part:
    if not part.opaque:
        return part
    return msgspec.structs.replace(part, opaque=tuple(Opaque(one.kind, one.data, nobody) for one in part.opaque))


def _withheld(part: Part, upstream: Origin) -> Part:
    opaque = tuple(one if _fits(one, upstream) else Opaque(one.kind, one.data, Origin("")) for one in part.opaque)
    return msgspec.structs.replace(part, opaque=opaque)


def _all_fit(part: Part, upstream: Origin) -> bool:
    return all(_fits(opaque, upstream) for opaque in part.opaque)


def _fits(opaque: Opaque, upstream: Origin) -> bool:
    origin = opaque.origin
    if origin is None or origin.protocol != upstream.protocol:
        return True  # not for this protocol: its encoder knows
    if origin.provider is not None and origin.provider != upstream.provider:
        return False
    return opaque.kind not in _OF_AN_ACCOUNT or origin.account is None or origin.account == upstream.account
