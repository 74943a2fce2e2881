"""One request as it comes in, before it is complete."""

import msgspec

from twoapi.gateway.operations.arriving import Arriving
from twoapi.ir import Fault
from twoapi.server.head import Head


class Inbound(msgspec.Struct, eq=False):
    """A request's head, what is wrong with it, and in the end its body."""

    head: Head | None = None  # None until all headers are there
    refusal: Fault | None = None  # decided before the body: it is not kept
    keep_alive: bool = True
    cors: bytes = b""  # header lines for the browser of a web page
    size: int = 0  # bytes of the body so far
    counted: int = 0  # how many pieces of it `size` counts
    body: bytes = b""
    is_packed: bool = False  # the body is compressed, as its head says
    cut_short: bool = False  # answered before it had arrived whole


class InboundStream(Inbound, eq=False, kw_only=True):
    """A request whose body is sent on as it comes. Until that is whole, an answer would cut it short."""

    arriving: Arriving
