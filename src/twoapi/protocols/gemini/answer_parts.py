"""Pieces of an upstream's answer that its whole form and its streamed form share."""

import base64
import hashlib

import msgspec
from msgspec import Raw

from twoapi.ir import Citation, Fault, FaultError, Part, Reasoning, StopReason, Text, ToolCall, plain
from twoapi.protocols.base import Restore
from twoapi.protocols.free_text import unwrap_custom
from twoapi.protocols.gemini import parts as wire
from twoapi.protocols.gemini.grounding import Cited, Texts, read_grounding, read_sources, told
from twoapi.protocols.gemini.name import broken
from twoapi.protocols.gemini.schema_answer import PromptFeedback
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder

_decode_feedback = decoder(PromptFeedback)


def unreadable(error: WireError) -> FaultError:
    """The error of an answer that is none of this protocol."""
    place = f" at {error.pointer}" if error.pointer else ""
    return FaultError(broken(f"the upstream's answer cannot be read: {error.message}{place}"))


def made_call_id(answer: str, candidate: int, number: int) -> str:
    """An id for a call that came without one: the same for the same call in the whole and the streamed form."""
    seed = f"{answer}/{candidate}/{number}"
    return "call_" + base64.b32encode(hashlib.sha256(seed.encode()).digest())[:24].decode().lower()


def answer_part(part: wire.Part, at: str, restore: Restore, extras: dict[str, Raw]) -> Part:
    """A part of an answer, with the client's name of a tool; a call without an id has the id "". Raises WireError."""
    made = wire.decode_part(part, at, "", extras)
    if isinstance(made, Text | Reasoning):
        try:
            made.text = plain(made.text)
        except FaultError as error:
            raise WireError(error.fault.message, at) from None
    elif isinstance(made, ToolCall):
        made.name = restore.names.get(made.name, made.name)
        made.arguments = _compact(made.arguments)
        made.id = restore.call_ids.get(made.id, made.id)
        if made.name in restore.custom:
            made.kind = "custom"
            made.arguments = unwrap_custom(made.arguments)
    return made


def _compact(arguments: str) -> str:
    """The same JSON without space between its tokens: the vendor indents whole answers. Numbers keep their digits."""
    if " " in arguments or "\n" in arguments:
        return msgspec.json.format(arguments, indent=-1)
    return arguments


def says_nothing(part: Part) -> bool:
    """True for an empty text without sealed state: the vendor ends streams with one."""
    return isinstance(part, Text | Reasoning) and not part.text and not part.opaque


def blocked(feedback: Raw) -> StopReason | None:
    """The stop reason of a prompt that was refused; None when it was not."""
    if not told(feedback):
        return None
    try:
        found = _decode_feedback(feedback)
    except WireError:
        return None
    if not found.block_reason:
        return None
    return StopReason(
        kind="content_filter", raw=found.block_reason, detail=found.block_reason_message, details=feedback
    )


def no_answer() -> Fault:
    """The fault of an answer that holds none."""
    return broken("the upstream's answer has no candidates")


def cite(texts: Texts, grounding: Raw, sources: Raw, at: str) -> tuple[Cited, dict[str, Raw]]:
    """All that a candidate cites, and by pointer what the citations do not say of it."""
    cited: Cited = []
    extras: dict[str, Raw] = {}
    if told(grounding):
        found, left = read_grounding(grounding, texts, at + "/groundingMetadata")
        cited += found
        extras |= left
    if told(sources):
        found, left = read_sources(sources, texts, at + "/citationMetadata")
        cited += found
        extras |= left
    return cited, extras


def by_part(cited: Cited) -> dict[int, list[Citation]]:
    """The citations of each part."""
    found: dict[int, list[Citation]] = {}
    for number, citation in cited:
        found.setdefault(number, []).append(citation)
    return found
