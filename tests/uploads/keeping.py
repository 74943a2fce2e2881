"""A gateway in front of upstreams that keep files, with clients of two tenants."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
from tests.uploads.site import Answer, answered

from twoapi.config import parse
from twoapi.gateway.state import State
from twoapi.store.memory import MemoryStore
from twoapi.store.open import open_store
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.services.kept import Kept

KEYS = ("one-key", "two-key", "few-key")
CONFIG = """
listen: 127.0.0.1:0
keys:
  - {{key: one-key, name: one}}
  - {{key: two-key, name: two}}
  - {{key: few-key, name: few, models: ["east/*"]}}
upstreams:
  east:
    provider: openai-compatible
    base_url: "{east}/v1"
    credentials: [wrong-key, upstream-key]
    operations: {{files: [openai], batches: [openai]}}
  west:
    provider: openai-compatible
    base_url: "{west}/v1"
    credentials: [upstream-key]
    operations: {{files: [openai], batches: [openai]}}
  chats: {{provider: openai-compatible, base_url: "{west}/v1", credentials: [upstream-key]}}
models:
  in-the-west: {{candidates: [west/m-1]}}
"""


class Drawers:
    """The gateway, two vendors behind it, and clients."""

    def __init__(self, gateway: RunningGateway, east: Kept, west: Kept, upstreams: list[FakeUpstream]) -> None:
        self.gateway = gateway
        self.east = east
        self.west = west
        self.upstreams = upstreams
        settings: dict[str, Any] = {"base_url": f"{gateway.url}/v1", "max_retries": 0, "timeout": 20}
        self.one, self.two, self.few = (openai.OpenAI(api_key=key, **settings) for key in KEYS)

    def close(self) -> None:
        for client in (self.one, self.two, self.few):
            client.close()

    def call(self, method: str, path: str, body: object = None, key: str = "one-key", **headers: str) -> Answer:

        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        data = None if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {"authorization": f"Bearer {key}", **named})
        return answered(connection)


@contextmanager
def running_drawers(
    store: Path | None = None, east: Kept | None = None, west: Kept | None = None, config: str = CONFIG
) -> Iterator[Drawers]:
    """All that for as long as the block lasts; what was kept may outlive it."""
    vendors = [east or Kept("e"), west or Kept("w", begun=1_790_000_500)]
    state = State(MemoryStore() if store is None else open_store(f"sqlite:///{store}"))
    with FakeUpstream(vendors[0].answer) as first, FakeUpstream(vendors[1].answer) as second:
        urls = {"east": f"http://127.0.0.1:{first.port}", "west": f"http://127.0.0.1:{second.port}"}
        with RunningGateway(parse(config.format(**urls), "keeping.yaml", {}), state=state) as gateway:
            drawers = Drawers(gateway, vendors[0], vendors[1], [first, second])
            try:
                yield drawers
            finally:
                drawers.close()
