"""Answers that cite: texts of any Unicode, and stretches of them with a source each."""

from hypothesis import strategies as st

from twoapi.ir import Candidate, Citation, Part, Response, StopReason, Text, UrlSource
from twoapi.testing.strategies.values import filled_texts

# Letters of one to four bytes, some that are two code points to the eye.
_words = st.one_of(filled_texts, st.text("aé北🌍\u0301 \u2028", min_size=1, max_size=30))


@st.composite
def cited_answers(draw: st.DrawFn) -> Response:
    """An answer of one to three texts; no two citations have the same URL, and none is of nothing."""
    parts: list[Part] = []
    for number in range(draw(st.integers(1, 3))):
        text = draw(_words)
        citations = []
        for index in range(draw(st.integers(0, 2))):
            start = draw(st.integers(0, len(text) - 1))
            end = draw(st.integers(start + 1, len(text)))
            whole = draw(st.integers(0, 3)) == 0
            source = UrlSource(f"https://w.example/{number}/{index}", "W")
            citations.append(Citation(source) if whole else Citation(source, start, end))
        parts.append(Text(text=text, citations=citations, at=f"/{number}"))
    return Response(protocol="", id="x", model="m", candidates=[Candidate(0, parts, StopReason(kind="stop"))])
