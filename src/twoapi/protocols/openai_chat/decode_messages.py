"""The messages of a request: content stays as the client spelled it until somebody must read it."""

import types
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from twoapi.ir import Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Unknown
from twoapi.ir.request import Role
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.openai_chat import media
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_chat.reasoning import decode_details
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import join, strict

# Each part's type with its decoder; the types are only looked up, so `Any` loses nothing here.
_DECODERS: dict[type, Callable[[Any, str], Part]] = {
    wire.TextPart: media.decode_text,
    wire.RefusalPart: media.decode_refusal,
    wire.ImagePart: media.decode_image,
    wire.AudioPart: media.decode_audio,
    wire.FilePart: media.decode_file,
}
_STRICT = {strict(kind): kind for kind in wire.PART_KINDS}
_DECODERS |= {twin: _DECODERS[kind] for twin, kind in _STRICT.items()}
_decode_parts: Callable[[Raw], list[wire.ContentPart]] = msgspec.json.Decoder(
    types.GenericAlias(list, join(_STRICT))
).decode
_KIND_NAMED = {kind.__struct_config__.tag: kind for kind in wire.PART_KINDS}
_decoder_of = {kind: json.decoder(kind) for kind in wire.PART_KINDS}


_EMPTY = json.EMPTY


def _place(number: int) -> str:
    return f"/messages/{number}"


_KNOWN = 1024
_PLACES = tuple(map(_place, range(_KNOWN)))  # of the messages of nearly every request


class _Typed(msgspec.Struct, gc=False):
    type: str


_decode_typed = json.decoder(_Typed)


class MessageDecoder:
    """Decodes the messages of one request; what the model does not hold goes to `extras`."""

    __slots__ = ("_calls", "_extras", "_payload", "legacy")

    def __init__(self, payload: bytes, extras: dict[str, Raw]) -> None:
        self._payload = payload
        self._extras = extras
        self._calls: dict[str, str] = {}  # name of a deprecated function call -> the id that we gave it
        self.legacy = False

    def decode(self, messages: list[wire.Message]) -> list[Message]:
        """The messages in order."""
        decoded = []
        places = _PLACES if len(messages) <= _KNOWN else map(_place, range(len(messages)))
        for at, message in zip(places, messages, strict=False):
            role, content = message.role, message.content
            # Nearly all messages are one string and nothing else. What follows is the hottest line of a request, so
            # it is written out: nothing is called, and of the text only the first byte is looked at.
            if (
                role in _PLAIN_ROLES
                and message.tool_calls is None
                and message.tool_call_id is None
                and message.function_call is None
                and message.refusal is _EMPTY
                and message.audio is None
                and message.reasoning_content is _EMPTY
                and message.reasoning is _EMPTY
                and message.reasoning_details is None
                and content is not _EMPTY
                and memoryview(content)[0] == 34
            ):
                text = Text(text=content, at="/content")
                decoded.append(Message(_PLAIN_ROLES[role], [text], at, message.name, None, None, True))  # noqa: FBT003
                continue
            method = _ROLES.get(role)
            if method is None:
                raise refuse(f"{role!r} is not a role", at + "/role")
            decoded.append(method(self, message, at))
        return decoded

    def _instruction(self, message: wire.Message, at: str) -> Message:
        self._check_plain(message, at)
        parts, plain = self._content(message.content, at)
        return Message(_PLAIN_ROLES[message.role], parts, at, message.name, plain_content=plain)

    def _user(self, message: wire.Message, at: str) -> Message:
        self._check_plain(message, at)
        parts, plain = self._content(message.content, at)
        return Message("user", parts, at, message.name, plain_content=plain)

    def _assistant(self, message: wire.Message, at: str) -> Message:
        if message.tool_call_id is not None:
            self._keep(at + "/tool_call_id")
        parts = _decode_reasoning(message)
        plain = False
        if not json.is_null(message.content):
            content, plain = self._content(message.content, at)
            parts += content
        if not json.is_null(message.refusal):
            parts.append(Refusal(text=message.refusal, at="/refusal"))
        if message.audio is not None:
            parts.append(Media(kind="audio", audio_id=message.audio.id, at="/audio"))
        if message.tool_calls is not None:
            for number, call in enumerate(message.tool_calls):
                parts.append(_decode_call(call, at, f"/tool_calls/{number}"))
        if message.function_call is not None:
            parts.append(self._function_call(message.function_call, at))
        return Message("assistant", parts, at, message.name, plain_content=plain)

    def _tool(self, message: wire.Message, at: str) -> Message:
        self._check_plain(message, at, result=True)
        if message.tool_call_id is None:
            raise refuse("a tool message needs tool_call_id", at + "/tool_call_id")
        parts, plain = self._content(message.content, at)
        result = ToolResult(
            call_id=decode_call_id(message.tool_call_id),
            content=parts,  # type: ignore[arg-type]  # any content part; the encoders look at each
            name=message.name,
        )
        return Message("tool", [result], at, plain_content=plain)

    def _function(self, message: wire.Message, at: str) -> Message:
        """The deprecated answer to a function call, which is told by the function's name."""
        self.legacy = True
        self._check_plain(message, at)
        name = message.name or ""
        call_id = self._calls.get(name)
        if call_id is None:
            raise refuse(f"no function call of {name!r} comes before its result", at + "/name")
        parts: list[Part] = []
        plain = True
        if not json.is_null(message.content):
            parts, plain = self._content(message.content, at)
        result = ToolResult(call_id=call_id, content=parts, name=name)  # type: ignore[arg-type]  # as in _tool
        return Message("tool", [result], at, plain_content=plain)

    def _function_call(self, call: wire.FunctionCall, at: str) -> ToolCall:
        self.legacy = True
        call_id = "function_call_" + at.rpartition("/")[2]
        self._calls[call.name] = call_id
        return ToolCall(id=call_id, name=call.name, arguments=call.arguments or "", at="/function_call")

    def _content(self, raw: Raw, at: str) -> tuple[list[Part], bool]:
        """The parts of a content field, and whether it was a plain string."""
        kind = json.first_byte(raw)
        if kind == 34:
            return [Text(text=raw, at="/content")], True
        if kind != 91:
            raise refuse("content must be a string or a list of parts", at + "/content")
        try:
            wires = _decode_parts(raw)
            return [_DECODERS[type(part)](part, f"/content/{i}") for i, part in enumerate(wires)], False
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, WireError):
            return self._content_leniently(raw, at), False

    def _content_leniently(self, raw: Raw, at: str) -> list[Part]:
        """Part by part, because one of them has a field or a type that we do not know."""
        parts: list[Part] = []
        for number, item in enumerate(json.items(raw)):
            here = f"/content/{number}"
            try:
                parts.append(self._part_leniently(item, at, here))
            except WireError as error:
                raise refuse(error.message, at + here + error.pointer) from None
        return parts

    def _part_leniently(self, item: Raw, at: str, here: str) -> Part:
        name = _decode_typed(item).type
        kind = _KIND_NAMED.get(name)
        if kind is None:
            return Unknown(protocol=NAME, type=name, raw=item, at=here)
        for pointer, value in json.unknown_fields(item, kind).items():
            self._extras[at + here + pointer] = value
        return _DECODERS[kind](_decoder_of[kind](item), here)

    def _check_plain(self, message: wire.Message, at: str, *, result: bool = False) -> None:
        """Keeps the fields that only another role may have."""
        if (result or message.tool_call_id is None) and _is_bare(message):
            return
        for field in ("tool_calls", "function_call", "refusal", "audio") + (() if result else ("tool_call_id",)):
            self._keep(f"{at}/{field}")
        for field in ("reasoning_content", "reasoning", "reasoning_details"):
            self._keep(f"{at}/{field}")

    def _keep(self, pointer: str) -> None:
        value = json.at_pointer(self._payload, pointer)
        if value is not None and not json.is_null(value):
            self._extras[pointer] = value


