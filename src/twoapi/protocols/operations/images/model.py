"""What is asked of a model that makes pictures and what it answers, whatever shape it came in."""

import msgspec
from msgspec import Raw

from twoapi.ir import JsonText, Usage


class Pictures(msgspec.Struct, kw_only=True):
    """A request. The pointers say where the client wrote it. `width` and `height` are pixels, or only a ratio. `mime`:
    the type of the files. `compression` from 0 to 100, 100 for the best. `as_url`: the client wants URLs instead of
    base64. `extras`: what only the shape's own vendor knows, by pointer. `own`: the client's members as they are.
    """

    shape: str
    model: str
    prompt: JsonText
    count: int | None = None
    width: int = 0
    height: int = 0
    size_at: str = ""
    mime: str | None = None
    mime_at: str = ""
    compression: int | None = None
    as_url: bool = False
    extras: dict[str, Raw] = msgspec.field(default_factory=dict)
    own: dict[str, Raw] = msgspec.field(default_factory=dict)


class Picture(msgspec.Struct):
    """A picture as base64, as JSON has it, or as a URL; and the prompt that it was made from where that is told."""

    data: JsonText | None = None
    mime: str = "image/png"
    url: JsonText | None = None
    prompt: JsonText | None = None


class Made(msgspec.Struct, kw_only=True):
    """An answer. `withheld`: why pictures are missing, as the vendor says it. `said`: what the upstream tells beside
    them and no other shape has, by its pointer there.
    """

    shape: str
    pictures: list[Picture]
    created: int | None = None
    withheld: dict[str, str] = msgspec.field(default_factory=dict)
    usage: Usage | None = None
    said: dict[str, Raw] = msgspec.field(default_factory=dict)
