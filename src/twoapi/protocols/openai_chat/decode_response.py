"""A whole answer of an upstream, from the vendor or from one of the many servers that are nearly like it."""

from collections.abc import Callable
from functools import partial
from typing import cast

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Base64,
    Candidate,
    FaultError,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
)
from twoapi.protocols.base import Inspection, Restore
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat.answer_parts import (
    LATEST,
    arguments_text,
    call_header,
    citations,
    content_pieces,
    cut_calls,
    logprobs,
    made_call_id,
    seconds,
)
from twoapi.protocols.openai_chat.entries import OWN
from twoapi.protocols.openai_chat.faults import hidden_fault
from twoapi.protocols.openai_chat.mend_answer import (
    may_fail,
    mend_response,
    refuse_hidden,
    told_failure,
)
from twoapi.protocols.openai_chat.name import NAME, broken
from twoapi.protocols.openai_chat.reasoning import decode_details
from twoapi.protocols.openai_chat.stop import OFFICIAL, decode_stop, failure, guess_stop
from twoapi.protocols.openai_chat.traits import KNOWN, judge
from twoapi.protocols.openai_chat.usage import decode_usage, disjoint
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import strict

_EMPTY = json.EMPTY
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Completion = strict(wire.Completion)
_decode_strict = msgspec.json.Decoder(_Completion).decode
# The same with the usage decoded in one run with the rest, where it is not kept verbatim; that may say anything more.
_Counted = msgspec.defstruct(
    "_Counted",
    [("usage", wire.Usage | None, None)],
    bases=(_Completion,),
    forbid_unknown_fields=True,
    kw_only=True,
)
_decode_counted = cast("Callable[[bytes], wire.Completion]", msgspec.json.Decoder(_Counted).decode)
_decode_lenient = json.decoder(wire.Completion)


_STOP = decode_stop("stop", [])  # never changed
_FIRST = "/choices/0/message/content"
_NULL = Raw(b"null")
_Text = Text


class _Inspected(msgspec.Struct, gc=False):
    usage: Raw = json.EMPTY
    error: Raw = json.EMPTY
    choices: list[Raw] | None = None


