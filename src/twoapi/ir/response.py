"""An answer, whatever protocol it came in."""

from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir.fault import Fault
from twoapi.ir.parts import Part

StopKind = Literal[
    "stop",
    "stop_sequence",
    "tool_use",
    "max_tokens",
    "context_window",
    "content_filter",
    "recitation",
    "refusal",
    "pause",
    "compaction",
    "malformed_call",
    "cancelled",
    "other",
]


class StopReason(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why the model stopped. `raw` is the wire's own word, `sequence` the stop string that matched, `details` the
    wire's verbatim details object (Anthropic's `stop_details`) for a client of the same protocol.
    """

    kind: StopKind
    raw: str | None = None
    sequence: str | None = None
    detail: str | None = None
    details: Raw | None = None


class Usage(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Tokens, in disjoint counts: the total input is `input + cache_read + cache_write + tool_prompt`, the total
    output is `output + reasoning`. None means the upstream did not say; it is never turned into 0 in silence.

    `input`: neither read from nor written to a cache. `cache_write`: all writes; `cache_write_5m`, `_1h` split them.
    `output`: visible output, without `reasoning`; when the upstream gave no split, all output and `reasoning` None.
    The audio, image and prediction counts are parts of the others, for information. `server_tools`: requests made by
    tools that the vendor ran. `cost`: the price in US dollars, when the upstream tells it. `raw`: the wire's own usage
    object, for a client of the same protocol.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    tool_prompt: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_in: int | None = None
    audio_out: int | None = None
    text_in: int | None = None
    text_out: int | None = None
    image_in: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None
    server_tools: dict[str, int] | None = None
    estimated: bool = False
    raw: Raw | None = None
    cost: float | None = None

    @property
    def total_input(self) -> int:
        """All input tokens; unknown counts are taken as 0."""
        return (self.input or 0) + (self.cache_read or 0) + (self.cache_write or 0) + (self.tool_prompt or 0)

    @property
    def total_output(self) -> int:
        """All output tokens, reasoning included; unknown counts are taken as 0."""
        return (self.output or 0) + (self.reasoning or 0)


class Candidate(msgspec.Struct, gc=False):
    """One of the answers asked for with n."""

    index: int
    parts: list[Part]
    stop: StopReason | None = None


class Response(msgspec.Struct, kw_only=True, gc=False):
    """A whole answer. `created` in seconds since the epoch, None when the protocol has no such field.

    `extras` as in Request: what this model does not hold, by JSON pointer in the upstream's body. `echo`: members of
    the answer that only repeat the request, verbatim, for a client of the same protocol; elsewhere nothing is lost.
    """

    protocol: str
    id: str
    model: str
    candidates: list[Candidate]
    created: int | None = None
    usage: Usage | None = None
    tier: str | None = None
    fingerprint: str | None = None
    fault: Fault | None = None
    extras: dict[str, Raw] = msgspec.field(default_factory=dict)
    echo: dict[str, Raw] = msgspec.field(default_factory=dict)
