"""Items to the parts of the model: what an input item or an output item means, and how ids of items are made."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw

from twoapi.ir import (
    ENVELOPE_PREFIX,
    Citation,
    DocumentSource,
    Item,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Text,
    TokenLogprob,
    ToolCall,
    ToolResult,
    Unknown,
    UrlSource,
)
from twoapi.ir.request import Role
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.openai_media import decode_mark
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.lenient import lenient
from twoapi.protocols.openai_responses.media import decode_audio, decode_file, decode_image
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

T = TypeVar("T", bound=msgspec.Struct)

# Tools that the vendor runs or defines. What the model asks of one is its turn's; what the client answers is not.
_HOSTED = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "tool_search_call",
        "tool_search_output",
        "program",
        "program_output",
    }
)
_ANSWERS = frozenset(
    {
        "computer_call_output",
        "local_shell_call_output",
        "shell_call_output",
        "apply_patch_call_output",
        "mcp_approval_response",
    }
)
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "function_call_output": "fco",
    "custom_tool_call_output": "ctco",
    "compaction": "cmp",
}
MINTED = "_tw_"  # in the ids of items that this gateway made
ROLES: dict[str | None, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}
_ROLE_FIRST = b'{"role"'

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_known: Callable[[Raw], wire.Known] = msgspec.json.Decoder(wire.Known).decode
_decode_easy: Callable[[Raw], wire.EasyMessage] = msgspec.json.Decoder(wire.EasyMessage).decode
_decode_parts: Callable[[Raw], list[wire.ContentPart]] = msgspec.json.Decoder(list[wire.ContentPart]).decode
_decode_annotations = json.decoder(list[Raw])
_decode_annotation = json.decoder(wire.Annotation)
_decode_logprobs = json.decoder(list[wire.Logprob])


class _Head(msgspec.Struct, gc=False):
    type: str | None = None
    role: Raw = json.EMPTY
    id: str | None = None


_decode_head = json.decoder(_Head)


_ITEMS: dict[str, type[wire.Known]] = {str(kind.__struct_config__.tag): kind for kind in wire.KNOWN}
_PARTS: dict[str, type[wire.ContentPart]] = {str(kind.__struct_config__.tag): kind for kind in wire.PART_KINDS}
_twin_of: dict[type, type] = {kind: lenient(kind) for kind in (*wire.KNOWN, *wire.PART_KINDS)}
_decoder_of: dict[type, Callable[[Raw], Any]] = {kind: json.decoder(twin) for kind, twin in _twin_of.items()}


def mint_id(kind: str, seed: str) -> str:
    """The id of an item of type `kind` that this gateway makes; no upstream is ever given it."""
    return f"{_PREFIXES.get(kind, 'item')}{MINTED}{seed}"


def answer_of(item_id: str) -> str:
    """The id of the answer that an item of ours belongs to; "" for an item that this gateway did not make."""
    _, minted, seed = item_id.partition(MINTED)
    return "resp_" + seed.rpartition("_")[0] if minted else ""


def is_minted(item_id: str) -> bool:
    """True for an id that mint_id made."""
    return MINTED in item_id


class ItemDecoder:
    """Reads the items of one payload. What the model does not hold goes to `extras`, by its pointer in the payload.

    `root` is the pointer of the list. `answer`: annotations and log probabilities become part of a Text; in a request
    they are only kept for an upstream of the same protocol.
    """

    __slots__ = ("_answer", "_extras", "_root")

    def __init__(self, root: str, extras: dict[str, Raw], *, answer: bool) -> None:
        self._root = root
        self._extras = extras
        self._answer = answer

    def decode(self, raw: Raw, index: int) -> tuple[Role, list[Part]]:
        """Whose the item is, and its parts. Raises WireError with the pointer in the payload.

        `Part.at` is relative to the list ("/3/content/0"); in a request, what is no assistant's is relative to the
        item ("/content/0"), because it is a message of its own.
        """
        try:
            try:
                # Many clients send messages without a type, the role first: they are not tried as anything else.
                known = _decode_easy(raw) if memoryview(raw)[:7] == _ROLE_FIRST else _decode_known(raw)
            except _BAD:
                found = self._leniently(raw, f"{self._root}/{index}")
                if isinstance(found, str):
                    return self._kept(raw, found, index)
                known = found
            return _KINDS[type(known)](self, known, index)
        except WireError as error:
            raise WireError(error.message, f"{self._root}/{index}{error.pointer}") from None

    def decode_known(self, known: wire.Known, index: int) -> tuple[Role, list[Part]]:
        """The same for an item that has been read already. Pointers of its errors begin in the item."""
        return _KINDS[type(known)](self, known, index)

    def decode_parts(self, parts: list[wire.ContentPart], index: int, at: str, item: Item) -> list[Part]:
        """The content of a message, `at` from the list or from the item. Pointers of errors begin in the item."""
        return self._decode_parts(parts, index, at, "/content", item)

    def _at(self, role: str, index: int) -> str:
        return f"/{index}" if self._answer or role == "assistant" else ""

    def _leniently(self, raw: Raw, place: str) -> wire.Known | wire.EasyMessage | str:
        """The item with more or other members than we know; only its type when it is kept as a whole."""
        head = _decode_head(raw)
        kind = head.type
        if kind is None:
            try:
                return _decode_easy(raw)
            except _BAD:
                kind = "item_reference" if head.role is json.EMPTY and head.id is not None else "message"
        return self._twin(_ITEMS[kind], raw, place) if kind in _ITEMS else kind

    def _twin(self, kind: type[T], raw: Raw, place: str) -> T:
        """The struct, with what it does not know put among the extras."""
        decoded: T = _decoder_of[kind](raw)
        for pointer, value in json.unknown_fields(raw, kind).items():
            if pointer != "/type":
                self._extras[place + pointer] = value
        return decoded

    def _kept(self, raw: Raw, kind: str, index: int) -> tuple[Role, list[Part]]:
        """An item of the vendor's own tools, or of a type that is not known, verbatim."""
        role: Role = "assistant" if kind in _HOSTED else "user"
        at = self._at(role, index)
        if kind in _HOSTED or kind in _ANSWERS:
            phase: Literal["call", "result"] = "result" if kind in _ANSWERS or kind.endswith("_output") else "call"
            members = json.fields(raw)
            called = members.get("call_id") or members.get("id")
            name = json.decode(called) if called is not None else ""
            part: Part = ServerTool(
                protocol=NAME,
                tool=kind,
                phase=phase,
                id=name if isinstance(name, str) else "",
                raw=raw,
                at=at,
                item=Item(index),
            )
        else:
            part = Unknown(protocol=NAME, type=kind, raw=raw, at=at, item=Item(index))
        return role, [part]

    def _message(self, message: wire.EasyMessage, index: int) -> tuple[Role, list[Part]]:
        role = ROLES.get(message.role)
        if role is None:
            raise WireError(f"{message.role!r} is not a role", "/role")
        at = self._at(role, index)
        item = Item(index, message.id, message.status, message.phase)
        if message.phase is not None and not self._answer:
            self._extras[f"{self._root}/{index}/phase"] = Raw(json.encode(message.phase))
        return role, self._content(message.content, index, at, "/content", item)

    def _content(self, raw: Raw, index: int, at: str, member: str, item: Item | None) -> list[Part]:
        kind = json.first_byte(raw)
        if kind == 34:
            return [Text(text=raw, at=at + member, item=item)]
        if kind != 91:
            raise WireError(f"{member[1:]} must be a string or a list of parts", member)
        try:
            parts = _decode_parts(raw)
        except _BAD:
            place = f"{self._root}/{index}"
            return [
                self._part_leniently(part, f"{member}/{number}", at, f"{place}{member}/{number}", item)
                for number, part in enumerate(json.items(raw))
            ]
        return self._decode_parts(parts, index, at, member, item)

    def _decode_parts(
        self, parts: list[wire.ContentPart], index: int, at: str, member: str, item: Item | None
    ) -> list[Part]:
        decoded: list[Part] = []
        for number, part in enumerate(parts):
            here = f"{member}/{number}"
            # Nearly all parts are one text: nothing is called for them.
            if type(part) is wire.InputText and part.prompt_cache_breakpoint is None:
                decoded.append(Text(text=part.text, at=at + here, item=item))
            else:
                decoded.append(self._part(part, here, at, f"{self._root}/{index}{here}", item))
        return decoded

    def _part_leniently(self, raw: Raw, here: str, at: str, place: str, item: Item | None) -> Part:
        try:
            name = _decode_head(raw).type or ""
            if not name:
                raise WireError("a part needs a type", "/type")  # noqa: TRY301  its place is told below
            if name not in _PARTS:
                return Unknown(protocol=NAME, type=name, raw=raw, at=at + here, item=item)
            decoded = self._twin(_PARTS[name], raw, place)
        except WireError as error:
            raise WireError(error.message, here + error.pointer) from None
        return self._part(decoded, here, at, place, item)

    def _part(self, part: wire.ContentPart, here: str, at: str, place: str, item: Item | None) -> Part:
        decoded = self._decode_part(part, here, at, place)
        decoded.item = item
        return decoded

    def _decode_part(self, part: wire.ContentPart, here: str, at: str, place: str) -> Part:
        match part:
            case wire.InputText():
                mark = None if part.prompt_cache_breakpoint is None else decode_mark(part.prompt_cache_breakpoint)
                return Text(text=part.text, at=at + here, cache=mark)
            case wire.OutputText():
                return self._output_text(part, here, at, place)
            case wire.RefusalPart():
                return Refusal(text=part.refusal, at=at + here)
            case wire.InputAudio():
                return decode_audio(part, at + here)
            case wire.InputImage():
                return decode_image(part, at + here, place, self._extras, here)
            case wire.InputFile():
                return decode_file(part, at + here, place, self._extras, here)

    def _output_text(self, part: wire.OutputText, here: str, at: str, place: str) -> Text:
        text = Text(text=part.text, at=at + here)
        for name, value in (("annotations", part.annotations), ("logprobs", part.logprobs)):
            if json.is_null(value) or bytes(value) == b"[]":
                continue
            if not self._answer:
                self._extras[f"{place}/{name}"] = value
            elif name == "annotations":
                text.citations = decode_annotations(value)
            else:
                text.logprobs = decode_logprobs(value)
        return text

    def _reasoning(self, item: wire.Reasoning, index: int) -> tuple[Role, list[Part]]:
        mark = Item(index, item.id, item.status)
        at = f"/{index}"
        parts: list[Part] = [
            Reasoning(text=piece.text, form="summary", at=at, item=mark) for piece in item.summary or ()
        ]
        parts += [Reasoning(text=piece.text, at=at, item=mark) for piece in item.content or ()]
        if not parts:
            parts.append(Reasoning(form="hidden", at=at, item=mark))
        if item.encrypted_content is not None:
            parts[-1].opaque = (_opaque("encrypted_reasoning", item.encrypted_content),)
        return "assistant", parts

    def _compaction(self, item: wire.Compaction, index: int) -> tuple[Role, list[Part]]:
        opaque = (_opaque("compaction", item.encrypted_content),)
        return "assistant", [Reasoning(form="hidden", opaque=opaque, at=f"/{index}", item=Item(index, item.id))]

    def _call(self, item: wire.FunctionCall | wire.CustomCall, index: int) -> tuple[Role, list[Part]]:
        if item.caller is not json.EMPTY or item.asynchronous is not json.EMPTY:
            self._keep(f"{self._root}/{index}", {"caller": item.caller, "async": item.asynchronous})
        custom = isinstance(item, wire.CustomCall)
        call = ToolCall(
            id=decode_call_id(item.call_id),
            name=item.name,
            arguments=item.input if isinstance(item, wire.CustomCall) else item.arguments,
            kind="custom" if custom else "function",
            namespace=item.namespace,
            at=f"/{index}",
            item=Item(index, item.id, item.status),
        )
        return "assistant", [call]

    def _result(self, item: wire.FunctionOutput | wire.CustomOutput, index: int) -> tuple[Role, list[Part]]:
        at = self._at("tool", index)
        if not item.call_id and not self._answer:
            raise refuse("the result of a tool call needs call_id", f"{self._root}/{index}/call_id")
        if item.name is not json.EMPTY or item.namespace is not json.EMPTY or item.caller is not json.EMPTY:
            self._keep(f"{self._root}/{index}", {"name": item.name, "namespace": item.namespace, "caller": item.caller})
        result = ToolResult(
            call_id=decode_call_id(item.call_id or ""),
            content=self._content(item.output, index, at, "/output", None),  # type: ignore[arg-type]  # encoders look
            kind="custom" if isinstance(item, wire.CustomOutput) else "function",
            at=at,
            item=Item(index, item.id, item.status),
        )
        return "tool", [result]

    def keep(self, pointer: str, value: Raw) -> None:
        """Puts a member among the extras."""
        self._extras[pointer] = value

    def _keep(self, place: str, members: dict[str, Raw]) -> None:
        for name, value in members.items():
            if not json.is_null(value):
                self._extras[f"{place}/{name}"] = value


