"""The entries of `reasoning_details` of a server that wants them back as they were: kept, and joined from a stream."""

from collections.abc import Mapping

from msgspec import Raw

from twoapi.ir import Opaque, Origin
from twoapi.protocols.openai_chat.name import NAME
from twoapi.wire import json
from twoapi.wire.errors import WireError

OWN = Origin(NAME)  # state of a server of this protocol, whichever
_TEXTS = ("text", "summary")  # members that come in pieces


def seal_entry(raw: bytes | Raw, members: Mapping[str, Raw]) -> Opaque:
    """One entry as state of its server."""
    readable = any(name in members and not json.is_null(members[name]) for name in _TEXTS)
    return Opaque("signature" if readable else "redacted", bytes(raw).decode(), OWN)


class Entries:
    """The entries of one run of reasoning in a stream. `repeats`: each brings all of its text again."""

    __slots__ = ("_entries", "_repeats")

    def __init__(self, *, repeats: bool) -> None:
        self._entries: list[dict[str, Raw]] = []
        self._repeats = repeats

    def add(self, raw: Raw) -> str:
        """A piece of an entry, or a whole one; the text that is new in it."""
        try:
            members = json.fields(raw)
        except WireError:
            return ""
        last = self._last(members)
        if last is None:
            self._entries.append(dict(members))
            return "".join(_text(members, name) for name in _TEXTS)
        new = ""
        for name, value in members.items():
            if json.is_null(value):
                continue
            if name not in _TEXTS:
                last[name] = value
                continue
            told, before = _text(members, name), _text(last, name)
            if self._repeats and told.startswith(before):
                told = told[len(before) :]
            last[name] = Raw(json.encode(before + told))
            new += told
        return new

    def take(self) -> list[Opaque]:
        """All entries so far as state of their server; a new run begins."""
        entries, self._entries = self._entries, []
        return [seal_entry(json.encode(entry), entry) for entry in entries]

    def _last(self, members: Mapping[str, Raw]) -> dict[str, Raw] | None:
        """The entry that this piece goes on with: the last one, of the same kind and number, if it is readable."""
        if not self._entries or not any(name in members for name in _TEXTS):
            return None
        last = self._entries[-1]
        same = all(bytes(last.get(name, b"")) == bytes(members.get(name, b"")) for name in ("type", "index"))
        return last if same else None


def _text(members: Mapping[str, Raw], name: str) -> str:
    value = members.get(name)
    return "" if value is None else json.string(value)
