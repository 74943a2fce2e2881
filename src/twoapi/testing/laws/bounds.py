"""Laws of size: decoders are linear and never recurse on what a client or an upstream wrote."""

import sys
from collections.abc import Callable
from types import FrameType

from twoapi.ir import FaultError
from twoapi.protocols.base import Codec, Restore, UpstreamCodec
from twoapi.testing.laws.subject import events_of, incoming
from twoapi.testing.replies import Json


def work(action: Callable[[], object]) -> int:
    """How many calls, of Python and of C, an action makes: a measure that no clock disturbs."""
    calls = 0

    def count(_: FrameType, event: str, __: Json) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def is_linear(action: Callable[[int], Callable[[], object]], size: int = 200) -> None:
    """Twice the input costs at most twice the work (and a little): `action(n)` prepares an input of size n."""
    work(action(4))  # what is only done the first time
    small, large = work(action(size)), work(action(2 * size))
    assert large <= 2.2 * small + 50, f"{size}: {small} calls, {2 * size}: {large} calls"


def deep_request_is_refused(codec: Codec, body: bytes) -> None:
    """A body that is nested ten thousand deep is a fault of the client or is carried, never a crash."""
    try:
        request = codec.decode_request(incoming(codec, body))
    except FaultError as error:
        assert error.fault.kind == "invalid_request"
        assert error.fault.whose == "client"
        return
    assert request.model


def deep_answer_is_refused(codec: UpstreamCodec, body: bytes) -> None:
    """The same of an upstream's answer: its fault."""
    try:
        response = codec.decode_response(body, Restore())
    except FaultError as error:
        assert error.fault.whose == "upstream"
        return
    assert response.candidates


def only_faults(codec: Codec, body: bytes) -> None:
    """Any bytes at all are a request or the fault of a client, and an answer or the fault of an upstream."""
    try:
        codec.decode_request(incoming(codec, body))
    except FaultError as error:
        assert error.fault.whose == "client"
        assert 400 <= error.fault.http_status < 500
    try:
        codec.decode_response(body, Restore())
    except FaultError as error:
        assert error.fault.whose == "upstream", error.fault
    fault = codec.decode_fault(500, {}, body)
    assert fault.http_status >= 500
    assert events_of(codec, [body])
