"""The stop string at the end of a text: this vendor's answers repeat it, all others leave it out."""


class StopTail:
    """Holds back the end of a text that may be a stop string, or the beginning of one."""

    __slots__ = ("_held", "_longest", "_stops")

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._longest = max(map(len, stops), default=0)
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be told by now."""
        if not self._stops:
            return text
        text = self._held + text
        start = max(0, len(text) - self._longest)
        while start < len(text) and not self._may_stop(text[start:]):
            start += 1
        self._held = text[start:]
        return text[:start]

    def finish(self) -> tuple[str, str | None]:
        """What is left to tell when the model has stopped, and the stop string that is left out."""
        held, self._held = self._held, ""
        found = max((stop for stop in self._stops if held.endswith(stop)), key=len, default=None)
        return (held, None) if found is None else (held.removesuffix(found), found)

    def flush(self) -> str:
        """All that is held: no stop string ended it."""
        held, self._held = self._held, ""
        return held

    def _may_stop(self, text: str) -> bool:
        return any(stop.startswith(text) or text == stop for stop in self._stops)
