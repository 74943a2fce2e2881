"""Reasoning state of this service's models, which only they can read."""

from twoapi.ir import Opaque, Origin, Reasoning
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.sealing import is_sealed

_ORIGIN = Origin(NAME)


def signature(data: str) -> Opaque:
    """The signature of a reasoning text."""
    return Opaque("signature", data, _ORIGIN)


def redacted(data: str) -> Opaque:
    """Redacted reasoning, as base64."""
    return Opaque("redacted", data, _ORIGIN)


def native_signature(part: Reasoning) -> str | None:
    """The signature that this service made, None when there is none."""
    return _native(part, "signature")


def native_redacted(part: Reasoning) -> str | None:
    """The redacted reasoning that this service made, None when there is none."""
    return _native(part, "redacted")


def _native(part: Reasoning, kind: str) -> str | None:
    for opaque in part.opaque:
        if opaque.kind == kind and opaque.origin is not None and opaque.origin.protocol == NAME:
            return None if is_sealed(opaque) else opaque.data
    return None
