"""A new batch of Anthropic's: requests, each of which names its model. It may be hundreds of megabytes, so it is looked
at as it comes, and written piece by piece.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError
from twoapi.protocols.operations.members import refuse
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.wire import json
from twoapi.wire.errors import WireError

_NAME = "requests"
_AT = f"/{_NAME}"
_MOST_REQUESTS, _MOST_MODELS = 100_000, 100  # of one batch; the first is the vendor's own limit
_MOST_BESIDE = 1 << 20  # bytes of a batch beside its requests
_MOST_GUESSES = 8  # that were wrong; from then on brackets are counted
_PIECE = 256 * 1024  # bytes, nearly, of a piece that is written at once
_SEALED = SEAL_PREFIX.encode()
_QUOTE, _COMMA, _LIST, _LIST_END, _OBJECT = b'",[]{'
_OPENING, _CLOSING = b"[{", b"]}"
_GOES_ON = -1  # instead of a quote: a string that is not over yet
# Brackets, and strings; the group is empty for a string that is not over.
_tokens = re.compile(rb'[][{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL).finditer
_rest_of_string = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL).match
_spaces = re.compile(rb"[ \t\r\n]*").match
_first_name = re.compile(rb'\{[ \t\r\n]*"[^"\\]*"').match


class _Asked(msgspec.Struct, frozen=True):
    """A request: what stands before its model's name, that name, and what stands behind it."""

    before: bytes
    model: str
    behind: bytes


class MessageBatch(msgspec.Struct, frozen=True):
    """A batch that was looked at. `opening` is all that stands before its requests; `models`: the names in them, each
    with the pointer of its first place.
    """

    opening: bytes
    requests: list[_Asked]
    models: dict[str, str]

    def size(self, names: Mapping[str, str]) -> int:
        """The bytes of it with these names of its models."""
        lengths = {name: len(json.encode(own)) for name, own in names.items()}
        requests = sum(len(one.before) + lengths[one.model] + len(one.behind) for one in self.requests)
        return len(self.opening) + requests + len(self.requests) - 1 + len(b"]}")

    def written(self, names: Mapping[str, str]) -> Iterator[bytes]:
        """The same batch with these names of its models, in pieces. What a member says is kept byte for byte, and of
        those that are there twice the last, which is the one that was looked at.
        """
        told = {name: json.encode(own) for name, own in names.items()}
        held, size = [self.opening], 0
        for index, one in enumerate(self.requests):
            held += (b"," if index else b"", one.before, told[one.model], one.behind)
            size += len(one.before) + len(one.behind)
            if size >= _PIECE:
                yield b"".join(held)
                held, size = [], 0
        yield b"".join((*held, b"]}"))


