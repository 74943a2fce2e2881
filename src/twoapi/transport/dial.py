"""From an endpoint to a connected socket: name resolution, a race over its addresses, TLS."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from ipaddress import ip_address
from itertools import chain, zip_longest

from twoapi.transport.endpoint import Endpoint
from twoapi.transport.errors import FailureKind, TransportError

HEAD_START = 0.25  # seconds an address has before the next is tried beside it (RFC 8305)
HANDSHAKE_TIMEOUT = 30.0
SHUTDOWN_TIMEOUT = 1.0

Address = tuple[socket.AddressFamily, tuple[str, int]]
Resolver = Callable[[asyncio.AbstractEventLoop, Endpoint], Awaitable[list[Address]]]  # raises OSError


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """The checks for an upstream's certificate: the system's authorities, or those of one file."""
    return _system_context() if ca_file is None else _context(ca_file)


async def dial(
    loop: asyncio.AbstractEventLoop,
    endpoint: Endpoint,
    context: ssl.SSLContext | None,
    factory: Callable[[], asyncio.Protocol],
    resolver: Resolver | None = None,
) -> None:
    """Connects a protocol to the endpoint. The name is resolved anew each time, and the connection is to one of the
    addresses that came of that; raises TransportError.
    """
    step: FailureKind = "dns"
    try:
        addresses = await (resolver or resolve)(loop, endpoint)
        step = "refused"
        connected = await race(loop, addresses)
        if context is None:
            await loop.create_connection(factory, sock=connected)
            return
        step = "tls"
        await loop.create_connection(
            factory,
            sock=connected,
            ssl=context,
            server_hostname=endpoint.server_name or endpoint.host,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
    except TimeoutError:
        raise _failure("timeout", endpoint, "connection timed out") from None
    except (OSError, ValueError) as error:
        raise _failure(step, endpoint, _reason(error)) from None


async def resolve(loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> list[Address]:
    """The endpoint's addresses in the order in which they are tried: families take turns."""
    host, port = endpoint.host, endpoint.port
    try:
        version = ip_address(host).version
    except ValueError:
        pass
    else:
        return [(socket.AF_INET6 if version == 6 else socket.AF_INET, (host, port))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    by_family: dict[socket.AddressFamily, list[Address]] = {}
    for family, _, _, _, address in found:
        by_family.setdefault(family, []).append((family, (str(address[0]), port)))
    turns = chain.from_iterable(zip_longest(*by_family.values()))
    return [address for address in turns if address is not None]


async def race(loop: asyncio.AbstractEventLoop, addresses: list[Address]) -> socket.socket:
    """A socket connected to the first address that answers; each has a head start before the next."""
    if len(addresses) == 1:
        return await _connect(loop, addresses[0])
    runners: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    waiting: Iterator[Address] = iter(addresses)
    try:
        while True:
            address = next(waiting, None)
            if address is not None:
                runners.add(loop.create_task(_connect(loop, address)))
            elif not runners:
                raise errors[0] if errors else OSError("the name has no addresses")
            timeout = None if address is None else HEAD_START
            done, _ = await asyncio.wait(runners, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for runner in done:
                runners.discard(runner)
                error = runner.exception()
                if error is None:
                    return runner.result()
                if not isinstance(error, OSError):
                    raise error
                errors.append(error)
    finally:
        await _stop(runners)


async def _connect(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    family, where = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003
        await loop.sock_connect(made, where)
    except BaseException:
        made.close()
        raise
    return made


async def _stop(runners: set[asyncio.Task[socket.socket]]) -> None:
    for runner in runners:
        runner.cancel()
    for result in await asyncio.gather(*runners, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


@cache
def _system_context() -> ssl.SSLContext:
    """Loading the system's authorities takes tens of milliseconds: once for all pools."""
    return _context(None)


def _context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _failure(kind: FailureKind, endpoint: Endpoint, reason: str) -> TransportError:
    return TransportError(kind, f"{endpoint.host}:{endpoint.port}: {reason}", sent=False, received=False)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "handshake failed").replace("_", " ").lower()
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno).lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
