"""JSON documents as bytes: decode with a place in the error, edit without touching other bytes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from struct import Struct as Packed
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from msgspec import inspect as mi

from twoapi.wire.errors import WireError

T = TypeVar("T")

encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
EMPTY = Raw(b"")  # the default of a Raw field that is absent; compare by identity

_decode_map = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_raw = msgspec.json.Decoder(Raw).decode
_decode_any = msgspec.json.Decoder().decode
_decode_str = msgspec.json.Decoder(str).decode
_byte: Callable[[Raw | bytes], tuple[int]] = Packed("B").unpack_from  # half the time of a memoryview
# A quote is the least byte that a value begins with, a brace the greatest: `raw < NO_TEXT` is the cheapest way to ask
# for a string, `raw > NO_OBJECT` for an object. Raw compares with bytearrays, as other things that hold bytes do.
NO_TEXT, NO_OBJECT = bytearray(b"#"), bytearray(b"z")
_SPACE = b" \t\r\n"
_BETWEEN = _SPACE + b","
_NULL = (0, 110)  # what an absent value begins with: nothing, or the n that no other value begins with


def decoder(kind: type[T]) -> Callable[[bytes | Raw | str], T]:
    """A decoder for one type. It raises WireError, with a JSON pointer as far as msgspec knows the place."""
    decode = msgspec.json.Decoder(kind).decode

    def checked(body: bytes | Raw | str) -> T:
        try:
            return decode(body)
        except msgspec.ValidationError as error:
            raise _placed(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WireError(f"the body is not valid JSON: {error}") from None
        except RecursionError:
            raise WireError("the body is nested too deeply") from None

    return checked


def decode(body: bytes | Raw | str) -> Any:  # noqa: ANN401  a JSON document is any value
    """Any JSON document as Python values; raises WireError."""
    try:
        return _decode_any(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise WireError("nested too deeply") from None


def fields(body: bytes | Raw) -> dict[str, Raw]:
    """The members of an object, each verbatim; raises WireError when it is no object."""
    try:
        return _decode_map(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"expected a JSON object: {error}") from None


def items(body: bytes | Raw) -> list[Raw]:
    """The elements of an array, each verbatim; raises WireError when it is no array."""
    try:
        return _decode_list(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"expected a JSON array: {error}") from None


def string(raw: Raw) -> str:
    """The text of a JSON string; "" for any other value."""
    try:
        return _decode_str(raw) if first_byte(raw) == 34 else ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def is_object(text: str | bytes | Raw) -> bool:
    """True when this is one valid JSON object (bounded in depth), as tool arguments must be."""
    try:
        if type(text) is str:  # that its keys are text is sure, and so nobody needs them
            return _decode_raw(text) > NO_OBJECT
        _decode_map(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return False
    return True


def first_byte(raw: Raw | bytes) -> int:
    """The first byte of a JSON value, which tells its type: 34 a string, 91 an array, 123 an object; 0 when absent."""
    return _byte(raw)[0] if len(raw) else 0


def is_null(raw: Raw) -> bool:
    """True for an absent field and for null."""
    return raw is EMPTY or first_byte(raw) in _NULL


def replace_field(body: bytes, name: str, value: bytes) -> bytes:
    """As replace_member, for a caller that has not decoded the document."""
    return replace_member(body, fields(body), name, value)


def replace_member(body: bytes, members: Mapping[str, Raw], name: str, value: bytes) -> bytes:
    """The same document with the value of one top-level member replaced (or added), every other byte kept.

    `members` are the document's, as `fields` gave them; `value` is JSON. When a key is spelled with escapes or occurs
    twice, the members are re-joined: their bytes are kept, the space between them is not.
    """
    old = members.get(name)
    joined = encode({**members, name: Raw(value)})
    if old is not None and len(joined) == len(body) - memoryview(old).nbytes + len(value):
        return joined  # there is no space between the members, so that joining them anew gives the same bytes
    span = _span(body, members, name) if old is not None else None
    if span is None:
        return joined
    view = memoryview(body)  # each byte is copied once
    return b"".join((view[: span[0]], value, view[span[1] :]))


def guess_string(body: bytes, mark: bytes) -> str:
    """The value of a top-level string member if it is the first, or stands near the end; "" when that is not so.
    `mark`: its key as it is written, quotes and colon included.

    A guess, for a choice that is checked afterwards: near the end it may be another object's member.
    """
    at = body.find(mark, 0, 64)
    if at < 0:
        at = body.rfind(mark, -256)
        if at < 0:
            return ""
    at += len(mark)
    opening = body.find(b'"', at, at + 2)  # behind a space, perhaps
    ending = body.find(b'"', opening + 1, opening + 257)
    if opening < 0 or ending < 0 or not (opening == at or body[at] in _SPACE):
        return ""
    return body[opening + 1 : ending].decode("utf-8", "replace")


def _span(body: bytes, members: Mapping[str, Raw], name: str) -> tuple[int, int] | None:
    """Where the value of a member stands: members have lengths, so nothing is searched and nothing scanned."""
    at = body.index(b"{") + 1
    for key, raw in members.items():
        while body[at] in _BETWEEN:
            at += 1
        spelled = b'"%b":' % key.encode("utf-8", "surrogatepass")
        if not body.startswith(spelled, at):
            return _span_spaced(body, members, name)
        at += len(spelled)
        while body[at] in _SPACE:
            at += 1
        end = at + memoryview(raw).nbytes
        if key == name:
            return (at, end) if body[at:end] == bytes(raw) else None
        at = end
    return None


def _span_spaced(body: bytes, members: Mapping[str, Raw], name: str) -> tuple[int, int] | None:
    """As _span, where a space may stand before a colon."""
    at = body.index(b"{") + 1
    for key, raw in members.items():
        at = _skip(body, at, _BETWEEN)
        spelled = b'"%b"' % key.encode("utf-8", "surrogatepass")
        if not body.startswith(spelled, at):
            return None
        at = _skip(body, at + len(spelled), _SPACE)
        if body[at] != 58:
            return None
        at = _skip(body, at + 1, _SPACE)
        end = at + memoryview(raw).nbytes
        if key == name:
            return (at, end) if body[at:end] == bytes(raw) else None
        at = end
    return None


def _skip(body: bytes, at: int, what: bytes) -> int:
    while body[at] in what:
        at += 1
    return at


def insert(body: bytes, values: Mapping[str, Raw]) -> tuple[bytes, list[str]]:
    """The document with each value put at its JSON pointer, and the pointers whose parent does not exist."""
    missing: list[str] = []
    for pointer, value in values.items():
        edited = _insert(body, [unescape(token) for token in pointer.split("/")[1:]], value)
        if edited is None:
            missing.append(pointer)
        else:
            body = edited
    return body, missing


def _insert(body: bytes | Raw, tokens: list[str], value: Raw) -> bytes | None:
    head, rest = tokens[0], tokens[1:]
    kind = first_byte(body)
    if kind == 123:
        members = fields(body)
        if rest:
            child = _insert(members[head], rest, value) if head in members else None
            if child is None:
                return None
            members[head] = Raw(child)
        else:
            members[head] = value
        return encode(members)
    if kind == 91 and head.isdecimal():
        elements = items(body)
        index = int(head)
        if index >= len(elements):
            return None
        if rest:
            child = _insert(elements[index], rest, value)
            if child is None:
                return None
            elements[index] = Raw(child)
        else:
            elements[index] = value
        return encode(elements)
    return None


def at_pointer(body: bytes | Raw, pointer: str) -> Raw | None:
    """The value at a JSON pointer, verbatim; None when there is none."""
    value: bytes | Raw = body
    for token in pointer.split("/")[1:]:
        kind = first_byte(value)
        if kind == 123:
            found = fields(value).get(unescape(token))
            if found is None:
                return None
            value = found
        elif kind == 91 and token.isdecimal() and int(token) < len(elements := items(value)):
            value = elements[int(token)]
        else:
            return None
    return value if isinstance(value, Raw) else Raw(value)


def escape(token: str) -> str:
    """A member name as a token of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """A token of a JSON pointer as a member name."""
    return token.replace("~1", "/").replace("~0", "~")


