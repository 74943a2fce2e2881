"""A whole answer of an upstream: a stream of one frame."""

from twoapi.ir import Event, FaultError, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.dashscope.answer import Answer
from twoapi.protocols.dialect import broken


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in a 200 and for a body that is none of this protocol."""
    answer, events = Answer(restore), list[Event]()
    answer.take(body, events)
    if answer.is_empty:
        raise FaultError(broken("the upstream's answer has no choices"))
    answer.finish(events)
    return fold(events)
