"""How many tokens a request holds, nearly: a calculation that needs no tokenizer and is the same for every model.

Four bytes of UTF-8 are a token, which fits English, code and, as their letters have two and three bytes, other scripts
too. Every message costs 4 tokens more and every tool 8. An image costs a token for each 750 pixels, at least 1 and at
most 1600; 1600 also when its size cannot be seen. Audio and film cost a token for each 512 bytes, a file one for each
64, and 1600 when only a URL or an id is given. Reasoning counts, its sealed state at eight characters a token. What is
added to a request never makes the number smaller.
"""

import binascii
from collections.abc import Iterable

from msgspec import Raw

from twoapi.ir import (
    Base64,
    Blocks,
    JsonText,
    Media,
    Part,
    PlainText,
    Reasoning,
    Refusal,
    Request,
    SearchResult,
    ServerTool,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Unknown,
    plain,
)

_MESSAGE, _TOOL = 4, 8  # tokens
_TEXT = 4  # bytes a token
_SEALED = 8  # characters a token
_FULL_IMAGE, _PIXELS = 1600, 750
_BYTES = {"audio": 512, "video": 512, "file": 64}
_HEAD = 64 * 1024  # characters of base64 in which the size of an image is looked for


def estimated_tokens(request: Request) -> int:
    """The input tokens of a request; at least 1."""
    size = sum(_MESSAGE * _TEXT + _parts(message.parts) for message in request.messages)
    size += sum(map(_tool, request.tools))
    if request.output.schema is not None:
        size += len(request.output.schema.raw)
    return max(1, -(-size // _TEXT))


# Sizes are in quarters of a token, as the bytes of a text are.


def _parts(parts: Iterable[Part]) -> int:
    return sum(_part(part) + sum(len(one.data) * _TEXT // _SEALED for one in part.opaque) for part in parts)


def _part(part: Part) -> int:  # noqa: PLR0911  one line per kind of part
    match part:
        case Text() | Refusal() | Reasoning():
            return _text(part.text)
        case ToolCall():
            return len(part.name.encode()) + len(part.arguments.encode("utf-8", "replace"))
        case ToolResult():
            return _parts(part.content)
        case Media():
            return _media(part)
        case SearchResult():
            return len(part.source.encode()) + len(part.title.encode()) + _parts(part.content)
        case ServerTool() | Unknown():
            return len(part.raw)
        case _:
            return 0


def _text(text: JsonText) -> int:
    words = plain(text)
    return len(words) if words.isascii() else len(words.encode("utf-8", "replace"))


def _raw(text: JsonText | None) -> int:
    return 0 if text is None else _text(text)


def _tool(tool: Tool) -> int:
    size = _TOOL * _TEXT + len(tool.name.encode()) + _raw(tool.description)
    schemas: list[Raw | None] = [tool.raw, *tool.examples]
    schemas += [one.raw for one in (tool.schema, tool.output_schema) if one is not None]
    size += sum(len(one) for one in schemas if one is not None)
    return size + (0 if tool.grammar is None else len(tool.grammar.definition.encode()))


def _media(part: Media) -> int:
    told = sum(len(text.encode()) for text in (part.title, part.context, part.transcript) if text is not None)
    match part.source:
        case PlainText(text):
            return told + _text(text)
        case Blocks(parts):
            return told + _parts(parts)
        case Base64(data) if part.kind == "image":
            return told + _image(data) * _TEXT
        case Base64(data):
            return told + max(1, len(data) * 3 // 4 // _BYTES[part.kind]) * _TEXT
        case _:
            return told + _FULL_IMAGE * _TEXT


def _image(data: str) -> int:
    """The tokens of an image."""
    size = _pixels(data)
    return _FULL_IMAGE if size is None else min(_FULL_IMAGE, max(1, size[0] * size[1] // _PIXELS))


def _pixels(data: str) -> tuple[int, int] | None:
    """Width and height, as the head of a PNG, GIF, WebP or JPEG file tells them; None when it does not."""
    try:
        head = binascii.a2b_base64(data[:_HEAD])
    except (binascii.Error, ValueError):
        return None
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 24:
        return _big(head[16:20]), _big(head[20:24])
    if head[:4] == b"GIF8" and len(head) >= 10:
        return _little(head[6:8]), _little(head[8:10])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp(head)
    return _jpeg(head) if head[:2] == b"\xff\xd8" else None


def _webp(head: bytes) -> tuple[int, int] | None:
    match head[12:16]:
        case b"VP8X":
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
        case b"VP8L":
            bits = _little(head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
        case _:
            return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """The frame header, found by stepping over the segments before it."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
        at += 2 + max(2, _big(head[at + 2 : at + 4])) if marker != 0xFF else 1
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
