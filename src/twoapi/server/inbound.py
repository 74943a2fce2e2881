"""One request as it comes in, before it is complete."""

from twoapi.ir import Fault
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.server.routes import Route


class Inbound:
    """Collects a request's line, headers and body within the limits."""

    __slots__ = (
        "chunks",
        "codec",
        "cut_short",
        "expects",
        "head_size",
        "headers",
        "keep_alive",
        "key",
        "method",
        "path",
        "query",
        "refusal",
        "route",
        "size",
        "url",
        "version_10",
    )

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.head_size = 0
        self.chunks: list[bytes] = []
        self.size = 0
        self.method = b""
        self.path = b""
        self.query = b""
        self.route: Route | None = None
        self.codec: Codec | None = None
        self.refusal: Fault | None = None  # decided before the body: it is not kept
        self.cut_short = False  # answered before it had arrived whole
        self.key: KeyEntry | None = None
        self.keep_alive = True
        self.version_10 = False
        self.expects = False  # the client waits for 100 Continue before it sends the body

    def body(self) -> bytes:
        """The whole body."""
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
