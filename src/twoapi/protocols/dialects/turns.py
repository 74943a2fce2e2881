"""Messages as a dialect has them: turns of texts and images, thoughts, calls, and results right behind their calls."""

import base64
import binascii
from collections.abc import Callable
from typing import Literal, cast

import msgspec

from twoapi import ir
from twoapi.ir import JsonText, plain
from twoapi.protocols.dialects.encoding import Encoding
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.pairing import pair_results
from twoapi.protocols.url_media import must_be_inline, not_fetched

_ERROR_MARK = "[tool error] "
_TAKEN = {"image": "images", "audio": "audio", "video": "video"}  # the capabilities
_MANY = {"image": "images", "audio": "audio", "video": "films"}
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/x-yaml")


class Picture(msgspec.Struct):
    """An image of a turn, or a sound or film where the target takes them; `path` is its place in the client's body."""

    source: ir.Base64 | ir.Url
    mime: str | None
    detail: str | None
    path: str
    kind: Literal["image", "audio", "video"] = "image"


class Thought(msgspec.Struct):
    """Words of reasoning, and their place in the client's body."""

    text: str
    path: str


class Call(msgspec.Struct):
    """A call with its name on the wire; `arguments` is JSON text, "" for none written."""

    id: str
    name: str
    arguments: str
    path: str


class Turn(msgspec.Struct, kw_only=True):
    """A message as it goes out. `quoted`: search results of a tool, where the target takes them as they are.

    A turn of role "tool" answers the call `call_id` of the tool `name`.
    """

    role: Literal["system", "user", "assistant", "tool"]
    at: str
    said: list[JsonText | Picture] = []
    thoughts: list[Thought] = []
    calls: list[Call] = []
    quoted: list[ir.SearchResult] = []
    call_id: str = ""
    name: str = ""

    @property
    def texts(self) -> list[JsonText]:
        """What is said in words."""
        return [one for one in self.said if not isinstance(one, Picture)]

    @property
    def pictures(self) -> list[Picture]:
        """What is shown."""
        return [one for one in self.said if isinstance(one, Picture)]


def turns(encoding: Encoding, messages: list[ir.Message], *, quotes: bool = False) -> list[Turn]:
    """The turns in order; raises FaultError for what cannot be sent. `quotes`: results may hold search results."""
    walk = _Walk(encoding, quotes=quotes)
    for message in pair_results(messages, encoding.losses, encoding.target):
        walk.take(message)
    if not any(turn.role != "system" for turn in walk.made):
        raise refusal("at least one message of the user is needed", encoding.request.where("messages"))
    last = walk.made[-1]
    if last.role == "assistant" and not last.calls and not encoding.capabilities.prefill:
        encoding.lose(last.at, "unsupported", "a last assistant turn is not gone on from")
    return walk.made


