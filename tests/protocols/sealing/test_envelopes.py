"""Carriers that only their tenant's gateway can read, and what happens to all others."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sealing.test_carriers import OPAQUES

from twoapi.ir import Opaque, Origin
from twoapi.protocols.envelopes import BY_VALUE, Envelopes, SealingKeys
from twoapi.protocols.sealing import SEAL_PREFIX

KEYS = SealingKeys([b"a secret of this gateway"])
STATE = (Opaque("signature", "c2ln", Origin("up")),)
MAKER = Origin("", "api.vendor.example", "m-1", "tag")


@given(opaques=OPAQUES)
def test_what_was_sealed_comes_back_to_its_tenant_alone(opaques) -> None:
    text = Envelopes(KEYS, "one").seal(opaques, "up")
    assert text.startswith(SEAL_PREFIX)
    assert Envelopes(SealingKeys([b"a secret of this gateway"]), "one").open(text) == (
        opaques or (Opaque("other", "", Origin("up")),)
    )
    assert Envelopes(KEYS, "two").open(text) is None
    assert Envelopes(SealingKeys([b"another secret"]), "one").open(text) is None


def test_the_same_state_is_the_same_text_so_that_prompt_caches_hold() -> None:
    again = Envelopes(SealingKeys([b"a secret of this gateway"]), "one", MAKER)
    assert again.seal(STATE, "up") == Envelopes(KEYS, "one", MAKER).seal(STATE, "up")
    assert again.seal(STATE, "up") != Envelopes(KEYS, "two", MAKER).seal(STATE, "up")


def test_state_of_the_answering_upstream_is_marked_with_all_that_is_known_of_it() -> None:
    made = (Opaque("signature", "a", Origin("up")), Opaque("redacted", "b"), Opaque("other", "c", Origin("else")))
    opened = Envelopes(KEYS, "one").open(Envelopes(KEYS, "one", MAKER).seal(made, "up"))
    maker = Origin("up", "api.vendor.example", "m-1", "tag")
    assert opened == (Opaque("signature", "a", maker), Opaque("redacted", "b", maker), made[2])


def test_a_retired_key_still_opens_and_the_first_one_seals() -> None:
    old, new = b"the old secret", b"the new secret"
    text = Envelopes(SealingKeys([old]), "one").seal(STATE, "up")
    both = Envelopes(SealingKeys([new, old]), "one")
    assert both.open(text) == STATE
    assert both.seal(STATE, "up") == Envelopes(SealingKeys([new]), "one").seal(STATE, "up")
    assert Envelopes(SealingKeys([new]), "one").open(text) is None


@given(data=st.data())
def test_a_carrier_with_any_other_bit_is_lost(data) -> None:
    text = Envelopes(KEYS, "one").seal(STATE, "up")
    packed = bytearray(base64.urlsafe_b64decode(text[len(SEAL_PREFIX) :] + "=" * (-len(text[len(SEAL_PREFIX) :]) % 4)))
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    assert Envelopes(KEYS, "one").open(SEAL_PREFIX + base64.urlsafe_b64encode(packed).decode()) is None


@given(rest=st.text(max_size=40) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_what_anybody_makes_up_is_lost(rest) -> None:
    opener = Envelopes(KEYS, "one")
    for text in (rest, SEAL_PREFIX + rest):
        assert opener.open(text) is None
        assert opener.reference(text) is None


def test_large_state_is_carried_by_reference() -> None:
    large = (Opaque("encrypted_reasoning", base64.b64encode(noise(BY_VALUE)).decode(), Origin("up")),)
    kept: dict[str, bytes] = {}
    sealer = Envelopes(KEYS, "one", keep=kept.__setitem__)
    text = sealer.seal(large, "up")
    assert text == sealer.seal(large, "up")
    assert (len(kept), len(text) < 200) == (1, True)
    assert Envelopes(KEYS, "one").reference(text) in kept
    assert Envelopes(KEYS, "one", kept=kept).open(text) == large
    assert Envelopes(KEYS, "two", kept=kept).open(text) is None
    assert Envelopes(KEYS, "two", kept=kept).reference(text) is None
    assert Envelopes(KEYS, "one").open(text) is None  # no longer kept


@pytest.mark.parametrize("size", [BY_VALUE - 9000, BY_VALUE - 17000, BY_VALUE, 2 * BY_VALUE])
def test_no_carrier_is_longer_than_the_limit(size) -> None:
    opaque = (Opaque("signature", base64.b64encode(noise(size)).decode(), Origin("up")),)
    kept: dict[str, bytes] = {}
    text = Envelopes(KEYS, "one", keep=kept.__setitem__).seal(opaque, "up")
    assert len(text) <= BY_VALUE
    assert Envelopes(KEYS, "one", kept=kept).open(text) == opaque


def test_large_state_that_nothing_keeps_leaves_its_protocol() -> None:
    opaque = (Opaque("signature", base64.b64encode(noise(BY_VALUE)).decode(), Origin("up")),)
    text = Envelopes(KEYS, "one").seal(opaque, "up")
    assert Envelopes(KEYS, "one").open(text) == (Opaque("other", "", Origin("up")),)


def test_names_depend_on_the_secret_and_on_where_parts_end() -> None:
    assert KEYS.name("call", b"ab", b"c") == KEYS.name("call", b"ab", b"c")
    others = [KEYS.name("call", b"a", b"bc"), KEYS.name("turn", b"ab", b"c"), SealingKeys([b"x"]).name("call", b"abc")]
    assert KEYS.name("call", b"ab", b"c") not in others
    assert all(len(name) == 22 for name in others)


def noise(size: int) -> bytes:
    """Bytes that do not compress, as many as make `size` characters or so."""
    return KEYS.seal("noise", bytes(size))
