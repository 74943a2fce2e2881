"""Vectors as JSON numbers and as base64 of little-endian float32, and what a client gets of those that came."""

import base64
import binascii
import struct

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings
from twoapi.protocols.operations.members import broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

_BEGINS = b'["'
_numbers = json.decoder(list[float])


def pack(vector: Raw) -> Raw:
    """Numbers as a base64 string; raises FaultError (of the upstream) when it is no list of numbers."""
    try:
        values = _numbers(vector)
        packed = struct.pack(f"<{len(values)}f", *values)
    except (WireError, struct.error, OverflowError):
        raise broken("the upstream's answer holds a vector that is no list of numbers") from None
    return Raw(b'"' + base64.b64encode(packed) + b'"')


def unpack(vector: Raw) -> Raw:
    """A base64 string as numbers: the shortest that are the same float32. Raises FaultError (of the upstream)."""
    try:
        packed = base64.b64decode(json.string(vector), validate=True)
        values = struct.unpack(f"<{len(packed) // 4}f", packed)
    except (binascii.Error, ValueError, struct.error):
        raise broken("the upstream's answer holds a vector that is no base64 of float32") from None
    return Raw(b"[" + b",".join([_shortest(value) for value in values]) + b"]")


def _shortest(value: float) -> bytes:
    """A float32 in the fewest digits that give it back."""
    if value - value != 0:
        return b"null"  # JSON has no word for what is no number
    if value == 0:
        return b"%.1f" % value  # its sign too: -0 would be read as a whole number, which has none
    for digits in (7, 8):
        text = f"{value:.{digits}g}"
        if struct.unpack("<f", struct.pack("<f", float(text)))[0] == value:
            return text.encode()
    return f"{value:.9g}".encode()


def sort(vectors: list[tuple[int | None, Raw]], wanted: int) -> list[Raw]:
    """The vectors in the order of the inputs; raises FaultError when one is missing or twice there."""
    if len(vectors) != wanted:
        raise broken(f"the upstream gave {len(vectors)} vectors for {wanted} inputs")
    if any(json.first_byte(vector) not in _BEGINS for _, vector in vectors):
        raise broken("the upstream's answer holds a vector that is neither numbers nor base64")
    order = {position if index is None else index: vector for position, (index, vector) in enumerate(vectors)}
    if order.keys() != set(range(wanted)):
        raise broken("the upstream's vectors are not numbered as its inputs")
    return [order[number] for number in range(wanted)]


def in_format(answer: Embedded, wanted: str) -> list[Raw]:
    """The vectors as the client wants them, "float" or "base64"; raises FaultError when none can be made."""
    found = answer.vectors.get(wanted)
    if found is not None:
        return found
    if wanted == "float" and "base64" in answer.vectors:
        return [unpack(vector) for vector in answer.vectors["base64"]]
    if wanted == "base64" and "float" in answer.vectors:
        return [pack(vector) for vector in answer.vectors["float"]]
    raise broken(f"the upstream's answer holds no {wanted!r} vectors")


def only_floats(asked: Embeddings, target: str, losses: list[Loss]) -> None:
    """For an upstream that gives float32 alone: other formats are reported, and refused where they are all."""
    others = [(number, form) for number, form in enumerate(asked.formats) if form not in ("float", "base64")]
    if others and len(others) == len(asked.formats):
        raise refuse(f"{target} gives no {' or '.join(form for _, form in others)} vectors", asked.formats_at)
    losses += [
        Loss(f"{asked.formats_at}/{number}", "unsupported", target, f"no {form} vectors here")
        for number, form in others
    ]
