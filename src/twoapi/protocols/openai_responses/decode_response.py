"""A whole answer of an upstream, from the vendor or from one of the servers that are nearly like it."""

import msgspec
from msgspec import Raw

from twoapi.ir import Candidate, FaultError, Part, Refusal, Response, StopReason, ToolCall
from twoapi.protocols.base import Inspection, Restore
from twoapi.protocols.openai_responses.answer import Answer, read_answer
from twoapi.protocols.openai_responses.faults import hidden_fault
from twoapi.protocols.openai_responses.name import NAME, broken
from twoapi.protocols.openai_responses.output import OutputDecoder
from twoapi.protocols.openai_responses.status import decode_stop
from twoapi.protocols.openai_responses.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError


class _Inspected(msgspec.Struct, gc=False):
    usage: Raw = json.EMPTY
    error: Raw = json.EMPTY
    status: Raw = json.EMPTY


_decode_inspected = json.decoder(_Inspected)


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for a failed one and for a body that is none of this protocol."""
    try:
        answer = read_answer(body)
        fault = answer.fault()
        if fault is not None:
            raise FaultError(fault)
        if answer.output is None:
            raise FaultError(broken("the upstream's answer has no output"))
        extras = answer.rest
        items = OutputDecoder(extras, restore)
        parts = [part for index, raw in enumerate(answer.output) for part in items.decode(raw, index)]
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
        extras=extras,
        echo=answer.echo,
    )


def stop_of(answer: Answer, parts: list[Part]) -> StopReason:
    """Why the answer ended; one that does not say it is complete."""
    called = any(isinstance(part, ToolCall) for part in parts)
    refused = any(isinstance(part, Refusal) for part in parts)
    return decode_stop(answer.status or "completed", answer.details, called=called, refused=refused)


def inspect_response(body: bytes) -> Inspection:
    """Usage and hidden error of a whole answer."""
    try:
        found = _decode_inspected(body)
    except WireError as error:
        return Inspection(fault=broken(f"the upstream's answer cannot be read: {error.message}"))
    fault = hidden_fault(found.error)
    if fault is None and bytes(found.status) == b'"failed"':
        fault = broken("the upstream's answer failed without saying why", code="server_error")
    return Inspection(decode_usage(found.usage), fault)
