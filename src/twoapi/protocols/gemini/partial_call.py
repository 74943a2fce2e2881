"""A call whose arguments come piece by piece, each at its place, as the cloud's own endpoints stream them if asked."""

from itertools import pairwise

import msgspec
from msgspec import Raw

from twoapi.protocols.gemini.parts import FunctionCall, Part
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode

_MOST_STEPS = 64  # of a path


class _Piece(msgspec.Struct, rename="camel"):
    json_path: str = ""
    string_value: str | None = None
    number_value: Raw = EMPTY
    bool_value: Raw = EMPTY
    null_value: Raw = EMPTY


_decode = decoder(list[_Piece])


def is_partial(call: FunctionCall) -> bool:
    """True for a piece behind which more of its call will come."""
    return bytes(call.will_continue) == b"true" or call.partial_args is not EMPTY


class _Words(list[str]):
    """A text that comes in pieces."""


class PartialCall:
    """One call. `parts` that belong to it are added in order; the last one is a piece that does not go on."""

    __slots__ = ("_args", "_id", "_signature", "name")

    def __init__(self) -> None:
        self.name = ""
        self._id: str | None = None
        self._signature: str | None = None
        self._args: dict[str | int, object] = {}

    def add(self, part: Part, call: FunctionCall) -> bool:
        """Takes a piece; False when it was the last. Raises WireError."""
        self.name = self.name or call.name
        self._id = self._id or call.id
        self._signature = self._signature or part.thought_signature
        if call.partial_args is not EMPTY:
            for piece in _decode(call.partial_args):
                self._put(_steps(piece.json_path), piece)
        return bytes(call.will_continue) == b"true"

    def whole(self) -> Part:
        """The part that it would have been in one piece."""
        args = Raw(encode(_joined(self._args)))
        return Part(function_call=FunctionCall(self.name, self._id, args), thought_signature=self._signature)

    def _put(self, steps: list[str | int], piece: _Piece) -> None:
        if not steps:
            raise WireError("a piece of arguments has no place")
        holder: object = self._args
        for step, following in pairwise(steps):
            holder = _child(holder, step, [] if isinstance(following, int) else {})
        if piece.string_value is not None:
            words = _child(holder, steps[-1], _Words())
            if not isinstance(words, _Words):
                raise WireError("a text of arguments stands where something else is")
            words.append(piece.string_value)
            return
        given = (piece.number_value, piece.bool_value)
        value = next((one for one in given if one is not EMPTY), Raw(b"null"))
        _child(holder, steps[-1], value)


def _child(holder: object, step: str | int, fresh: object) -> object:
    """What stands at a step, or what is put there now."""
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.setdefault(step, fresh)
    if isinstance(holder, list) and not isinstance(holder, _Words) and isinstance(step, int):
        if step == len(holder):
            holder.append(fresh)
        if step < len(holder):
            return holder[step]
    raise WireError("a piece of arguments has a place that does not exist")


def _joined(value: object) -> object:
    """The arguments with their texts in one piece; they nest no deeper than a path is long."""
    if isinstance(value, _Words):
        return "".join(value)
    if isinstance(value, dict):
        return {name: _joined(item) for name, item in value.items()}
    return [_joined(item) for item in value] if isinstance(value, list) else value


def _steps(path: str) -> list[str | int]:
    """The steps of a path such as `$.a.b[0]['c d']`. Raises WireError."""
    steps: list[str | int] = []
    at = 1
    while path[:1] == "$" and at < len(path):
        if len(steps) == _MOST_STEPS:
            break
        if path[at] == ".":
            ends = [end for end in (path.find(".", at + 1), path.find("[", at + 1)) if end > 0]
            end = min(ends, default=len(path))
            steps.append(path[at + 1 : end])
        elif path.startswith(("['", '["'), at):
            end = path.find(path[at + 1] + "]", at + 2) + 2
            steps.append(path[at + 2 : end - 2])
        else:
            end = path.find("]", at) + 1
            inside = path[at + 1 : end - 1]
            if path[at] != "[" or not inside.isdecimal() or len(inside) > 6:
                break
            steps.append(int(inside))
        if end <= at:
            break
        at = end
    else:
        return steps
    raise WireError("a piece of arguments has a place that cannot be read")
