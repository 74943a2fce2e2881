"""What real clients sent, as recorded and cleaned of everything private."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "fixtures" / "clients"


class Capture(NamedTuple):
    """One recorded request. `name` is the client with its version, and the number of the request in its run."""

    name: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any

    @property
    def protocol(self) -> str:
        """The protocol that the client speaks."""
        return "openai-chat" if self.path.endswith("/chat/completions") else "anthropic-messages"


@cache
def captures() -> list[Capture]:
    """All of them."""
    return [_read(file) for file in sorted(FOLDER.glob("*/*.json"))]


@cache
def known_losses() -> dict[str, dict[str, list[dict[str, str]]]]:
    """What each request loses on its way to a provider of the other protocol; what is not listed loses nothing."""
    found: dict[str, dict[str, list[dict[str, str]]]] = json.loads((FOLDER / "losses.json").read_text("utf-8"))
    return found


def _read(file: Path) -> Capture:
    found = json.loads(file.read_text("utf-8"))
    return Capture(
        name=f"{file.parent.name}/{file.stem}",
        path=found["path"],
        query=found["query"],
        headers=found["headers"],
        body=found["body"],
    )
