"""Why a call to an upstream failed, as far as the connection knows."""

from typing import Literal

FailureKind = Literal["refused", "dns", "tls", "timeout", "closed", "protocol", "too_large"]


class TransportError(Exception):
    """A call that got no complete answer. The message is safe to show: it names no header, body or credential.

    `sent`: bytes of the request may have reached the upstream. `received`: a byte of an answer came.
    """

    def __init__(self, kind: FailureKind, message: str, *, sent: bool, received: bool) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.sent = sent
        self.received = received
