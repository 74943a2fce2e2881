"""Turns in the order of vendors that want it strict: instructions first, then user and assistant by turns."""

from twoapi.ir import plain
from twoapi.protocols.dialects.encoding import Encoding
from twoapi.protocols.dialects.turns import Picture, Turn
from twoapi.protocols.dialects.unsent import refusal

_EMPTY = "(empty)"
_SHORT = 64  # a longer text is not looked at: it is taken to hold more than white space


def in_order(encoding: Encoding, turns: list[Turn]) -> list[Turn]:
    """The turns, those of one speaker joined; raises FaultError where the user neither begins nor is answered last.

    An upstream without `tools` gets past calls and results as text, one without `system_role` its instructions from
    the user.
    """
    instructions: list[Turn] = []
    ordered: list[Turn] = []
    for turn in turns:
        if turn.role == "system":
            _instruct(encoding, turn, instructions, ordered)
            continue
        spoken = turn if encoding.capabilities.tools else _in_words(encoding, turn)
        if not _says_something(encoding, spoken):
            continue
        last = ordered[-1] if ordered else None
        if last is not None and last.role == spoken.role != "tool" and not last.calls:
            last.said += spoken.said
            last.thoughts += spoken.thoughts
            last.calls += spoken.calls
        else:
            ordered.append(spoken)
    _check(encoding, ordered)
    if not instructions:
        return ordered
    first = instructions[0]
    for later in instructions[1:]:
        first.said += later.said
    if encoding.capabilities.system_role:
        return [first, *ordered]
    ordered[0].said[:0] = first.said
    return ordered


def _instruct(encoding: Encoding, turn: Turn, instructions: list[Turn], ordered: list[Turn]) -> None:
    if not _says_something(encoding, turn):
        return
    if ordered:
        encoding.lose(turn.at, "moved", "the instruction stands before the conversation")
    elif not encoding.capabilities.system_role:
        encoding.lose(turn.at, "emulated", "the instruction is said by the user")
    instructions.append(turn)


def _says_something(encoding: Encoding, turn: Turn) -> bool:
    """False for a turn that the vendor would refuse as empty; a result is never left out."""
    for one in turn.said:
        if isinstance(one, Picture) or len(one) >= _SHORT or plain(one).strip():
            return True
    if turn.calls:
        return True
    if turn.role == "tool":
        encoding.lose(turn.at, "synthesized", "a result must not be empty")
        turn.said = [_EMPTY]
        return True
    if turn.thoughts:
        encoding.lose(turn.at, "dropped", "reasoning without an answer")
    else:
        encoding.lose(turn.at, "info", "an empty message is left out")
    return False


def _in_words(encoding: Encoding, turn: Turn) -> Turn:
    """Calls and results as text."""
    for call in turn.calls:
        encoding.lose(call.path, "emulated", "a call is sent as text")
        turn.said.append(f"[tool call {call.name}] {call.arguments or '{}'}\n\n")
    turn.calls = []
    if turn.role == "tool":
        encoding.lose(turn.at, "emulated", "a result is sent as text")
        turn.role = "user"
        turn.said.insert(0, f"[tool result {turn.name or turn.call_id}]")
    return turn


def _check(encoding: Encoding, ordered: list[Turn]) -> None:
    if not ordered:
        raise refusal("at least one message of the user is needed", encoding.request.where("messages"))
    if ordered[0].role == "assistant":
        raise refusal("the target wants a conversation that the user begins", ordered[0].at)
    if ordered[-1].role == "assistant":
        raise refusal("the target does not go on from an assistant message", ordered[-1].at)