def unknown_fields(body: bytes | Raw, kind: Any) -> dict[str, Raw]:  # noqa: ANN401  any msgspec type
    """Every member of the document that `kind` (a Struct class) does not declare: JSON pointer -> verbatim value.

    Members below an unknown one come with it. Fields typed Raw or Any are not looked into.
    """
    found: dict[str, Raw] = {}
    _walk(body, _type_info(kind), "", found)
    return found


@cache
def _type_info(kind: Any) -> mi.Type:  # noqa: ANN401
    return mi.type_info(kind)


@cache
def _known(struct: type) -> dict[str, mi.Type | None]:
    """The members of a struct; None for one in which nothing can be unknown."""
    info = _type_info(struct)
    assert isinstance(info, mi.StructType)  # noqa: S101  only called with one
    return {field.encode_name: field.type if _is_deep(field.type) else None for field in info.fields}


def _is_deep(kind: mi.Type) -> bool:
    """True for a type that has members of its own, somewhere."""
    if isinstance(kind, mi.UnionType):
        return any(map(_is_deep, kind.types))
    return isinstance(kind, mi.StructType) or (isinstance(kind, mi.ListType) and _is_deep(kind.item_type))


def _walk(raw: bytes | Raw, kind: mi.Type, at: str, found: dict[str, Raw]) -> None:
    byte, what = first_byte(raw), type(kind)  # no instance check: of these classes it would be dear
    if what is mi.UnionType:
        member = _member_of(kind.types, byte)  # type: ignore[attr-defined]  # mypy does not narrow by `type() is`
        if member is not None:
            _walk(raw, member, at, found)
    elif what is mi.StructType and byte == 123:
        known, tag = _known(kind.cls), kind.tag_field  # type: ignore[attr-defined]
        for name, value in fields(raw).items():
            if name in known:
                field = known[name]
                if field is not None:
                    _walk(value, field, f"{at}/{escape(name)}", found)
            elif name != tag:
                found[f"{at}/{escape(name)}"] = value
    elif what is mi.ListType and byte == 91:
        for index, value in enumerate(items(raw)):
            _walk(value, kind.item_type, f"{at}/{index}", found)  # type: ignore[attr-defined]