_NO_CHOICES = "the upstream's answer has no choices"
_decode_inspected = msgspec.json.Decoder(_Inspected).decode


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in a 200 and for a body that is none of this protocol."""
    extras: dict[str, Raw] = {}
    capabilities = restore.capabilities
    deviates = (KNOWN.get(id(capabilities)) or judge(capabilities)).answer_deviates
    if deviates:
        refuse_hidden(body, capabilities)
    try:
        completion = _decode_strict(body) if restore.verbatim or deviates else _decode_counted(body)
    except _BAD:
        completion, extras = _read_leniently(body)
    choices, created, told = completion.choices, completion.created, completion.id
    counts: Raw | wire.Usage | None = completion.usage
    if completion.error is not _EMPTY or not choices:
        _refuse_hidden_error(completion)
    candidates: list[Candidate] = []
    response = Response(
        protocol=NAME,
        id=told if type(told) is str else "" if told is None else str(told),
        model=completion.model or "",
        candidates=candidates,
        created=created if type(created) is int and 0 <= created < LATEST else seconds(created),
        usage=(
            None
            if counts is None or counts is _EMPTY
            else disjoint(counts)
            if type(counts) is wire.Usage
            else decode_usage(counts, capabilities)  # type: ignore[arg-type]  # it is Raw
        ),
        tier=completion.service_tier,
        fingerprint=completion.system_fingerprint,
        extras=extras,
    )
    for choice in choices or ():
        number = len(candidates)
        candidates.append(_spoken(number, choice) or _Candidate(response, restore, number, choice).decode())
    if deviates:
        mend_response(response, body, capabilities)
    return response


def _spoken(number: int, choice: wire.Choice) -> Candidate | None:
    """The candidate of a choice that is one text and ended of itself, as nearly all are; None for any other."""
    message, logprobs = choice.message, choice.logprobs
    if (
        message is None
        or choice.finish_reason != "stop"
        or type(content := message.content) is not str
        or not content
        or message.tool_calls
        or message.refusal
        or message.annotations
        or message.reasoning_content
        or message.reasoning
        or message.reasoning_details
        or message.function_call is not None
        or message.audio is not None
        or not (logprobs is _EMPTY or logprobs == _NULL)
    ):
        return None
    index, at = choice.index, _FIRST if number == 0 else f"/choices/{number}/message/content"
    return Candidate(number if index is None else index, [_Text(text=content, at=at)], _STOP)


def _read_leniently(body: bytes) -> tuple[wire.Completion, dict[str, Raw]]:
    try:
        return _decode_lenient(body), json.unknown_fields(body, wire.Completion)
    except WireError as error:
        raise FaultError(broken(f"the upstream's answer cannot be read: {error.message}")) from None


def inspect_response(body: bytes, capabilities: Capabilities = USUAL) -> Inspection:
    """Usage and hidden error of a whole answer."""
    try:
        found = _decode_inspected(body)
    except _BAD as error:
        return Inspection(fault=broken(f"the upstream's answer cannot be read: {error}"))
    count = None if found.usage is _EMPTY else partial(decode_usage, found.usage, capabilities)
    fault = None if found.error is _EMPTY else hidden_fault(found.error)
    declared = capabilities.failure_words or capabilities.hidden_error is not None
    if fault is None and declared and may_fail(body, capabilities):
        fault = told_failure(body, capabilities)
    return Inspection(None, broken(_NO_CHOICES) if fault is None and not found.choices else fault, count)


def _refuse_hidden_error(completion: wire.Completion) -> None:
    fault = hidden_fault(completion.error)
    if fault is None and not completion.choices:
        fault = broken(_NO_CHOICES)
    if fault is not None:
        raise FaultError(fault)


class _Candidate:
    """Decodes one choice."""

    __slots__ = ("_at", "_choice", "_index", "_parts", "_response", "_restore")

    def __init__(self, response: Response, restore: Restore, number: int, choice: wire.Choice) -> None:
        self._response = response
        self._restore = restore
        self._choice = choice
        self._index = number if choice.index is None else choice.index
        self._at = f"/choices/{number}/message"
        self._parts: list[Part] = []

    def decode(self) -> Candidate:
        choice, message, parts = self._choice, self._choice.message, self._parts
        if message is not None:
            if message.reasoning_content or message.reasoning or message.reasoning_details:
                self._reasoning(message)
            if message.content is not None or message.annotations:
                self._content(message)
            if message.refusal:
                parts.append(Refusal(text=message.refusal, at=self._at + "/refusal"))
            if message.tool_calls or message.function_call is not None:
                self._calls(message)
            if message.audio is not None:
                parts.append(self._audio(message.audio))
            if not (choice.logprobs is _EMPTY or choice.logprobs == _NULL):
                self._logprobs(choice.logprobs)
        word = choice.finish_reason
        if not word:
            return Candidate(self._index, parts, guess_stop(parts))
        fault = None if word in OFFICIAL else failure(word)
        if fault is not None:
            raise FaultError(fault)
        stop = decode_stop(word, parts, misleads=not self._restore.capabilities.relayed)
        cut_calls(parts, stop.kind)
        return Candidate(self._index, parts, stop)

    def _reasoning(self, message: wire.Message) -> None:
        text, field = message.reasoning_content, "reasoning_content"
        if not text:
            text, field = message.reasoning, "reasoning"
        if message.reasoning_details:
            self._parts += decode_details(message.reasoning_details, text or "", self._at, field)
        elif text:
            self._parts.append(Reasoning(text=text, at=f"{self._at}/{field}"))

    def _content(self, message: wire.Message) -> None:
        content, at = message.content, self._at + "/content"
        if isinstance(content, str):
            if content:
                self._parts.append(Text(text=content, at=at))
        elif content is not None:
            self._pieces(content, at)
        if message.annotations:
            cited = citations(message.annotations)
            text_part = next((part for part in self._parts if isinstance(part, Text)), None)
            if text_part is not None:
                text_part.citations = cited

    def _pieces(self, content: list[Raw], at: str) -> None:
        for number, piece in enumerate(content_pieces(content)):
            if piece.stray is not None:
                self._response.extras[f"{at}/{number}"] = piece.stray
            elif piece.thought:
                seals = () if piece.seal is None else (Opaque("signature", piece.seal, OWN),)
                self._parts.append(Reasoning(text=piece.text, opaque=seals, at=at))
            else:
                self._parts.append(Text(text=piece.text, at=at))

    def _calls(self, message: wire.Message) -> None:
        for number, call in enumerate(message.tool_calls or ()):
            header = call_header(
                call, call.id or self._made_id(number), f"{self._at}/tool_calls/{number}", self._restore
            )
            if call.custom is not None:
                header.arguments = call.custom.input or ""
            elif call.function is not None:
                header.arguments = arguments_text(call.function.arguments)
            self._parts.append(header)
        deprecated = message.function_call
        if deprecated is not None and deprecated.name:
            name = self._restore.names.get(deprecated.name, deprecated.name)
            self._parts.append(
                ToolCall(
                    id=self._made_id(0),
                    name=name,
                    arguments=arguments_text(deprecated.arguments),
                    at=self._at + "/function_call",
                )
            )

    def _made_id(self, number: int) -> str:
        return made_call_id(self._response.id, self._response.created, self._index, number)

    def _audio(self, audio: wire.Audio) -> Media:
        return Media(
            kind="audio",
            source=Base64(audio.data or ""),
            audio_id=audio.id,
            transcript=audio.transcript,
            expires_at=audio.expires_at,
            at=self._at + "/audio",
        )

    def _logprobs(self, raw: Raw) -> None:
        content, refusal = logprobs(raw)
        placed = content is not None or refusal is not None
        for part in self._parts:
            if isinstance(part, Text) and content is not None:
                part.logprobs, content = content, None
            elif isinstance(part, Refusal) and refusal is not None:
                part.logprobs, refusal = refusal, None
        if content or refusal or not placed:
            self._response.extras[self._at.rpartition("/")[0] + "/logprobs"] = raw
