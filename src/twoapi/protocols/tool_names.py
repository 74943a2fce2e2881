"""Tool names across protocols whose alphabets and lengths differ."""

import hashlib
import re

import msgspec

_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_LEGAL = re.compile(r"[A-Za-z0-9_-]+").fullmatch


class ToolNames(msgspec.Struct, gc=False):
    """The names of one request: the client's on our side, legal ones (`[A-Za-z0-9_-]`, at most `limit`) on the wire.

    The wire name depends on the client's name alone, so it is the same in every turn. `changed`: wire name -> client's,
    of a tool in a namespace "namespace__name": two namespaces may have a tool of one name.
    """

    limit: int
    changed: dict[str, str] = {}

    def wire(self, name: str, namespace: str | None = None) -> str:
        """The name as it goes on the wire: legal names are kept, others cut to fit and marked with a digest."""
        full = f"{namespace}__{name}" if namespace else name
        legal = (full.isidentifier() and full.isascii()) or _LEGAL(full)  # the first is cheaper, and mostly true
        if legal and not namespace and len(full) <= self.limit:
            return full
        short = full
        if len(full) > self.limit or not legal:
            digest = hashlib.sha256(full.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            short = _ILLEGAL.sub("_", full)[: self.limit - 9] + "_" + digest
        self.changed[short] = full
        return short
