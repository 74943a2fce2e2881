"""Calls and the results that answer them: ids that the wire leaves out, and the order that the vendor demands."""

import base64
import hashlib

from msgspec import Struct, structs

from twoapi import ir
from twoapi.protocols.gemini.name import NAME, refuse
from twoapi.protocols.pairing import is_untold, uncut


def missing_id(path: str, name: str, arguments: str) -> str:
    """The id of a call that has none on the wire: the same one in every turn, since earlier turns do not change.

    `path` is the call's JSON pointer in the client's body.
    """
    digest = hashlib.sha256(f"{path}|{name}|{arguments}".encode("utf-8", "surrogatepass")).digest()
    return "call_" + base64.b32encode(digest)[:24].decode().lower()


def is_missing_id(call: ir.ToolCall, path: str) -> bool:
    """True when missing_id made the id of this call, so that the wire has none."""
    return call.id.startswith("call_") and call.id == missing_id(path, call.name, call.arguments)


class OpenCalls:
    """The calls of the model's last turns that have no result yet, for results that do not name theirs by id."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, bool]] = {}  # id -> name, and whether the id is on the wire

    def call(self, call_id: str, name: str, *, written: bool) -> None:
        """Another call; `written` when its id is on the wire."""
        self._calls[call_id] = (name, written)

    def answered(self, call_id: str | None, name: str) -> str | None:
        """The id of the call that a result answers: by its id, else the first open one of its name; else None."""
        if call_id is not None and call_id in self._calls:
            del self._calls[call_id]
            return call_id
        for found, (called, written) in self._calls.items():
            if called == name and not (written and call_id is not None):
                del self._calls[found]
                return found
        return call_id


class Turn(Struct):
    """A content of the upstream's body. `bases` has for each part the pointer of the message that it was in."""

    role: str
    parts: list[ir.Part]
    bases: list[str]
    at: str


def arranged(messages: list[ir.Message], losses: list[ir.Loss]) -> list[Turn]:
    """The turns as the vendor wants them: behind a turn with calls one content with all their results, in their order.

    Raises FaultError when a call has no result or a result no call.
    """
    return _Arranging(messages, losses).run()


def _check_first(turn: Turn) -> None:
    for part, base in zip(turn.parts, turn.bases, strict=True):
        if isinstance(part, ir.ToolCall):
            raise refuse("a call must stand behind a turn of the user", base + part.at)


class _Arranging:
    __slots__ = ("_losses", "_messages", "_taken")

    def __init__(self, messages: list[ir.Message], losses: list[ir.Loss]) -> None:
        self._losses = losses
        spoken = [message for message in messages if message.role not in ("system", "developer")]
        self._messages = uncut(spoken, NAME)
        self._taken: set[int] = set()  # id() of results that already stand behind their call

    def run(self) -> list[Turn]:
        turns: list[Turn] = []
        begun = False  # what the vendor is told nothing of is no turn
        number = 0
        while number < len(self._messages):
            message = self._messages[number]
            if message.role == "assistant":
                turn, number = self._model_turn(number)
                if turn.parts and not begun:
                    _check_first(turn)
                if turn.parts:
                    begun = True
                    turns.append(turn)
                    turns += self._results_of(turn, number)
                continue
            number += 1
            rest = [part for part in message.parts if not isinstance(part, ir.ToolResult)]
            for part in message.parts:
                if isinstance(part, ir.ToolResult) and id(part) not in self._taken:
                    raise refuse(f"the tool result for {part.call_id!r} has no call before it", message.at + part.at)
            if rest:
                begun = begun or not all(is_untold(part, NAME) for part in rest)
                turns.append(Turn("user", rest, [message.at] * len(rest), message.at))
        return turns

    def _model_turn(self, number: int) -> tuple[Turn, int]:
        """The assistant message, and those right behind it if one has calls: a turn with calls follows a user's."""
        first = number
        while number < len(self._messages) and self._messages[number].role == "assistant":
            number += 1
        run = self._messages[first:number]
        called = [i for i, message in enumerate(run) if any(isinstance(p, ir.ToolCall) for p in message.parts)]
        run = run[: called[-1] + 1] if called else run[:1]
        if len(run) > 1:
            self._losses += [
                ir.Loss(message.at, "approximated", NAME, "turns of the model that follow each other are one")
                for message in run[1:]
            ]
        parts = [part for message in run for part in message.parts]
        bases = [message.at for message in run for _ in message.parts]
        return Turn("model", parts, bases, run[0].at), first + len(run)

    def _results_of(self, turn: Turn, start: int) -> list[Turn]:
        calls = [(part, base) for part, base in zip(turn.parts, turn.bases, strict=True) if type(part) is ir.ToolCall]
        if not calls:
            return []
        wanted = {call.id for call, _ in calls}
        found: dict[str, tuple[ir.ToolResult, str]] = {}
        apart = False
        for message in self._messages[start:]:
            if len(found) == len(wanted):
                break
            results = self._unanswered(message, wanted - found.keys())
            if results and apart:
                self._lose(message.at, "tool results go right behind their calls")
            self._report_order(message, results)
            found |= {part.call_id: (part, message.at) for part in results}
            told = [part for part in message.parts if not is_untold(part, NAME)]
            apart = apart or len(results) < len(told)
        for call, base in calls:
            if call.id not in found:
                raise refuse(f"the tool call {call.id!r} has no result", base + call.at)
        if len(wanted) < len(calls):
            raise refuse("two tool calls have the same id", calls[-1][1] + calls[-1][0].at)
        placed = [found[call.id] for call, _ in calls]
        given = list(found.values())
        for i, (part, base) in enumerate(given):
            if part is not placed[i][0]:
                self._lose(base + part.at, "tool results stand in the order of their calls")
        parts: list[ir.Part] = [structs.replace(found[call.id][0], name=call.name) for call, _ in calls]
        return [Turn("user", parts, [base for _, base in placed], placed[0][1])]

    def _unanswered(self, message: ir.Message, wanted: set[str]) -> list[ir.ToolResult]:
        results: list[ir.ToolResult] = []
        for part in message.parts:
            if isinstance(part, ir.ToolResult) and part.call_id in wanted and id(part) not in self._taken:
                wanted = wanted - {part.call_id}
                self._taken.add(id(part))
                results.append(part)
        return results

    def _report_order(self, message: ir.Message, results: list[ir.ToolResult]) -> None:
        """What stood before a result of its turn now stands behind it."""
        if not results:
            return
        last = next(i for i in range(len(message.parts) - 1, -1, -1) if message.parts[i] is results[-1])
        for part in message.parts[:last]:
            if not (isinstance(part, ir.ToolResult) or is_untold(part, NAME)):
                self._lose(message.at + part.at, "tool results come first in a turn")

    def _lose(self, path: str, detail: str) -> None:
        self._losses.append(ir.Loss(path, "reordered", NAME, detail))
