"""State of another protocol that a client gives back, put where the answer had it: on the reasoning of its turn.

Answers carry it on the last piece of a thought and on the call behind it (see encode_answer.PartWriter), because some
clients give back thoughts in pieces, and some give back none.
"""

from msgspec import structs

from twoapi.ir import Message, Part, Reasoning, ToolCall, plain
from twoapi.protocols.sealing import is_sealed


def settle_carriers(messages: list[Message]) -> list[Message]:
    """The messages with every thought in one piece, and each carrier once. Those without carriers are not touched."""
    if not [1 for message in messages for part in message.parts if part.opaque and _sealed(part)]:
        return messages
    dropped: set[int] = set()  # ids of the pieces that are in another one now
    turn = _Turn(dropped)
    for message in messages:
        if message.role != "assistant":
            turn = _Turn(dropped)
            continue
        parts: list[Part] = []
        for part in message.parts:
            turn.take(part, parts)
        message.parts = parts
    for message in messages:
        if message.role == "assistant":
            message.parts = [part for part in message.parts if id(part) not in dropped]
    return [message for message in messages if message.parts or message.role != "assistant"]


def _sealed(part: Part) -> bool:
    return any(is_sealed(opaque) for opaque in part.opaque)


class _Turn:
    """Consecutive contents of the model: SDKs make one of every frame of a stream."""

    __slots__ = ("_begin", "_dropped", "_pieces", "_told")

    def __init__(self, dropped: set[int]) -> None:
        self._dropped = dropped
        self._begin: tuple[list[Part], int] | None = None  # where the reasoning before the next call belongs
        self._pieces: list[Reasoning] = []  # of a thought whose carrier has not come
        self._told = False  # the carrier of that reasoning has come

    def take(self, part: Part, parts: list[Part]) -> None:
        """Adds a part of the turn to the parts of its message."""
        if self._begin is None:
            self._begin = (parts, len(parts))
        if isinstance(part, Reasoning):
            self._thought(part, parts)
            return
        self._pieces.clear()
        if isinstance(part, ToolCall):
            if _sealed(part):
                part = self._call(part, *self._begin)
            self._begin, self._told = None, False
        parts.append(part)

    def _thought(self, part: Reasoning, parts: list[Part]) -> None:
        if _sealed(part):
            self._told = True
            words = [plain(piece.text) for piece in self._pieces]
            self._dropped.update(map(id, self._pieces))
            part = structs.replace(part, text="".join([*words, plain(part.text)]))
            self._pieces.clear()
        elif part.opaque:
            self._pieces.clear()
        else:
            self._pieces.append(part)
        parts.append(part)

    def _call(self, call: ToolCall, begin: list[Part], at: int) -> ToolCall:
        """The call without its carrier, which becomes reasoning where no thought has brought it."""
        sealed = tuple(opaque for opaque in call.opaque if is_sealed(opaque))
        if not self._told:
            begin.insert(at, Reasoning(form="hidden", at=call.at, opaque=sealed))
        return structs.replace(call, opaque=tuple(opaque for opaque in call.opaque if not is_sealed(opaque)))
