"""Mounts: where a platform serves a protocol at paths of its own, and what it wants otherwise. All of it is data.

A request that is finished for the protocol, relayed or converted, is changed by its candidate's `Route`. Templates may
name the upstream's options, `{model}` and `{path}`, which is the protocol's own path with its query.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError, Loss
from twoapi.providers.frames import Frames
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers, Outgoing

_names = re.compile(r"\{([a-z_.]+)\}").findall
_OPTION_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:~")
_PATH, _MODEL = "path", "model"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an upstream of this provider must say, such as a region.

    `env`: the variables from which the vendor's own tools read it. `hosts`: the host name by the option's value (`*`
    stands for any text), for templates as `{NAME.host}`.
    """

    meaning: str
    env: tuple[str, ...] = ()
    default: str | None = None
    hosts: dict[str, str] = msgspec.field(default_factory=dict)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A header that is a list of words, of which a platform takes those of `known`; `spelled`: some by another name."""

    known: tuple[str, ...]
    spelled: dict[str, str] = msgspec.field(default_factory=dict)

    def sift(self, header: str, value: bytes, target: str, losses: list[Loss]) -> bytes:
        """The value with what is taken; b"" when that is nothing."""
        kept = []
        for word in _listed(value):
            name = self.spelled.get(word, word)
            if name in self.known:
                kept.append(name)
            else:
                shown = word if is_option(word) else "a word"
                losses.append(
                    Loss("", "dropped", target, f"{shown} in the header {header}: not known on this platform")
                )
        return ",".join(dict.fromkeys(kept)).encode("latin-1")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A header of the protocol that is a member of the body here. `spelled`: values by another name."""

    member: str
    form: Literal["text", "list"] = "text"
    spelled: dict[str, str] = msgspec.field(default_factory=dict)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are counted there. `lift`: spellings of a member whose members are the body there; `keep`: those that
    are taken.
    """

    path: str
    lift: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """What is different there; what is not said is as the protocol has it.

    `path` is of every request, `stream` of those for a streamed answer; `models`: other paths by the model's name (`*`
    stands for any text). `plain` is of requests about no model. `safe`: characters that stay as they are in `{model}`.
    `headers` and `query` are added, of the headers in `words` not all is taken, `moved` headers become members of the
    body, `left_out` are members of the body that do not go out. `each`: of a member that is a list, the texts that its
    objects must have, when they lack them.
    """

    path: str | None = None
    stream: str | None = None
    plain: str | None = None
    models: dict[str, str] = msgspec.field(default_factory=dict)
    safe: str = ""
    query: dict[str, str] = msgspec.field(default_factory=dict)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    words: dict[str, Words] = msgspec.field(default_factory=dict)
    moved: dict[str, Moved] = msgspec.field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    each: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    count: Asked | None = None
    frames: Frames | None = None

    def templates(self) -> Iterator[str]:
        """All that may name an option."""
        counted = None if self.count is None else self.count.path
        yield from filter(None, (self.path, self.stream, self.plain, counted))
        for table in (self.models, self.query, self.headers):
            yield from table.values()


class Route:
    """A mount with one upstream's options, for one of its models."""

    __slots__ = ("_count", "_headers", "_mount", "_moved", "_path", "_protocol", "_query", "_stream", "frames")

    def __init__(self, mount: Mount, values: Mapping[str, str], model: str, protocol: str = "") -> None:
        """Raises FaultError for a name that would lead to another path."""
        if any(part in (".", "..") for part in model.split("/")):
            raise FaultError(Fault("not_found", f"{model!r} is no name of a model", code="model_not_found"))
        known = {**values, _MODEL: quote(model, safe=mount.safe, errors="replace")}
        own = f"{{{_PATH}}}"
        usual = path = mount.path or own
        if not model:
            path = mount.plain or usual
        else:
            path = next((at for pattern, at in mount.models.items() if fnmatchcase(model, pattern)), usual)
        self._mount = mount
        self._protocol = protocol
        self._path = filled(path, known)
        self._stream = filled(mount.stream, known) if mount.stream and path == usual else self._path
        self._count = filled(mount.count.path, known) if mount.count is not None else self._path
        self._query = "&".join(f"{name}={quote(filled(value, known))}" for name, value in mount.query.items())
        headers = ((name.lower(), filled(value, known)) for name, value in mount.headers.items())
        self._headers = [(name.encode(), value.encode()) for name, value in headers]
        self._moved = {name.encode(): moved for name, moved in mount.moved.items()}
        self.frames = mount.frames

    def place(self, path: str) -> str:
        """Where that which the protocol has at this path is."""
        return self._at(self._path, path)

    @property
    def headers(self) -> Headers:
        """Those that every request has there."""
        return self._headers

    def lead(self, outgoing: Outgoing, losses: list[Loss], *, stream: bool) -> Outgoing:
        """The request as it goes out; raises FaultError when its body is no JSON object and must be changed."""
        path = self._at(self._stream if stream else self._path, outgoing.path)
        return self._changed(outgoing, losses, path, outgoing.body, self._mount.left_out)

    def lead_count(self, outgoing: Outgoing, losses: list[Loss]) -> Outgoing:
        """The question for the tokens of a request, as it goes out; raises FaultError as `lead` does."""
        asked, body = self._mount.count, outgoing.body
        if asked is None:
            return self.lead(outgoing, losses, stream=False)
        try:
            members = json.fields(body)
            for name in asked.lift:
                if name in members:
                    body = bytes(members[name])
                    members = json.fields(body)
        except WireError as error:
            raise _refusal(error) from None
        if asked.keep and not members.keys() <= set(asked.keep):
            body = json.encode({name: value for name, value in members.items() if name in asked.keep})
        return self._changed(outgoing, losses, self._at(self._count, outgoing.path), body, ())

    def _at(self, template: str, path: str) -> str:
        place = template.replace("{path}", path) if "{path}" in template else template
        return f"{place}{'&' if '?' in place else '?'}{self._query}" if self._query else place

    def _changed(
        self, outgoing: Outgoing, losses: list[Loss], path: str, body: bytes, left_out: tuple[str, ...]
    ) -> Outgoing:
        headers, added = outgoing.headers, {}
        if self._mount.words:
            headers = [*self._sifted(headers, losses)]
        if self._moved:
            added = {
                moved.member: _written(moved, value)
                for name, value in headers
                if (moved := self._moved.get(name)) is not None
            }
            headers = [header for header in headers if header[0] not in self._moved]
        try:
            if added or left_out:
                body = json.edit_members(body, left_out, added)
            if self._mount.each:
                body = _completed(body, self._mount.each)
        except WireError as error:
            raise _refusal(error) from None
        return Outgoing(path, body, [*headers, *self._headers] if self._headers else headers)

    def _sifted(self, headers: Headers, losses: list[Loss]) -> Iterator[tuple[bytes, bytes]]:
        for name, value in headers:
            header = name.decode("latin-1")
            words = self._mount.words.get(header)
            kept = value if words is None else words.sift(header, value, self._protocol, losses)
            if kept:
                yield name, kept


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with these values in it; a name that has none stays as it is written."""
    for name in set(_names(template)) & values.keys():
        template = template.replace(f"{{{name}}}", values[name])
    return template


def is_option(value: str) -> bool:
    """True for what can be an option's value: nothing that would change the form of a URL."""
    return bool(value) and _OPTION_CHARS.issuperset(value)