def _member_of(types: Iterable[mi.Type], byte: int) -> mi.Type | None:
    """The one of a union's types that a value is of which begins so."""
    wanted: tuple[type, ...] = ()
    if byte == 123:
        wanted = (mi.StructType, mi.DictType)
    elif byte == 91:
        wanted = (mi.ListType, mi.CollectionType)
    return next((member for member in types if type(member) in wanted), None)


def _placed(error: msgspec.ValidationError) -> WireError:
    """msgspec ends its message with "- at `$.a[1].b`" or `$.a[...].b`: the place as a JSON pointer, `-` for `...`."""
    message = str(error)
    text, found, place = message.rpartition(" - at `")
    if not found:
        return WireError(message)
    pointer = (
        place.rstrip("`").removeprefix("$").replace("...", "-").replace("[", "/").replace("]", "").replace(".", "/")
    )
    return WireError(text, pointer)


def edit_members(body: bytes, left_out: Collection[str], added: Mapping[str, bytes]) -> bytes:
    """The same object without some of its top-level members, and with others behind the last one, which are JSON.

    A member that is there already is not added. The bytes of all others stay, and the space between them. Raises
    WireError when the body is no object.
    """
    members = fields(body)
    new = {name: Raw(value) for name, value in added.items() if name not in members}
    if not new and not any(name in members for name in left_out):
        return body
    spans = _member_spans(body, members)
    if spans is None:  # a key is spelled with escapes, or stands twice
        return encode({**{name: raw for name, raw in members.items() if name not in left_out}, **new})
    view, end = memoryview(body), spans[0][0] if spans else body.index(b"{") + 1
    pieces: list[bytes | memoryview] = [view[:end]]
    between = False
    for name, (start, stop) in zip(members, spans, strict=True):
        if name not in left_out:
            pieces += [view[end if between else start : start], view[start:stop]]
            between = True
        end = stop
    for name, value in new.items():
        pieces += [b"," if between else b"", encode(name), b":", bytes(value)]
        between = True
    pieces.append(view[end:])
    return b"".join(pieces)


def _member_spans(body: bytes, members: Mapping[str, Raw]) -> list[tuple[int, int]] | None:
    """Where each member begins and ends, key and all; None when a key is not spelled as it would be written."""
    spans: list[tuple[int, int]] = []
    at = body.index(b"{") + 1
    for key, raw in members.items():
        start = _skip(body, at, _BETWEEN)
        spelled = b'"%b"' % key.encode("utf-8", "surrogatepass")
        if not body.startswith(spelled, start):
            return None
        at = _skip(body, start + len(spelled), _SPACE)
        if body[at] != 58:
            return None
        at = _skip(body, at + 1, _SPACE)
        end = at + memoryview(raw).nbytes
        if body[at:end] != bytes(raw):
            return None
        spans.append((start, end))
        at = end
    return spans if body[_skip(body, at, _SPACE)] == 125 else None
