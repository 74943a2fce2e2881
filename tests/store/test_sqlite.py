"""SQLite: several processes, a kill, a lock of somebody else, a schema of another release."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from twoapi.store import queries
from twoapi.store.open import open_store
from twoapi.store.port import Held, Kept, StoreError, Turn
from twoapi.store.sqlite import SqliteStore
from twoapi.store.sqlite_sql import HEAD

FAR = 2_000_000_000
# Another process: writes what it is told, says so, and waits.
WRITER = """
import sys
from twoapi.store.port import Kept, Turn
from twoapi.store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
for line in sys.stdin:
    name = line.strip()
    if name == "secret":
        print(store.secrets().result(20)[0].hex(), flush=True)
    elif name.startswith("read "):
        print(store.find([name[5:]]).result(20), flush=True)
    else:
        store.write([Kept(name, name.encode(), 2_000_000_000)]).result(20)
        print("written", flush=True)
"""


class Other:
    """A store in another process."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", WRITER, str(path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "deep" / "t.db"


def test_statements_are_those_of_the_schema() -> None:
    due = "run python -m twoapi.store.queries"
    assert queries.WRITTEN.read_text("utf-8") == queries.rendered(), due


def test_processes_agree_on_everything_though_they_start_at_once(path) -> None:
    one, two = Other(path), Other(path)
    try:
        for other in (one, two):
            assert other.process.stdin is not None
            other.process.stdin.write("secret\n")
            other.process.stdin.flush()
        secrets = {other.process.stdout.readline() for other in (one, two) if other.process.stdout is not None}
        assert len(secrets) == 1
        for turn in range(20):
            writer, reader = (one, two) if turn % 2 else (two, one)
            assert writer.says(f"n{turn}") == "written"
            assert reader.says(f"read n{turn}") == str({f"n{turn}": f"n{turn}".encode()})
    finally:
        one.kill()
        two.kill()


def test_what_was_acknowledged_survives_a_kill(path) -> None:
    other = Other(path)
    assert other.says("a") == "written"
    secret = other.says("secret")
    other.kill()
    store = SqliteStore(str(path))
    assert store.find(["a"]).result(10) == {"a": b"a"}
    assert store.secrets().result(10)[0].hex() == secret
    store.close()


@pytest.mark.parametrize("age", [0, 3600])
def test_the_first_state_of_another_process_is_seen_at_once(path, age) -> None:
    """Whether the file has been quiet for long, so that it need not be read, or was written just now."""
    other = Other(path)
    store = SqliteStore(str(path))
    try:
        assert other.says("secret")
        store.secrets().result(10)
        assert not store.holds_state()
        journal = Path(f"{path}-wal")
        before = journal.stat().st_mtime - age
        os.utime(journal, (before, before))
        assert not any(store.holds_state() for _ in range(3))
        assert other.says("a") == "written"
        assert store.holds_state()
    finally:
        other.kill()
        store.close()


def test_a_quiet_file_is_not_read_again(path) -> None:
    store = SqliteStore(str(path))
    store.secrets().result(10)
    assert not store.holds_state()
    journal = Path(f"{path}-wal")
    os.utime(journal, (1_700_000_000, 1_700_000_000))
    assert not store.holds_state()
    looks: list[str] = []
    assert store._looker is not None
    store._looker.set_trace_callback(looks.append)
    assert not store.holds_state()
    assert looks == []
    store.close()


def test_nobody_else_can_read_the_file(path) -> None:
    store = SqliteStore(str(path))
    store.write([Kept("a", b"1", FAR)]).result(10)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    store.close()


def test_a_lock_of_somebody_else_delays_a_write_and_hides_nothing(path) -> None:
    store = SqliteStore(str(path))
    store.write([Kept("before", b"1", FAR)]).result(10)
    locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    locker.execute("BEGIN IMMEDIATE")
    written = store.write([Kept("during", b"2", FAR), Turn("one", "r1", None, b"x", 1, FAR)])
    assert not written.done()
    assert store.recent(["during"]) == {"during": b"2"}
    assert store.find(["before", "during"]).result(5) == {"before": b"1", "during": b"2"}
    chain = store.chain("one", "r1").result(5)
    assert chain is not None
    assert not written.done()
    locker.execute("COMMIT")
    written.result(10)
    locker.close()
    store.close()


def test_a_lock_that_never_ends_is_an_error_and_the_store_goes_on(path) -> None:
    store = SqliteStore(str(path), patience=0.05)
    store.secrets().result(10)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.write([Kept("a", b"1", FAR)]).result(10)
    assert store.recent(["a"]) == {"a": b"1"}  # the best there is
    locker.execute("ROLLBACK")
    store.write([Kept("b", b"2", FAR)]).result(10)
    locker.close()
    store.close()


def test_one_row_that_cannot_be_stored_does_not_take_others_with_it(path) -> None:
    store = SqliteStore(str(path))
    bad, good = store.write([Kept("\ud800", b"1", FAR)]), store.write([Kept("a", b"1", FAR)])
    with pytest.raises(StoreError):
        bad.result(10)
    good.result(10)
    assert store.find(["a"]).result(10) == {"a": b"1"}
    store.close()


def test_a_turn_that_is_gone_on_from_lives_as_long_as_its_last_one(path) -> None:
    clock = [1_000_000.0]
    store = SqliteStore(str(path), lambda: clock[0])
    month = 30 * 86_400
    for number in range(4):
        previous = f"r{number - 1}" if number else None
        now = int(clock[0])
        store.write([Turn("one", f"r{number}", previous, b"x", now, now + month)]).result(10)
        clock[0] += month - 10
    assert store.chain("one", "r3").result(10) is not None
    clock[0] += 10
    assert store.chain("one", "r3").result(10) is None
    store.close()


def test_a_sweep_deletes_what_has_expired(path) -> None:
    old = SqliteStore(str(path), lambda: 1_000.0)
    old.write([Kept(f"n{n}", b"x", 2_000) for n in range(1_200)] + [Turn("t", "r", None, b"x", 1, 2_000)]).result(20)
    old.write([Kept("stays", b"x", 5_000)]).result(10)
    old.close()
    new = SqliteStore(str(path), lambda: 3_000.0)
    new.secrets().result(10)
    new.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM state").fetchall() == [("stays",)]
    assert connection.execute("SELECT count(*) FROM turns").fetchone() == (0,)
    connection.close()


def test_a_database_of_an_earlier_release_is_brought_to_this_one(path) -> None:
    store = SqliteStore(str(path))
    store.write([Kept("stays", b"x", FAR)]).result(20)
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TABLE held")
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    later = SqliteStore(str(path))
    assert later.find(["stays"]).result(20) == {"stays": b"x"}
    later.hold([Held("t", "a", "up", None, "files", b"x", 1)]).result(10)
    assert len(later.held("t", "files").result(10)) == 1
    later.close()


def test_a_database_of_a_later_release_is_refused_and_left_alone(path) -> None:
    store = SqliteStore(str(path))
    store.secrets().result(10)
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    later = SqliteStore(str(path))
    with pytest.raises(StoreError, match="9999"):
        later.secrets().result(20)
    later.close()
    assert connection.execute("SELECT count(*) FROM secrets").fetchone() == (1,)
    connection.close()


def test_a_file_that_is_no_database_is_an_error(path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    store = SqliteStore(str(path))
    with pytest.raises(StoreError, match="not a database"):
        store.secrets().result(20)
    store.close()


def test_the_stores_that_can_be_named(tmp_path) -> None:
    assert open_store("sqlite:///").recent(["a"]) == {}
    open_store(f"sqlite:///{tmp_path}/new/t.db").close()
    assert list(tmp_path.iterdir()) == []  # nothing is written before there is something to write
    (tmp_path / "file").touch()
    for url in ("postgresql://x/y", f"sqlite:///{tmp_path}/file/t.db", f"sqlite:///{tmp_path}"):
        with pytest.raises(StoreError):
            open_store(url)


def test_importing_the_store_does_not_import_sqlalchemy() -> None:
    code = "import sys, twoapi.store.open; assert not {'sqlalchemy', 'alembic', 'cryptography'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
