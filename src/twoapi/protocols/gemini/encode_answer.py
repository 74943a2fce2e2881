"""Pieces of an answer for a client that its whole form and its streamed form share."""

from msgspec import Raw

from twoapi import ir
from twoapi.ir import Loss, Opaque
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.gemini import parts as wire
from twoapi.protocols.gemini.answer_parts import made_call_id
from twoapi.protocols.gemini.name import NAME, broken
from twoapi.protocols.sealing import to_base64
from twoapi.protocols.times import timestamp
from twoapi.wire import json
from twoapi.wire.errors import WireError

Wire = wire.Wire

# Reasons to stop that cut a call in the middle of its arguments.
CUT_OFF = frozenset(("max_tokens", "context_window", "content_filter"))
_MIMES = {"audio": "audio/wav", "image": "image/png", "video": "video/mp4", "file": "application/octet-stream"}


class Answer:
    """What is known of an answer before its candidates: who gave it, and what its client sees of that."""

    __slots__ = ("context", "created", "given", "id", "losses", "model", "same", "upstream")

    def __init__(self, start: ir.Start | ir.Response, context: AnswerContext, losses: list[Loss]) -> None:
        self.context = context
        self.losses = losses
        self.upstream = start.protocol
        self.same = start.protocol == NAME
        self.given = start.id
        self.id = start.id if self.same and start.id else context.id
        self.model = start.model or context.request.model
        self.created = start.created
        if start.fingerprint is not None:
            self.lose("/system_fingerprint", "dropped", "no place for a fingerprint")

    def lose(self, path: str, kind: ir.LossKind, detail: str) -> None:
        """Reports what does not cross."""
        self.losses.append(Loss(path, kind, NAME, detail))

    def members(self) -> Wire:
        """The members of the answer beside its candidates and usage."""
        members: Wire = {"modelVersion": self.model, "responseId": self.id}
        if self.created is not None:
            members["createTime"] = timestamp(self.created)
        return members


def broken_call() -> ir.Fault:
    """Arguments that nothing cut off and that are still no JSON object."""
    return broken("the model wrote tool arguments that are not a JSON object", code="invalid_tool_arguments")


class PartWriter:
    """Writes the parts of one candidate.

    State of another protocol goes out sealed, as the signature of the part it belongs to. That of reasoning goes along
    with the next call as well: clients that do not give thoughts back still give back the signatures of calls.
    """

    __slots__ = ("_answer", "_calls", "_index", "_pending")

    def __init__(self, answer: Answer, index: int) -> None:
        self._answer = answer
        self._index = index
        self._calls = 0
        self._pending: tuple[Opaque, ...] = ()  # of the reasoning since the last call

    def signature(self, part: ir.Part) -> str | None:
        """The signature of a part that is not reasoning."""
        return self._signature(part, part.opaque) if part.opaque else None

    def thought(self, part: ir.Reasoning, opaque: tuple[Opaque, ...]) -> str | None:
        """The signature of reasoning: another protocol's is sealed even when it has no state, to say whose it is."""
        answer = self._answer
        if answer.same:
            return self._signature(part, opaque) if opaque else None
        self._pending += tuple(one for one in opaque if one.data)
        return to_base64(answer.context.sealer.seal(opaque, answer.upstream))

    def _signature(self, part: ir.Part, opaque: tuple[Opaque, ...]) -> str | None:
        answer = self._answer
        if not answer.same:
            return to_base64(answer.context.sealer.seal(opaque, answer.upstream))
        own = next((one.data for one in opaque if one.kind == "thought_signature"), None)
        if len(opaque) > (own is not None):
            answer.lose(part.at, "reasoning_foreign", "sealed state that is no thought signature")
        return own

    def call(self, call: ir.ToolCall) -> Wire | None:
        """A call; None when its arguments are no JSON object."""
        number, self._calls = self._calls, self._calls + 1
        args = self._arguments(call)
        if args is None and call.arguments:
            return None
        opaque, self._pending = (*self._pending, *call.opaque), ()
        made = self._answer.same and call.id == made_call_id(self._answer.given, self._index, number)
        signature = self._signature(call, opaque) if opaque else None
        return wire.write_call(call.name, None if made else call.id, args, signature)

    def _arguments(self, call: ir.ToolCall) -> object:
        if call.kind == "custom":
            return {"input": call.arguments}
        if call.arguments:
            return Raw(call.arguments) if json.is_object(call.arguments) else None
        return None if self._answer.same else {}

    def other(self, part: ir.Part) -> Wire | None:
        """A part that is neither words nor a call; None, with a loss, when it has no place here."""
        if isinstance(part, ir.Media):
            return self._media(part)
        if isinstance(part, ir.ServerTool) and part.protocol == NAME:
            return wire.write_server_tool(part)
        if isinstance(part, ir.Unknown) and part.protocol == NAME:
            try:
                return dict(json.fields(part.raw))
            except WireError:
                pass
        self._answer.lose(part.at, "dropped", f"no place for {type(part).__name__} in an answer")
        return None

    def _media(self, part: ir.Media) -> Wire | None:
        answer, source = self._answer, part.source
        if isinstance(source, ir.FileId) and source.protocol != NAME:
            answer.lose(part.at, "dropped", "a file of another vendor")
            return None
        if not isinstance(source, ir.Base64 | ir.Url | ir.FileId):
            answer.lose(part.at, "dropped", "no place for a text document in an answer")
            return None
        if part.transcript:
            answer.lose(part.at, "dropped", "no place for the words of a sound")
        if part.audio_id is not None or part.expires_at is not None:
            answer.lose(part.at, "dropped", "no place for the id of a sound")
        made = wire.write_media(source, part.mime or _MIMES[part.kind], part.name)
        signature = self.signature(part)
        if signature is not None:
            made["thoughtSignature"] = signature
        return made


def usage_path(upstream: str) -> str:
    """Where the upstream told its usage."""
    return "/usageMetadata" if upstream == NAME else "/usage"
