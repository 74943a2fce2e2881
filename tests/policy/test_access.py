"""Client keys: where they are found, and whom they stand for."""

import pytest

from twoapi.config import parse
from twoapi.policy.access import NOBODY, KeyRing

LISTED = parse(
    "keys: [first-key, {key: second-key, name: ci, models: [smart, 'lab/*'], on_loss: reject}]", "twoapi.yaml", {}
)


def ring() -> KeyRing:
    return KeyRing(LISTED)


@pytest.mark.parametrize(
    ("headers", "query", "name"),
    [
        ({b"authorization": b"Bearer first-key"}, b"", "key-1"),
        ({b"authorization": b"bearer  second-key "}, b"", "ci"),
        ({b"x-api-key": b"second-key"}, b"", "ci"),
        ({b"x-goog-api-key": b"first-key"}, b"", "key-1"),
        ({b"api-key": b"first-key"}, b"", "key-1"),
        ({}, b"key=first-key", "key-1"),
        ({}, b"alt=sse&key=second%2Dkey", "ci"),
        ({b"authorization": b"Bearer none", b"x-api-key": b"second-key"}, b"", "ci"),
        ({}, b"", None),
        ({}, b"monkey=first-key", None),
        ({b"authorization": b"first-key"}, b"", None),
        ({b"authorization": b"Basic first-key"}, b"", None),
        ({b"authorization": b"Bearer "}, b"", None),
        ({b"x-api-key": b"first-keY"}, b"", None),
        ({b"x-api-key": b"Bearer first-key"}, b"", None),
        ({b"x-api-key": b"\xff\xfe"}, b"key=%ff", None),
    ],
)
def test_a_key_is_found_where_clients_put_it(headers: dict[bytes, bytes], query: bytes, name: str | None) -> None:
    keys = ring()
    for _ in range(2):  # the second time from memory
        entry = keys.find(headers, query)
        assert (entry.name if entry is not None else None) == name


def test_what_one_header_taught_does_not_open_another() -> None:
    keys = ring()
    assert keys.find({b"x-api-key": b"first-key"}) is not None
    assert keys.find({b"authorization": b"first-key"}) is None
    assert keys.find({b"authorization": b"Bearer first-key"}) is not None
    assert keys.find({b"x-api-key": b"Bearer first-key"}) is None


def test_open_keys_let_everyone_in() -> None:
    keys = KeyRing(parse("keys: open", "twoapi.yaml", {}))
    entry = keys.find({b"authorization": b"Bearer anything"}, b"")
    assert entry is not None
    assert entry is keys.find({}, b"") is keys.lookup(b"x")
    assert (entry.name, entry.on_loss, entry.may_use("any/model")) == ("open", None, True)


def test_a_key_may_use_what_its_list_allows() -> None:
    entry = ring().lookup(b"second-key")
    assert entry is not None
    names = ["smart", "lab/qwen3", "lab/a/b", "smarter", "claude/lab", "lab"]
    assert [name for name in names if entry.may_use(name)] == ["smart", "lab/qwen3", "lab/a/b"]
    assert entry.on_loss == "reject"


def test_a_key_without_a_list_may_use_everything() -> None:
    entry = ring().lookup(b"first-key")
    assert entry is not None
    assert entry.may_use("anything") is True


def test_a_ring_and_its_entries_print_no_key() -> None:
    keys = ring()
    entry = keys.find({b"x-api-key": b"first-key"})
    assert repr(entry) == "KeyEntry('key-1')"
    assert "first-key" not in repr(keys)


def test_a_key_without_a_name_keeps_its_tenant_wherever_it_stands() -> None:
    def tenants(text: str) -> dict[str, str]:
        found = KeyRing(parse(f"keys: [{text}]", "t.yaml", {}))
        entries = {key: found.lookup(key.encode()) for key in ("first-key-0123456789", "second-key-0123456789")}
        return {key: entry.tenant for key, entry in entries.items() if entry is not None}

    one, two = "{key: first-key-0123456789}", "{key: second-key-0123456789}"
    assert tenants(f"{one}, {two}") == tenants(f"{two}, {one}")
    assert len(set(tenants(f"{one}, {two}").values())) == 2
    assert tenants("{key: first-key-0123456789, name: team}") == {"first-key-0123456789": "team"}


def test_unknown_keys_are_not_remembered() -> None:
    keys = ring()
    for number in range(10_000):
        assert keys.find({b"x-api-key": b"%d" % number}) is None
    assert keys._keys == {}
    assert keys._authorizations == {}


def test_spellings_of_a_known_key_do_not_fill_the_memory() -> None:
    keys = ring()
    for number in range(5000):
        assert keys.find({b"authorization": b"Bearer first-key" + b" " * number}) is not None
    assert len(keys._authorizations) == 4096


def test_a_client_by_its_tenant() -> None:
    keys = ring()
    for key in (b"first-key", b"second-key"):
        entry = keys.lookup(key)
        assert entry is not None
        assert keys.of_tenant(entry.tenant) is entry
    assert keys.of_tenant("key-1") is None  # only what records call it
    assert keys.of_tenant("") is None
    everyone = KeyRing(parse("keys: open", "t.yaml", {}))
    assert everyone.of_tenant("open") is everyone.lookup(b"")
    assert everyone.of_tenant("ci") is None


def test_nobody_may_use_nothing() -> None:
    assert not NOBODY.may_use_all
    assert not NOBODY.may_use("smart")
