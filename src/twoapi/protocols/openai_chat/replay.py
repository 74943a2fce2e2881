"""Past reasoning on its way back to the upstream, in the form in which that one wants it."""

from msgspec import Raw

from twoapi.ir import Loss, LossKind, Message, Opaque, Reasoning, plain
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_chat.schema_out import Contents
from twoapi.wire import json

IN_CONTENT = "content"  # the reasoning field of servers that have it among the parts of the content
_FILLER = " "


class Replay:
    """Collects the reasoning of one assistant turn."""

    __slots__ = ("_capabilities", "_entries", "_losses", "_message", "_parts", "_texts", "chunks")

    def __init__(self, message: Message, capabilities: Capabilities, losses: list[Loss]) -> None:
        self._message = message
        self._capabilities = capabilities
        self._losses = losses
        self._parts: list[Reasoning] = []
        self._texts: list[str] = []
        self._entries: list[Raw] = []
        self.chunks: Contents = []  # what stands before the rest of the content

    def add(self, part: Reasoning) -> None:
        """One piece of reasoning."""
        self._parts.append(part)

    def _take(self, part: Reasoning) -> None:
        """What cannot come back is reported."""
        field, text = self._capabilities.reasoning_field, plain(part.text)
        own = [opaque for opaque in part.opaque if _is_own(opaque)]
        if own and self._capabilities.reasoning_details:
            self._entries += [Raw(opaque.data.encode()) for opaque in own if json.is_object(opaque.data)]
        elif not text:
            self._lose(part, "reasoning_foreign", "sealed reasoning is withheld")
        elif field is None:
            self._lose(part, "dropped", "past reasoning is not sent")
        else:
            if field == IN_CONTENT:
                self.chunks.append(_chunk(text, own))
            else:
                self._texts.append(text)
            if any(opaque.data for opaque in part.opaque) and not (own and field == IN_CONTENT):
                self._lose(part, "reasoning_foreign", "the seal of reasoning is withheld")

    def put(self, built: out.Message, *, fill: bool) -> None:
        """Puts all of it into the message; with `fill`, a word of the gateway's where there is none."""
        for part in self._parts:
            self._take(part)
        if self._entries:
            built.reasoning_details = self._entries
        elif fill and not self._texts:
            self._texts.append(_FILLER)
            detail = "this model refuses tool calls without reasoning"
            self._losses.append(Loss(self._message.at, "synthesized", NAME, detail))
        if self._texts:
            joined = "\n\n".join(self._texts)
            if self._capabilities.reasoning_field == "reasoning":
                built.reasoning = joined
            else:
                built.reasoning_content = joined

    def _lose(self, part: Reasoning, kind: LossKind, detail: str) -> None:
        self._losses.append(Loss(self._message.at + part.at, kind, NAME, detail))


def _is_own(opaque: Opaque) -> bool:
    """True for state that a server of this protocol made; the gateway has seen to it that it is this very one."""
    return bool(opaque.data) and opaque.origin is not None and opaque.origin.protocol == NAME


def _chunk(text: str, own: list[Opaque]) -> Raw:
    """Reasoning as a part of the content."""
    chunk: dict[str, object] = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
    if own:
        chunk["signature"] = own[0].data
    return Raw(json.encode(chunk))
