"""Reasoning of other protocols in an Anthropic client's hands: a signature of ours that names the true origin."""

import base64
import binascii

from msgspec import Struct

from twoapi.ir import ENVELOPE_PREFIX, Opaque, Origin, Reasoning
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder, encode


class _Envelope(Struct, omit_defaults=True):
    o: str  # the origin's protocol
    k: str = ""  # kind of the sealed state; "" when there was none
    d: str = ""  # the sealed state


# Every envelope begins with the same words (a multiple of three bytes, so that they look the same in base64): they say
# what this is to whoever decodes it, and the longer a mark is the sooner a large body has been searched for it.
_WORDS = b'{"what":"reasoning of another protocol, sealed by twoapi",  '
MARK = ENVELOPE_PREFIX.encode() + base64.urlsafe_b64encode(_WORDS)

_decode = decoder(_Envelope)
_KINDS = {"signature", "redacted", "encrypted_reasoning", "thought_signature", "compaction", "phase"}


def seal(protocol: str, opaque: Opaque | None) -> str:
    """The signature that stands for reasoning of `protocol`, with its sealed state if there is any."""
    kind, data = ("", "") if opaque is None else (opaque.kind, opaque.data)
    origin = protocol if opaque is None or opaque.origin is None else opaque.origin.protocol
    packed = _WORDS + encode(_Envelope(origin, kind, data))[1:]
    return ENVELOPE_PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def unseal(signature: str) -> Opaque:
    """A signature as opaque state: of its true origin when it is an envelope, else of this protocol."""
    if not signature.startswith(ENVELOPE_PREFIX):
        return Opaque("signature", signature, Origin(NAME))
    packed = signature[len(ENVELOPE_PREFIX) :]
    try:
        inside = _decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (binascii.Error, ValueError, WireError):
        return Opaque("other", "", Origin(""))
    return Opaque(inside.k if inside.k in _KINDS else "signature", inside.d, Origin(inside.o))  # type: ignore[arg-type]  # checked


def native_signature(part: Reasoning) -> str | None:
    """The signature that this protocol itself made, None when there is none."""
    return _native(part, "signature")


def native_redacted(part: Reasoning) -> str | None:
    """The redacted reasoning that this protocol itself made, None when there is none."""
    return _native(part, "redacted")


def foreign(part: Reasoning) -> Opaque | None:
    """The sealed state of another origin, None when there is none."""
    return next((o for o in part.opaque if o.origin is not None and o.origin.protocol != NAME and o.data), None)


def _native(part: Reasoning, kind: str) -> str | None:
    for opaque in part.opaque:
        if opaque.kind == kind and (opaque.origin is None or opaque.origin.protocol == NAME):
            return None if opaque.data.startswith(ENVELOPE_PREFIX) else opaque.data
    return None
