"""A whole answer of an upstream, from the vendor or from one of the servers that are nearly like it."""

import msgspec
from msgspec import Raw

from twoapi.ir import Candidate, FaultError, Part, Refusal, Response, StopReason, Text, ToolCall
from twoapi.protocols.base import Inspection, Restore
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.openai_responses.answer import Answer, read_answer, read_known_answer
from twoapi.protocols.openai_responses.faults import hidden_fault
from twoapi.protocols.openai_responses.known_items import UnusualError
from twoapi.protocols.openai_responses.name import NAME, broken
from twoapi.protocols.openai_responses.output import OutputDecoder, bare_text
from twoapi.protocols.openai_responses.status import decode_stop
from twoapi.protocols.openai_responses.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError


class _Inspected(msgspec.Struct, gc=False):
    usage: Raw = json.EMPTY
    error: Raw = json.EMPTY
    status: Raw = json.EMPTY
    output: list[Raw] | None = None


_NO_OUTPUT = "the upstream's answer has no output"
_PLAIN_STOP = StopReason(kind="stop", raw="completed")
_decode_inspected = json.decoder(_Inspected)


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for a failed one and for a body that is none of this protocol."""
    try:
        answer, parts = _read_known(body, restore) or _read(body, restore)
    except (WireError, UnicodeDecodeError) as error:
        raise FaultError(broken(f"the upstream's answer cannot be read: {error}")) from None
    return Response(
        protocol=NAME,
        id=answer.id,
        model=answer.model,
        candidates=[Candidate(0, parts, stop_of(answer, parts))],
        created=answer.created,
        usage=decode_usage(answer.usage),
        tier=answer.tier,
        extras=answer.rest,
        echo=answer.echo,
    )


def _read_known(body: bytes, restore: Restore) -> tuple[Answer, list[Part]] | None:
    """The answer and its parts when nothing in it is unusual."""
    found = read_known_answer(body)
    if found is None:
        return None
    answer, items = found
    _check(answer)
    try:
        text = bare_text(items)
        if text is not None:
            return answer, [text]
        decoder = OutputDecoder(answer.rest, restore)
        return answer, [part for index, item in enumerate(items) for part in decoder.decode_known(item, index)]
    except (UnusualError, WireError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read(body: bytes, restore: Restore) -> tuple[Answer, list[Part]]:
    answer = read_answer(body)
    _check(answer)
    if answer.output is None:
        raise FaultError(broken(_NO_OUTPUT))
    decoder = OutputDecoder(answer.rest, restore)
    return answer, [part for index, raw in enumerate(answer.output) for part in decoder.decode(raw, index)]


def _check(answer: Answer) -> None:
    fault = answer.fault()
    if fault is not None:
        raise FaultError(fault)


def stop_of(answer: Answer, parts: list[Part]) -> StopReason:
    """Why the answer ended; one that does not say it is complete."""
    if len(parts) == 1 and type(parts[0]) is Text and answer.status == "completed":  # as most do
        return _PLAIN_STOP
    called = any(isinstance(part, ToolCall) for part in parts)
    refused = any(isinstance(part, Refusal) for part in parts)
    return decode_stop(answer.status or "completed", answer.details, called=called, refused=refused)


def inspect_response(body: bytes, capabilities: Capabilities = USUAL) -> Inspection:  # noqa: ARG001  nothing is declared for this protocol
    """Usage and hidden error of a whole answer."""
    try:
        found = _decode_inspected(body)
    except WireError as error:
        return Inspection(fault=broken(f"the upstream's answer cannot be read: {error.message}"))
    fault = hidden_fault(found.error)
    if fault is None and bytes(found.status) == b'"failed"':
        fault = broken("the upstream's answer failed without saying why", code="server_error")
    elif fault is None and found.output is None:
        fault = broken(_NO_OUTPUT)
    return Inspection(decode_usage(found.usage), fault)
