"""One request as it comes in, before it is complete."""

from twoapi.ir import Fault
from twoapi.server.head import Head


class Inbound:
    """Collects a request's line and body. The defaults stand on the class: most requests set few of them."""

    url = b""
    size = 0
    head: Head | None = None  # None until all headers are there
    refusal: Fault | None = None  # decided before the body: it is not kept
    cut_short = False  # answered before it had arrived whole
    keep_alive = True

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def body(self) -> bytes:
        """The whole body."""
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
