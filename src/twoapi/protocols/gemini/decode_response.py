"""A whole answer of an upstream."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.ir import Candidate, FaultError, Response, StopReason, Text, ToolCall, plain
from twoapi.protocols.base import Inspection, Restore
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.gemini import schema_answer as wire
from twoapi.protocols.gemini.answer_parts import (
    answer_part,
    blocked,
    by_part,
    cite,
    made_call_id,
    no_answer,
    says_nothing,
    unreadable,
)
from twoapi.protocols.gemini.faults import array_fault, hidden_fault
from twoapi.protocols.gemini.grounding import told
from twoapi.protocols.gemini.logprobs import read_logprobs, says_more
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.parts import BARE, Part, dressing, listed
from twoapi.protocols.gemini.spelling import loosen
from twoapi.protocols.gemini.stop import decode_stop, failure
from twoapi.protocols.gemini.usage import decode_tier, decode_usage
from twoapi.protocols.times import seconds, timestamp
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode, is_null

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(wire.Answer).decode
_decode_loose = msgspec.json.Decoder(wire.Answer, strict=False).decode
_metadata = attrgetter(*wire.UNMODELLED, "grounding_metadata", "citation_metadata", "logprobs_result")
_decode_text = msgspec.json.Decoder(str).decode
_STOP = decode_stop("STOP", None, [])  # never changed
_NO_METADATA = _metadata(wire.Candidate())


class _Inspected(msgspec.Struct, rename="camel"):
    usage_metadata: Raw = EMPTY
    error: Raw = EMPTY
    candidates: list[Raw] | None = None
    prompt_feedback: Raw = EMPTY


_decode_inspected = decoder(_Inspected)


def read_answer(body: bytes) -> tuple[wire.Answer, dict[str, Raw]]:
    """The answer or frame, and what of it is not known here, by pointer. Raises WireError."""
    try:
        return _decode_strict(body), {}
    except _BAD:
        loosened = loosen(body, wire.Answer)
    try:
        return _decode_loose(loosened.body), loosened.extras
    except _BAD as error:
        raise WireError(str(error)) from None


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in a 200 and for a body that is none of this protocol."""
    try:
        answer, extras = read_answer(body)
        fault = None if answer.error is EMPTY else hidden_fault(answer.error)
        if fault is not None:
            raise FaultError(fault)
        return _response(answer, extras, restore)
    except WireError as error:
        fault = array_fault(body)
        raise (unreadable(error) if fault is None else FaultError(fault)) from None


def _response(answer: wire.Answer, extras: dict[str, Raw], restore: Restore) -> Response:
    usage = answer.usage_metadata
    response = Response(
        protocol=NAME,
        id=answer.response_id or "",
        model=answer.model_version or "",
        candidates=[],
        created=None if answer.create_time is None else seconds(answer.create_time),
        usage=None if usage is EMPTY else decode_usage(usage),
        tier=None if usage is EMPTY else decode_tier(usage),
        extras=extras,
    )
    if answer.create_time is not None:
        keep_time(answer.create_time, response.created, extras)
    if told(answer.model_status):
        extras["/modelStatus"] = answer.model_status
    if answer.candidates:
        if not extras and len(answer.candidates) == 1:
            spoken = _spoken(answer.candidates[0])
            if spoken is not None and answer.prompt_feedback is EMPTY:
                response.candidates = [spoken]
                return response
        odd = {pointer.split("/")[2] for pointer in extras if "/content/parts/" in pointer} if extras else set()
        response.candidates = [
            _Candidate(response, restore, number, candidate, odd=str(number) in odd).decode()
            for number, candidate in enumerate(answer.candidates)
        ]
        if told(answer.prompt_feedback):
            extras["/promptFeedback"] = answer.prompt_feedback
        return response
    stop = blocked(answer.prompt_feedback)
    if stop is None:
        raise FaultError(no_answer())
    response.candidates = [Candidate(0, [], stop)]
    return response


