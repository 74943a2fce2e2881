"""What a provider's errors mean, as its catalogue file says: by code and structure, and by words only in need."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultKind
from twoapi.ir.fault import STATUS
from twoapi.wire import json
from twoapi.wire.durations import seconds
from twoapi.wire.errors import WireError

# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset(
    {"invalid_request", "context_length", "not_found", "too_large", "unprocessable", "content_filtered"}
)
# Kinds that pass: how long that takes is worth knowing.
_PASSING: frozenset[FaultKind] = frozenset({"rate_limited", "overloaded"})
_WAITS = ("retry-after-ms", "retry-after")  # told beside an error that hides in an answer, too
_LONGEST_WAIT = 30 * 86_400.0  # seconds; more is not a wait but a date


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True):
    """Errors for which all holds that is said, and their kind.

    `status`: of the answer. `code`, `type`: what the error calls itself, numbers as text; `*` stands for any text.
    `message`: how its words begin, in any case of letters; for servers that tell an error by nothing else.
    """

    kind: FaultKind
    status: tuple[int, ...] = ()
    code: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    message: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.status or self.code or self.type or self.message):
            raise ValueError("a rule must say which errors it is for: status, code, type or message")


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer with a good status tells that it is an error: JSON pointers into its body, and the code of one
    that is none.
    """

    code: str
    ok: str
    message: str


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """The errors of a provider; the first rule that fits decides.

    `code`: JSON pointer to the code, or the header, in lower case, that has it before a colon, where it is not in the
    error's member `code`. `wait`: headers, in lower case, or JSON pointers into the body, that tell how long to wait;
    the first that does counts.
    """

    rules: tuple[ErrorRule, ...] = ()
    code: str | None = None
    wait: tuple[str, ...] = ()
    hidden: Hidden | None = None

    def judged(self, fault: Fault, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        """The fault as this provider means it. `status` is the answer's (200 when the error hid in it), `body` b"" for
        an error in a stream.

        Where the provider means another kind than the protocol, neither status nor code are for clients any more.
        """
        told = _Told(fault, body, self._code(headers, body.strip()))
        ruled = next((rule.kind for rule in self.rules if told.fits(rule, status)), None)
        kind = ruled or fault.kind
        wait = fault.retry_after
        if wait is None and kind in _PASSING:
            wait = self._wait(headers, body or bytes(fault.raw or b""))
        if kind == fault.kind:
            # A status that says something else to clients than the kind is the provider's own habit.
            strange = ruled is not None and 0 < fault.status < 500 and fault.status != STATUS[kind]
            return msgspec.structs.replace(fault, retry_after=wait, status=0 if strange else fault.status)
        whose: Literal["client", "upstream"] = "client" if kind in _CLIENTS else "upstream"
        return msgspec.structs.replace(
            fault, kind=kind, whose=whose, status=0, retry_after=wait, code=told.code, protocol="", raw=None
        )

    def _code(self, headers: Mapping[bytes, bytes], body: bytes) -> str:
        """The code from where this provider has it; "" when it is not there."""
        place = self.code
        if place is None or place.startswith("/"):
            return _at(body, place) if place else ""
        return headers.get(place.encode(), b"").decode("latin-1").partition(":")[0].strip()

    def _wait(self, headers: Mapping[bytes, bytes], body: bytes) -> float | None:
        for place in (*_WAITS, *self.wait):
            said = _at(body, place) if place.startswith("/") else headers.get(place.encode(), b"").decode("latin-1")
            wait = seconds(said.strip() + ("ms" if place.endswith("-ms") else "")) if said else None
            if wait is not None and wait <= _LONGEST_WAIT:
                return wait
        return None


class _Told:
    """What an error says of itself, wherever its server puts it."""

    __slots__ = ("code", "message", "type")

    def __init__(self, fault: Fault, body: bytes, code: str) -> None:
        body = body.strip()  # blank lines keep some connections open until there is an answer
        error = _error(body or bytes(fault.raw or b""))
        self.code = code or fault.code or _text(error.get("code"))
        self.type = _text(error.get("type"))
        self.message = fault.message.lower()

    def fits(self, rule: ErrorRule, status: int) -> bool:
        """True when all that the rule says holds."""
        return (
            (not rule.status or status in rule.status)
            and (not rule.code or _is_one(self.code, rule.code))
            and (not rule.type or _is_one(self.type, rule.type))
            and (not rule.message or any(self.message.startswith(words.lower()) for words in rule.message))
        )


def _is_one(word: str | None, patterns: tuple[str, ...]) -> bool:
    return bool(word) and any(fnmatchcase(word or "", pattern) for pattern in patterns)


def _error(body: bytes) -> Mapping[str, Raw]:
    """The members of the error object: of `error`, else of the body itself; none where there is no object."""
    try:
        members = json.fields(body) if body else {}
        inner = members.get("error")
        return json.fields(inner) if inner is not None and json.first_byte(inner) == 123 else members
    except WireError:
        return {}


def _at(body: bytes, pointer: str) -> str:
    try:
        return _text(json.at_pointer(body, pointer)) if body else ""
    except WireError:
        return ""


def _text(raw: Raw | None) -> str:
    """A string or a number as text; "" for anything else."""
    if raw is None:
        return ""
    kind = json.first_byte(raw)
    if kind == 34:
        return json.string(raw)
    return bytes(raw).decode("ascii", "replace") if kind == 45 or 48 <= kind <= 57 else ""