def _is_bare(message: wire.Message) -> bool:
    """True when there is nothing that only an assistant's message has."""
    return (
        message.tool_calls is None
        and message.function_call is None
        and message.refusal is json.EMPTY
        and message.audio is None
        and message.reasoning_content is json.EMPTY
        and message.reasoning is json.EMPTY
        and message.reasoning_details is None
    )


def _decode_reasoning(message: wire.Message) -> list[Part]:
    text, field = message.reasoning_content, "reasoning_content"
    if json.is_null(text):
        text, field = message.reasoning, "reasoning"
    if message.reasoning_details:
        return [*decode_details(message.reasoning_details, text, "", field)]
    return [] if json.is_null(text) else [Reasoning(text=text, at="/" + field)]


def _decode_call(call: wire.ToolCall, at: str, here: str) -> ToolCall:
    if call.id is None:
        raise refuse("a tool call needs an id", f"{at}{here}/id")
    call_id = decode_call_id(call.id)
    if call.function is not None:
        return ToolCall(id=call_id, name=call.function.name, arguments=call.function.arguments or "", at=here)
    if call.custom is not None:
        custom = call.custom
        return ToolCall(id=call_id, name=custom.name, arguments=custom.input or "", kind="custom", at=here)
    raise refuse("a tool call needs function or custom", at + here)


_PLAIN_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
_ROLES: dict[str, Callable[[MessageDecoder, wire.Message, str], Message]] = {
    "user": MessageDecoder._user,  # noqa: SLF001  the table of this class
    "assistant": MessageDecoder._assistant,  # noqa: SLF001
    "tool": MessageDecoder._tool,  # noqa: SLF001
    "system": MessageDecoder._instruction,  # noqa: SLF001
    "developer": MessageDecoder._instruction,  # noqa: SLF001
    "function": MessageDecoder._function,  # noqa: SLF001
}
