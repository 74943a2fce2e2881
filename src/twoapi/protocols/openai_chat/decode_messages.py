"""The messages of a request: content stays as the client spelled it until somebody must read it."""

import types
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from msgspec import Raw

from twoapi.ir import Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Unknown
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.openai_chat import media
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_chat.reasoning import decode_details
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.json import NO_TEXT
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
_SPEAKERS = frozenset({"system", "developer", "user", "assistant"})


def _place(number: int) -> str:
    return f"/messages/{number}"


def _call_place(number: int) -> str:
    return f"/tool_calls/{number}"


# Of the messages of nearly every request, and of the calls of nearly every message.
_KNOWN, _KNOWN_CALLS = 1024, 32
_PLACES, _CALL_PLACES = tuple(map(_place, range(_KNOWN))), tuple(map(_call_place, range(_KNOWN_CALLS)))


class _Typed(msgspec.Struct, gc=False):
    type: str


_decode_typed = json.decoder(_Typed)


def decode_messages(
    messages: Sequence[wire.UsualMessage], payload: bytes, extras: dict[str, Raw], *, usual: bool
) -> tuple[list[Message], bool]:
    """The messages in order, and whether the deprecated form of calls is in them. What the model does not hold goes to
    `extras`. `usual`: no member of a message is one that few have.
    """
    decoded: list[Message] = []
    decoder: MessageDecoder | None = None
    places = _PLACES if len(messages) <= _KNOWN else tuple(map(_place, range(len(messages))))
    for number, message in enumerate(messages):
        content = message.content
        # Nearly all messages are one string and nothing else. What follows is the hottest line of a request, so it is
        # written out: nothing of Python's is called, and of the text only the first byte is looked at.
        if (
            message.tool_calls is None
            and message.tool_call_id is None
            and content < NO_TEXT
            and (role := message.role) != "tool"
            and (usual or _is_plain(cast("wire.Message", message)))
        ):
            text = Text(text=content, at="/content")
            decoded.append(Message(role, [text], places[number], message.name, None, None, True))  # noqa: FBT003
            continue
        if decoder is None:
            decoder = MessageDecoder(payload, extras, usual=usual)
        decoded.append(decoder.decode(message, places[number]))
    return decoded, decoder is not None and decoder.legacy


