"""What each client protocol gives back of an answer, and how a turn is kept for clients that go on from its id."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from twoapi.ir import Part, Reasoning, Request, Text, ToolCall
from twoapi.protocols.anthropic_messages.schema import NAME as MESSAGES
from twoapi.protocols.base import Peek
from twoapi.protocols.gemini.name import NAME as GEMINI
from twoapi.protocols.openai_chat.name import NAME as CHAT
from twoapi.protocols.openai_responses.name import NAME as RESPONSES
from twoapi.wire.json import encode, fields, first_byte, is_null, items, string

# Parts whose sealed state every client of the protocol gives back by value. Chat clients may, but most do not.
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
}


def leaves_state(client: str, upstream: str, request: Request) -> bool:
    """True when an upstream's answer to this request may hold state that its client does not give back."""
    carried = CARRIED.get(client, ())
    if all(kind in carried for kind in _STATEFUL.get(upstream, ())):
        return False
    reasoning = request.reasoning
    asked = reasoning.effort is not None or reasoning.budget is not None or reasoning.mode is not None
    return upstream != MESSAGES or (asked and reasoning.mode != "off")


_NULL = Raw(b"null")


class TurnForm(msgspec.Struct, frozen=True):
    """How one protocol's turns are kept.

    `previous(peek)`: the id of the turn that a request goes on from. `is_kept(request)`: whether the client wants to go
    on from the answer. `body(asked, answer)`: a request body of that protocol with what this turn adds to the
    conversation. `lost`: the code of the error when the turn to go on from is not there.
    """

    previous: Callable[[Peek], str | None]
    is_kept: Callable[[Request], bool]
    body: Callable[[bytes, bytes], bytes]
    lost: str


def _previous_response(peek: Peek) -> str | None:
    return string(peek.members.get("previous_response_id", _NULL)) or None


def _is_response_kept(request: Request) -> bool:
    return request.state.store is not False


def _response_turn(asked: bytes, answer: bytes) -> bytes:
    given = fields(asked).get("input")
    said: list[Raw] = []
    if given is not None and first_byte(given) == 34:
        said = [Raw(encode({"type": "message", "role": "user", "content": given}))]
    elif given is not None and not is_null(given):
        said = items(given)
    output = fields(answer).get("output")
    return encode({"model": "", "input": [*said, *(items(output) if output is not None else ())]})


def _previous_message(peek: Peek) -> str | None:
    thread = peek.members.get("thread")
    if thread is None or first_byte(thread) != 123:
        return None
    return string(fields(thread).get("previous_message_id", _NULL)) or None


def _is_message_kept(request: Request) -> bool:
    return request.state.thread is not None


def _message_turn(asked: bytes, answer: bytes) -> bytes:
    members = fields(asked)
    said = {"role": "assistant", "content": fields(answer).get("content", Raw(b"[]"))}
    given = members.get("messages")
    kept = {name: members[name] for name in ("system", "tools") if name in members}
    return encode(
        {"model": "", "max_tokens": 1, **kept, "messages": [*(items(given) if given is not None else ()), said]}
    )


def goes_on(client: str, peek: Peek) -> bool:
    """True when a request of this client protocol goes on from a turn by its id."""
    form = TURNS.get(client)
    return form is not None and form.previous(peek) is not None


TURNS: dict[str, TurnForm] = {
    RESPONSES: TurnForm(_previous_response, _is_response_kept, _response_turn, "previous_response_not_found"),
    MESSAGES: TurnForm(_previous_message, _is_message_kept, _message_turn, "thread_not_found"),
}