class _Walk:
    __slots__ = ("_encoding", "_names", "_quotes", "made")

    def __init__(self, encoding: Encoding, *, quotes: bool) -> None:
        self._encoding = encoding
        self._quotes = quotes
        self._names: dict[str, str] = {}  # id of a call -> its tool's name on the wire
        self.made: list[Turn] = []

    def take(self, message: ir.Message) -> None:
        """Adds the turns of one message."""
        encoding = self._encoding
        if message.name is not None:
            encoding.lose(f"{message.at}/name", "dropped", "turns have no names")
        if message.phase is not None:
            encoding.lose(f"{message.at}/phase", "dropped", "turns have no phases")
        if message.role == "assistant":
            self._assistant(message)
        elif message.role in ("system", "developer"):
            self._system(message)
        else:
            self._user(message)

    def _system(self, message: ir.Message) -> None:
        if message.role == "developer":
            self._encoding.lose(f"{message.at}/role", "info", "sent as system")
        turn = Turn(role="system", at=message.at, said=self._said(message, message.parts))
        for picture in turn.pictures:
            raise refusal("instructions to the target are text", picture.path)
        if turn.said or not message.parts:
            self.made.append(turn)

    def _user(self, message: ir.Message) -> None:
        moved: list[JsonText | Picture] = []
        for part in message.parts:
            if isinstance(part, ir.ToolResult):
                self._result(message, part, moved)
        rest = [part for part in message.parts if not isinstance(part, ir.ToolResult)]
        said = moved + self._said(message, rest)
        if said or not message.parts:
            self.made.append(Turn(role="user", at=message.at, said=said))

    def _assistant(self, message: ir.Message) -> None:
        turn = Turn(role="assistant", at=message.at)
        for part in message.parts:
            path = message.at + part.at
            if isinstance(part, ir.ToolCall):
                turn.calls.append(self._call(part, path))
            elif isinstance(part, ir.Reasoning):
                self._thought(part, path, turn)
            else:
                if turn.calls:
                    self._encoding.lose(path, "reordered", "text goes before tool calls")
                said = part_said(self._encoding, part, message.at)
                for one in said:
                    if isinstance(one, Picture):
                        raise refusal("an assistant turn holds no image", one.path)
                turn.said += said
        if turn.said or turn.calls or turn.thoughts or not message.parts:
            self.made.append(turn)

    def _thought(self, part: ir.Reasoning, path: str, turn: Turn) -> None:
        self._encoding.lose_mark(part.cache, path)
        text = plain(part.text)
        if any(opaque.data for opaque in part.opaque) or (part.opaque and not text):
            self._encoding.lose(path, "reasoning_foreign", "sealed state of another origin is withheld")
        if text:
            turn.thoughts.append(Thought(text, path))
        elif not part.opaque:
            self._encoding.lose(path, "info", "reasoning without words or state")

    def _call(self, part: ir.ToolCall, path: str) -> Call:
        encoding = self._encoding
        encoding.lose_mark(part.cache, path)
        if part.opaque:
            encoding.lose(path, "reasoning_foreign", "sealed state on a call is withheld")
        name = encoding.names.wire(part.name, part.namespace)
        self._names[part.id] = name
        arguments = part.arguments
        if part.kind == "custom":
            arguments = msgspec.json.encode({"input": arguments}).decode()
            encoding.lose(path, "emulated", "a free-text call is sent as a function call with one string")
        return Call(part.id, name, arguments, path)

    def _result(self, message: ir.Message, part: ir.ToolResult, moved: list[JsonText | Picture]) -> None:
        encoding, path = self._encoding, message.at + part.at
        encoding.lose_mark(part.cache, path)
        if part.opaque:
            encoding.lose(path, "reasoning_foreign", "sealed state on a result is withheld")
        turn = Turn(role="tool", at=path, call_id=part.call_id, name=self._names.get(part.call_id, part.name or ""))
        labelled = False
        for inner in part.content:
            if self._quotes and isinstance(inner, ir.SearchResult):
                turn.quoted.append(inner)
                continue
            for one in part_said(encoding, inner, message.at):
                if not isinstance(one, Picture):
                    turn.said.append(one)
                    continue
                if not labelled:
                    moved.append(f"[tool result {part.call_id}]")
                    labelled = True
                encoding.lose(one.path, "emulated", "images of a result stand behind it")
                moved.append(one)
        if part.is_error:
            # Where the client said so: in a member of its own, or by what holds the words.
            told = [message.at + inner.at for inner in part.content if inner.at.endswith(("/error", "/response"))]
            encoding.lose(told[0] if told else f"{path}/is_error", "emulated", "an error is marked in the text")
            first = plain(turn.said.pop(0)) if turn.said else ""  # type: ignore[arg-type]  # pictures have moved
            turn.said.insert(0, _ERROR_MARK + first)
        self.made.append(turn)

    def _said(self, message: ir.Message, parts: list[ir.Part]) -> list[JsonText | Picture]:
        return [one for part in parts for one in part_said(self._encoding, part, message.at)]


def past_thoughts(encoding: Encoding, turn: Turn) -> str | None:
    """What the model thought in the turn, as one text; None for nothing, and where the upstream takes none of it."""
    if turn.thoughts and encoding.capabilities.reasoning_field is not None:
        return "\n\n".join([thought.text for thought in turn.thoughts])
    lose_thoughts(encoding, turn)
    return None


def lose_thoughts(encoding: Encoding, turn: Turn) -> None:
    """Reports what the model thought in the turn."""
    for thought in turn.thoughts:
        encoding.lose(thought.path, "dropped", "past reasoning is not sent")


def one_text(encoding: Encoding, turn: Turn, between: str = "\n\n") -> JsonText:
    """All words of a turn as one text; the turns of a model are joined without anything between."""
    texts = turn.texts
    if len(texts) == 1:
        return texts[0]
    if len(texts) > 1 and turn.role != "assistant":
        encoding.lose(turn.at, "approximated", "the texts of a turn are one text")
    return ("" if turn.role == "assistant" else between).join(map(plain, texts))


def part_said(encoding: Encoding, part: ir.Part, base: str) -> list[JsonText | Picture]:
    """What is left of a part in words and images; raises FaultError for what cannot be sent."""
    path = base + part.at
    encoding.lose_mark(part.cache, path)
    if any(opaque.data for opaque in part.opaque):
        encoding.lose(path, "reasoning_foreign", "sealed state of another origin is withheld")
    return _SAID.get(type(part), _stray)(encoding, part, path)


