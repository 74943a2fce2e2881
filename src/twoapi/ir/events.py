"""What a streamed answer is made of: a closed set of events that folds to the same Response as the whole answer."""

from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir.fault import Fault
from twoapi.ir.parts import Citation, Opaque, Part, TokenLogprob
from twoapi.ir.response import StopReason, Usage


class Start(msgspec.Struct, kw_only=True, gc=False):
    """The answer begins; once, first. Usage is set when the upstream already told it (Anthropic does).

    `echo` as in Response.
    """

    id: str
    model: str
    created: int | None = None
    usage: Usage | None = None
    tier: str | None = None
    fingerprint: str | None = None
    protocol: str = ""
    echo: dict[str, Raw] = msgspec.field(default_factory=dict)


class PartStart(msgspec.Struct, gc=False):
    """Part number `part` of candidate `candidate` begins. `header` has its type, id and name, and an empty body.

    Part numbers count 0, 1, 2 ... per candidate; several parts may be open at once.
    """

    candidate: int
    part: int
    header: Part


class Delta(msgspec.Struct, gc=False):
    """More of an open part: `text` belongs to its text, reasoning, refusal, or arguments as the part's type says.

    For audio, `text` is base64 data with field "data" and words with field "transcript".
    """

    candidate: int
    part: int
    text: str
    field: Literal["body", "data", "transcript"] = "body"


class Attach(msgspec.Struct, gc=False):
    """Something that belongs to an open part and is not its text."""

    candidate: int
    part: int
    item: Opaque | Citation | list[TokenLogprob]


class PartEnd(msgspec.Struct, gc=False):
    """An open part is complete. `final` replaces the folded part when the wire repeats it whole."""

    candidate: int
    part: int
    final: Part | None = None


class UsageUpdate(msgspec.Struct, gc=False):
    """The usage so far. Replaces the earlier one; it is never added to it."""

    usage: Usage


class Finish(msgspec.Struct, gc=False):
    """A candidate is complete, and why."""

    candidate: int
    stop: StopReason


class End(msgspec.Struct, gc=False):
    """The answer is complete. Nothing follows. `extras` as in Response, folded over the stream."""

    extras: dict[str, Raw] = msgspec.field(default_factory=dict)


class Failed(msgspec.Struct, gc=False):
    """The answer broke off. Nothing follows."""

    fault: Fault


class KeepAlive(msgspec.Struct, gc=False):
    """The upstream is alive and has nothing to say."""


Event = Start | PartStart | Delta | Attach | PartEnd | UsageUpdate | Finish | End | Failed | KeepAlive
