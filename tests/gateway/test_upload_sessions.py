"""Ids of uploads: only this gateway makes them, and nobody else can read them or change them."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from twoapi.gateway.kept.resumable import Session, opened, sealed, upload_id
from twoapi.gateway.state import State
from twoapi.store.memory import MemoryStore

OURS, OTHER = State(MemoryStore(), b"a secret"), State(MemoryStore(), b"another")
SESSION = Session("team", "west", "account", "/upload/v1beta/files?upload_id=secret&x=%2F")
TEXTS = st.text(max_size=40)
SESSIONS = st.builds(Session, TEXTS, TEXTS, st.none() | TEXTS, TEXTS)


@given(SESSIONS)
def test_an_id_stands_for_its_upload(session: Session) -> None:
    name = sealed(OURS, session)
    assert opened(OURS, name) == session
    assert opened(State(MemoryStore(), b"a secret"), name) == session  # another process
    assert opened(OTHER, name) is None
    assert name.isascii()
    assert upload_id(f"alt=json&upload_id={name}&upload_protocol=resumable") == name


def test_an_id_tells_nothing() -> None:
    name = sealed(OURS, SESSION)
    assert not any(word in name for word in ("team", "west", "secret"))


@given(st.data())
def test_a_changed_id_stands_for_nothing(data: st.DataObject) -> None:
    name = sealed(OURS, SESSION)
    place = data.draw(st.integers(0, len(name) - 2))  # the last one has bits that mean nothing
    other = data.draw(st.sampled_from("abcdefghABCDEFGH0123456789-_").filter(lambda char: char != name[place]))
    assert opened(OURS, name[:place] + other + name[place + 1 :]) is None
    assert opened(OURS, name[:place]) is None


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_anything_else_stands_for_nothing(name: str) -> None:
    assert opened(OURS, name) is None


def test_what_is_sealed_for_something_else_is_no_upload() -> None:
    for tenant in ("", "team"):
        packed = OURS.keys.seal(tenant, b'["team","west",null,"/x"]')
        assert opened(OURS, base64.urlsafe_b64encode(packed).decode().rstrip("=")) is None
