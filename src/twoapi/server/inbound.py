"""One request as it comes in, before it is complete."""

from twoapi.ir import Fault
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.server.routes import Route


class Inbound:
    """Collects a request's line, headers and body within the limits.

    The defaults stand on the class: most requests set few of them.
    """

    url = b""
    method = b""
    path = b""
    query = b""
    size = 0
    route: Route | None = None
    codec: Codec | None = None
    key: KeyEntry | None = None
    refusal: Fault | None = None  # decided before the body: it is not kept
    has_head = False
    cut_short = False  # answered before it had arrived whole
    keep_alive = True
    version_10 = False
    expects = False  # the client waits for 100 Continue before it sends the body

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.chunks: list[bytes] = []

    def body(self) -> bytes:
        """The whole body."""
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
