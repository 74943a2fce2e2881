"""A whole answer for a client of this protocol."""

from msgspec import UNSET

from twoapi.ir import (
    Base64,
    Candidate,
    Loss,
    Media,
    Part,
    Reasoning,
    Refusal,
    Response,
    StopReason,
    Text,
    TokenLogprob,
    ToolCall,
    plain,
)
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.encode_answer import (
    TIERS,
    annotations,
    answer_tier,
    client_call_id,
    reasoning_field,
    report_foreign,
    tokens,
)
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_chat.reasoning import carried, encode_details
from twoapi.protocols.openai_chat.schema import ReasoningDetail
from twoapi.protocols.openai_chat.stop import encode_stop, guess_stop, refusal_of, report_stop
from twoapi.protocols.openai_chat.usage import encode_usage
from twoapi.wire import json


def encode_response(response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
    """The answer as JSON."""
    same, tier = response.protocol == NAME, response.tier
    choices: list[out.Choice] = []
    for candidate in response.candidates:
        choices.append(_encode_choice(candidate, response, context, losses))  # noqa: PERF401  one, without a frame more
    completion = out.Completion(
        id=response.id if same and response.id else "chatcmpl-" + context.id,
        object="chat.completion",
        created=context.now if response.created is None else response.created,
        model=response.model or context.request.model,
        choices=choices,
        usage=encode_usage(response.usage, losses, same=same),
        service_tier=tier if tier is None or same else TIERS.get(tier) or answer_tier(tier, response.protocol, losses),
        system_fingerprint=response.fingerprint,
    )
    body = json.encode(completion)
    if not body.isascii():
        _read_texts(response)
    if response.extras:
        missing = list(response.extras)
        if same:
            body, missing = json.insert(body, response.extras)
        losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in missing]
    return body


def _read_texts(response: Response) -> None:
    """Raises FaultError for a text that is not UTF-8: nobody sees that of one that is only moved."""
    for candidate in response.candidates:
        for part in candidate.parts:
            if type(part) is Text:
                plain(part.text)


def _encode_choice(candidate: Candidate, response: Response, context: AnswerContext, losses: list[Loss]) -> out.Choice:
    parts, logprobs = candidate.parts, None
    message: out.TextMessage | out.AnswerMessage
    # Nearly all answers are one text: nothing has to be collected.
    if (
        len(parts) == 1
        and type(text := parts[0]) is Text
        and not text.citations
        and text.logprobs is None
        and not text.opaque
    ):
        message = out.TextMessage("assistant", text.text)
    else:
        encoder = _MessageEncoder(response.protocol, context, losses)
        message = encoder.encode(parts)
        logprobs = encoder.logprobs()
    stop: StopReason = candidate.stop or guess_stop(parts)
    if stop.kind == "stop" and stop.sequence is None and stop.details is None and not message.refusal:  # as most do
        return out.Choice(index=candidate.index, message=message, logprobs=logprobs, finish_reason="stop")
    if message.refusal is None:
        message.refusal = refusal_of(stop, response.protocol)
    report_stop(stop, response.protocol, candidate.index, losses)
    word = encode_stop(stop, response.protocol, legacy=context.request.legacy_functions)
    return out.Choice(index=candidate.index, message=message, logprobs=logprobs, finish_reason=word)


