"""Where what is presented comes from, and what comes from there."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from twoapi.wire.http import Headers


class Source:
    """Somebody who gives tokens, and the credential that moves him to it. Equal ones share what they give.

    `kind` is his name in the table of exchanges or chains; `ca` and `proxy` are how his server is reached; `label`
    tells an operator which credential this is.
    """

    __slots__ = ("_hash", "_key", "ca", "kind", "label", "parts", "proxy")

    def __init__(
        self, kind: str, parts: Mapping[str, str], label: str = "", ca: str | None = None, proxy: str | None = None
    ) -> None:
        self.kind = kind
        self.parts = parts
        self.label = label
        self.ca = ca
        self.proxy = proxy
        self._key = (kind, tuple(sorted(parts.items())), ca, proxy)
        self._hash = hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and other._key == self._key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Source({self.kind!r}, {self.label!r})"


class Token:
    """What was given: parts to present, and for how many seconds they hold."""

    __slots__ = ("lifetime", "parts")

    def __init__(self, parts: Mapping[str, str], lifetime: float) -> None:
        self.parts = parts
        self.lifetime = lifetime

    def __repr__(self) -> str:
        return f"Token({', '.join(self.parts)}, {self.lifetime:g} s)"


class Ask(msgspec.Struct, frozen=True):
    """A request for a token. Its body and its URL's query may hold secrets."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Ask({self.method!r}, {self.url.partition('?')[0]!r})"


class RefusedError(Exception):
    """There is no token. The message is safe to show: it holds nothing of the credential, nor words of a server's.

    `lasting`: it will not be better before somebody mends it.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting


class Exchange(Protocol):
    """One way to ask for a token over HTTP: a pure function there, and one back."""

    def ask(self, parts: Mapping[str, str], now: int) -> Ask:
        """The request; `now` in seconds since the epoch. Raises RefusedError when the parts are no credential."""
        ...

    def read(self, status: int, body: bytes, now: int) -> Token:
        """What an answer gives; raises RefusedError."""
        ...
