"""A gateway in front of upstreams that keep things as Google does, with Google's SDK for clients of two tenants."""

import http.client
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from google import genai
from google.genai import types
from tests.uploads.site import Answer, answered

from twoapi.config import parse
from twoapi.gateway.state import State
from twoapi.store.memory import MemoryStore
from twoapi.store.open import open_store
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.services.google_kept import GoogleKept

KEYS = ("one-key", "two-key", "few-key")
CONFIG = """
listen: 127.0.0.1:0
limits: {{upload: 32MiB, receive: 1s}}
keys:
  - {{key: one-key, name: one}}
  - {{key: two-key, name: two}}
  - {{key: few-key, name: few, models: ["east/*"]}}
upstreams:
  east: {{provider: gemini, base_url: "{east}", credentials: [wrong-key, upstream-key]}}
  west: {{provider: gemini, base_url: "{west}", credentials: [upstream-key]}}
  chats: {{provider: gemini-compatible, base_url: "{west}", credentials: [upstream-key]}}
models:
  in-the-west: {{candidates: [west/m-1]}}
  anywhere: {{candidates: [chats/m-1, east/m-1, west/m-1], retries: 0}}
  nowhere: {{candidates: [chats/m-1]}}
"""
EAST, WEST = {"twoapi-upstream": "east"}, {"twoapi-upstream": "west"}


class Lockers:
    """The gateway, two accounts of the vendor behind it, and clients."""

    def __init__(
        self, gateway: RunningGateway, east: GoogleKept, west: GoogleKept, upstreams: list[FakeUpstream]
    ) -> None:
        self.gateway = gateway
        self.east = east
        self.west = west
        self.upstreams = upstreams
        self.one, self.two, self.few = (self.client(key) for key in KEYS)

    def client(self, key: str, where: Mapping[str, str] | None = None, version: str | None = None) -> genai.Client:
        """One that names an upstream in all that it asks: of an upload alone the SDK sends no headers of its user's."""
        headers = dict(where or {})
        options = types.HttpOptions(base_url=self.gateway.url, timeout=20_000, api_version=version, headers=headers)
        return genai.Client(api_key=key, http_options=options)

    def upload(self, key: str, where: Mapping[str, str], data: bytes, **config: object) -> types.File:
        """A file that the SDK uploads."""
        client = self.client(key, where)
        try:
            said = types.UploadFileConfig.model_validate({"mime_type": "text/plain", **config})
            return client.files.upload(file=io.BytesIO(data), config=said)
        finally:
            client.close()

    def close(self) -> None:
        for client in (self.one, self.two, self.few):
            client.close()

    def call(
        self, method: str, path: str, body: bytes = b"", key: str = "one-key", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A bare request; with no key when that is empty."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        connection.request(method, path, body, {**({"x-goog-api-key": key} if key else {}), **(headers or {})})
        return answered(connection)

    def begin(self, size: int) -> str:
        """The path of an upload of so many bytes, begun by hand in the west."""
        answer = self.call("POST", "/upload/v1beta/files", b'{"file":{}}', headers={**start(size), **WEST})
        assert answer.status == 200, answer
        url = answer.headers["x-goog-upload-url"]
        assert url.startswith(self.gateway.url)
        return url.removeprefix(self.gateway.url)

    def send(self, url: str, command: str, data: bytes = b"", offset: int = 0, key: str = "") -> Answer:
        """A further request of it, with nothing to show but the URL unless a key is given."""
        said = {"x-goog-upload-command": command, "x-goog-upload-offset": str(offset)}
        return self.call("POST", url, data, key, said)


def start(size: int) -> dict[str, str]:
    """The headers that begin an upload of so many bytes."""
    return {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": str(size),
        "x-goog-upload-header-content-type": "text/plain",
    }


@contextmanager
def running_lockers(
    store: Path | None = None, east: GoogleKept | None = None, west: GoogleKept | None = None, config: str = CONFIG
) -> Iterator[Lockers]:
    """All that for as long as the block lasts; what was kept may outlive it."""
    vendors = [east or GoogleKept("e"), west or GoogleKept("w", begun=1_790_000_500)]
    state = State(MemoryStore() if store is None else open_store(f"sqlite:///{store}"))
    with FakeUpstream(vendors[0].answer) as first, FakeUpstream(vendors[1].answer) as second:
        urls = {"east": f"http://127.0.0.1:{first.port}", "west": f"http://127.0.0.1:{second.port}"}
        with RunningGateway(parse(config.format(**urls), "lockers.yaml", {}), state=state) as gateway:
            lockers = Lockers(gateway, vendors[0], vendors[1], [first, second])
            try:
                yield lockers
            finally:
                lockers.close()