class _MessageEncoder:
    """Collects the parts of one candidate into a message."""

    __slots__ = (
        "_annotations",
        "_calls",
        "_context",
        "_length",
        "_losses",
        "_message",
        "_protocol",
        "_texts",
        "_thoughts",
        "_tokens",
        "legacy",
    )

    def __init__(self, protocol: str, context: AnswerContext, losses: list[Loss]) -> None:
        self.legacy = context.request.legacy_functions
        self._context = context
        self._protocol = protocol
        self._losses = losses
        self._message = out.AnswerMessage(role="assistant", content=None, refusal=None)
        self._texts: list[str] = []
        self._length = 0
        self._annotations: list[out.Annotation] = []
        self._calls: list[out.ToolCall] = []
        self._thoughts: list[Reasoning] = []
        self._tokens: tuple[list[TokenLogprob] | None, list[TokenLogprob] | None] = (None, None)

    def encode(self, parts: list[Part]) -> out.AnswerMessage:
        """The message of these parts."""
        message = self._message
        for part in parts:
            if isinstance(part, Text):
                self._text(part)
            elif isinstance(part, ToolCall):
                self._call(part)
            elif isinstance(part, Reasoning):
                self._thoughts.append(part)
            elif isinstance(part, Refusal):
                message.refusal = (message.refusal or "") + plain(part.text)
                self._tokens = (self._tokens[0], _joined(self._tokens[1], part.logprobs))
            elif isinstance(part, Media) and part.kind == "audio" and isinstance(part.source, Base64):
                message.audio = out.Audio(
                    id=part.audio_id or "audio",
                    data=part.source.data,
                    transcript=part.transcript,
                    expires_at=part.expires_at,
                )
            else:
                report_foreign(part.at, type(part).__name__, self._losses)
        self._finish_thoughts()
        if self._calls:
            message.tool_calls = self._calls
        message.annotations = self._annotations
        if self._texts:
            message.content = "".join(self._texts)
        elif not (self._calls or message.refusal or message.audio or message.function_call):
            message.content = ""
        return message

    def logprobs(self) -> out.Logprobs | None:
        """The log probabilities of the whole message."""
        content, refusal = self._tokens
        if content is None and refusal is None:
            return None
        return out.Logprobs(content=tokens(content), refusal=tokens(refusal))

    def _text(self, part: Text) -> None:
        text = plain(part.text)
        if self._calls or self._message.function_call is not UNSET:
            self._losses.append(Loss(part.at, "reordered", NAME, "text goes before tool calls"))
        if part.citations:
            self._annotations += annotations(part.citations, self._length, len(text), part.at, self._losses)
        if part.logprobs is not None:
            self._tokens = (_joined(self._tokens[0], part.logprobs), self._tokens[1])
        self._texts.append(text)
        self._length += len(text)
        if part.opaque:
            self._seal(part)

    def _call(self, call: ToolCall) -> None:
        if call.opaque:
            self._seal(call)
        if self.legacy and call.kind == "function":
            if self._message.function_call is UNSET:
                self._message.function_call = out.Function(name=call.name, arguments=self._arguments(call))
            else:
                self._losses.append(Loss(call.at, "dropped", NAME, "the deprecated form holds one call"))
            return
        call_id = client_call_id(call.id, self._protocol)
        if call.kind == "custom":
            custom = out.Custom(name=call.name, input=call.arguments)
            self._calls.append(out.ToolCall(id=call_id, type="custom", custom=custom))
        else:
            function = out.Function(name=call.name, arguments=self._arguments(call))
            self._calls.append(out.ToolCall(id=call_id, type="function", function=function))

    def _arguments(self, call: ToolCall) -> str:
        # Clients parse arguments as JSON; the vendor itself never sends none.
        return call.arguments if call.arguments or self._protocol == NAME else "{}"

    def _finish_thoughts(self) -> None:
        details: list[ReasoningDetail] = []
        texts: dict[str, list[str]] = {}
        for part in self._thoughts:
            text = plain(part.text)
            if text:
                texts.setdefault(reasoning_field(part.at, self._protocol), []).append(text)
            opaque = carried(part.opaque, text, self._protocol, self._context.sealer)
            details += encode_details(text, part.form, opaque, len(details))
        for field, pieces in texts.items():
            if field == "reasoning":
                self._message.reasoning = "\n\n".join(pieces)
            else:
                self._message.reasoning_content = "\n\n".join(pieces)
        if details:
            self._message.reasoning_details = details

    def _seal(self, part: Part) -> None:
        if not self._context.kept:
            self._losses.append(Loss(part.at, "reasoning_foreign", NAME, "sealed state has no place in this protocol"))


def _joined(before: list[TokenLogprob] | None, more: list[TokenLogprob] | None) -> list[TokenLogprob] | None:
    return before if more is None else [*(before or ()), *more]