def _text(encoding: Encoding, part: ir.Text, path: str) -> list[JsonText | Picture]:
    if part.citations:
        encoding.lose(path, "dropped", "texts of a history have no citations")
    return [part.text]


def _refusal(encoding: Encoding, part: ir.Refusal, path: str) -> list[JsonText | Picture]:
    encoding.lose(path, "emulated", "a refusal is sent as text")
    return [part.text]


def _search_result(encoding: Encoding, part: ir.SearchResult, path: str) -> list[JsonText | Picture]:
    encoding.lose(path, "emulated", "a search result is sent as text")
    for text in part.content:
        encoding.lose_mark(text.cache, path)
    head = "\n".join(line for line in (part.title, part.source) if line)
    return ["\n\n".join(text for text in (head, *(plain(one.text) for one in part.content)) if text)]


def _server_tool(encoding: Encoding, part: ir.ServerTool, path: str) -> list[JsonText | Picture]:
    what = part.tool or "a tool"
    if not part.text:
        encoding.lose(path, "dropped", f"{what} of another vendor")
        return []
    encoding.lose(path, "emulated", f"{what} of another vendor is sent as text")
    return [part.text + "\n\n"]


def _stray(encoding: Encoding, part: ir.Part, path: str) -> list[JsonText | Picture]:
    encoding.lose(path, "dropped", f"{type(part).__name__} has no place here")
    return []


def _unknown(encoding: Encoding, part: ir.Unknown, path: str) -> list[JsonText | Picture]:
    encoding.lose(path, "dropped", f"unknown part {part.type!r}")
    return []


def _media(encoding: Encoding, part: ir.Media, path: str) -> list[JsonText | Picture]:
    source = part.source
    if part.kind != "file" and part.kind in encoding.shows and part.audio_id is None:
        if not getattr(encoding.capabilities, _TAKEN[part.kind]):
            raise refusal(f"this model takes no {_MANY[part.kind]}", path)
        if not isinstance(source, ir.Base64 | ir.Url):
            raise refusal("the target cannot read this file: another service holds it", path)
        if isinstance(source, ir.Url) and must_be_inline(encoding.target, part.kind, encoding.capabilities):
            raise not_fetched(path)
        return [Picture(source, part.mime, part.detail, path, part.kind)]
    if part.audio_id is not None:
        if not part.transcript:
            encoding.lose(path, "dropped", "earlier audio that another service holds")
            return []
        encoding.lose(path, "emulated", "earlier audio is sent as its transcript")
        return [part.transcript]
    if part.kind == "file":
        return _document(encoding, part, path)
    raise refusal(f"{part.kind} input cannot be sent to this upstream", path)


def _document(encoding: Encoding, part: ir.Media, path: str) -> list[JsonText | Picture]:
    if part.want_citations:
        encoding.lose(path, "unsupported", "documents are not cited")
    head = "\n".join(line for line in (part.title or part.name, part.context) if line)
    if isinstance(part.source, ir.Blocks):
        encoding.lose(path, "emulated", "a document is sent as its parts")
        base = path.removesuffix(part.at)
        inner = [one for block in part.source.parts for one in part_said(encoding, block, base)]
        return [head, *inner] if head else inner
    words = document_text(part, path)
    encoding.lose(path, "emulated", "a document is sent as text")
    return [f"{head}\n\n{words}" if head else words]


def document_text(part: ir.Media, path: str) -> str:
    """What a text document says; raises FaultError for one that is no text."""
    source = part.source
    if isinstance(source, ir.PlainText):
        return source.text
    if isinstance(source, ir.Url):
        raise not_fetched(path)
    mime = part.mime or ""
    if isinstance(source, ir.Base64) and (mime.startswith("text/") or mime in _TEXTS):
        try:
            return base64.b64decode(source.data).decode()
        except (binascii.Error, ValueError):
            raise refusal("the document is not UTF-8 text in base64", path) from None
    raise refusal(f"a document of type {mime or 'unknown'} cannot be sent to this upstream", path)


_Said = Callable[[Encoding, ir.Part, str], list[JsonText | Picture]]
_SAID: dict[type, _Said] = {
    ir.Text: cast("_Said", _text),
    ir.Refusal: cast("_Said", _refusal),
    ir.SearchResult: cast("_Said", _search_result),
    ir.ServerTool: cast("_Said", _server_tool),
    ir.Unknown: cast("_Said", _unknown),
    ir.Media: cast("_Said", _media),
}
