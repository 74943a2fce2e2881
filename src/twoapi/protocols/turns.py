"""What each client protocol gives back of an answer, and how a turn is kept for clients that go on from its id."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from twoapi.ir import Part, Reasoning, Request, Text, ToolCall, Unknown
from twoapi.protocols.anthropic_messages.schema import NAME as MESSAGES
from twoapi.protocols.base import Peek
from twoapi.protocols.bedrock_converse.name import NAME as BEDROCK
from twoapi.protocols.gemini.name import NAME as GEMINI
from twoapi.protocols.openai_chat.name import NAME as CHAT
from twoapi.protocols.openai_responses.items import MINTED, answer_of
from twoapi.protocols.openai_responses.name import NAME as RESPONSES
from twoapi.wire.json import decoder, encode, fields, first_byte, is_null, items, string

# Parts whose sealed state the clients of the protocol give back by value. Chat clients may, but most do not.
CARRIED: dict[str, tuple[type[Part], ...]] = {
    CHAT: (),
    MESSAGES: (Reasoning,),
    RESPONSES: (Reasoning,),
    GEMINI: (Reasoning, Text, ToolCall),
}
# Parts on which an upstream of the protocol may put state.
_STATEFUL: dict[str, tuple[type[Part], ...]] = {
    CHAT: (),
    MESSAGES: (Reasoning,),
    RESPONSES: (Reasoning,),
    GEMINI: (Reasoning, Text, ToolCall),
    BEDROCK: (Reasoning,),
}
_WHEN_ASKED = frozenset((MESSAGES, BEDROCK))  # their models put state on reasoning, and reason when they are told to
_LEAVING = {
    (client, upstream)
    for client, carried in CARRIED.items()
    for upstream, kinds in _STATEFUL.items()
    if not set(kinds) <= set(carried)
}


def leaves_state(client: str, upstream: str, request: Request) -> bool:
    """True when an upstream's answer to this request may hold state that its client does not give back."""
    if (client, upstream) not in _LEAVING:
        # A Responses client that did not ask for sealed state goes on from ids instead.
        silent = client == RESPONSES and not request.reasoning.sealed and request.state.store is not False
        if not (silent and _STATEFUL.get(upstream)):
            return False
    reasoning = request.reasoning
    asked = reasoning.effort is not None or reasoning.budget is not None or reasoning.mode is not None
    return upstream not in _WHEN_ASKED or (asked and reasoning.mode != "off")


_REFERENCE = "item_reference"
_NULL, _NONE = Raw(b"null"), Raw(b"[]")


class TurnForm(msgspec.Struct, frozen=True):
    """How one protocol's turns are kept.

    `previous(peek)`: the id of the turn that a request goes on from. `is_ours(peek)`: whether ids of the gateway's own
    may be in it, which no upstream knows. `refers(request)`: items of earlier answers that the request only names, each
    with the id of its answer; None where nothing is named. `is_kept(request)`: whether the client wants to go on from
    the answer. `members`: of the request, what the turn consists of. `told(asked, answer)`: a request body that
    says what the turn adds to the conversation. `lost`: the code of the error when the turn to go on from is not there.
    """

    previous: Callable[[Peek], str | None]
    is_ours: Callable[[Peek], bool]
    refers: Callable[[Request], dict[str, str]] | None
    is_kept: Callable[[Request], bool]
    members: tuple[str, ...]
    told: Callable[[dict[str, Raw], dict[str, Raw]], bytes]
    lost: str


class KeptTurn(msgspec.Struct):
    """A turn as it lies in the store: the request's own members, and the whole answer as its client got it."""

    protocol: str
    asked: dict[str, Raw]
    answer: Raw


_decode_kept = decoder(KeptTurn)


def keep_turn(protocol: str, body: bytes, answer: bytes) -> bytes:
    """A turn for the store."""
    given = fields(body)
    asked = {name: given[name] for name in TURNS[protocol].members if name in given}
    return encode(KeptTurn(protocol, asked, Raw(answer)))


def kept_turn(protocol: str, stored: bytes) -> KeptTurn | None:
    """A turn from the store; None when it is not of this protocol."""
    turn = _decode_kept(stored)
    return turn if turn.protocol == protocol else None