_KINDS: dict[Any, Callable[[ItemDecoder, Any, int], tuple[Role, list[Part]]]] = {
    wire.Message: ItemDecoder._message,  # noqa: SLF001  the table of this class
    wire.EasyMessage: ItemDecoder._message,  # noqa: SLF001
    wire.Reasoning: ItemDecoder._reasoning,  # noqa: SLF001
    wire.FunctionCall: ItemDecoder._call,  # noqa: SLF001
    wire.CustomCall: ItemDecoder._call,  # noqa: SLF001
    wire.FunctionOutput: ItemDecoder._result,  # noqa: SLF001
    wire.CustomOutput: ItemDecoder._result,  # noqa: SLF001
    wire.Compaction: ItemDecoder._compaction,  # noqa: SLF001
}
_KINDS |= {twin: _KINDS[kind] for kind, twin in _twin_of.items() if kind in _KINDS}


def decode_annotations(raw: Raw) -> list[Citation]:
    """What a text rests on. A file's place is an empty span; what is more is kept verbatim."""
    return [_decode_citation(item) for item in _decode_annotations(raw)]


def _decode_citation(raw: Raw) -> Citation:
    found = _decode_annotation(raw)
    start, end = found.start_index, found.end_index
    if found.type == "url_citation" and found.url is not None:
        return Citation(UrlSource(found.url, found.title), start, end)
    place = found.index if found.index is not None else start
    source = DocumentSource(0, found.filename, found.file_id)
    return Citation(source, place, place if end is None else end, raw=raw)


def decode_logprobs(raw: Raw) -> list[TokenLogprob]:
    """The log probabilities of a text."""
    return [_decode_logprob(item) for item in _decode_logprobs(raw)]


def _decode_logprob(item: wire.Logprob) -> TokenLogprob:
    top = tuple(_decode_logprob(other) for other in item.top_logprobs or ())
    return TokenLogprob(item.token, item.logprob, item.bytes, top)


def _opaque(kind: Literal["encrypted_reasoning", "compaction"], data: str) -> Opaque:
    return Opaque("other", data) if data.startswith(ENVELOPE_PREFIX) else Opaque(kind, data, Origin(NAME))
