"""Sealed state of turns whose client gives back no carrier: kept under a name that the turn itself leads to."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from twoapi.ir import Message, Opaque, Origin, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, plain
from twoapi.protocols.call_ids import decode_call_id, encode_call_id
from twoapi.protocols.envelopes import Envelopes, SealingKeys
from twoapi.wire.errors import WireError
from twoapi.wire.json import decode, decoder, encode

_UNIQUE = 16  # characters of a call id from which nobody else's call has it too
_LIMITS = (40, 64)  # the lengths to which client protocols cut call ids


class _KeptPart(msgspec.Struct, omit_defaults=True):
    """A part of the answer, in its order. `length` in code points of a text; `text` and `form` of reasoning."""

    kind: str
    opaque: tuple[Opaque, ...] = ()
    length: int = 0
    text: str = ""
    form: str = "full"


class KeptTurn(msgspec.Struct):
    """The parts of an answer with the state that belongs to them."""

    parts: list[_KeptPart]


_decode = decoder(KeptTurn)
_ORDERED = msgspec.json.Encoder(order="sorted")


def pack(parts: Iterable[Part], upstream: str, envelopes: Envelopes) -> bytes:
    """What is kept of an answer in the protocol `upstream`, sealed."""
    kept = []
    for part in parts:
        opaque = tuple(envelopes.placed(one, upstream) for one in part.opaque)
        if isinstance(part, Reasoning):
            opaque = opaque or (Opaque("other", "", Origin(upstream)),)  # as of a carrier: whom it is from
            kept.append(_KeptPart("reasoning", opaque, 0, plain(part.text), part.form))
        elif isinstance(part, Text):
            kept.append(_KeptPart("text", opaque, len(plain(part.text))))
        elif isinstance(part, ToolCall):
            kept.append(_KeptPart("call", opaque))
    return envelopes.pack(encode(KeptTurn(kept)))


def restore(message: Message, packed: bytes, envelopes: Envelopes) -> bool:
    """Makes a client's message the turn that it was, in the order and with the state of its parts; False when what
    was kept cannot be read.
    """
    plainly = envelopes.unpack(packed)
    try:
        kept = None if plainly is None else _decode(plainly)
    except WireError:
        kept = None
    if kept is None:
        return False
    message.parts = _merged(message.parts, kept.parts)
    return True


def _merged(said: list[Part], kept: list[_KeptPart]) -> list[Part]:
    texts = _split([part for part in said if isinstance(part, Text)], [one for one in kept if one.kind == "text"])
    calls = iter([part for part in said if isinstance(part, ToolCall)])
    thoughts = [part for part in said if isinstance(part, Reasoning)]
    sealed = any(opaque.data for part in thoughts for opaque in part.opaque)  # they came back by value
    own = iter(thoughts)
    merged: list[Part] = []
    for one in kept:
        part: Part | None
        if one.kind == "reasoning":
            part = next(own, None) if sealed else _thought(one, thoughts)
        else:
            part = next(texts if one.kind == "text" else calls, None)
            if part is not None and one.opaque:
                part.opaque = one.opaque
        if part is not None:
            merged.append(part)
    merged += [*(own if sealed else ()), *texts, *calls]
    # What the answer did not have stays, behind it.
    return merged + [part for part in said if not isinstance(part, Text | ToolCall | Reasoning)]


def _thought(kept: _KeptPart, said: list[Reasoning]) -> Reasoning:
    at = said[0].at if said else ""
    return Reasoning(text=kept.text, form=kept.form, opaque=kept.opaque, at=at)  # type: ignore[arg-type]  # as packed


def _split(said: list[Text], kept: list[_KeptPart]) -> Iterator[Text]:
    """The texts as they were cut in the answer, if the client joined them and changed nothing; else as they are."""
    if len(said) == 1 and len(kept) > 1:
        whole = plain(said[0].text)
        if len(whole) == sum(one.length for one in kept):
            begin = 0
            for one in kept:
                yield msgspec.structs.replace(said[0], text=whole[begin : begin + one.length], cache=None)
                begin += one.length
            return
    yield from said


def call_name(keys: SealingKeys, tenant: str, call: ToolCall, call_id: str | None = None) -> str:
    """The name of the turn that this call begins."""
    written = (call_id or call.id, call.name, _canonical(call.arguments))
    return keys.name("call", tenant.encode(), *(piece.encode("utf-8", "surrogatepass") for piece in written))


def first_call(parts: Iterable[Part]) -> ToolCall | None:
    """The call that a turn is named by; None when none has an id that is nobody else's."""
    found = next((part for part in parts if isinstance(part, ToolCall)), None)
    return None if found is None or len(found.id) < _UNIQUE else found


def names_of_answer(keys: SealingKeys, tenant: str, history: "History", parts: list[Part]) -> set[str]:
    """Every name by which the turn may be asked for again: clients may have to be told call ids of another form."""
    call = first_call(parts)
    if call is None:
        return {history.after(Message("assistant", parts)).name(keys, tenant)}
    ids = {call.id, *(decode_call_id(encode_call_id(call.id, limit)) for limit in _LIMITS)}
    return {call_name(keys, tenant, call, call_id) for call_id in ids}


def names_of_turns(keys: SealingKeys, tenant: str, messages: Sequence[Message]) -> Iterator[tuple[str, Message]]:
    """The answers in a conversation, each with the name under which it may be kept."""
    calls = {id(message): first_call(message.parts) for message in messages if message.role == "assistant"}
    needs_history = None in calls.values()
    history = History()
    for message in messages:
        if needs_history:
            history = history.after(message)
        if message.role == "assistant":
            call = calls[id(message)]
            yield history.name(keys, tenant) if call is None else call_name(keys, tenant, call), message


class History:
    """A digest of what a client sees of a conversation, up to some message."""

    __slots__ = ("_digest",)

    def __init__(self, digest: bytes = b"") -> None:
        self._digest = digest

    def after(self, message: Message) -> "History":
        """The history with one more message. Instructions do not count, which may hold the time of day, nor does
        reasoning, which clients may leave out.
        """
        if message.role in ("system", "developer"):
            return self
        digest = hashlib.sha256(self._digest)
        digest.update(message.role.encode())
        text = "".join(plain(part.text) for part in message.parts if isinstance(part, Text | Refusal)).strip()
        _add(digest, text)
        for part in message.parts:
            if isinstance(part, ToolCall):
                for piece in ("call", part.id, part.name, _canonical(part.arguments)):
                    _add(digest, piece)
            elif isinstance(part, ToolResult):
                words = "".join(plain(inner.text) for inner in part.content if isinstance(inner, Text))
                for piece in ("result", part.call_id, words):
                    _add(digest, piece)
            elif not isinstance(part, Text | Refusal | Reasoning):
                _add(digest, type(part).__name__)
        return History(digest.digest())

    def after_all(self, messages: Iterable[Message]) -> "History":
        """The history with these messages."""
        history = self
        for message in messages:
            history = history.after(message)
        return history

    def name(self, keys: SealingKeys, tenant: str) -> str:
        """The name of the turn that ends here."""
        return keys.name("turn", tenant.encode(), self._digest)


def _add(digest: "hashlib._Hash", piece: str) -> None:
    data = piece.encode("utf-8", "surrogatepass")
    digest.update(b"%d:" % len(data) + data)


def _canonical(arguments: str) -> str:
    """Arguments without the freedom that a client has in writing them again."""
    try:
        return _ORDERED.encode(decode(arguments)).decode() if arguments else "{}"
    except (WireError, TypeError, ValueError):
        return arguments
