"""Messages for an upstream: one wire message for each, tool results first where a turn mixes them."""

from collections.abc import Callable, Iterator

from msgspec import Raw

from twoapi.ir import (
    Loss,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    SearchResult,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
    plain,
)
from twoapi.protocols.base import Restore
from twoapi.protocols.call_ids import encode_call_id, short_call_id
from twoapi.protocols.openai_cache_marks import CacheMarks, no_marks
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.cache_marks import MARKED
from twoapi.protocols.openai_chat.media import encode_media
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_chat.replay import Replay
from twoapi.protocols.openai_chat.schema_out import Contents
from twoapi.protocols.openai_chat.traits import Traits
from twoapi.protocols.openai_media import as_raw
from twoapi.protocols.tool_names import ToolNames

Messages = list[out.Said | out.Message | Raw]

_ERROR_MARK = "[tool error] "
_Text = Text


def encode_texts(
    messages: Iterator[Message],
    encoded: Messages,
    request: Request,
    traits: Traits,
    losses: list[Loss],
    marks: CacheMarks | None,
) -> Message | None:
    """Encodes messages for as long as each is one text, which is moved as it is, as nearly all are.

    The first that is more comes back, None at the end of them all. `marks` are not waiting for a place; an upstream
    that takes none needs none.
    """
    roles, made = traits.text_roles, traits.said
    keep_lists = request.extras and request.protocol == NAME  # which are put back by their place
    for message in messages:
        parts = message.parts
        if (
            len(parts) != 1
            or type(text := parts[0]) is not _Text
            or message.role not in roles
            or message.name is not None
            or text.citations
            or text.opaque
            or (keep_lists and not message.plain_content)
        ):
            return message
        if text.cache is not None:
            if not traits.cache_marks:
                losses.append(no_marks(message.at + text.at, NAME))
            elif marks is None or message.role == "assistant":
                return message
            else:
                marked: Contents = [wire.TextPart(text=as_raw(text.text))]
                marks.place(text.cache, message.at + text.at, marked)
                encoded.append(out.Message(message.role, marked))
                continue
        encoded.append(made(message.role, text.text))
    return None


class MessageEncoder:
    """Encodes the messages of one request."""

    __slots__ = (
        "_capabilities",
        "_fills",
        "_keep_lists",
        "_legacy",
        "_losses",
        "_request",
        "_same",
        "_traits",
        "call_ids",
        "marks",
        "names",
    )

    def __init__(self, request: Request, traits: Traits, losses: list[Loss]) -> None:
        capabilities = traits.capabilities
        self._capabilities = capabilities
        self._request = request
        self._traits = traits
        self._losses = losses
        self._same = request.protocol == NAME
        self.marks = CacheMarks(MARKED, losses, capabilities.cache_marks, self._same)
        # Unknown fields are put back by their place, so lists must stay lists.
        self._keep_lists = self._same and bool(request.extras)
        self._legacy = self._same and request.legacy_functions
        reasoning = request.reasoning
        self._fills = capabilities.reasoning_filler and reasoning.mode != "off" and reasoning.effort != "none"
        self.names = ToolNames(capabilities.max_tool_name)
        self.call_ids: dict[str, str] = {}

    def encode(self, messages: list[Message]) -> Messages:
        """The wire messages in order."""
        encoded: Messages = []
        marks, waiting = self.marks, iter(messages)
        while True:
            if marks.pending is None:
                message = encode_texts(waiting, encoded, self._request, self._traits, self._losses, marks)
            else:
                message = next(waiting, None)  # it may hold the mark
            if message is None:
                return encoded
            _ROLES[message.role](self, message, encoded)

    def restore(self) -> Restore:
        """What is to be changed back in the answer."""
        if not (self.names.changed or self.call_ids):
            return self._traits.unchanged[self._same]
        return Restore(
            names=self.names.changed, call_ids=self.call_ids, capabilities=self._capabilities, verbatim=self._same
        )

    def name(self, name: str, namespace: str | None) -> str:
        """A tool's name on the wire; a client of this protocol keeps its own."""
        if self._same and namespace is None:
            return name
        return self.names.wire(name, namespace)

    def _instruction(self, message: Message, encoded: Messages) -> None:
        role: str = message.role
        if role == "developer" and not self._capabilities.developer_role:
            role = "system"
            self._losses.append(Loss(message.at + "/role", "info", NAME, "sent as system"))
        for part in message.parts:
            if isinstance(part, Media) and not self._same:
                raise refuse("instructions to the target are text", message.at + part.at)
        content = self._content(message, message.parts)
        if content is not None:
            encoded.append(out.Message(role=role, content=content, name=message.name))

    def _user(self, message: Message, encoded: Messages) -> None:
        parts = message.parts
        results = [part for part in parts if isinstance(part, ToolResult)]
        if not results:
            content = self._content(message, parts)
            if content is not None:
                encoded.append(out.Message(role="user", content=content, name=message.name))
            return
        moved: Contents = []
        for result in results:
            self._result(message, result, encoded, moved)
        rest = [part for part in parts if not isinstance(part, ToolResult)]
        self._after_results(message, moved, rest, encoded)

    def _tool(self, message: Message, encoded: Messages) -> None:
        moved: Contents = []
        rest: list[Part] = []
        for part in message.parts:
            if type(part) is ToolResult:
                self._result(message, part, encoded, moved)
            else:
                rest.append(part)
        if moved or rest:
            self._after_results(message, moved, rest, encoded)

    def _after_results(self, message: Message, moved: Contents, rest: list[Part], encoded: Messages) -> None:
        """What tool messages cannot hold goes into the user message behind them."""
        contents = moved
        for part in rest:
            contents += self._part(message, part)
        if contents:
            encoded.append(out.Message(role="user", content=self._shortest(message, contents), name=message.name))

    def _content(self, message: Message, parts: list[Part]) -> out.Content:
        """The content of an instruction or a user turn; None when nothing of it can be sent."""
        contents: Contents = []
        for part in parts:
            contents += self._part(message, part)
        if not contents and parts:
            return None
        return self._shortest(message, contents)

    def _shortest(self, message: Message, contents: Contents) -> out.Content:
        """One text as a string, which every server takes; anything else as a list."""
        if len(contents) == 1 and type(only := contents[0]) is wire.TextPart and not only.prompt_cache_breakpoint:
            return contents if self._keep_lists and not message.plain_content else only.text
        return contents

    def _part(self, message: Message, part: Part) -> Contents:
        path = message.at + part.at
        encoded = _PARTS.get(type(part), MessageEncoder._unsupported)(self, part, path)
        if encoded or part.cache is not None:
            self.marks.place(part.cache, path, encoded)
        return encoded

    def _text(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Text)  # noqa: S101  by the table
        if part.citations:
            self._losses.append(Loss(path + "/citations", "dropped", NAME, "no citations in requests"))
        return [wire.TextPart(text=as_raw(part.text))]

    def _refusal(self, part: Part, _path: str) -> Contents:
        assert isinstance(part, Refusal)  # noqa: S101  by the table
        return [wire.RefusalPart(refusal=as_raw(part.text))]

    def _media(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Media)  # noqa: S101  by the table
        return [*encode_media(part, path, self._capabilities, self._losses, same=self._same)]

    def _search_result(self, part: Part, path: str) -> Contents:
        assert isinstance(part, SearchResult)  # noqa: S101  by the table
        self._losses.append(Loss(path, "emulated", NAME, "the search result is sent as text"))
        header = "\n".join(line for line in (part.title, part.source) if line)
        body = "\n\n".join(plain(text.text) for text in part.content)
        return [wire.TextPart(text=as_raw(f"{header}\n\n{body}" if header else body))]

    def _server_tool(self, part: Part, path: str) -> Contents:
        assert isinstance(part, ServerTool)  # noqa: S101  by the table
        if not part.text:
            return self._unsupported(part, path)
        self._losses.append(Loss(path, "emulated", NAME, "what a tool of the service did is sent as text"))
        # The texts of an answer are joined: this one is not the model's own words.
        return [wire.TextPart(text=as_raw(part.text + "\n\n"))]

    def _unknown(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Unknown)  # noqa: S101  by the table
        return [part.raw] if part.protocol == NAME else self._unsupported(part, path)

    def _unsupported(self, part: Part, path: str) -> Contents:
        self._losses.append(Loss(path, "dropped", NAME, f"no place for {type(part).__name__} here"))
        return []

    def _result(self, message: Message, result: ToolResult, encoded: Messages, moved: Contents) -> None:
        parts = result.content
        content: out.Content
        if (
            len(parts) == 1
            and type(only := parts[0]) is Text
            and not result.is_error
            and not only.citations
            and not self._keep_lists
            and only.cache is None
            and result.cache is None
            and self.marks.pending is None
        ):
            content = only.text  # as nearly all are
        else:
            content = self._result_content(message, result, moved)
        if self._legacy:
            encoded.append(out.Message("function", content, name=result.name))
        else:
            call_id = self._call_id(result.call_id)
            encoded.append(out.Message("tool", content, tool_call_id=call_id, name=result.name if self._same else None))

    def _result_content(self, message: Message, result: ToolResult, moved: Contents) -> out.Content:
        path = message.at + result.at
        texts: Contents = []
        label = True
        for part in result.content:
            if isinstance(part, Media):
                if label:
                    moved.append(wire.TextPart(text=as_raw(f"[tool result {result.call_id}]")))
                    label = False
                self._losses.append(Loss(message.at + part.at, "emulated", NAME, "sent behind the tool messages"))
                moved += self._part(message, part)
            else:
                texts += self._part(message, part)
        if result.is_error:
            # Where the client said so: in a member of its own, or by what holds the words.
            said = [message.at + part.at for part in result.content if part.at.endswith(("/error", "/response"))]
            self._losses.append(Loss(said[0] if said else path + "/is_error", "emulated", NAME, "marked in the text"))
            texts.insert(0, wire.TextPart(text=as_raw(_ERROR_MARK)))
            _join_first(texts)
        if result.cache is not None:
            self.marks.place(result.cache, path, texts)
        return self._shortest(message, texts) if texts else ""

    def _assistant(self, message: Message, encoded: Messages) -> None:  # noqa: C901, PLR0912  for the commonest parts
        built = out.Message("assistant", None, name=message.name)
        contents: Contents = []
        calls: list[out.ToolCall] = []
        replay: Replay | None = None
        for part in message.parts:
            if part.opaque:
                self._withhold_state(message)
                break
        for part in message.parts:
            if type(part) is ToolCall:
                self._call(message, part, built, calls)
            elif type(part) is Reasoning:
                replay = replay or Replay(message, self._capabilities, self._losses)
                replay.add(part)
            elif type(part) is Text or not self._put_beside(message, part, built):
                if calls or built.refusal is not None:
                    what = "tool calls" if calls else "a refusal"
                    self._losses.append(Loss(message.at + part.at, "reordered", NAME, f"text goes before {what}"))
                contents += self._part(message, part)
        fill = self._fills and bool(calls)
        if replay is not None or fill:
            replay = replay or Replay(message, self._capabilities, self._losses)
            replay.put(built, fill=fill)
            contents = [*replay.chunks, *contents]
        if calls:
            built.tool_calls = calls
        if contents:
            built.content = self._answer_content(message, contents)
        if built.content is None and not (calls or built.refusal or built.audio or built.function_call):
            if message.parts:
                return  # nothing is left of it
            built.content = ""
        encoded.append(built)

    def _put_beside(self, message: Message, part: Part, built: out.Message) -> bool:
        """True for a part that has a place of its own beside the content."""
        if isinstance(part, Refusal) and not part.at.startswith("/content"):
            built.refusal = part.text if built.refusal is None else plain(built.refusal) + plain(part.text)
            return True
        if isinstance(part, Media):
            self._answer_media(message, part, built)
            return True
        return False

    def _withhold_state(self, message: Message) -> None:
        self._losses += [
            Loss(message.at + part.at, "reasoning_foreign", NAME, "sealed state is withheld")
            for part in message.parts
            if any(opaque.data and opaque.kind != "phase" for opaque in part.opaque)
            and not isinstance(part, ToolCall | Reasoning)  # which report their own
        ]

    def _answer_content(self, message: Message, contents: Contents) -> out.Content:
        if len(contents) == 1:
            return self._shortest(message, contents)
        texts = [part for part in contents if isinstance(part, wire.TextPart) and not part.prompt_cache_breakpoint]
        if len(texts) != len(contents) or self._same:
            return contents
        return "".join(plain(part.text) for part in texts)

    def _answer_media(self, message: Message, part: Media, built: out.Message) -> None:
        if part.audio_id is not None and self._same:
            built.audio = out.AudioRef(id=part.audio_id)
        else:
            self._losses.append(Loss(message.at + part.at, "dropped", NAME, f"an assistant turn holds no {part.kind}"))

    def _call(self, message: Message, call: ToolCall, built: out.Message, calls: list[out.ToolCall]) -> None:
        name, namespace = call.name, call.namespace
        if namespace is not None or not self._same:
            name = self.names.wire(name, namespace)
        if call.cache is not None:
            self.marks.carry(call.cache, message.at + call.at)
        if call.opaque:
            self._losses.append(Loss(message.at + call.at, "reasoning_foreign", NAME, "sealed state is withheld"))
        if self._legacy and call.at == "/function_call":
            built.function_call = out.Function(name=name, arguments=call.arguments)
        elif call.kind == "custom":
            custom = out.Custom(name=name, input=call.arguments)
            calls.append(out.ToolCall(id=self._call_id(call.id), type="custom", custom=custom))
        else:
            arguments = call.arguments if call.arguments or self._same else "{}"
            calls.append(out.ToolCall(self._call_id(call.id), "function", out.Function(name, arguments)))

    def _call_id(self, call_id: str) -> str:
        limit, length = self._capabilities.max_call_id, self._capabilities.call_id_length
        if length is not None and call_id:
            short = short_call_id(call_id, length)
            if short != call_id:
                self.call_ids[short] = call_id
            return short
        # This wire takes any character: an upstream gets back the ids that it made, whoever the client is.
        if call_id and len(call_id) <= limit:
            return call_id
        encoded = encode_call_id(call_id, limit)
        if encoded != call_id:
            self.call_ids[encoded] = call_id
        return encoded


def _join_first(texts: Contents) -> None:
    """Makes the mark and the text behind it one part."""
    if len(texts) > 1 and isinstance(mark := texts[0], wire.TextPart) and isinstance(first := texts[1], wire.TextPart):
        first.text = as_raw(plain(mark.text) + plain(first.text))
        del texts[0]


_PARTS: dict[type, Callable[[MessageEncoder, Part, str], Contents]] = {
    Text: MessageEncoder._text,  # noqa: SLF001  the table of this class
    Refusal: MessageEncoder._refusal,  # noqa: SLF001
    Media: MessageEncoder._media,  # noqa: SLF001
    SearchResult: MessageEncoder._search_result,  # noqa: SLF001
    ServerTool: MessageEncoder._server_tool,  # noqa: SLF001
    Unknown: MessageEncoder._unknown,  # noqa: SLF001
}
_ROLES: dict[str, Callable[[MessageEncoder, Message, Messages], None]] = {
    "system": MessageEncoder._instruction,  # noqa: SLF001
    "developer": MessageEncoder._instruction,  # noqa: SLF001
    "user": MessageEncoder._user,  # noqa: SLF001
    "assistant": MessageEncoder._assistant,  # noqa: SLF001
    "tool": MessageEncoder._tool,  # noqa: SLF001
}
