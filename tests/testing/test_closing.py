"""A server that ends knows of every connection that it has accepted."""

import asyncio
import contextlib
import socket
from typing import cast

import pytest

from twoapi.testing.closing import close_server

TURNS = 8  # of the loop; more than it takes to accept


class Told(asyncio.Protocol):
    def __init__(self, made: list[asyncio.Transport]) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.append(cast("asyncio.Transport", transport))


@pytest.mark.parametrize("turns", range(TURNS))
def test_a_client_of_a_server_that_ends_is_not_left_open(turns: int) -> None:
    made: list[asyncio.Transport] = []

    async def main() -> socket.socket:
        server = await asyncio.get_running_loop().create_server(lambda: Told(made), "127.0.0.1", 0)
        client = socket.create_connection(server.sockets[0].getsockname(), 10)
        for _ in range(turns):
            await asyncio.sleep(0)
        await close_server(server)
        for transport in made:
            transport.abort()
        await asyncio.sleep(0)
        return client

    with asyncio.run(main()) as client, contextlib.suppress(ConnectionResetError):  # nobody had accepted it
        assert client.recv(1) == b""
