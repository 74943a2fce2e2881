"""The events of an answer that rests on pages of the vendor's own search, which it tells beside its words."""

import msgspec
from msgspec import Raw

from twoapi.ir import Attach, Citation, Event, Text, TokenLogprob, UrlSource
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.answer_events import AnswerEvents
from twoapi.wire import json
from twoapi.wire.errors import WireError


class _Page(msgspec.Struct, kw_only=True, gc=False):
    url: str | None = None
    title: str | None = None
    index: int | None = None  # what a mark in the text refers to


class _Info(msgspec.Struct, kw_only=True):
    search_results: list[_Page] | None = None


_decode_info = json.decoder(_Info)


class Sources:
    """The pages of one answer, and by pointer what else its search tells. `at` is where the search stands."""

    __slots__ = ("_at", "_told", "citations", "extras")

    def __init__(self, at: str) -> None:
        self._at = at
        self._told: Raw | None = None
        self.citations: list[Citation] = []
        self.extras: dict[str, Raw] = {}

    def add(self, told: Raw) -> None:
        """Takes what a frame tells; frames may repeat it."""
        try:
            pages = _decode_info(told).search_results or []
            unknown = json.unknown_fields(told, _Info)
        except WireError:
            self.extras[self._at] = told
            return
        self._told = told
        known = {citation.source for citation in self.citations}
        for page in pages:
            source = UrlSource(page.url, page.title or None) if page.url else None
            if source is not None and source not in known:
                known.add(source)
                self.citations.append(Citation(source))
        self.extras |= {self._at + pointer: value for pointer, value in unknown.items() if not json.is_null(value)}

    def left(self, cited: int) -> dict[str, Raw]:
        """What is not among the first `cited` citations, by pointer."""
        if cited < len(self.citations) and self._told is not None:
            return {**self.extras, self._at: self._told}
        return self.extras


class CitedEvents(AnswerEvents):
    """One candidate of such an answer. `cited`: how many of the answer's citations it has."""

    __slots__ = ("_said", "cited")

    def __init__(self, restore: Restore, answer: str, at: str, candidate: int = 0) -> None:
        super().__init__(restore, answer, at, candidate)
        self.cited = 0
        self._said: dict[object, str] = {}

    def cite(self, citations: list[Citation], events: list[Event]) -> None:
        """Adds the citations that it does not have yet to the words that run."""
        while self.cited < len(citations) and self.attach(citations[self.cited], events):
            self.cited += 1

    def attach(self, item: Citation | list[TokenLogprob], events: list[Event]) -> bool:
        """Adds what belongs to the words that run; False when none do."""
        if self._running is not Text:
            return False
        events.append(Attach(self._candidate, self._parts - 1, item))
        return True

    def news(self, place: object, text: str) -> str:
        """What is new in a text that stands at this place of each frame and repeats what was said before."""
        before = self._said.get(place, "")
        if not text.startswith(before):  # it does not, after all
            self._said[place] = before + text
            return text
        self._said[place] = text
        return text[len(before) :]
