"""The client's side: one request over HTTP, and all that came back."""

import http.client
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from twoapi.conformance.protocols import Sent

REPORT = "twoapi-loss-report"
_FRAME = b'data: {"twoapiLossReport": '  # for clients that take no comments


class Exchange(msgspec.Struct, kw_only=True):
    """What came back. `broken` says how the connection failed, "" when it did not."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    broken: str = ""

    def report(self) -> list[str]:
        """The paths of all losses that were told: in the header, in a comment, or in a frame for Gemini's clients."""
        told = [self.headers.get(REPORT, "[]")]
        lines = [line for line in self.body.splitlines() if line.startswith(b":") and REPORT.encode() in line]
        told += [line[max(line.find(b"["), 0) :].decode("utf-8", "replace") for line in lines]
        frames = [line for line in self.body.splitlines() if line.startswith(_FRAME)]
        told += [line[len(_FRAME) : -1].decode("utf-8", "replace") for line in frames]
        return [path for text in told for path in _paths(text)]


class Client:
    """Talks to the gateway under test, one connection per request."""

    def __init__(self, base_url: str, key: str, headers: Mapping[str, str], patience: float) -> None:
        self._url = urlsplit(base_url)
        self.key = key
        self._headers = dict(headers)
        self._patience = patience  # seconds for a whole exchange

    def send(self, sent: Sent, heard: Callable[[bytes], None] | None = None) -> Exchange:
        """Sends it and reads the answer; `heard` is told all that has come, whenever more has."""
        exchange = Exchange()
        deadline = time.monotonic() + self._patience
        connect = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = connect(self._url.hostname or "", self._url.port, timeout=self._patience)
        try:
            headers = {**sent.headers, **self._headers, "twoapi-report": "full"}
            path = self._url.path.rstrip("/") + sent.path
            connection.request("POST", path, msgspec.json.encode(sent.body), headers)
            answer = connection.getresponse()
            exchange.status = answer.status
            exchange.headers = {name.lower(): value for name, value in answer.getheaders()}
            while piece := answer.read1():
                exchange.body += piece
                if heard is not None:
                    heard(exchange.body)
                if time.monotonic() > deadline:
                    exchange.broken = "the answer does not end"
                    break
            if answer.length:  # read1 does not say that a body is shorter than its head told
                exchange.broken = "the connection broke"
        except TimeoutError:
            exchange.broken = "no answer in time"
        except (OSError, http.client.HTTPException) as error:
            exchange.broken = f"the connection broke ({type(error).__name__})"
        finally:
            connection.close()
        return exchange


def _paths(text: str) -> list[str]:
    try:
        losses = msgspec.json.decode(text)
    except ValueError:
        return []
    return [str(loss["path"]) for loss in losses if isinstance(loss, dict) and "path" in loss]
