"""`twoapi serve`: the gateway, from its configuration to its last answer."""

import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from twoapi.cli.banner import banner, facts
from twoapi.cli.output import EXIT_CONFIG, fail, print_json
from twoapi.cli.source import Source
from twoapi.cli.surroundings import OTHER_FILES
from twoapi.config import ConfigError, Settings, unenforced
from twoapi.config.load import DEFAULT_FILE
from twoapi.config.settings import Limits
from twoapi.config.values import Address
from twoapi.gateway.record import Sink
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.state import State
from twoapi.gateway.worker import Worker
from twoapi.observe.log import AccessLog
from twoapi.server.reload import Reloader, Stamp, file_stamp
from twoapi.server.run import listen, run_worker
from twoapi.server.supervisor import Supervisor
from twoapi.store.memory import MemoryStore
from twoapi.store.open import DEFAULT_STORE, SQLITE, open_store
from twoapi.store.port import Store, StoreError


class AddressType(click.ParamType[Address]):
    """host:port."""

    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """The address; fails with how one is written."""
        try:
            return Address.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("serve")
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="The configuration. [default: ./twoapi.yaml if it exists]"
)
@click.option(
    "--listen", "address", type=AddressType(), help="Where to listen, instead of what the configuration says."
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes; one per core.")
@click.option(
    "--drain",
    type=click.FloatRange(1, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long answers may go on after SIGTERM.",
)
@click.option("--access-log", "access_log", metavar="FILE", help="A JSON line per request, appended; - is the output.")
@click.option("--json", "as_json", is_flag=True, help="Say what is served as JSON.")
def command(
    file: Path | None, address: Address | None, workers: int, drain: float, access_log: str | None, *, as_json: bool
) -> None:
    """Start the gateway.

    Without a configuration it finds upstreams by the vendors' usual environment variables and by asking the usual
    ports of this machine, and it always offers the built-in model `demo`. A changed configuration file comes into
    force by itself within two seconds, or at once on SIGHUP. SIGTERM and Ctrl-C let running answers finish.
    """
    logging.basicConfig(level=logging.INFO, format="twoapi[%(process)d]: %(levelname)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if access_log is not None:
        _check_access_log(access_log)
    source = Source(file, address)
    start = Start(source, drain, access_log, as_json=as_json)
    if workers == 1:
        start.alone()
    else:
        start.supervised(workers)


class Start:
    """One start of the gateway: what all its workers share."""

    def __init__(self, source: Source, drain: float, access_log: str | None, *, as_json: bool) -> None:
        self._source = source
        self._drain = drain
        self._access_log = access_log
        self._as_json = as_json
        self._stamp = stamp_of(source)
        self._settings = _settings(source)
        self._snapshot = Snapshot(self._settings, int(time.time()))
        _raise_file_limit(self._settings.limits)
        self._store = _store(self._settings)
        for note in unenforced(self._settings):
            logging.getLogger("twoapi").warning("%s", note)

    def alone(self) -> None:
        """Serves in this process."""
        address = self._settings.listen
        sock = _bound(address)
        self._work(sock, lambda: self._say(_port(sock)))

    def supervised(self, workers: int) -> None:
        """Serves in worker processes and restarts those that die."""
        address = self._settings.listen
        # Workers share the port with each other, and must not share it with anybody else who does so.
        alone = _bound(address)
        port = _port(alone)
        alone.close()
        try:
            supervisor = Supervisor(address.host, port, workers, self._work)
        except OSError as error:
            fail(_why_not_bound(address, error))
        raise click.exceptions.Exit(supervisor.run(lambda: self._say(port)))

    def _work(self, sock: socket.socket, say: Callable[[], None] | None = None) -> None:
        """One worker, from here to its end."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the reloader listens
        sinks: list[Sink] = [] if self._access_log is None else [_open_access_log(self._access_log)]
        secret = self._settings.secret
        state = State(self._store, None if secret is None else secret.reveal().encode())
        worker = Worker(self._snapshot, sinks, state)
        reloader = Reloader(worker, self._source.read, lambda: stamp_of(self._source), self._stamp)

        def ready() -> None:
            reloader.start()
            if say is not None:
                say()

        run_worker(worker, [sock], self._drain, ready)

    def _say(self, port: int) -> None:
        """Tells where we listen and what is there; the last line of it means: ready."""
        told = facts(self._settings, self._snapshot.model_names(), self._source.file, port, os.environ)
        if self._as_json:
            print_json(msgspec.to_builtins(told))
        else:
            click.echo(banner(told))
        sys.stdout.flush()


def stamp_of(source: Source) -> Stamp:
    """Changes when the settings of this source may have changed; what was discovered never does by itself."""
    return None if source.file is None else file_stamp(source.file)


def _settings(source: Source) -> Settings:
    try:
        settings = source.read()
    except ConfigError as error:
        fail("the configuration cannot be used:\n  " + "\n  ".join(map(str, error.problems)), EXIT_CONFIG)
    if settings.keys == "open" and not settings.listen.is_loopback:
        fail(
            f"--listen {settings.listen} with open keys would let everyone who reaches this address spend your "
            f"credentials; list client keys under `keys` in {source.file or DEFAULT_FILE}, or listen on 127.0.0.1",
            EXIT_CONFIG,
        )
    return settings


def _store(settings: Settings) -> Store:
    """The store, not opened yet. Where the usual one cannot be, what would be kept ends with this process."""
    url = settings.store.reveal()
    try:
        return open_store(url)
    except StoreError as error:
        if url == DEFAULT_STORE:
            logging.getLogger("twoapi").warning(
                "%s: %s; sealed reasoning and conversations will end with this process. "
                "`store: sqlite:////PLACE/twoapi.db` in %s keeps them",
                url,
                error,
                DEFAULT_FILE,
            )
        elif url.startswith(SQLITE):
            fail(f"store: {error}", EXIT_CONFIG)
        return MemoryStore()


def _bound(address: Address) -> socket.socket:
    try:
        return listen(address.host, address.port, shared=False)
    except OSError as error:
        fail(_why_not_bound(address, error))


def _why_not_bound(address: Address, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"cannot listen on {address}: the name {address.host!r} is not known here; use an IP address"
    match error.errno:
        case 98 | 48:  # Linux, macOS
            return (
                f"cannot listen on {address}: port {address.port} is taken by another process. End that one "
                f"(`ss -ltnp 'sport = :{address.port}'` names it), or choose another port: "
                f"twoapi serve --listen {address.rpartition(':')[0]}:{address.port + 1}"
            )
        case 13:
            return f"cannot listen on {address}: this user may not use port {address.port}; choose one above 1023"
        case _:
            return f"cannot listen on {address}: {error.strerror}"


def _port(sock: socket.socket) -> int:
    port = sock.getsockname()[1]
    assert isinstance(port, int)  # noqa: S101  an internet socket's is
    return port


def _check_access_log(name: str) -> None:
    if name != "-":
        try:
            Path(name).open("ab").close()
        except OSError as error:
            fail(f"--access-log {name}: cannot be written: {error.strerror}")


def _open_access_log(name: str) -> AccessLog:
    return AccessLog(sys.stdout.buffer if name == "-" else Path(name).open("ab"))


def _raise_file_limit(limits: Limits) -> None:
    """As many open files as the limits of the configuration can need, if the system's hard limit lets us."""
    wanted = limits.connections + limits.streams + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if reachable < wanted:
        logging.getLogger("twoapi").warning(
            "only %d files may be open, limits.connections and limits.streams may need %d; raise `ulimit -n`",
            reachable,
            wanted,
        )
