"""Ends a server of asyncio without losing a connection that it has just accepted."""

import asyncio

_TURNS = 5  # of the loop; a connection that has been accepted is told of two turns later


async def close_server(server: asyncio.Server) -> None:
    """From here on nobody is accepted, and every connection that was has been told of.

    When `Server.close` comes between the two, CPython 3.11 drops the connection without closing its socket.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    server.close()