def option_names(template: str) -> set[str]:
    """The options that a template names."""
    return {name.partition(".")[0] for name in _names(template)} - {_PATH, _MODEL}


def option_values(options: Mapping[str, Option], said: Mapping[str, str]) -> dict[str, str]:
    """The values by their names in templates: those that are said, else the defaults."""
    values = {name: option.default for name, option in options.items() if option.default is not None} | dict(said)
    hosts = {}
    for name in values.keys() & options.keys():
        for pattern, host in options[name].hosts.items():
            if fnmatchcase(values[name], pattern):
                hosts[f"{name}.host"] = filled(host, values)
                break
    return values | hosts


def _written(moved: Moved, value: bytes) -> bytes:
    if moved.form == "list":
        return json.encode(_listed(value))
    text = value.decode("latin-1")
    return json.encode(moved.spelled.get(text, text))


def _listed(value: bytes) -> list[str]:
    return [word.strip() for word in value.decode("latin-1").split(",") if word.strip()]


def _completed(body: bytes, each: Mapping[str, Mapping[str, str]]) -> bytes:
    """The body with what the objects of its lists lack; the same one when they lack nothing."""
    members = json.fields(body)
    for name, texts in each.items():
        listed = members.get(name)
        if listed is None or json.first_byte(listed) != 91:
            continue
        added = {key: json.encode(text) for key, text in texts.items()}
        held = json.items(listed)
        whole = [Raw(json.edit_members(bytes(one), (), added)) if json.first_byte(one) == 123 else one for one in held]
        if any(len(new) != len(old) for new, old in zip(whole, held, strict=True)):
            body = json.replace_member(body, members, name, json.encode(whole))
    return body


def _refusal(error: WireError) -> FaultError:
    return FaultError(Fault("invalid_request", error.message))
