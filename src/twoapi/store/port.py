"""What the data plane asks of a store, whatever engine is behind it."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

import msgspec


class StoreError(Exception):
    """The store cannot do what was asked; the message says why."""


class Kept(msgspec.Struct, frozen=True):
    """Sealed state under a name. `expires` in seconds since the epoch."""

    name: str
    data: bytes
    expires: int


class Turn(msgspec.Struct, frozen=True):
    """One turn of a conversation that clients go on from by its id. `previous` is the turn before it; several turns
    may follow the same one. `body` is what its protocol needs to tell the turn again. Times in seconds since the epoch.
    """

    tenant: str
    id: str
    previous: str | None
    body: bytes
    created: int
    expires: int


class Held(msgspec.Struct, frozen=True):
    """What an upstream keeps for a tenant: a `kind` of thing under the upstream's own id. `account`: of the credential
    that it belongs to, as a tag. `body`: as the upstream last showed it, b"" when it has not. `created` in seconds
    since the epoch.
    """

    tenant: str
    id: str
    upstream: str
    account: str | None
    kind: str
    body: bytes
    created: int


class Store(Protocol):
    """Consistent at once: what a write has acknowledged every later read sees, in every process. In this process what
    was written is seen before it is acknowledged.

    Futures end in an engine's own thread, with a StoreError when the store failed. Nothing here blocks.
    """

    def write(self, rows: Sequence[Kept | Turn]) -> "Future[None]":
        """Stores rows, in place of those of the same name or id; done when they are durable."""
        ...

    def recent(self, names: Iterable[str]) -> dict[str, bytes]:
        """State that this process still has in memory."""
        ...

    def holds_state(self) -> bool:
        """False when there is no state at all under any name, in any process. Takes some microseconds."""
        ...

    def find(self, names: Sequence[str]) -> "Future[dict[str, bytes]]":
        """State by name, as far as it is there."""
        ...

    def chain(self, tenant: str, turn: str) -> "Future[list[Turn] | None]":
        """The turns that lead to this one, the first of the conversation first; None when one of them is missing."""
        ...

    def forget(self, tenant: str, turn: str) -> "Future[bool]":
        """Deletes a turn; False when there is none."""
        ...

    def hold(self, rows: Sequence[Held]) -> "Future[None]":
        """Stores that these are kept elsewhere, in place of what was known of them; done when it is durable."""
        ...

    def holders(self, tenant: str, name: str) -> "Future[list[Held]]":
        """What is kept for this tenant under this id: one row, but for upstreams that have chosen the same id."""
        ...

    def held(self, tenant: str, kind: str) -> "Future[list[Held]]":
        """All of a kind that is kept for this tenant, the oldest first."""
        ...

    def let_go(self, tenant: str, name: str, upstream: str) -> "Future[bool]":
        """Deletes a row of `hold`; False when there is none."""
        ...

    def secrets(self) -> "Future[list[bytes]]":
        """The gateway's own secrets, the newest first; the first call ever makes one."""
        ...

    def close(self) -> None:
        """Writes what is still waiting; blocks until that is done."""
        ...
