"""The carriers that a request brings back, opened, and what is in them given to nobody but its origin."""

from collections.abc import Iterator

import msgspec

from twoapi.ir import Loss, Message, Opaque, Origin, Part, Request
from twoapi.protocols.sealing import LOST, Opener, is_sealed

# State that only the account that it was made for can use; other state is its vendor's.
_OF_AN_ACCOUNT = frozenset(("encrypted_reasoning", "compaction"))


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
        for part in message.parts:
            if part.opaque and any(map(is_sealed, part.opaque)):
                _open_part(message, part, opener, losses)
    return losses


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
