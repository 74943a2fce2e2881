"""Contents and the system instruction to messages; results find their calls."""

from collections.abc import Callable
from struct import Struct as Packed
from typing import cast

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.gemini import parts as wire
from twoapi.protocols.gemini.carriers import settle_carriers
from twoapi.protocols.gemini.pairing import OpenCalls, missing_id
from twoapi.protocols.gemini.parts import BARE, Extras, decode_media, decode_part, dressing, listed, put_resolution
from twoapi.protocols.gemini.schema_request import GenerateRequest
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decode, fields, first_byte, is_null

RESPONSE = "/functionResponse/response"
_AT = tuple(f"/contents/{i}" for i in range(1024))  # pointers of nearly all, spelled once
_PART_AT = tuple(f"/parts/{i}" for i in range(64))
_ROLES = {None: "user", "": "user", "user": "user", "model": "assistant", "function": "tool"}
_STRING, _OBJECT = 34, 123
_SPOKEN = ("user", "assistant")
_Message, _Text = ir.Message, ir.Text
_TEXT = (_STRING,)
opening: Callable[[Raw], tuple[int]] = Packed("B").unpack_from  # half the time of a memoryview


def decode_contents(given: GenerateRequest, extras: Extras) -> list[ir.Message]:
    """All messages, the system instruction first. Raises WireError with a pointer."""
    messages: list[ir.Message] = []
    system = given.system_instruction
    if system is not None:
        said = _bare(system.parts)
        if said is None:
            messages.append(_message(system, "/systemInstruction", "system", None, extras))
        else:
            messages.append(_Message("system", said, "/systemInstruction"))
    calls = OpenCalls()
    contents = given.contents
    if not isinstance(contents, list):
        messages.append(_content(contents, "/contents", calls, extras))
        return messages
    for i, content in enumerate(contents):
        at = _AT[i] if i < 1024 else f"/contents/{i}"
        role, said = _ROLES.get(content.role), _bare(content.parts)
        if said is None or role not in _SPOKEN:
            messages.append(_content(content, at, calls, extras))
        else:
            messages.append(_Message(role, said, at))  # type: ignore[arg-type]  # one of two
    return settle_carriers(messages)


def _bare(parts: list[wire.Part] | wire.Part | None) -> list[ir.Part] | None:
    """The one bare text that nearly all turns are; None for anything else."""
    if type(parts) is list and len(parts) == 1:
        text = parts[0].text
        if text is not EMPTY and dressing(parts[0]) == BARE and opening(text) == _TEXT:
            return [_Text(text=text, at="/parts/0")]
    return None


def _content(content: wire.Content, at: str, calls: OpenCalls, extras: Extras) -> ir.Message:
    role = _ROLES.get(content.role)
    if role is None:
        raise WireError(f"unknown role {content.role!r}: user and model are known", f"{at}/role")
    message = _message(content, at, role, calls, extras)
    if role == "tool" and not all(isinstance(part, ir.ToolResult) for part in message.parts):
        message.role = "user"
    return message


def _message(content: wire.Content, at: str, role: str, calls: OpenCalls | None, extras: Extras) -> ir.Message:
    single = isinstance(content.parts, wire.Part)
    made: list[ir.Part] = []
    for i, part in enumerate(listed(content.parts)):
        where = "/parts" if single else _PART_AT[i] if i < 64 else f"/parts/{i}"
        if part.function_response is not None:
            if role == "assistant" or calls is None:
                raise WireError("a function response belongs to the user", f"{at}{where}/functionResponse")
            made.append(_decode_result(part, where, at, calls, extras))
            continue
        decoded = decode_part(part, where, at, extras)
        if type(decoded) is ir.ToolCall:
            if role != "assistant" or calls is None:
                raise WireError("a function call belongs to a content of role model", f"{at}{where}/functionCall")
            _number(decoded, at + where, calls)
        made.append(decoded)
    return ir.Message(role, made, at)  # type: ignore[arg-type]  # of the table


def _number(call: ir.ToolCall, path: str, calls: OpenCalls) -> None:
    written = call.id != ""
    if not written:
        call.id = missing_id(path, call.name, call.arguments)
    calls.call(call.id, call.name, written=written)


def _decode_result(part: wire.Part, at: str, base: str, calls: OpenCalls, extras: Extras) -> ir.ToolResult:
    given = cast("wire.FunctionResponse", part.function_response)
    place = f"{base}{at}/functionResponse"
    if not given.name and not given.id:
        raise WireError("a function response needs a name", f"{place}/name")
    call_id = calls.answered(given.id or None, given.name)
    if call_id is None:
        raise WireError(f"there is no open call of {given.name!r} before this response", place)
    for spelled, value in (("willContinue", given.will_continue), ("scheduling", given.scheduling)):
        if value is not EMPTY:
            extras[f"{place}/{spelled}"] = value
    if part.thought_signature is not None:
        extras[f"{base}{at}/thoughtSignature"] = Raw(f'"{wire.standard_base64(part.thought_signature)}"'.encode())
    for name, spelled in wire.MODIFIERS.items():
        modifier = getattr(part, name)
        if modifier is not EMPTY:
            extras[f"{base}{at}/{spelled}"] = modifier
    content, is_error = _response(given.response, at, place)
    media = given.parts if isinstance(given.parts, list) else [] if given.parts is None else [given.parts]
    for i, inner in enumerate(media):
        where = f"{at}/functionResponse/parts" + (f"/{i}" if isinstance(given.parts, list) else "")
        content.append(_inner_media(inner, where, base, extras))
    return ir.ToolResult(call_id=call_id, content=content, is_error=is_error, name=given.name or None, at=at)


def _response(
    response: Raw, at: str, place: str
) -> tuple[list[ir.Text | ir.Media | ir.SearchResult | ir.Unknown], bool | None]:
    """The words of a result, and whether it is an error.

    By convention the member `output` or `error` has them; any other object is the output itself. Which of them it was
    is told by where the text stands.
    """
    if is_null(response):
        return [], None
    if first_byte(response) != _OBJECT:
        raise WireError("expected an object", f"{place}/response")
    members = fields(response)
    where = f"{at}{RESPONSE}"
    is_error = True if "error" in members and len(members) == 1 else None
    for name in ("output", "error"):
        value = members.get(name)
        if value is not None and len(members) == 1 and first_byte(value) == _STRING:
            return [ir.Text(text=decode(value), at=f"{where}/{name}")], is_error
    return [ir.Text(text=bytes(response).decode(), at=where)], is_error


def _inner_media(inner: wire.FunctionResponsePart, at: str, base: str, extras: Extras) -> ir.Media:
    for name, spelled in wire.MODIFIERS.items():
        modifier = getattr(inner, name, EMPTY)
        if modifier is not EMPTY:
            extras[f"{base}{at}/{spelled}"] = modifier
    if inner.inline_data is None and inner.file_data is None:
        raise WireError("media of a function response need inlineData or fileData", base + at)
    media = decode_media(inner.inline_data, inner.file_data, at, base, extras)
    put_resolution(media, inner.media_resolution, base + at, extras)
    return media
