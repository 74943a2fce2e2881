"""What real clients sent, as recorded and cleaned of everything private."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "fixtures" / "clients"
_PROTOCOLS = {
    "/chat/completions": "openai-chat",
    "/responses": "openai-responses",
    "/messages": "anthropic-messages",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
}


class Capture(NamedTuple):
    """One recorded request. `name` is the client with its version, and the number of the request in its run."""

    name: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any

    @property
    def protocol(self) -> str:
        """The protocol that the client speaks; "" where it does not ask for an answer."""
        return next((name for end, name in _PROTOCOLS.items() if self.path.endswith(end)), "")

    @property
    def stream(self) -> bool:
        """Whether the client wants a stream."""
        return self.path.endswith(":streamGenerateContent") or bool(self.body.get("stream"))

    @property
    def framed(self) -> bool:
        """True of a frame of a websocket."""
        return self.method == "WS"


@cache
def captures() -> list[Capture]:
    """All requests for an answer."""
    return [one for one in _all() if one.protocol and one.body is not None]


@cache
def others() -> list[Capture]:
    """All that ask for something else: lists of models, counts of tokens, a websocket."""
    return [one for one in _all() if not one.protocol or one.body is None]


@cache
def known_losses() -> dict[str, dict[str, list[dict[str, str]]]]:
    """What each request loses on its way to a vendor of another protocol; what is not listed loses nothing."""
    found: dict[str, dict[str, list[dict[str, str]]]] = json.loads((FOLDER / "losses.json").read_text("utf-8"))
    return found


@cache
def _all() -> list[Capture]:
    return [_read(file) for file in sorted(FOLDER.glob("*/*.json"))]


def _read(file: Path) -> Capture:
    found = json.loads(file.read_text("utf-8"))
    return Capture(name=f"{file.parent.name}/{file.stem}", **found)
