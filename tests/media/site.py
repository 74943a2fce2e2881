"""A running gateway that may fetch, a server of files, and a fake of any vendor."""

import base64
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.asked import Asked
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import Reply as Said
from twoapi.conformance.vendor import Arrival
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.staged import Staged

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
OPEN = "media: {fetch: true, private: true, schemes: [http], hosts: ['127.0.0.1:*']}"
Json = Any


def served(data: bytes, content_type: str | None, status: int = 200, **headers: str) -> Reply:
    """A file as its server sends it."""
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status=status, headers=more, content_type=content_type, pieces=(data,))


class Files:
    """What the server of files has, by path; what it has not is a 404."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {
            "/cat.png": served(PNG, "image/png"),
            "/plan.pdf": served(PDF, "application/pdf"),
            "/note.txt": served(b"The note says 42.", "text/plain"),
            "/page.png": served(b"<!DOCTYPE html><html><body>Sign in</body></html>", "image/png"),
        }

    def __call__(self, request: Received) -> Reply:
        return self.replies.get(request.path, served(b"no such file", "text/plain", 404))


class Site:
    """`with Site(settings...) as site`: `files` is the server of files, `vendor` the upstream behind the model conf."""

    def __init__(
        self, upstream: Callable[[int], str], handler: Callable[[Received], Reply] | None = None, top: str = OPEN
    ) -> None:
        self._stack = ExitStack()
        self._upstream, self._top = upstream, top
        self.have = Files()
        self.files = FakeUpstream(self.have)
        self.vendor = FakeUpstream(handler)

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        enter(self.files)
        enter(self.vendor)
        text = f"{self._top}\n{self._upstream(self.vendor.port)}"
        self.gateway = enter(RunningGateway(parse(text, "twoapi.yaml", {})))
        self.client = Client(self.gateway.url, "sk-client", {}, 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.files.port}{path}"

    def ask(self, client: str, body: Json, *, stream: bool = False) -> Exchange:
        return self.client.send(sent(client, "conf", "sk-client", body, stream=stream))


def staged(vendor: Staged, top: str = OPEN, settings: str | None = None) -> Site:
    """A site before the fake of a vendor with a dialect of its own."""

    def config(port: int) -> str:
        text = vendor.config(f"http://127.0.0.1:{port}")
        return text if settings is None else text.replace(vendor.settings, settings)

    def handler(request: Received) -> Reply:
        spoken = vendor.vendor.say(Said(text="Seen."), vendor.model)
        if vendor.vendor.streams(arrival(vendor, request)):
            return sse_reply([*spoken.head, *spoken.tail]).having(content_type=vendor.vendor.stream_type)
        return json_reply(spoken.body)

    return Site(config, handler, top)


def arrival(vendor: Staged, request: Received) -> Arrival:
    path = request.path.removeprefix(vendor.vendor.base)
    return Arrival(protocol=vendor.vendor.protocol, path=path, headers=request.headers, body=request.json())


def asked(vendor: Staged, site: Site) -> Asked:
    """What reached the vendor, which refuses what its reference rules out."""
    [request] = site.vendor.requests
    came = arrival(vendor, request)
    assert vendor.vendor.takes(came.path)
    assert vendor.vendor.refuses(came) == []
    return vendor.vendor.read(came.body)


def looking(client: str, *urls: str, kind: str = "image") -> Json:
    """A question about images, or documents, by URL."""
    parts: list[Json]
    match client:
        case "openai-chat" if kind == "image":
            shown = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
            return {"messages": [{"role": "user", "content": [*shown, {"type": "text", "text": "look"}]}]}
        case "openai-chat":
            shown = [{"type": "file", "file": {"file_data": url}} for url in urls]
            return {"messages": [{"role": "user", "content": [*shown, {"type": "text", "text": "look"}]}]}
        case "openai-responses":
            word, member = ("input_image", "image_url") if kind == "image" else ("input_file", "file_url")
            parts = [{"type": word, member: url, **({"detail": "auto"} if kind == "image" else {})} for url in urls]
            content = [*parts, {"type": "input_text", "text": "look"}]
            return {"input": [{"role": "user", "content": content}], "store": False}
        case "anthropic-messages":
            word = "image" if kind == "image" else "document"
            blocks = [{"type": word, "source": {"type": "url", "url": url}} for url in urls]
            content = [*blocks, {"type": "text", "text": "look"}]
            return {"max_tokens": 9, "messages": [{"role": "user", "content": content}]}
        case _:
            mime = {"mimeType": "image/png"} if kind == "image" else {}
            parts = [{"fileData": {**mime, "fileUri": url}} for url in urls]
            return {"contents": [{"role": "user", "parts": [*parts, {"text": "look"}]}]}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def error(exchange: Exchange) -> tuple[int, str]:
    """Status and message of an error, in any protocol."""
    return exchange.status, json.loads(exchange.body)["error"]["message"]