def tell_turn(turn: KeptTurn) -> bytes:
    """A request body that says what a kept turn adds to its conversation."""
    return TURNS[turn.protocol].told(turn.asked, fields(turn.answer))


def goes_on(client: str, peek: Peek) -> bool:
    """True when a request of this client protocol goes on from a turn by its id, or brings back what only the gateway
    knows by its id.
    """
    form = TURNS.get(client)
    return form is not None and (form.previous(peek) is not None or form.is_ours(peek))


def in_thread(client: str, peek: Peek) -> bool:
    """True when a request of this client protocol begins a thread, or goes on in one."""
    return client == MESSAGES and not is_null(peek.members.get("thread", _NULL))


def input_items(turn: KeptTurn) -> list[Raw]:
    """What the client of a Responses turn said, as items."""
    given = turn.asked.get("input", _NULL)
    if first_byte(given) == 34:
        return [Raw(encode({"type": "message", "role": "user", "content": given}))]
    return [] if is_null(given) else items(given)


def output_items(turn: KeptTurn) -> list[Raw]:
    """What was answered in a Responses turn, as items."""
    return items(fields(turn.answer).get("output", _NONE))


def _has_our_items(peek: Peek) -> bool:
    given = peek.members.get("input")
    return given is not None and first_byte(given) == 91 and MINTED.encode() in bytes(given)


def _has_nothing_of_ours(_: Peek) -> bool:
    return False


def put_items(body: bytes, found: dict[str, Raw]) -> bytes:
    """A Responses request with items in the place of what only names them; all others stay as they are."""
    members = fields(body)
    said = [found.get(_reference(item), item) if first_byte(item) == 123 else item for item in items(members["input"])]
    return encode({**members, "input": said})


def item_named(turn: KeptTurn, name: str) -> Raw | None:
    """The item of a Responses answer with this id."""
    return next((item for item in output_items(turn) if string(fields(item).get("id", _NULL)) == name), None)


def _reference(item: Raw) -> str:
    """What an item only names; "" when it says something itself."""
    members = fields(item)
    kind = string(members.get("type", _NULL))
    return string(members.get("id", _NULL)) if kind == _REFERENCE or not (kind or "role" in members) else ""


def _items_referred_to(request: Request) -> dict[str, str]:
    named = [
        string(fields(part.raw).get("id", _NULL))
        for message in request.messages
        for part in message.parts
        if type(part) is Unknown and part.type == _REFERENCE
    ]
    return {name: answer for name in named if (answer := answer_of(name))}


def _previous_response(peek: Peek) -> str | None:
    return string(peek.members.get("previous_response_id", _NULL)) or None


def _is_response_kept(request: Request) -> bool:
    return request.state.store is not False


def _tell_response(asked: dict[str, Raw], answer: dict[str, Raw]) -> bytes:
    said = input_items(KeptTurn(RESPONSES, asked, _NULL))
    return encode({"model": "", "input": [*said, *items(answer.get("output", _NONE))]})


def _previous_message(peek: Peek) -> str | None:
    thread = peek.members.get("thread")
    if thread is None or first_byte(thread) != 123:
        return None
    return string(fields(thread).get("previous_message_id", _NULL)) or None


def _is_message_kept(request: Request) -> bool:
    return request.state.thread is not None


def _tell_message(asked: dict[str, Raw], answer: dict[str, Raw]) -> bytes:
    said = {"role": "assistant", "content": answer.get("content", _NONE)}
    return encode({"model": "", "max_tokens": 1, **asked, "messages": [*items(asked.get("messages", _NONE)), said]})


TURNS: dict[str, TurnForm] = {
    RESPONSES: TurnForm(
        _previous_response,
        _has_our_items,
        _items_referred_to,
        _is_response_kept,
        ("input",),
        _tell_response,
        "previous_response_not_found",
    ),
    MESSAGES: TurnForm(
        _previous_message,
        _has_nothing_of_ours,
        None,
        _is_message_kept,
        ("system", "tools", "messages"),
        _tell_message,
        "thread_not_found",
    ),
}
