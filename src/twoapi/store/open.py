"""The store that the settings name."""

import os
from pathlib import Path

from twoapi.store.memory import MemoryStore
from twoapi.store.port import Store, StoreError
from twoapi.store.sqlite import SqliteStore

SQLITE = "sqlite:///"
DEFAULT_STORE = "sqlite:///twoapi.db"


def open_store(url: str) -> Store:
    """The store behind this URL; nothing is read or written yet. `sqlite:///` and nothing more is one in memory.

    Raises StoreError when there can be no such store, or its folder cannot be written.
    """
    if not url.startswith(SQLITE):
        raise StoreError("this version stores in SQLite only: sqlite:///file")
    path = url.removeprefix(SQLITE)
    if path in ("", ":memory:"):
        return MemoryStore()
    _check_writable(Path(path))
    return SqliteStore(path)


def _check_writable(path: Path) -> None:
    """SQLite makes files beside its own, so the folder counts too. One that is not there yet will be made."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"{folder} cannot be written")
    if path.exists() and not (path.is_file() and os.access(path, os.R_OK | os.W_OK)):
        raise StoreError(f"{path} cannot be written")
