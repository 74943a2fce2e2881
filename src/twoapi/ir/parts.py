"""The pieces of a turn: an ordered list of parts is all that a message is."""

from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir.fault import Fault, FaultError

# Text, or its JSON spelling (a quoted string) as the sender wrote it, while nobody has had to look at it.
# Encoders put either into a JSON document as it is; whoever must read the text calls `plain`.
JsonText = str | Raw

# Reasoning state that the gateway itself made for a client; it is never sent to an upstream.
ENVELOPE_PREFIX = "tw1."

_decode_str = msgspec.json.Decoder(str).decode


def plain(text: JsonText) -> str:
    """The text itself, decoded if it still is JSON. Raises FaultError when its sender spelled it wrongly."""
    if type(text) is str:
        return text
    try:
        return _decode_str(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FaultError(Fault("invalid_request", f"a text of the request is not valid JSON: {error}")) from None


class CacheMark(msgspec.Struct, frozen=True, gc=False):
    """A prompt-cache breakpoint behind a part; `ttl` in seconds, None is the protocol's default."""

    ttl: int | None = None


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Who made a piece of opaque state, so that it is given back to nobody else."""

    protocol: str
    provider: str | None = None
    model: str | None = None
    account: str | None = None


class Opaque(msgspec.Struct, frozen=True, gc=False):
    """State that only its origin can read, verbatim."""

    kind: Literal["signature", "redacted", "encrypted_reasoning", "thought_signature", "compaction", "phase", "other"]
    data: str
    origin: Origin | None = None


class Item(msgspec.Struct, frozen=True, gc=False):
    """The item that a part came in, where a turn is a list of items: parts of one item have equal ones.

    `index` is its number in the list; `status` and `phase` are the wire's own words.
    """

    index: int
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class Part(msgspec.Struct, kw_only=True, gc=False):
    """What all parts share.

    `at`: where the part stood in the sender's payload, as a JSON pointer relative to its message ("/content/0",
    "" for a whole message); joined with `Message.at` it is the path of a Loss.
    """

    at: str = ""
    cache: CacheMark | None = None
    opaque: tuple[Opaque, ...] = ()
    item: Item | None = None


class UrlSource(msgspec.Struct, frozen=True, gc=False):
    """A page on the web. `encrypted_index` is Anthropic's replay token for a web search result."""

    url: str
    title: str | None = None
    encrypted_index: str | None = None


class DocumentSource(msgspec.Struct, frozen=True, gc=False):
    """A place in a document that the request carried. `unit` says what `start` and `end` count; `end` is exclusive."""

    index: int
    title: str | None = None
    file_id: str | None = None
    unit: Literal["char", "page", "block"] = "char"
    start: int = 0
    end: int = 0


class SearchSource(msgspec.Struct, frozen=True, gc=False):
    """A place in a search result block that the request carried."""

    index: int
    source: str
    title: str | None = None
    start: int = 0
    end: int = 0


class Citation(msgspec.Struct, frozen=True, gc=False):
    """What a claim rests on. `start`, `end`: code points in its Text, `end` exclusive; None means the whole part.

    `raw`: the wire's own object, for a client of the same protocol, when it says more than this.
    """

    source: UrlSource | DocumentSource | SearchSource
    start: int | None = None
    end: int | None = None
    quoted: str | None = None
    raw: Raw | None = None


class TokenLogprob(msgspec.Struct, frozen=True, gc=False):
    """The log probability of one token and of its best alternatives. `bytes` is the token's UTF-8."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top: tuple["TokenLogprob", ...] = ()


class Text(Part):
    """Words of the turn's author."""

    text: JsonText = ""
    citations: list[Citation] = msgspec.field(default_factory=list)
    logprobs: list[TokenLogprob] | None = None


class Refusal(Part):
    """The model's own words of refusal."""

    text: JsonText = ""
    logprobs: list[TokenLogprob] | None = None


class Reasoning(Part):
    """The model's reasoning. `text` may be empty when only sealed state (`opaque`) crossed the wire."""

    text: JsonText = ""
    form: Literal["summary", "full", "hidden"] = "full"


class Base64(msgspec.Struct, frozen=True, gc=False):
    """Bytes in the request itself, as standard base64 without a data-URL prefix."""

    data: str


class Url(msgspec.Struct, frozen=True, gc=False):
    """A URL that whoever answers fetches."""

    url: str


class FileId(msgspec.Struct, frozen=True, gc=False):
    """A file that the vendor of `protocol` holds; means nothing to any other vendor."""

    id: str
    protocol: str


class PlainText(msgspec.Struct, frozen=True, gc=False):
    """A text document given as text."""

    text: str


class Blocks(msgspec.Struct, gc=False):
    """A document given as parts of its own."""

    parts: list["Text | Media"]


class Media(Part):
    """An image, sound, film or file. `mime` in lower case without parameters; None when unknown.

    `detail` is the resolution hint of an image (low, high, auto, original). `voice_id` refers to earlier audio output.
    """

    kind: Literal["image", "audio", "video", "file"] = "file"
    source: Base64 | Url | FileId | PlainText | Blocks = msgspec.field(default_factory=lambda: PlainText(""))
    mime: str | None = None
    name: str | None = None
    title: str | None = None
    context: str | None = None
    detail: str | None = None
    want_citations: bool | None = None
    transcript: str | None = None
    audio_id: str | None = None
    expires_at: int | None = None


class SearchResult(Part):
    """A search hit that the client hands to the model, to be cited."""

    source: str = ""
    title: str = ""
    content: list[Text] = msgspec.field(default_factory=list)
    want_citations: bool | None = None


class ToolCall(Part):
    """The model's call of a tool.

    `arguments` is the verbatim JSON text (kind "function") or free text (kind "custom"), possibly invalid: models
    write it. "" means no arguments were written. `complete` is False when the call was cut off.
    """

    id: str = ""
    name: str = ""
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    namespace: str | None = None
    complete: bool = True


class ToolResult(Part):
    """The answer to a tool call; `is_error` None means not said. `kind` is the call's."""

    call_id: str = ""
    content: list["Text | Media | SearchResult | Unknown"] = msgspec.field(default_factory=list)
    is_error: bool | None = None
    name: str | None = None
    kind: Literal["function", "custom"] = "function"


class ServerTool(Part):
    """A tool that the vendor runs (web search, code ...): its call or its result, verbatim in `raw`.

    `raw` is the whole JSON object in the protocol named by `protocol`; `text` is a plain summary of it for others.
    """

    protocol: str = ""
    tool: str = ""
    phase: Literal["call", "result"] = "call"
    id: str = ""
    raw: Raw = msgspec.field(default_factory=lambda: Raw(b"{}"))
    text: str = ""


class Unknown(Part):
    """A part of a type that this release does not know: `raw` is the whole JSON object in `protocol`."""

    protocol: str = ""
    type: str = ""
    raw: Raw = msgspec.field(default_factory=lambda: Raw(b"{}"))
