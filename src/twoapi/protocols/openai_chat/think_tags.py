"""Reasoning that a server writes into the content between tags, told apart from the answer as it comes."""

_OPEN, _CLOSE = "<think>", "</think>"

Pieces = list[tuple[bool, str]]  # True marks reasoning


class ThinkSplitter:
    """Splits the content of one answer, fed in any pieces. Reasoning stands at the beginning or nowhere; with `implied`
    it stands there also where no tag opens it.
    """

    __slots__ = ("_held", "_implied", "_state", "_thinks")

    def __init__(self, *, implied: bool) -> None:
        self._implied = implied
        self._state = "before"  # then "in" the reasoning, "behind" it, and "text"
        self._held = ""
        self._thinks = False  # something of the reasoning has come

    def feed(self, text: str) -> Pieces:
        """What is certain by now."""
        if self._state == "text":
            return [(False, text)] if text else []
        self._held += text
        return self._split()

    def close(self) -> Pieces:
        """What was held back."""
        held, self._held = self._held, ""
        thought = self._implied if self._state == "before" else self._state == "in"
        if self._state == "behind":
            held = held.lstrip()
        self._state = "text"
        return [(thought, held)] if held else []

    def _split(self) -> Pieces:
        found: Pieces = []
        if self._state == "before" and not self._begin():
            return found  # a tag may still come
        if self._state == "in" and (thought := self._thought()):
            found.append((True, thought))
        if self._state == "behind":
            self._held = self._held.lstrip()
            if self._held:
                self._state = "text"
        if self._state == "text" and self._held:
            found.append((False, self._held))
            self._held = ""
        return found

    def _begin(self) -> bool:
        """Looks for the opening tag; False while it may still come."""
        begun = self._held.lstrip()
        if begun.startswith(_OPEN):
            self._held = begun[len(_OPEN) :]
            self._state = "in"
        elif _OPEN.startswith(begun):
            return False
        else:
            self._state = "in" if self._implied else "text"
        return True

    def _thought(self) -> str:
        """The reasoning up to the closing tag, or as far as it is certain that none begins."""
        if not self._thinks:
            self._held = self._held.lstrip("\n")
            self._thinks = bool(self._held)
        thought, tag, rest = self._held.partition(_CLOSE)
        if tag:
            self._state, self._held = "behind", rest
            return thought.rstrip("\n")
        kept = _certain(self._held)
        thought, self._held = self._held[:kept], self._held[kept:]
        return thought


def _certain(text: str) -> int:
    """How much of the text cannot belong to a closing tag, or to line breaks before one."""
    for length in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-length:]):
            text = text[:-length]
            break
    return len(text.rstrip("\n"))


def split_thoughts(text: str, *, implied: bool) -> tuple[str, str]:
    """The reasoning and the answer of a whole text."""
    splitter = ThinkSplitter(implied=implied)
    pieces = [*splitter.feed(text), *splitter.close()]
    return "".join(one for thought, one in pieces if thought), "".join(one for thought, one in pieces if not thought)
