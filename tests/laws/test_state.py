"""L11 over every client protocol and every upstream that seals state."""

import base64

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import state as laws

MAKERS = ("anthropic-messages", "openai-responses", "gemini")
# What these clients carry by value is all that these upstreams make.
BY_VALUE = [
    (client, upstream)
    for client in CODECS
    for upstream in MAKERS
    if client != upstream and (upstream != "gemini" or client == "gemini")
]
PAIRS = [(client, upstream) for client in CODECS for upstream in MAKERS if client != upstream]


def has_mark(text: str) -> bool:
    """Words that look like carriers are no test of carriers."""
    return "tw1." in text or "dHcxL" in text


WORDS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
    .filter(str.strip)
    .filter(lambda text: not has_mark(text))
)
BLOBS = st.binary(min_size=1, max_size=80).map(lambda data: base64.b64encode(data).decode())
STATE = BLOBS.filter(lambda blob: not has_mark(blob))
LARGE = st.integers(30_000, 66_000).map(lambda size: base64.b64encode(bytes(i * i % 251 for i in range(size))).decode())

# Only words and blobs vary here.
EXAMPLES = settings().max_examples  # of the profile
FEW, FEWER = settings(max_examples=EXAMPLES // 2), settings(max_examples=EXAMPLES // 10)


def pairs(chosen):
    named = [pytest.param(CODECS[client], CODECS[up], id=f"{client}_to_{up}") for client, up in chosen]
    return pytest.mark.parametrize(("client", "upstream"), named)


def drawn(data: st.DataObject, upstream: Codec, state=STATE):
    texts = data.draw(st.lists(WORDS, min_size=4, max_size=4))
    blobs = data.draw(st.lists(state, min_size=3, max_size=3, unique=True))
    return laws.opaque_parts(upstream.name, texts, blobs)


@pairs(BY_VALUE)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@FEW
@given(data=st.data())
def test_l11_state_that_is_carried_comes_back(client, upstream, streamed, data) -> None:
    laws.transport(client, upstream, drawn(data, upstream), remembered=False, streamed=streamed)


@pairs(PAIRS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@FEW
@given(data=st.data())
def test_l11_all_state_comes_back_where_the_gateway_remembers(client, upstream, streamed, data) -> None:
    laws.transport(client, upstream, drawn(data, upstream), remembered=True, streamed=streamed)


@pairs(PAIRS)
@FEWER
@given(data=st.data())
def test_l11_large_state_comes_back(client, upstream, data) -> None:
    laws.transport(client, upstream, drawn(data, upstream, LARGE), remembered=True, streamed=False)


@pairs(BY_VALUE)
@FEW
@given(data=st.data())
def test_l11_a_damaged_carrier_is_told_and_never_sent(client, upstream, data) -> None:
    carried = laws.lost_carriers(client, upstream, drawn(data, upstream), data.draw(st.integers(0, 9)))
    event("carried" if carried else "nothing is carried")
    assert carried


@pairs(PAIRS)
@pytest.mark.parametrize("other", MAKERS)
@FEW
@given(data=st.data())
def test_state_goes_to_no_other_upstream(client, upstream, other, data) -> None:
    if other != upstream.name:
        laws.withheld(client, upstream, CODECS[other], drawn(data, upstream))
