"""HTTP as data: what a codec needs of a request, and what it makes of one."""

from collections.abc import Mapping

import msgspec

Headers = list[tuple[bytes, bytes]]


class Incoming(msgspec.Struct):
    """A client's request. `headers` has lower-case names; of a repeated header the last value."""

    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    query: str = ""


class Outgoing(msgspec.Struct, gc=False):
    """A request for an upstream: `path` is joined to its base URL; `headers` are the protocol's own, without
    authentication, content type and length.
    """

    path: str
    body: bytes
    headers: Headers = msgspec.field(default_factory=list)
