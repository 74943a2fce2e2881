"""Answers before any vendor writes them down, for fakes to say."""

import json

from hypothesis import strategies as st

from twoapi.conformance.reply import Called, Cited, Reply, Stop, Used
from twoapi.testing.strategies.values import call_ids, filled_texts, json_objects, names, texts

_STOPS: st.SearchStrategy[Stop] = st.sampled_from(("stop", "max_tokens", "stop_sequence"))
_COUNTS = st.integers(0, 10**9)


@st.composite
def replies(draw: st.DrawFn, *, cited: bool = True) -> Reply:
    """Reasoning, text and calls in any combination, but never nothing; `cited`: a passage may rest on a page."""
    text = draw(texts)
    calls = draw(_calls())
    if not (text or calls):
        text = draw(filled_texts)
    passage = _passage(draw, text) if cited and text else ""
    page = Cited(passage=passage, url="https://e.example/a", title=draw(filled_texts)) if passage else None
    used = draw(_COUNTS)
    return Reply(
        text=text,
        reasoning=draw(texts),
        cited=page,
        calls=calls,
        stop="tool_use" if calls else draw(_STOPS),
        used=Used(input=used, cached=draw(st.integers(0, used)), output=draw(_COUNTS)),
    )


@st.composite
def _calls(draw: st.DrawFn) -> tuple[Called, ...]:
    ids = draw(st.lists(call_ids, max_size=2, unique=True))
    return tuple(
        Called(
            id=call_id,
            name=draw(names),
            arguments=json.dumps(draw(json_objects), ensure_ascii=False, separators=(",", ":")),
        )
        for call_id in ids
    )


def _passage(draw: st.DrawFn, text: str) -> str:
    """A stretch of the text, at the first place where it stands; "" for none."""
    if not draw(st.booleans()):
        return ""
    start = draw(st.integers(0, len(text) - 1))
    return text[start : draw(st.integers(start + 1, len(text)))]
