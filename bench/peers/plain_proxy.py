"""What a Python proxy costs when it is written the usual way: an ASGI application on uvicorn, aiohttp as its client."""

import argparse
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "authorization"})


class PlainProxy:
    """Forwards every request to one upstream, with the upstream's key."""

    def __init__(self, upstream: str, key: str) -> None:
        self.upstream = upstream
        self.key = key
        self.session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        else:
            await self.forward(scope, receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=300)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=600)) as session:
            self.session = session
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def forward(self, scope: Message, receive: Receive, send: Send) -> None:
        assert self.session is not None
        body = await read_body(receive)
        headers = forwarded((name.decode(), value.decode()) for name, value in scope["headers"])
        headers["authorization"] = f"Bearer {self.key}"
        url = self.upstream + scope["path"]
        async with self.session.request(scope["method"], url, data=body, headers=headers) as answer:
            fields = [(name.encode(), value.encode()) for name, value in forwarded(answer.headers.items()).items()]
            await send({"type": "http.response.start", "status": answer.status, "headers": fields})
            async for data in answer.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def forwarded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that a proxy hands on."""
    return {name: value for name, value in headers if name.lower() not in HOP_BY_HOP}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--upstream", required=True)
    options.add_argument("--key", required=True)
    chosen = options.parse_args()
    application = PlainProxy(chosen.upstream, chosen.key)
    uvicorn.run(application, host="127.0.0.1", port=chosen.port, access_log=False, log_level="warning", lifespan="on")