class MessageDecoder:
    """Decodes those messages of one request that are more than a string. What the model does not hold: to `extras`."""

    __slots__ = ("_calls", "_extras", "_payload", "_usual", "legacy")

    def __init__(self, payload: bytes, extras: dict[str, Raw], *, usual: bool) -> None:
        self._payload = payload
        self._usual = usual
        self._extras = extras
        self._calls: dict[str, str] = {}  # name of a deprecated function call -> the id that we gave it
        self.legacy = False

    def decode(self, message: wire.UsualMessage, at: str) -> Message:
        """The message at this place, after all that stand before it."""
        if not self._usual:
            self._keep_annotations(cast("wire.Message", message), at)
        method = _ROLES.get(message.role)
        if method is None:
            raise refuse(f"{message.role!r} is not a role", at + "/role")
        return method(self, message, at)

    def _instruction(self, message: wire.UsualMessage, at: str) -> Message:
        self._check_plain(message, at)
        parts, plain = self._content(message.content, at)
        return Message(message.role, parts, at, message.name, plain_content=plain)

    def _user(self, message: wire.UsualMessage, at: str) -> Message:
        self._check_plain(message, at)
        parts, plain = self._content(message.content, at)
        return Message("user", parts, at, message.name, plain_content=plain)

    def _assistant(self, message: wire.UsualMessage, at: str) -> Message:
        if message.tool_call_id is not None:
            self._keep(at + "/tool_call_id")
        full = None if self._usual else cast("wire.Message", message)
        parts = [] if full is None else _decode_reasoning(full)
        content, plain = message.content, False
        if content < NO_TEXT:
            parts.append(Text(text=content, at="/content"))
            plain = True
        elif not json.is_null(content):
            parts += self._content(content, at)[0]
        if full is not None and not json.is_null(full.refusal):
            parts.append(Refusal(text=full.refusal, at="/refusal"))
        if full is not None and full.audio is not None:
            parts.append(Media(kind="audio", audio_id=full.audio.id, at="/audio"))
        if message.tool_calls is not None:
            for number, call in enumerate(message.tool_calls):
                parts.append(_decode_call(call, at, number))
        if full is not None and full.function_call is not None:
            parts.append(self._function_call(full.function_call, at))
        return Message("assistant", parts, at, message.name, plain_content=plain)

    def _tool(self, message: wire.UsualMessage, at: str) -> Message:
        if message.tool_calls is not None or not self._usual:
            self._check_plain(message, at, result=True)
        call_id, content, plain = message.tool_call_id, message.content, True
        if call_id is None:
            raise refuse("a tool message needs tool_call_id", at + "/tool_call_id")
        parts: list[Part]
        if content < NO_TEXT:
            parts = [Text(text=content, at="/content")]
        else:
            parts, plain = self._content(content, at)
        result = ToolResult(
            call_id=decode_call_id(call_id),
            content=parts,  # type: ignore[arg-type]  # any content part; the encoders look at each
            name=message.name,
        )
        return Message("tool", [result], at, plain_content=plain)

    def _function(self, message: wire.UsualMessage, at: str) -> Message:
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

    def _check_plain(self, message: wire.UsualMessage, at: str, *, result: bool = False) -> None:
        """Keeps the fields that only another role may have."""
        if (
            message.tool_calls is None
            and (result or message.tool_call_id is None)
            and (self._usual or _is_bare(cast("wire.Message", message)))
        ):
            return
        for field in ("tool_calls", "function_call", "refusal", "audio") + (() if result else ("tool_call_id",)):
            self._keep(f"{at}/{field}")
        for field in ("reasoning_content", "reasoning", "reasoning_details"):
            self._keep(f"{at}/{field}")

    def _keep_annotations(self, message: wire.Message, at: str) -> None:
        """Those of an answer that comes back. The model does not hold them; SDKs send back empty ones with each."""
        given = message.annotations
        if given is not _EMPTY and bytes(given) != b"[]":
            self._extras[at + "/annotations"] = given

    def _keep(self, pointer: str) -> None:
        value = json.at_pointer(self._payload, pointer)
        if value is not None and not json.is_null(value):
            self._extras[pointer] = value


def _is_plain(message: wire.Message) -> bool:
    """True for a message of one of the speakers that has nothing which only an assistant's message has."""
    noted = message.annotations
    return message.role in _SPEAKERS and (noted is _EMPTY or bytes(noted) == b"[]") and _is_bare(message)


def _is_bare(message: wire.Message) -> bool:
    """True when there is nothing that only an assistant's message has, calls apart."""
    return (
        message.function_call is None
        and json.is_null(message.refusal)
        and message.audio is None
        and json.is_null(message.reasoning_content)
        and json.is_null(message.reasoning)
        and message.reasoning_details is None
    )


def _decode_reasoning(message: wire.Message) -> list[Part]:
    text, field = message.reasoning_content, "reasoning_content"
    if json.is_null(text):
        text, field = message.reasoning, "reasoning"
    if message.reasoning_details:
        return [*decode_details(message.reasoning_details, text, "", field)]
    return [] if json.is_null(text) else [Reasoning(text=text, at="/" + field)]


def _decode_call(call: wire.ToolCall, at: str, number: int) -> ToolCall:
    here = _CALL_PLACES[number] if number < _KNOWN_CALLS else _call_place(number)
    if call.id is None:
        raise refuse("a tool call needs an id", f"{at}{here}/id")
    call_id = decode_call_id(call.id)
    function = call.function
    if function is not None:
        return ToolCall(id=call_id, name=function.name, arguments=function.arguments or "", at=here)
    if call.custom is not None:
        custom = call.custom
        return ToolCall(id=call_id, name=custom.name, arguments=custom.input or "", kind="custom", at=here)
    raise refuse("a tool call needs function or custom", at + here)


_ROLES: dict[str, Callable[[MessageDecoder, wire.UsualMessage, str], Message]] = {
    "user": MessageDecoder._user,  # noqa: SLF001  the table of this class
    "assistant": MessageDecoder._assistant,  # noqa: SLF001
    "tool": MessageDecoder._tool,  # noqa: SLF001
    "system": MessageDecoder._instruction,  # noqa: SLF001
    "developer": MessageDecoder._instruction,  # noqa: SLF001
    "function": MessageDecoder._function,  # noqa: SLF001
}
