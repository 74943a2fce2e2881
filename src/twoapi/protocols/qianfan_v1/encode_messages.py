"""Turns as the vendor wants them: a user or a function, then the assistant, and so on; one call in each turn."""

from twoapi.ir import plain
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.turns import Call, Turn, lose_thoughts, one_text
from twoapi.protocols.dialects.unsent import refusal

_BLANK = " "


def encode_messages(encoding: Encoding, spoken: list[Turn]) -> list[Wire]:
    """The members of `messages`, of turns that are in order."""
    messages: list[Wire] = []
    for turn, results in _answered(spoken):
        for picture in turn.pictures:
            raise refusal("images cannot be sent to this upstream", picture.path)
        if turn.role == "assistant":
            _assistant(encoding, turn, results, messages)
        else:
            _user(encoding, turn, messages)
    return messages


def _answered(spoken: list[Turn]) -> list[tuple[Turn, dict[str, Turn]]]:
    """The turns that are no results, each with those that stand right behind it, by the ids of their calls."""
    answered: list[tuple[Turn, dict[str, Turn]]] = []
    for turn in spoken:
        if turn.role == "tool":
            answered[-1][1][turn.call_id] = turn
        else:
            answered.append((turn, {}))
    return answered


def _user(encoding: Encoding, turn: Turn, messages: list[Wire]) -> None:
    if messages and messages[-1]["role"] == "function":
        # Only the assistant may speak there; of what is not last the vendor wants a text, but not a visible one.
        encoding.lose(turn.at, "synthesized", "a blank turn of the assistant, between a result and the user")
        messages.append({"role": "assistant", "content": _BLANK})
    messages.append({"role": "user", "content": one_text(encoding, turn)})


def _assistant(encoding: Encoding, turn: Turn, results: dict[str, Turn], messages: list[Wire]) -> None:
    text = one_text(encoding, turn)
    if not turn.calls:
        messages.append({"role": "assistant", "content": text})
        lose_thoughts(encoding, turn)
        return
    field = encoding.capabilities.reasoning_field
    if field is None:
        lose_thoughts(encoding, turn)
    for number, call in enumerate(turn.calls):
        function: Wire = {"name": call.name, "arguments": call.arguments or "{}"}
        if number:
            encoding.lose(call.path, "reordered", "calls stand one after another, each with its result")
        elif field is not None and turn.thoughts:
            function[field] = "\n\n".join(thought.text for thought in turn.thoughts)
        messages.append({"role": "assistant", "content": "" if number else text, "function_call": function})
        messages.append(_result(encoding, results[call.id], call))


def _result(encoding: Encoding, turn: Turn, call: Call) -> Wire:
    return {"role": "function", "name": call.name, "content": plain(one_text(encoding, turn))}
