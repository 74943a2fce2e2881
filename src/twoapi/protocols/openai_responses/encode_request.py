"""The canonical request to this protocol's body, and every loss on the way."""

import msgspec
from msgspec import Raw

from twoapi.ir import Loss, Request
from twoapi.protocols.base import Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks
from twoapi.protocols.openai_responses import schema_request as wire
from twoapi.protocols.openai_responses.cache_marks import MARKED
from twoapi.protocols.openai_responses.constraints import Constraints
from twoapi.protocols.openai_responses.decode_input import INPUT
from twoapi.protocols.openai_responses.encode_input import InputEncoder, bare_input
from twoapi.protocols.openai_responses.encode_tools import ToolEncoder
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.protocols.openai_responses.pairing import check_pairs
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire import json
from twoapi.wire.http import Outgoing

PATH = "/responses"
_INCLUDE = "/include/"


def encode_request(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The upstream request; raises FaultError for what this protocol must refuse."""
    same = request.protocol == NAME
    body = wire.WrittenBody(model=model)
    Constraints(request, capabilities, losses, body).put()
    bare = None
    if not same:
        check_tools(request)
        bare = bare_input(request.messages, developers=capabilities.developer_role)
        if bare is None:
            check_pairs(request.messages)
        last = request.messages[-1] if request.messages else None
        if last is not None and last.role == "assistant" and not capabilities.prefill:
            losses.append(Loss(last.at, "unsupported", NAME, "a last assistant turn is not gone on from"))
        if bare is not None and not request.tools and request.tool_choice is None and not request.extras:
            body.instructions, body.input = bare
            return Encoded(Outgoing(PATH, json.encode(body)), Restore())
    marks = CacheMarks(MARKED, losses, enabled=capabilities.cache_marks, same=same)
    encoder = InputEncoder(request, capabilities, losses, marks)
    tools = ToolEncoder(request, capabilities, losses, marks, encoder.name)
    tools.encode(body)
    if bare is None or marks.pending is not None:
        try:
            body.instructions, body.input = encoder.encode(request.messages)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise refuse(f"a text of the input is not a valid JSON string: {error}", None) from None
    else:
        body.instructions, body.input = bare
    if not body.input and not same:
        raise refuse("at least one message is needed", request.where("messages"))
    marks.finish()
    extras = _remaining(request, encoder, tools)
    if same:
        _add_includes(body, extras)
    payload = json.encode(body)
    if extras:
        payload = _encode_extras(request, payload, extras, losses)
    restore = Restore(names=encoder.names.changed, call_ids=encoder.call_ids)
    return Encoded(Outgoing(PATH, payload), restore)


def _remaining(request: Request, encoder: InputEncoder, tools: ToolEncoder) -> dict[str, Raw]:
    """The extras that are not in the body yet, each at the place where its item is now."""
    written = encoder.written | tools.written
    extras: dict[str, Raw] = {}
    for pointer, value in request.extras.items():
        if pointer in written:
            continue
        if request.protocol == NAME and pointer.startswith(INPUT + "/"):
            index, slash, rest = pointer[len(INPUT) + 1 :].partition("/")
            place = encoder.places.get(int(index))
            if place is None:
                continue  # went with its item, which is reported
            pointer = f"{INPUT}/{place}{slash}{rest}"  # noqa: PLW2901  the same member
        extras[pointer] = value
    return extras


def _add_includes(body: wire.WrittenBody, extras: dict[str, Raw]) -> None:
    for pointer in [pointer for pointer in extras if pointer.startswith(_INCLUDE)]:
        body.include = [*(body.include or ()), extras.pop(pointer)]


def _encode_extras(request: Request, payload: bytes, extras: dict[str, Raw], losses: list[Loss]) -> bytes:
    missing = list(extras)
    if request.protocol == NAME:
        payload, missing = json.insert(payload, extras)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in missing]
    return payload