class BatchReader:
    """Takes one request after the other out of a batch that comes in pieces. Linear in time; each method raises
    FaultError for what is no batch.
    """

    __slots__ = (
        "_beside",
        "_depth",
        "_element",
        "_ended",
        "_guesses",
        "_in_string",
        "_is_seamless",
        "_left",
        "_models",
        "_most",
        "_needs",
        "_place",
        "_requests",
        "_seam",
        "_size",
        "_string",
        "_word",
    )

    def __init__(self, most: int) -> None:
        """`most` bytes are taken for one request."""
        self._most = most
        self._place: Literal["before", "between", "within", "behind"] = "before"
        self._left = b""  # a backslash whose second half is still to come
        self._in_string = False
        self._depth = 0  # of brackets: of the whole outside the list, else of the request at hand
        self._beside = bytearray()  # all that is not in the list
        self._string = 0  # where the last string beside begins
        self._word = (0, 0)  # the last one that is directly in the batch, from its begin to its end
        self._needs = b""  # what may follow in the list
        self._element: list[bytes] = []  # the request at hand, as far as it is there
        self._size = 0  # of that
        self._ended = -1  # where a request has ended in the data at hand
        self._seam = b""  # what stands between two requests, as far as can be guessed
        self._is_seamless = True  # there is none in the rest of the data at hand
        self._guesses = _MOST_GUESSES  # that are left
        self._requests: list[_Asked] = []
        self._models: dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        """More of it."""
        if self._left:
            data, self._left = self._left + data, b""
        self._ended, at = -1, 0
        self._is_seamless = not self._seam
        while at < len(data):
            if self._place == "within":
                at = self._within(data, at)
            elif self._place == "between":
                at = self._between(data, at)
            else:
                at = self._outside(data, at)

    def close(self) -> MessageBatch:
        """That was all."""
        if self._place in ("between", "within"):
            raise refuse("the body must be a JSON object: it is cut short", None)
        try:
            members = json.fields(bytes(self._beside))
        except WireError as error:
            raise refuse(f"the body must be a JSON object: {error.message}", None) from None
        if bytes(members.pop(_NAME, b"")) != b"[]":
            raise refuse("must be a list", _AT)
        if not self._requests:
            raise refuse("a batch has at least one request", _AT)
        _check_text(self._beside, None)
        return MessageBatch(b"{%b%b[" % (_listed(members), b'"requests":'), self._requests, self._models)

    def _outside(self, data: bytes, at: int) -> int:
        """What comes before the list, or behind it."""
        beside = self._beside
        shift = len(beside) - at  # of places in the data, to be places in what is beside
        beside += data[at:]
        for byte, start, end in self._scanned(data, at):
            if byte in (_QUOTE, _GOES_ON):
                if start >= 0:
                    self._string = start + shift
                if byte == _QUOTE and self._depth == 1:
                    self._word = (self._string, end + shift)
            elif byte in _CLOSING:
                self._depth -= 1
            elif byte == _LIST and self._depth == 1 and self._is_named(start + shift):
                if self._place == "behind":
                    raise refuse("must be there once", _AT)
                del beside[end + shift :]
                self._place, self._needs = "between", b"{]"
                return end
            else:
                self._depth += 1
        if self._left:
            del beside[-len(self._left) :]
        if len(beside) > _MOST_BESIDE:
            raise refuse(f"there are more than {_MOST_BESIDE} bytes beside the requests", None)
        return len(data)

    def _is_named(self, place: int) -> bool:
        """True when what begins there is the list of requests."""
        begin, end = self._word
        if bytes(self._beside[end:place]).strip() != b":":
            return False
        return json.string(Raw(bytes(self._beside[begin:end]))) == _NAME

    def _between(self, data: bytes, at: int) -> int:
        """In the list, before a request or behind one."""
        place = _spaces(data, at)
        assert place is not None  # noqa: S101  it matches nothing, too
        at = place.end()
        if at == len(data):
            return at
        byte = data[at]
        if byte not in self._needs:
            if _OBJECT in self._needs:
                raise refuse("must be an object", f"{_AT}/{len(self._requests)}")
            raise refuse("must be a list: a comma is missing", _AT)
        if byte == _OBJECT:
            return self._begin(data, at)
        if byte == _COMMA:
            self._needs = b"{"
        else:
            self._beside += b"]"
            self._place, self._depth = "behind", 1
        return at + 1

    def _begin(self, data: bytes, at: int) -> int:
        """A request begins. Where it ends is guessed first: what is a whole object up to there has its end there."""
        if not self._seam and self._ended >= 0:
            name = _first_name(data, at)
            self._seam = b"" if name is None else b"}" + data[self._ended : at] + name[0]
            self._is_seamless = not name
        self._element, self._size = [], 0
        end = 0
        if self._guesses and not self._is_seamless:
            end = data.find(self._seam, at) + 1
            self._is_seamless = not end
        if end:
            whole = data[at:end]
            try:
                members = json.fields(whole)
            except WireError:
                self._guesses -= 1
            else:
                self._check_size(len(whole))
                self._take(whole, members)
                self._ended = end
                return end
        self._place, self._depth = "within", 0
        return at

    def _within(self, data: bytes, at: int) -> int:
        """In a request, up to its end."""
        for byte, _, end in self._scanned(data, at):
            if byte in (_QUOTE, _GOES_ON):
                continue
            self._depth += 1 if byte in _OPENING else -1
            if not self._depth:
                self._check_size(end - at)
                whole = b"".join((*self._element, data[at:end]))
                try:
                    members = json.fields(whole)
                except WireError as error:
                    raise refuse(error.message, f"{_AT}/{len(self._requests)}") from None
                self._place, self._element = "between", []
                self._take(whole, members)
                self._ended = end
                return end
        self._element.append(data[at : len(data) - len(self._left)])
        self._check_size(len(self._element[-1]))
        return len(data)

    def _check_size(self, more: int) -> None:
        """Refuses a request that is larger than one that comes alone."""
        self._size += more
        if self._size > self._most:
            at = f"{_AT}/{len(self._requests)}"
            raise FaultError(Fault("too_large", f"one request of a batch has at most {self._most} bytes", param=at))

    def _scanned(self, data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
        """Brackets and strings from there on: what it is, its begin, which is -1 for a string that began before, and
        its end.
        """
        if self._in_string:
            rest = _rest_of_string(data, at)
            assert rest is not None  # noqa: S101  it matches nothing, too
            at = rest.end()
            if not rest[1]:
                self._left = data[at:]
                return
            self._in_string = False
            yield _QUOTE, -1, at
        for token in _tokens(data, at):
            start, end = token.span()
            if data[start] == _QUOTE and not token[1]:
                self._in_string, self._left = True, data[end:]
                yield _GOES_ON, start, end
                return
            yield data[start], start, end

    def _take(self, whole: bytes, members: dict[str, Raw]) -> None:
        """One request."""
        self._needs = b",]"
        index = len(self._requests)
        at = f"{_AT}/{index}"
        if index == _MOST_REQUESTS:
            raise refuse(f"a batch has at most {_MOST_REQUESTS} requests", at)
        _check_text(whole, at)
        params = _object(members.get("params", json.EMPTY), f"{at}/params")
        model = json.string(params.get("model", json.EMPTY))
        if not model:
            raise refuse("must name a model", f"{at}/params/model")
        self._models.setdefault(model, f"{at}/params/model")
        if len(self._models) > _MOST_MODELS:
            raise refuse(f"the batch names more than {_MOST_MODELS} models", f"{at}/params/model")
        if _SEALED in whole:
            message = "it holds reasoning that another upstream has made, which a batch does not carry; leave it out"
            raise refuse(message, f"{at}/params/messages")
        (before, behind), (first, last) = _around(members, "params"), _around(params, "model")
        self._requests.append(_Asked(b'{%b"params":{%b"model":' % (before, first), model, b"%b}%b}" % (last, behind)))


def _around(members: Mapping[str, Raw], name: str) -> tuple[bytes, bytes]:
    """What stands before a member, with its comma, and what stands behind it, with that."""
    names = list(members)
    place = names.index(name)
    behind = b"".join(b",%b:%b" % (json.encode(one), members[one]) for one in names[place + 1 :])
    return _listed({one: members[one] for one in names[:place]}), behind


def _listed(members: Mapping[str, Raw]) -> bytes:
    """Members, each with a comma behind it."""
    return b"".join(b"%b:%b," % (json.encode(name), value) for name, value in members.items())


def _object(value: Raw, at: str) -> dict[str, Raw]:
    if json.first_byte(value) != _OBJECT:
        raise refuse("must be an object", at)
    try:
        return json.fields(value)
    except WireError as error:
        raise refuse(error.message, at) from None


def _check_text(data: bytes | bytearray, at: str | None) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        what = "the body is" if at is None else "is"
        raise refuse(f"{what} not UTF-8: {error.reason}", at) from None
