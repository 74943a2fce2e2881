"""Files and batches, as those who keep them show them: what of them must be known to find them again."""

import msgspec

from twoapi.protocols.operations.members import broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

_LAST = frozenset(("failed", "completed", "expired", "cancelled"))  # states of a batch that it stays in


class KeptObject(msgspec.Struct):
    """A file, or a batch with the files that it has made."""

    id: str
    created_at: int = 0
    status: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    purpose: str | None = None

    @property
    def is_final(self) -> bool:
        """True for a batch that will not change."""
        return self.status in _LAST

    @property
    def made(self) -> list[str]:
        """The ids of files that a batch has made."""
        return [name for name in (self.output_file_id, self.error_file_id) if name]


class _Asked(msgspec.Struct):
    input_file_id: str


_decode = json.decoder(KeptObject)
_decode_asked = json.decoder(_Asked)


def kept_object(body: bytes) -> KeptObject:
    """What an upstream shows; raises FaultError when it is none."""
    try:
        return _decode(body)
    except WireError as error:
        raise broken(f"the upstream's answer cannot be found again: {error.message}") from None


def input_file(body: bytes) -> str:
    """The file that a batch is made of; raises FaultError."""
    try:
        return _decode_asked(body).input_file_id
    except WireError as error:
        raise refuse(error.message, "/input_file_id") from None
