"""Tool results behind the calls that they answer: the order of vendors whose messages are like those of chat."""

import msgspec

from twoapi.ir import Fault, FaultError, Loss, Message, Part, ServerTool, ToolCall, ToolResult, Unknown


def pair_results(messages: list[Message], losses: list[Loss], target: str) -> list[Message]:
    """The messages for `target` with every result right behind its call; raises FaultError when one has no partner.

    Assistant turns that follow each other become one, because results may only stand behind the last of them.
    """
    kinds = {type(part) for message in messages for part in message.parts}
    if kinds.isdisjoint(_PAIRED):
        return messages
    if not kinds.isdisjoint(_UNTOLD):
        messages = uncut(messages, target)
    return _Pairing(_merge_assistants(messages), losses, target).run()


def uncut(messages: list[Message], target: str) -> list[Message]:
    """The messages, those of which the target is told nothing behind the assistant turns that they stood in.

    What does not go out must not cut a turn: its calls belong together, and so do their results.
    """
    arranged: list[Message] = []
    silent: list[Message] = []
    for message in messages:
        if message.role == "assistant":
            arranged.append(message)
        elif arranged and arranged[-1].role == "assistant" and _is_silent(message, target):
            silent.append(message)
        else:
            arranged += silent
            arranged.append(message)
            silent = []
    return arranged + silent


def _is_silent(message: Message, target: str) -> bool:
    return bool(message.parts) and all(is_untold(part, target) for part in message.parts)


def is_untold(part: Part, target: str) -> bool:
    """True for a part of another service that the target is told nothing of."""
    if isinstance(part, ServerTool):
        return part.protocol != target and not part.text
    return isinstance(part, Unknown) and part.protocol != target


_PAIRED = frozenset({ToolCall, ToolResult})
_UNTOLD = frozenset({ServerTool, Unknown})


class _Pairing:
    __slots__ = ("_losses", "_messages", "_taken", "_target")

    def __init__(self, messages: list[Message], losses: list[Loss], target: str) -> None:
        self._messages = messages
        self._losses = losses
        self._target = target
        self._taken: set[int] = set()  # id() of results that already stand behind their call

    def run(self) -> list[Message]:
        paired: list[Message] = []
        behind = -1  # the number of a message of which nothing is left
        for number, message in enumerate(self._messages):
            if number == behind:
                continue
            if message.role == "assistant":
                paired.append(message)
                wanted: dict[str, ToolCall] = {}
                for part in message.parts:
                    if type(part) is ToolCall:
                        wanted[part.id] = part
                if not wanted:
                    continue
                results = self._right_behind(number, wanted)
                if results is not None:
                    paired.append(results)
                    behind = number + 1
                else:
                    paired += self._results_of(message, number, wanted)
                continue
            rest = self._without_results(message)
            last = paired[-1] if paired else None
            if rest is not None and last is not None and last.role == "tool" and last.at == message.at:
                last.parts += rest.parts  # one turn stays one: what results cannot hold goes into it, too
                last.name = message.name
            elif rest is not None:
                paired.append(rest)
        return paired

    def _right_behind(self, number: int, wanted: dict[str, ToolCall]) -> Message | None:
        """The results where they are the next message and all of it, as they nearly always are."""
        if number + 1 >= len(self._messages):
            return None
        found, taken = self._messages[number + 1], self._taken
        if found.role == "assistant":
            return None
        given = set()
        for part in found.parts:
            if type(part) is not ToolResult or part.call_id not in wanted or (taken and id(part) in taken):
                return None
            given.add(part.call_id)
        return Message("tool", list(found.parts), found.at) if len(given) == len(wanted) else None

    def _results_of(self, message: Message, number: int, wanted: dict[str, ToolCall]) -> list[Message]:
        found: list[Message] = []
        for later_number in range(number + 1, len(self._messages)):
            if not wanted:
                break
            later = self._messages[later_number]
            results = [
                part
                for part in later.parts
                if isinstance(part, ToolResult) and id(part) not in self._taken and part.call_id in wanted
            ]
            self._taken.update(map(id, results))
            for part in results:
                wanted.pop(part.call_id, None)
            if results and later_number > number + 1 and self._apart(number, later_number):
                self._losses.append(
                    Loss(later.at, "reordered", self._target, "tool results go right behind their calls")
                )
            self._report_order(later, results)
            if results:
                found.append(Message("tool", list(results), later.at))
        if wanted:
            call = next(iter(wanted.values()))
            raise _refuse(f"the tool call {call.id!r} has no result", message.at + call.at)
        return [_join(found)] if len(found) > 1 else found

    def _report_order(self, message: Message, results: list[ToolResult]) -> None:
        """What stood before a result of its turn now stands behind it."""
        if not results:
            return
        before = next(i for i in range(len(message.parts) - 1, -1, -1) if message.parts[i] is results[-1])
        self._losses += [
            Loss(message.at + part.at, "reordered", self._target, "tool results come first in a turn")
            for part in message.parts[:before]
            if not (isinstance(part, ToolResult) or is_untold(part, self._target))
        ]

    def _apart(self, number: int, later_number: int) -> bool:
        """True when something else than tool results stands, and goes out, between a call and its result."""
        return any(
            not (isinstance(part, ToolResult) or is_untold(part, self._target))
            for message in self._messages[number + 1 : later_number]
            for part in message.parts
        )

    def _without_results(self, message: Message) -> Message | None:
        rest = []
        for part in message.parts:
            if type(part) is not ToolResult:
                rest.append(part)
            elif id(part) not in self._taken:
                raise _refuse(f"the tool result of {part.call_id!r} has no call before it", message.at + part.at)
        if len(rest) == len(message.parts):
            return message
        return msgspec.structs.replace(message, parts=rest) if rest else None


def _merge_assistants(messages: list[Message]) -> list[Message]:
    merged: list[Message] = []
    speaks = False
    for message in messages:
        spoke, speaks = speaks, message.role == "assistant"
        if spoke and speaks and _calls(merged[-1]):
            merged[-1] = _join([merged[-1], message])
        else:
            merged.append(message)
    return merged


def _calls(message: Message) -> bool:
    return any(isinstance(part, ToolCall) for part in message.parts)


def _join(messages: list[Message]) -> Message:
    """One message of the parts of several; each part keeps its place in the client's body."""
    parts = [_placed(part, message.at) for message in messages for part in message.parts]
    return msgspec.structs.replace(messages[0], parts=parts, at="")


def _placed(part: Part, base: str) -> Part:
    if isinstance(part, ToolResult):
        content = [msgspec.structs.replace(inner, at=base + inner.at) for inner in part.content]
        return msgspec.structs.replace(part, at=base + part.at, content=content)
    return msgspec.structs.replace(part, at=base + part.at)


def _refuse(message: str, pointer: str) -> FaultError:
    return FaultError(Fault("invalid_request", message, param=pointer))