def _spoken(candidate: wire.Candidate) -> Candidate | None:
    """The candidate that is one text and ended of itself, as nearly all are; None for any other."""
    content = candidate.content
    if (
        content is None
        or candidate.finish_reason != "STOP"
        or candidate.finish_message is not None
        or _metadata(candidate) != _NO_METADATA
        or type(content.parts) is not list
        or len(content.parts) != 1
        or dressing(content.parts[0]) != BARE
    ):
        return None
    try:
        text = _decode_text(content.parts[0].text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    place = "/candidates/0/content/parts/0"
    return Candidate(candidate.index or 0, [Text(text=text, at=place)], _STOP) if text else None


def keep_time(given: str | None, created: int | None, extras: dict[str, Raw]) -> None:
    """Keeps a time that whole seconds do not tell."""
    if given is not None and (created is None or timestamp(created) != given):
        extras["/createTime"] = Raw(encode(given))


class _Candidate:
    """Decodes one candidate."""

    __slots__ = ("_at", "_extras", "_index", "_odd", "_parts", "_response", "_restore", "_wire")

    def __init__(
        self, response: Response, restore: Restore, number: int, candidate: wire.Candidate, *, odd: bool
    ) -> None:
        """`odd`: something of its parts is not known here, and kept by their numbers."""
        self._response = response
        self._extras = response.extras
        self._restore = restore
        self._wire = candidate
        self._index = number if candidate.index is None else candidate.index
        self._odd = odd
        self._at = f"/candidates/{number}"
        self._parts: list[ir.Part] = []

    def decode(self) -> Candidate:
        """Raises FaultError for an ending that is a failure, WireError for a part that cannot be read."""
        found = self._wire
        fault = failure(found.finish_reason, found.finish_message)
        if fault is not None:
            raise FaultError(fault)
        if found.content is not None:
            self._content(listed(found.content.parts))
        self._metadata(found)
        return Candidate(self._index, self._parts, self._stop(found))

    def _content(self, given: list[Part]) -> None:
        at = self._at + "/content/parts/"
        extras = self._extras
        parts: list[ir.Part] = []
        calls, before = 0, len(extras)
        for number, part in enumerate(given):
            made = answer_part(part, f"{at}{number}", self._restore, extras)
            if isinstance(made, ToolCall):
                made.id = made.id or made_call_id(self._response.id, self._index, calls)
                calls += 1
            parts.append(made)
        # Where something is kept by the number of a part, the numbers stay.
        if not (self._odd or len(extras) > before):
            parts = [part for part in parts if not says_nothing(part)]
        self._parts = parts

    def _metadata(self, found: wire.Candidate) -> None:
        extras = self._extras
        if _metadata(found) == _NO_METADATA:
            return  # as in most
        for name, spelled in wire.UNMODELLED.items():
            value: Raw = getattr(found, name)
            if value is not EMPTY and not is_null(value):
                extras[f"{self._at}/{spelled}"] = value
        texts = [(number, part) for number, part in enumerate(self._parts) if isinstance(part, Text)]
        if found.grounding_metadata is not EMPTY or found.citation_metadata is not EMPTY:
            words = [(number, plain(part.text)) for number, part in texts]
            cited, left = cite(words, found.grounding_metadata, found.citation_metadata, self._at)
            extras |= left
            in_parts = by_part(cited)
            for number, part in texts:
                part.citations = in_parts.get(number, [])
        if told(found.logprobs_result):
            tokens = read_logprobs(found.logprobs_result)
            if texts and tokens:
                texts[0][1].logprobs = tokens
            if not texts or says_more(found.logprobs_result, tokens):
                extras[self._at + "/logprobsResult"] = found.logprobs_result

    def _stop(self, found: wire.Candidate) -> StopReason | None:
        if found.finish_reason:
            return decode_stop(found.finish_reason, found.finish_message, self._parts)
        if found.finish_message is not None:
            self._extras[self._at + "/finishMessage"] = Raw(encode(found.finish_message))
        return None


def inspect(body: bytes, capabilities: Capabilities = USUAL) -> Inspection:  # noqa: ARG001  nothing is declared for this protocol
    """Usage and hidden error of a whole answer that is relayed."""
    try:
        found = _decode_inspected(body)
    except WireError as error:
        return Inspection(fault=array_fault(body) or unreadable(error).fault)
    usage = None if found.usage_metadata is EMPTY else decode_usage(found.usage_metadata)
    fault = hidden_fault(found.error)
    if fault is None and not found.candidates and blocked(found.prompt_feedback) is None:
        fault = no_answer()
    return Inspection(usage, fault)
