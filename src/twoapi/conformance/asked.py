"""What an upstream was asked, whatever its protocol: what the request readers make of a body."""

from typing import Any

import msgspec

Json = Any  # a parsed JSON document


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said. Pieces stand in the order of the conversation.

    `kind` is text, refusal, image, document, audio, reasoning, call or result. `text` is the text, the base64 data or
    the URL, the JSON text of a call's arguments, or what a result says. `name` is a tool's or a file's name, `opaque`
    state that only its maker reads, `failed` a result that is an error.
    """

    role: str
    kind: str
    text: str = ""
    name: str = ""
    id: str = ""
    mime: str = ""
    opaque: str = ""
    failed: bool = False


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model may call."""

    name: str
    description: str = ""
    schema: Json = None
    strict: bool = False


class Asked(msgspec.Struct, kw_only=True):
    """A request: the conversation, the tools, how to choose, and all other settings by neutral names.

    `raw` is the whole body as text, for what has no name here: all its texts as they are, without JSON's escapes.
    """

    pieces: list[Piece] = []
    tools: list[Offered] = []
    choice: str = ""
    settings: dict[str, Json] = {}
    raw: str = ""

    def of(self, kind: str, role: str = "") -> list[Piece]:
        """The pieces of a kind, of one role or of all."""
        return [one for one in self.pieces if one.kind == kind and role in ("", one.role)]

    def texts(self, role: str) -> list[str]:
        """What a role said in text."""
        return [one.text for one in self.of("text", role)]


def data_url(url: str) -> tuple[str, str]:
    """The media type and the base64 data of a data URL; no type and the URL itself for any other."""
    if not url.startswith("data:") or "," not in url:
        return "", url
    head, _, data = url[5:].partition(",")
    return head.split(";")[0], data


def all_texts(body: Json) -> str:
    """Every name and every text in a body, one per line."""
    if isinstance(body, dict):
        return "\n".join(f"{name}\n{all_texts(value)}" for name, value in body.items())
    if isinstance(body, list):
        return "\n".join(map(all_texts, body))
    return body if isinstance(body, str) else ""


def json_text(value: Json) -> str:
    """The value as compact JSON."""
    return msgspec.json.encode(value).decode()


def settings(body: Json, names: dict[str, str]) -> dict[str, Json]:
    """The members that are there and not null, by their neutral names."""
    return {neutral: body[name] for name, neutral in names.items() if body.get(name) is not None}
