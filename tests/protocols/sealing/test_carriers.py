"""Carriers: their text is stable and recognisable, and comes back from whatever a client does to it."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import ENVELOPE_PREFIX, Opaque, Origin
from twoapi.protocols.sealing import PLAIN, SEAL_PREFIX, SEAL_PREFIX_BASE64, from_base64, is_sealed, to_base64

KINDS = ["signature", "redacted", "encrypted_reasoning", "thought_signature", "compaction", "phase", "other"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: not text.startswith("tw1."))
ORIGINS = st.builds(Origin, st.sampled_from(["a", "b"]), st.none() | st.text(max_size=3), st.none() | st.just("m"))
OPAQUES = st.lists(st.builds(Opaque, st.sampled_from(KINDS), TEXTS, ORIGINS), max_size=3).map(tuple)


@given(opaques=OPAQUES)
def test_what_was_sealed_comes_back_in_order(opaques) -> None:
    text = PLAIN.seal(opaques, "somebody")
    assert text.startswith(SEAL_PREFIX)
    assert text == PLAIN.seal(opaques, "somebody")
    assert PLAIN.open(text) == (opaques or (Opaque("other", "", Origin("somebody")),))


@given(opaques=OPAQUES, padded=st.booleans())
def test_a_carrier_in_base64_survives_another_alphabet_and_its_padding(opaques, padded) -> None:
    text = PLAIN.seal(opaques, "somebody")
    carrier = to_base64(text)
    assert carrier.startswith(SEAL_PREFIX_BASE64)
    again = base64.urlsafe_b64encode(base64.b64decode(carrier)).decode()
    assert again == carrier
    assert from_base64(again if padded else again.rstrip("=")) == text


def test_marks_are_found_in_a_body_as_they_are() -> None:
    assert json.dumps(SEAL_PREFIX) == f'"{SEAL_PREFIX}"'
    assert SEAL_PREFIX.startswith(ENVELOPE_PREFIX)
    assert not set("+/-_=") & set(SEAL_PREFIX_BASE64)


def test_state_without_an_origin_is_of_the_upstream_that_answered() -> None:
    assert PLAIN.open(PLAIN.seal((Opaque("signature", "s"),), "up")) == (Opaque("signature", "s", Origin("up")),)


def test_a_carrier_is_never_sealed_again() -> None:
    inner = Opaque("other", PLAIN.seal((), "a"))
    assert is_sealed(inner)
    assert PLAIN.open(PLAIN.seal((inner,), "b")) == (Opaque("other", "", Origin("b")),)


def test_what_is_no_carrier_or_damaged_opens_to_nothing() -> None:
    text = PLAIN.seal((Opaque("signature", "s"),), "up")
    for damaged in ("", "x", ENVELOPE_PREFIX, SEAL_PREFIX, SEAL_PREFIX + "é", SEAL_PREFIX + "AA", text[:-9], text[1:]):
        assert PLAIN.open(damaged) is None
    assert from_base64("c2ln") is None
    broken = from_base64(SEAL_PREFIX_BASE64 + "A")
    assert broken is not None
    assert PLAIN.open(broken) is None
