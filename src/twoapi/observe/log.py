"""The access log: one JSON line per exchange, without content and without secrets."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec


class Recorded(Protocol):
    """What a line is made of; gateway.record.Record has it."""

    request_id: str


class AccessLog:
    """Writes records as JSON lines to a binary file, a batch at a time."""

    __slots__ = ("_encode", "_file")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._encode = msgspec.json.Encoder(order=None).encode

    def write(self, records: Sequence[Recorded]) -> None:
        """Append the records and flush."""
        self._file.write(b"".join(self._encode(record) + b"\n" for record in records))
        self._file.flush()
