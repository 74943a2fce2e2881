"""State of one protocol in the hands of another's client: the text that carries it there and back.

A codec asks the Sealer of its answer for a carrier, and keeps carriers that clients give back closed, as
`Opaque("other", text)`. Whoever has the key opens them all before the request is encoded for an upstream.
"""

import base64
import binascii
from typing import Protocol

import msgspec

from twoapi.ir import ENVELOPE_PREFIX, Opaque, Origin
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder, encode

# Every carrier begins with this: the longer a mark is, the sooner a large body has been searched for it. Its length is
# a multiple of three, so that base64 of every carrier begins alike too.
SEAL_PREFIX = "tw1.twoapi-sealed-state--return-it-unchanged."
SEAL_PREFIX_BASE64 = base64.b64encode(SEAL_PREFIX.encode()).decode()

# What a carrier that cannot be opened stands for: state of somebody, which nobody can be given.
LOST = (Opaque("other", "", Origin("")),)


class Sealer(Protocol):
    """Makes carriers. The same state gives the same text every time, so that prompt caches hold."""

    def seal(self, opaques: tuple[Opaque, ...], upstream: str) -> str:
        """The text, beginning with SEAL_PREFIX, that stands for the sealed state of one part, which may be none: then
        it still says that the part is from `upstream`, the protocol of the answer.
        """
        ...


class Opener(Protocol):
    """Opens what a Sealer made."""

    def open(self, text: str) -> tuple[Opaque, ...] | None:
        """What is in a carrier, each with its origin; None when it is not one of ours, or damaged."""
        ...


class Content(msgspec.Struct, omit_defaults=True):
    """What a carrier holds: the state of one part, and the protocol that the part is from."""

    upstream: str
    opaques: tuple[Opaque, ...] = ()

    def restored(self) -> tuple[Opaque, ...]:
        """The state as it was; without any, a piece that only says whom the part is from."""
        return self.opaques or (Opaque("other", "", Origin(self.upstream)),)


decode_content = decoder(Content)


def content_of(opaques: tuple[Opaque, ...], upstream: str) -> Content:
    """The state with its origin told. Of pieces that hold nothing, or that are carriers themselves, nothing is kept."""
    told = (
        opaque if opaque.origin is not None else Opaque(opaque.kind, opaque.data, Origin(upstream))
        for opaque in opaques
        if opaque.data and not is_sealed(opaque)
    )
    return Content(upstream, tuple(told))


class PlainSealer:
    """Carriers that anybody can read and make: for codecs without a gateway, where there is no key."""

    def seal(self, opaques: tuple[Opaque, ...], upstream: str) -> str:
        """The carrier of this state."""
        return SEAL_PREFIX + base64.urlsafe_b64encode(encode(content_of(opaques, upstream))).rstrip(b"=").decode()

    def open(self, text: str) -> tuple[Opaque, ...] | None:
        """The state in a carrier of this kind."""
        packed = sealed_bytes(text)
        try:
            return None if packed is None else decode_content(packed).restored()
        except WireError:
            return None


PLAIN = PlainSealer()


def is_sealed(opaque: Opaque) -> bool:
    """True for a carrier, which is opened before a request is encoded, and never goes to an upstream."""
    return opaque.data.startswith(ENVELOPE_PREFIX)


def sealed_bytes(text: str) -> bytes | None:
    """What stands behind the mark of a carrier; None when the text is none."""
    if not text.startswith(SEAL_PREFIX):
        return None
    packed = text[len(SEAL_PREFIX) :].rstrip("=")
    try:
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None


def to_base64(text: str) -> str:
    """A carrier as it goes where a protocol has bytes in base64; free of `+`, `/`, `-` and `_`, so that a client may
    decode it and encode it in another alphabet.
    """
    return base64.b64encode(text.encode() + b"=" * (-len(text) % 3)).decode()


def from_base64(text: str) -> str | None:
    """The carrier in such bytes; None when they are something else."""
    if not text.startswith(SEAL_PREFIX_BASE64):
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode().rstrip("=")
    except (binascii.Error, ValueError):
        return SEAL_PREFIX  # a carrier whose content is lost
