"""A whole answer of the upstream."""

from twoapi.ir import Event, FaultError, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.ollama.answer import Answer


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError (whose="upstream") for an error in a 200 and for a broken body."""
    answer = Answer(restore)
    events: list[Event] = []
    answer.take(body, events)
    if not answer.done:
        answer.fail(broken("the upstream's answer is not complete"), events)
    response = fold(events)
    if response.fault is not None:
        raise FaultError(response.fault)
    return response
