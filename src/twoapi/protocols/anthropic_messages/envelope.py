"""Reasoning that others made, in an Anthropic client's hands: its signature is then a carrier."""

from twoapi.ir import Opaque, Origin, Reasoning
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.sealing import SEAL_PREFIX, is_sealed

MARK = SEAL_PREFIX.encode()


def closed(kind: str, data: str) -> Opaque:
    """A signature (kind "signature") or redacted reasoning (kind "redacted") of a client as opaque state; a carrier
    stays closed.
    """
    given = Opaque("redacted" if kind == "redacted" else "signature", data, Origin(NAME))
    return Opaque("other", data) if is_sealed(given) else given


def native_signature(part: Reasoning) -> str | None:
    """The signature that this protocol itself made, None when there is none."""
    return _native(part, "signature")


def native_redacted(part: Reasoning) -> str | None:
    """The redacted reasoning that this protocol itself made, None when there is none."""
    return _native(part, "redacted")


def _native(part: Reasoning, kind: str) -> str | None:
    for opaque in part.opaque:
        if opaque.kind == kind and (opaque.origin is None or opaque.origin.protocol == NAME):
            return None if is_sealed(opaque) else opaque.data
    return None
