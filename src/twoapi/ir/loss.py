"""What a conversion could not carry, as a value."""

from typing import Literal

import msgspec

LossKind = Literal[
    "dropped",  # gone
    "emulated",  # expressed by other means that the target understands less exactly
    "approximated",  # the nearest value of the target's scale
    "clamped",  # cut to the target's range
    "moved",  # carried, at another place
    "reordered",  # carried, in another order
    "schema",  # a JSON Schema was weakened
    "reasoning_foreign",  # sealed reasoning of another origin, withheld
    "synthesized",  # the gateway had to add something the target demands
    "unsupported",  # the target has no such feature
    "info",  # worth knowing; nothing that the client asked for is missing
]


class Loss(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that did not cross, or crossed changed.

    `path` is a JSON pointer (RFC 6901) into the payload that was decoded: the client's own body for a request,
    the upstream's body for a response. `target` is the protocol that could not take it. The value itself is never kept.
    """

    path: str
    kind: LossKind
    target: str
    detail: str = ""
