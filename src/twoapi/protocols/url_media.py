"""Files that a client gives by URL: which upstreams fetch them, and requests with what was fetched for the others."""

from collections.abc import Iterator, Mapping

import msgspec

from twoapi.ir import Base64, Blocks, Fault, FaultError, Loss, Media, Part, Request, ToolResult, Url
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.media_types import ENDINGS

_ALL = frozenset(("image", "audio", "video", "file"))
_NONE: frozenset[str] = frozenset()
_IMAGES = frozenset(("image",))
_FLAGS = {"image": "images", "audio": "audio", "video": "video", "file": "documents"}  # the capabilities
_CODE = "media_by_url"


class _Taken(msgspec.Struct, frozen=True):
    """Kinds of media: `by_url` those that an upstream of the protocol fetches, `inline` those it takes as bytes."""

    by_url: frozenset[str]
    inline: frozenset[str]


# The protocols; what a model or a platform takes of them is among its capabilities.
_TAKEN: Mapping[str, _Taken] = {
    "openai-chat": _Taken(_IMAGES, frozenset(("image", "audio", "file"))),
    "openai-responses": _Taken(frozenset(("image", "file")), frozenset(("image", "audio", "file"))),
    "anthropic-messages": _Taken(frozenset(("image", "file")), frozenset(("image", "file"))),
    "gemini": _Taken(_ALL, _ALL),
    "bedrock-converse": _Taken(_NONE, _ALL),
    "cohere": _Taken(_IMAGES, frozenset(("image", "file"))),
    "dashscope": _Taken(frozenset(("image", "audio", "video")), _ALL),
    "hunyuan": _Taken(_IMAGES, frozenset(("image", "file"))),
    "ollama": _Taken(_NONE, frozenset(("image", "file"))),
    "qianfan-v1": _Taken(_NONE, frozenset(("file",))),
    "spark": _Taken(_NONE, frozenset(("file",))),
    "spark-socket": _Taken(_NONE, frozenset(("file",))),
}


class File(msgspec.Struct, frozen=True):
    """A file that has been fetched: its bytes in base64, and what they are."""

    data: str
    mime: str


class Wanted(msgspec.Struct, frozen=True):
    """A part whose file must be fetched; `path` is its place in the client's body."""

    path: str
    part: Media
    url: str


def must_be_inline(protocol: str, kind: str, capabilities: Capabilities) -> bool:
    """Whether an upstream of this protocol takes media of this kind, but does not fetch them from a URL."""
    taken = _TAKEN[protocol]
    return kind in taken.inline and not (capabilities.url_media and kind in taken.by_url)


def not_fetched(path: str) -> FaultError:
    """What is raised for a URL that the target does not fetch; `path` into the client's body."""
    message = (
        "the target fetches no files: they must be in the request itself, unless the gateway is set to fetch them "
        "(`media: {fetch: true}` in its configuration)"
    )
    return FaultError(Fault("invalid_request", message, code=_CODE, param=path or None))


class Inlining:
    """What of a request must be fetched for one target, and the request with it. `native`: the target speaks the
    client's protocol, and fetches all that this can say, unless its capabilities deny that.
    """

    __slots__ = ("_by_url", "_inline", "_protocol")

    def __init__(self, protocol: str, capabilities: Capabilities, *, native: bool = False) -> None:
        taken = _TAKEN[protocol]
        self._protocol = protocol
        self._by_url = _NONE if not capabilities.url_media else _ALL if native else taken.by_url
        self._inline = frozenset(kind for kind in taken.inline if getattr(capabilities, _FLAGS[kind]))

    def wanted(self, request: Request) -> list[Wanted]:
        """The parts by URL that the target does not fetch, but takes as bytes."""
        if self._by_url is _ALL:
            return []
        found: list[Wanted] = []
        for message in request.messages:
            for part in message.parts:
                if type(part) is Media or type(part) is ToolResult:
                    found += self._within(part, message.at)
        return found

    def put(self, request: Request, files: Mapping[str, File]) -> Request:
        """The request with the files, by their URLs, in place of the URLs. The given one stays as it is."""
        messages = [
            msgspec.structs.replace(message, parts=[self._with_files(part, files) for part in message.parts])
            for message in request.messages
        ]
        return msgspec.structs.replace(request, messages=messages)

    def losses(self, wanted: list[Wanted]) -> list[Loss]:
        """That the files cross by other means than the client said."""
        detail = "the gateway fetches the file, and sends it in the request itself"
        return [Loss(one.path, "emulated", self._protocol, detail) for one in wanted]

    def _within(self, part: Part, base: str) -> Iterator[Wanted]:
        if isinstance(part, ToolResult):
            inner: list[Part] = [*part.content]
        elif isinstance(part, Media) and isinstance(part.source, Blocks):
            inner = [*part.source.parts]
        else:
            url = self._url(part)
            if url is not None and isinstance(part, Media):
                yield Wanted(base + part.at, part, url)
            return
        for one in inner:
            yield from self._within(one, base)

    def _url(self, part: Part) -> str | None:
        """The URL of a part that must be fetched."""
        if not isinstance(part, Media) or part.audio_id is not None or not isinstance(part.source, Url):
            return None
        is_web = part.source.url[:8].lower().startswith(("http://", "https://"))
        return part.source.url if is_web and part.kind in self._inline and part.kind not in self._by_url else None

    def _with_files(self, part: Part, files: Mapping[str, File]) -> Part:
        if isinstance(part, ToolResult):
            content = [self._with_files(one, files) for one in part.content]
            return msgspec.structs.replace(part, content=content)
        if isinstance(part, Media) and isinstance(part.source, Blocks):
            blocks = [self._with_files(one, files) for one in part.source.parts]
            return msgspec.structs.replace(part, source=msgspec.structs.replace(part.source, parts=blocks))
        url = self._url(part)
        return part if url is None or not isinstance(part, Media) else _with_file(part, url, files[url])


def _with_file(part: Media, url: str, file: File) -> Media:
    """A part that holds its file. What its kind does not tell, as of Gemini's files without a type, the file does."""
    main = file.mime.partition("/")[0]
    kind = main if part.kind == "file" and main in ("image", "audio", "video") else part.kind
    name = part.name
    if kind == "file" and name is None and part.title is None:
        last = url.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]
        name = last if last.rpartition(".")[2].lower() in ENDINGS else None
    return msgspec.structs.replace(part, source=Base64(file.data), mime=file.mime, kind=kind, name=name)


def stand_in(wanted: Wanted) -> File:
    """What stands for a file that is not fetched, where it is only told what would be sent."""
    ending = ENDINGS.get(wanted.url.partition("?")[0].rpartition(".")[2].lower())
    usual = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}.get(wanted.part.kind, "application/pdf")
    fits = ending is not None and (wanted.part.kind == "file" or ending.startswith(wanted.part.kind))
    return File(_STAND_IN, wanted.part.mime or (ending if fits and ending else usual))


_STAND_IN = "KHRoZSBmaWxlKQ=="  # (the file)
