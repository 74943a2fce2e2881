"""A request as a signature sees it."""

from collections.abc import Mapping

import msgspec


class Signable(msgspec.Struct, frozen=True):
    """What is signed. `path` is as on the wire, with its query; `headers` are those already on the request, with
    lower-case names.
    """

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes
