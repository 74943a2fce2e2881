"""The messages of a request as input items."""

from collections.abc import Callable

from msgspec import Raw

from twoapi.ir import (
    JsonText,
    Loss,
    LossKind,
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
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks
from twoapi.protocols.openai_media import as_raw
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.decode_input import INPUT
from twoapi.protocols.openai_responses.decode_request import INSTRUCTIONS
from twoapi.protocols.openai_responses.encode_items import own_state, runs, written_reasoning
from twoapi.protocols.openai_responses.items import is_minted
from twoapi.protocols.openai_responses.media import encode_media
from twoapi.protocols.openai_responses.name import NAME
from twoapi.protocols.tool_names import ToolNames

MAX_CALL_ID = 64
_ERROR_MARK = "[tool error] "
_NONE = Raw(b"[]")

Contents = list[wire.WrittenPart]
Conversation = tuple[JsonText | None, list[wire.WrittenItem] | JsonText | None]  # instructions and input
_Message, _Input = wire.WrittenMessage, wire.WrittenInput


def bare_input(messages: list[Message], *, developers: bool) -> Conversation | None:
    """Instructions and input when the conversation of another protocol's client is bare texts, as most are; None when
    it is not, or when something must be said of it. `developers`: the model takes their messages.

    It spares those the work of an InputEncoder, in one loop without calls.
    """
    instructions: JsonText | None = None
    items: list[wire.WrittenItem] = []
    for message in messages:
        parts = message.parts
        if len(parts) != 1 or message.name is not None or type(part := parts[0]) is not Text:
            return None
        if part.opaque or part.citations or part.cache is not None or part.item is not None:
            return None
        role, text = message.role, part.text
        if role == "system" and not items and instructions is None:
            instructions = text
        elif role == "assistant" or (role == "user" and message.plain_content):
            items.append(_Message(role=role, content=text))
        elif role == "tool" or (role == "developer" and not developers):
            return None
        else:
            items.append(_Message(role=role, content=text if message.plain_content else [_Input(text=text)]))
    return (instructions, items) if items else None


class InputEncoder:
    """Encodes the messages of one request.

    `places`: number of an item in the client's list -> number of it here, for a client of the same protocol.
    `written`: pointers of extras that are in the items already.
    """

    __slots__ = (
        "_capabilities",
        "_customs",
        "_extras",
        "_losses",
        "_marks",
        "_same",
        "call_ids",
        "items",
        "names",
        "places",
        "written",
    )

    def __init__(self, request: Request, capabilities: Capabilities, losses: list[Loss], marks: CacheMarks) -> None:
        self._capabilities = capabilities
        self._losses = losses
        self._marks = marks
        self._same = request.protocol == NAME
        self._extras = request.extras if self._same else {}
        self._customs: set[str] = set()  # ids of custom calls
        self.names = ToolNames(capabilities.max_tool_name)
        self.call_ids: dict[str, str] = {}
        self.items: list[wire.WrittenItem] = []
        self.places: dict[int, int] = {}
        self.written: set[str] = set()

    def encode(self, messages: list[Message]) -> Conversation:
        """The instructions and the input."""
        instructions: str | Raw | None = None
        alone = len(messages) == 1 and not self._same  # the vendor wants an input: an item can say it, too
        if messages and not alone and self._are_instructions(messages[0]):
            text = messages[0].parts[0]
            assert isinstance(text, Text)  # noqa: S101  as _are_instructions says
            instructions, messages = text.text, messages[1:]
        if self._same and len(messages) == 1 and messages[0].at == INPUT:
            only = messages[0].parts[0] if messages[0].parts else None
            if isinstance(only, Text) and messages[0].role == "user":
                return instructions, only.text  # the client wrote a string
        for message in messages:
            if message.name is not None:
                self._lose(message.at + "/name", "dropped", "messages have no names")
            if message.role == "assistant":
                self._assistant(message)
            else:
                self._others(message)
        return instructions, self.items or None

    def name(self, name: str, namespace: str | None) -> str:
        """A tool's name on the wire; a client of this protocol keeps its own."""
        return name if self._same else self.names.wire(name, namespace)

    def _are_instructions(self, message: Message) -> bool:
        """True for a leading system prompt that is one text; a cache mark needs a part to stand on."""
        if message.role != "system" or len(message.parts) != 1 or message.name is not None:
            return False
        only = message.parts[0]
        if not isinstance(only, Text) or only.cache is not None or only.citations:
            return False
        return message.at == INSTRUCTIONS if self._same else True

    def _lose(self, path: str, kind: LossKind, detail: str) -> None:
        self._losses.append(Loss(path, kind, NAME, detail))

    def _add(self, item: wire.WrittenItem, part: Part | None, message: Message) -> None:
        if self._extras:
            index = part.item.index if part is not None and part.item is not None else _index(message)
            if index is not None:
                self.places[index] = len(self.items)
        self.items.append(item)

    # --- instructions, user turns, tool results ----------------------------------------------------

    def _others(self, message: Message) -> None:
        """The items of anybody but the model: its texts and media are one message, each result is an item."""
        role = "user" if message.role == "tool" else message.role
        if role == "developer" and not self._capabilities.developer_role:
            role = "system"
            self._lose(message.at + "/role", "info", "sent as system")
        if not message.parts:
            self._add(wire.WrittenMessage(role=role, content=[]), None, message)
            return
        contents: Contents = []
        first: Part | None = None
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._flush(role, contents, first, message)
                contents, first = [], None
                self._result(message, part)
            elif self._same and part.at == "" and isinstance(part, ServerTool | Unknown):
                self._add(part.raw, part, message)
            else:
                first = first or part
                contents += self._part(message, part)
        self._flush(role, contents, first, message)

    def _flush(self, role: str, contents: Contents, first: Part | None, message: Message) -> None:
        if contents and first is not None:
            content = self._shortest(contents, plain_content=message.plain_content)
            self._add(self._message(role, content, first), first, message)

    def _message(self, role: str, content: Contents | str | Raw, first: Part) -> wire.WrittenMessage:
        item = first.item
        if item is None:
            return wire.WrittenMessage(role=role, content=content, phase=own_state([first], "phase"))
        if item.phase is not None:
            self.written.add(f"{INPUT}/{item.index}/phase")
        return wire.WrittenMessage(
            id=self._id(item.id), status=item.status, role=role, content=content, phase=item.phase
        )

    def _id(self, item_id: str | None) -> str | None:
        """The id of an item, but one that this gateway made, which the upstream cannot know."""
        return None if item_id is None or is_minted(item_id) else item_id

    def _shortest(self, contents: Contents, *, plain_content: bool) -> Contents | str | Raw:
        only = contents[0] if len(contents) == 1 else None
        if plain_content and isinstance(only, wire.InputText) and only.prompt_cache_breakpoint is None:
            return only.text
        return contents

    def _part(self, message: Message, part: Part) -> Contents:
        path = message.at + part.at
        encoded = _PARTS.get(type(part), InputEncoder._unsupported)(self, part, path)
        if encoded or part.cache is not None:
            self._marks.place(part.cache, path, encoded)
        return encoded

    def _text(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Text)  # noqa: S101  by the table
        if part.citations:
            self._lose(path + "/citations", "dropped", "no citations in requests")
        return [wire.InputText(text=as_raw(part.text))]

    def _refusal(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Refusal)  # noqa: S101  by the table
        if self._same:
            return [wire.WrittenRefusal(refusal=part.text)]
        self._lose(path, "emulated", "a refusal is sent as text")
        return [wire.InputText(text=as_raw(part.text))]

    def _media(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Media)  # noqa: S101  by the table
        return encode_media(part, path, self._capabilities, self._losses, same=self._same)

    def _search_result(self, part: Part, path: str) -> Contents:
        assert isinstance(part, SearchResult)  # noqa: S101  by the table
        self._lose(path, "emulated", "the search result is sent as text")
        header = "\n".join(line for line in (part.title, part.source) if line)
        body = "\n\n".join(plain(text.text) for text in part.content)
        return [wire.InputText(text=as_raw(f"{header}\n\n{body}" if header else body))]

    def _server_tool(self, part: Part, path: str) -> Contents:
        assert isinstance(part, ServerTool)  # noqa: S101  by the table
        if not part.text:
            return self._unsupported(part, path)
        self._lose(path, "emulated", "what a tool of the service did is sent as text")
        return [wire.InputText(text=as_raw(part.text))]

    def _unknown(self, part: Part, path: str) -> Contents:
        assert isinstance(part, Unknown)  # noqa: S101  by the table
        return [part.raw] if part.protocol == NAME else self._unsupported(part, path)

    def _unsupported(self, part: Part, path: str) -> Contents:
        self._lose(path, "dropped", f"no place for {type(part).__name__} here")
        return []

    def _result(self, message: Message, result: ToolResult) -> None:
        path = message.at + result.at
        contents: Contents = []
        for part in result.content:
            contents += self._part(message, part)
        if result.is_error:
            # Where the client said so: in a member of its own, or by what holds the words.
            said = [message.at + part.at for part in result.content if part.at.endswith(("/error", "/response"))]
            self._lose(said[0] if said else path + "/is_error", "emulated", "marked in the text")
            _mark_error(contents)
        if result.cache is not None:
            self._marks.place(result.cache, path, contents)
        written = result.content[0].at.endswith("/output") if self._same and result.content else not self._same
        output = self._shortest(contents, plain_content=written) if contents or self._same else ""
        custom = result.kind == "custom" or (not self._same and result.call_id in self._customs)
        kind = wire.WrittenCustomOutput if custom else wire.WrittenOutput
        item = result.item
        self._add(
            kind(
                id=None if item is None else self._id(item.id),
                status=None if item is None else item.status,
                call_id=self._call_id(result.call_id) if result.call_id or not self._same else None,
                output=output,
            ),
            result,
            message,
        )

    def _call_id(self, call_id: str) -> str:
        # This wire takes any character: an upstream gets back the ids that it made, whoever the client is.
        if call_id and len(call_id) <= MAX_CALL_ID:
            return call_id
        encoded = encode_call_id(call_id, MAX_CALL_ID)
        if encoded != call_id:
            self.call_ids[encoded] = call_id
        return encoded

    # --- the model's turns -------------------------------------------------------------------------

    def _assistant(self, message: Message) -> None:
        if not message.parts:
            self._add(wire.WrittenMessage(role="assistant", content=[]), None, message)
            return
        for part in message.parts:
            if any(opaque.kind == "thought_signature" for opaque in part.opaque) and isinstance(part, Text | Media):
                self._lose(message.at + part.at, "reasoning_foreign", "sealed state is withheld")
        for run in runs(message.parts):
            first = run[0]
            if isinstance(first, Reasoning):
                self._reasoning(message, run)
            elif isinstance(first, ToolCall):
                self._call(message, first)
            elif self._same and isinstance(first, ServerTool | Unknown) and "/content" not in first.at:
                self._add(first.raw, first, message)  # an item that was kept as a whole
            else:
                self._answer(message, run)

    def _answer(self, message: Message, run: list[Part]) -> None:
        contents: Contents = []
        for part in run:
            contents += self._answer_part(message, part)
        first = run[0]
        if not self._same:
            self._say(contents, first, message)
        elif contents:
            only = contents[0] if len(contents) == 1 else None
            bare = isinstance(only, wire.WrittenText) and first.at.endswith("/content")
            content = only.text if bare and isinstance(only, wire.WrittenText) else contents
            self._add(self._message("assistant", content, first), first, message)

    def _say(self, contents: Contents, first: Part, message: Message) -> None:
        """A message for each text: only so can the model's words be given back without an id of the service's."""
        if any(isinstance(content, wire.WrittenRefusal) for content in contents):
            told = self._message("assistant", contents, first)
            told.status = "completed"  # such a part is only in a message that the service told
            self._add(told, first, message)
            return
        for content in contents:
            said: Contents | str | Raw = content.text if isinstance(content, wire.WrittenText) else [content]
            self._add(self._message("assistant", said, first), first, message)

    def _answer_part(self, message: Message, part: Part) -> Contents:
        path = message.at + part.at
        if part.cache is not None:
            self._marks.carry(part.cache, path)
        if isinstance(part, Text):
            return [self._answer_text(part, path)]
        if isinstance(part, Refusal):
            return [wire.WrittenRefusal(refusal=part.text)]
        if isinstance(part, Media) and not self._same:
            self._lose(path, "dropped", f"an assistant turn holds no {part.kind}")
            return []
        if isinstance(part, ServerTool) and part.text:
            self._lose(path, "emulated", "what a tool of the service did is sent as text")
            return [wire.WrittenText(text=part.text, annotations=[])]
        return _PARTS.get(type(part), InputEncoder._unsupported)(self, part, path)

    def _answer_text(self, part: Text, path: str) -> wire.WrittenText:
        if part.citations:
            self._lose(path + "/citations", "dropped", "no citations in requests")
        kept: dict[str, Raw] = {}
        if self._extras:
            for name in ("annotations", "logprobs"):
                value = self._extras.get(f"{path}/{name}")
                if value is not None:
                    kept[name] = value
                    self.written.add(f"{path}/{name}")
        return wire.WrittenText(
            text=part.text, annotations=kept.get("annotations", _NONE), logprobs=kept.get("logprobs")
        )

    def _reasoning(self, message: Message, run: list[Part]) -> None:
        """What this vendor can read goes back to it; anything else is withheld, text included."""
        first, path = run[0], message.at + run[0].at
        item_id = None if first.item is None else self._id(first.item.id)
        compaction = own_state(run, "compaction")
        if compaction is not None:
            self._add(wire.WrittenCompaction(id=item_id, encrypted_content=compaction), first, message)
            return
        encrypted = own_state(run, "encrypted_reasoning")
        foreign = any(part.opaque for part in run) and encrypted is None
        if foreign:
            self._lose(path, "reasoning_foreign", "the reasoning of another service is withheld")
        elif encrypted is None and (not self._same or (first.item is not None and item_id != first.item.id)):
            self._lose(path, "dropped", "past reasoning without its sealed state is not sent")
        elif not self._same and not self._capabilities.effort:
            self._lose(path, "dropped", "this model does not reason")
        else:
            self._add(self._thought(run, encrypted, item_id), first, message)
        for part in run:
            if part.cache is not None:
                self._marks.carry(part.cache, message.at + part.at)

    def _thought(self, run: list[Part], encrypted: str | None, item_id: str | None) -> wire.WrittenReasoning:
        if self._same:
            return written_reasoning(run, encrypted, item_id)
        # Other protocols do not tell a summary from the reasoning itself; what is sealed has both.
        texts = [part.text for part in run if isinstance(part, Reasoning) and plain(part.text)]
        return wire.WrittenReasoning(
            id=item_id, summary=[wire.WrittenSummary(text=text) for text in texts], encrypted_content=encrypted
        )

    def _call(self, message: Message, call: ToolCall) -> None:
        path = message.at + call.at
        if call.cache is not None:
            self._marks.carry(call.cache, path)
        if any(opaque.data for opaque in call.opaque):
            self._lose(path, "reasoning_foreign", "sealed state is withheld")
        item = call.item
        item_id = None if item is None else self._id(item.id)
        status = None if item is None else item.status
        call_id, name = self._call_id(call.id), self.name(call.name, None if self._same else call.namespace)
        namespace = call.namespace if self._same else None
        written: wire.WrittenItem
        if call.kind == "custom":
            self._customs.add(call.id)
            written = wire.WrittenCustomCall(
                id=item_id, status=status, call_id=call_id, name=name, input=call.arguments, namespace=namespace
            )
        else:
            self._customs.discard(call.id)  # an id may come again in a later turn
            arguments = call.arguments if call.arguments or self._same else "{}"
            written = wire.WrittenCall(
                id=item_id, status=status, call_id=call_id, name=name, arguments=arguments, namespace=namespace
            )
        self._add(written, call, message)


def _index(message: Message) -> int | None:
    number = message.at.rpartition("/")[2]
    return int(number) if number.isdecimal() else None


def _mark_error(contents: Contents) -> None:
    """Makes the mark and the text behind it one part."""
    first = contents[0] if contents else None
    if isinstance(first, wire.InputText):
        first.text = as_raw(_ERROR_MARK + plain(first.text))
    else:
        contents.insert(0, wire.InputText(text=as_raw(_ERROR_MARK)))


_PARTS: dict[type, Callable[[InputEncoder, Part, str], Contents]] = {
    Text: InputEncoder._text,  # noqa: SLF001  the table of this class
    Refusal: InputEncoder._refusal,  # noqa: SLF001
    Media: InputEncoder._media,  # noqa: SLF001
    SearchResult: InputEncoder._search_result,  # noqa: SLF001
    ServerTool: InputEncoder._server_tool,  # noqa: SLF001
    Unknown: InputEncoder._unknown,  # noqa: SLF001
}
