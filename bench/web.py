"""One HTTP request over a connection of its own, to look at what comes back."""

import http.client
from collections.abc import Mapping

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """Status and body."""

    status: int
    body: bytes

    def checked(self) -> bytes:
        """The body of a good answer."""
        if self.status != 200:
            raise OSError(f"status {self.status}: {self.body[:200]!r}")
        return self.body


def fetch(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer of a server on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()
