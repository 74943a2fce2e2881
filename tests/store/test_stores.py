"""What holds for every engine."""

import pytest

from twoapi.store.port import Held, Kept, Turn

FAR = 2_000_000_000


def turn(name: str, previous: str | None = None, tenant: str = "one", expires: int = FAR) -> Turn:
    return Turn(tenant, name, previous, f"body of {name}".encode(), 1_790_000_000, expires)


def ids(chain) -> list[str] | None:
    return None if chain is None else [one.id for one in chain]


def test_what_was_written_is_there_at_once_and_after_it_is_acknowledged(store) -> None:
    rows = [Kept("a", b"1", FAR), Kept("b", b"\0" * 100_000, FAR)]
    written = store.write(rows)
    assert store.recent(["a", "b", "c"]) == {"a": b"1", "b": b"\0" * 100_000}
    written.result(10)
    assert store.find(["b", "c", "a"]).result(10) == {"a": b"1", "b": b"\0" * 100_000}


def test_the_latest_write_wins(store) -> None:
    for data in (b"1", b"2"):
        store.write([Kept("a", data, FAR)])
    last = store.write([Kept("a", b"3", FAR)])
    assert store.recent(["a"]) == {"a": b"3"}
    last.result(10)
    assert store.find(["a"]).result(10) == {"a": b"3"}


def test_a_chain_is_told_from_its_beginning_and_may_branch(store) -> None:
    store.write([turn("r1"), turn("r2", "r1")])
    store.write([turn("left", "r2"), turn("right", "r2"), turn("r1", tenant="two")]).result(10)
    late = store.write([turn("last", "right")])
    assert ids(store.chain("one", "last").result(10)) == ["r1", "r2", "right", "last"]
    late.result(10)
    assert store.chain("one", "left").result(10) == [turn("r1"), turn("r2", "r1"), turn("left", "r2")]
    assert ids(store.chain("two", "r1").result(10)) == ["r1"]


@pytest.mark.parametrize("wanted", ["none", "orphan"])
def test_a_chain_without_its_beginning_is_none(store, wanted) -> None:
    store.write([turn("orphan", "gone"), turn("r1", tenant="two")]).result(10)
    assert store.chain("one", wanted).result(10) is None
    assert store.chain("one", "r1").result(10) is None


def test_a_chain_that_runs_in_a_circle_is_none(store) -> None:
    store.write([turn("a", "b"), turn("b", "a")]).result(10)
    assert store.chain("one", "a").result(10) is None


def test_a_deleted_turn_takes_what_follows_it_out_of_reach(store) -> None:
    store.write([turn("r1"), turn("r2", "r1")]).result(10)
    assert store.forget("one", "r1").result(10) is True
    assert store.forget("one", "r1").result(10) is False
    assert store.forget("two", "r2").result(10) is False
    assert store.chain("one", "r2").result(10) is None


def test_what_has_expired_is_gone(store, clock) -> None:
    soon = int(clock.now) + 60
    store.write([Kept("a", b"1", soon), Kept("b", b"2", FAR), turn("r1", expires=soon)]).result(10)
    clock.now += 59
    assert set(store.find(["a", "b"]).result(10)) == {"a", "b"}
    assert ids(store.chain("one", "r1").result(10)) == ["r1"]
    clock.now += 1
    assert store.recent(["a", "b"]) == {"b": b"2"}
    assert store.find(["a", "b"]).result(10) == {"b": b"2"}
    assert store.chain("one", "r1").result(10) is None


def test_the_secret_is_made_once(store) -> None:
    (first,) = store.secrets().result(10)
    assert len(first) == 32
    assert store.secrets().result(10) == [first]


def held(name: str, upstream: str = "up", tenant: str = "one", created: int = 1, kind: str = "files") -> Held:
    return Held(tenant, name, upstream, None, kind, name.encode(), created)


def test_what_is_kept_elsewhere_is_found_by_its_tenant(store) -> None:
    rows = [held("b", created=2), held("a"), held("a", "other", created=3), held("c", kind="batches")]
    store.hold([*rows, held("a", tenant="two")]).result(10)
    assert store.held("one", "files").result(10) == [rows[1], rows[0], rows[2]]
    assert store.held("one", "batches").result(10) == [rows[3]]
    assert sorted(row.upstream for row in store.holders("one", "a").result(10)) == ["other", "up"]
    assert store.holders("two", "b").result(10) == []
    assert store.held("three", "files").result(10) == []


def test_what_is_kept_elsewhere_is_replaced_and_let_go(store) -> None:
    store.hold([held("a")]).result(10)
    newer = Held("one", "a", "up", "account", "files", b"\0new", 5)
    store.hold([newer]).result(10)
    assert store.holders("one", "a").result(10) == [newer]
    assert store.let_go("two", "a", "up").result(10) is False
    assert store.let_go("one", "a", "up").result(10) is True
    assert store.let_go("one", "a", "up").result(10) is False
    assert store.holders("one", "a").result(10) == []
