"""Messages to `system` and `messages`, under the rules of the service about who may speak when."""

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.anthropic_messages.encode_blocks import SHORT, encode_part, is_blank
from twoapi.protocols.anthropic_messages.encoding import Encoding, Wire, refusal


class Turn(Struct, gc=False):
    """A message of the upstream's body. `parts` and `blocks` run side by side. `tools`: there may be a call or a result
    among them, whose rules then have to be looked at.
    """

    role: str
    at: str
    parts: list[ir.Part]
    bases: list[str]
    blocks: list[Wire | Raw]
    plain: bool = False
    tools: bool = False


class Said(Struct, gc=False):
    """A message as it is written."""

    role: str
    content: object


class Turns(Struct, gc=False):
    """The conversation as it goes out."""

    system: Turn | None
    turns: list[Turn]


_Text = ir.Text
_SPEAKERS = frozenset(("user", "assistant"))
_TOOLS = frozenset((ir.ToolCall, ir.ToolResult))


def put_bare_turns(messages: list[ir.Message], body: Wire) -> bool:
    """Puts the members `system` and `messages`, when the conversation is bare texts, as most are; False when it is not.

    It spares those the work of `encode_turns`, in one loop without calls: of the service's rules only that on blank
    texts can be broken here.
    """
    system: list[ir.JsonText] = []
    plain = False
    turns: list[Said] = []
    role = ""
    for message in messages:
        try:
            [part] = message.parts
        except ValueError:
            return False
        if type(part) is not _Text or part.cache is not None or part.citations or part.opaque:
            return False
        text, role = part.text, message.role
        if message.name is not None or message.phase is not None or (len(text) < SHORT and is_blank(text)):
            return False
        if role in ("user", "assistant"):
            turns.append(Said(role, text if message.plain_content else [{"type": "text", "text": text}]))
        elif turns or role == "tool":
            return False
        else:
            plain = message.plain_content and not system
            system.append(text)
    if role != "user":
        return False
    if system:
        body["system"] = system[0] if plain else [{"type": "text", "text": text} for text in system]
    body["messages"] = turns
    return True


def encode_turns(encoding: Encoding) -> Turns:
    """The conversation; raises FaultError where the service's rules cannot be met."""
    messages = encoding.request.messages
    start = 0
    while start < len(messages) and messages[start].role in ("system", "developer"):
        start += 1
    leading = [turn for message in messages[:start] if (turn := _turn(encoding, message, "system")) is not None]
    turns: list[Turn] = []
    hoisted: list[Turn] = []
    for message in messages[start:]:
        if message.role in ("system", "developer"):
            _place_system(encoding, message, turns, hoisted)
            continue
        turn = _turn(encoding, message, "assistant" if message.role == "assistant" else "user")
        if turn is not None:
            turns.append(turn)
    if not turns:
        raise refusal("at least one user message is needed", "/messages")
    if encoding.tools_used:
        turns = _joined(encoding, turns)
        if encoding.request.state.thread != "continue":
            check_pairs(turns)
    _finish_prefill(encoding, turns)
    return Turns(_one_turn(leading + hoisted), turns)


def _place_system(encoding: Encoding, message: ir.Message, turns: list[Turn], hoisted: list[Turn]) -> None:
    turn = _turn(encoding, message, "system")
    if turn is None:
        return
    texts = all(isinstance(part, ir.Text) for part in turn.parts)
    after_user = bool(turns) and turns[-1].role in ("user", "system")
    if encoding.capabilities.system_in_place and (encoding.native or (texts and after_user)):
        turns.append(turn)
        return
    encoding.lose(message.at, "moved", "the instruction stands in the system prompt")
    hoisted.append(turn)


def _turn(encoding: Encoding, message: ir.Message, role: str) -> Turn | None:
    if message.name is not None:
        encoding.lose(f"{message.at}/name", "dropped", "messages have no names")
    if message.phase is not None:
        encoding.lose(f"{message.at}/phase", "dropped", "messages have no phases")
    base, said = message.at, message.parts
    if len(said) == 1:  # as most have: nothing to gather
        part = said[0]
        block = encode_part(encoding, part, base, role)
        if block is None:
            return None
        return Turn(role, base, [part], [base], [block], message.plain_content, type(part) in _TOOLS)
    parts: list[ir.Part] = []
    blocks: list[Wire | Raw] = []
    tools = False
    for part in said:
        block = encode_part(encoding, part, base, role)
        if block is not None:
            parts.append(part)
            blocks.append(block)
            tools = tools or type(part) in _TOOLS
    if not blocks:
        if not said:
            encoding.lose(base, "dropped", "the message is empty")
        return None
    return Turn(role, base, parts, [base] * len(parts), blocks, message.plain_content, tools)


def _one_turn(turns: list[Turn]) -> Turn | None:
    if not turns:
        return None
    first = turns[0]
    for turn in turns[1:]:
        _absorb(first, turn)
    return first


def _absorb(into: Turn, turn: Turn) -> None:
    into.parts += turn.parts
    into.bases += turn.bases
    into.blocks += turn.blocks
    into.plain = False
    into.tools = into.tools or turn.tools


def _gathered(encoding: Encoding, turns: list[Turn]) -> list[Turn]:
    """Results in the first user turn behind their calls; turns that had nothing else are gone."""
    homes: dict[str, Turn] = {}
    waiting: list[str] = []
    moved = False
    for turn in turns:
        if turn.role == "assistant":
            if turn.tools:
                waiting += [part.id for part in turn.parts if type(part) is ir.ToolCall]
            continue
        if waiting and turn.role == "user":
            for call_id in waiting:
                homes[call_id] = turn
            waiting = []
        if turn.tools:
            moved = _take_home(encoding, turn, homes) or moved
    return [turn for turn in turns if turn.blocks] if moved else turns


def _take_home(encoding: Encoding, turn: Turn, homes: dict[str, Turn]) -> bool:
    """Moves the results of a turn to those where they belong; True when there was one."""
    away: set[int] = set()
    for i, part in enumerate(turn.parts):
        home = homes.pop(part.call_id, turn) if type(part) is ir.ToolResult else turn
        if home is not turn:
            away.add(i)
            encoding.lose(turn.bases[i] + part.at, "reordered", "tool results stand in the turn behind their calls")
            _absorb(home, Turn("user", turn.at, [part], [turn.bases[i]], [turn.blocks[i]], tools=True))
    if away:
        _keep(turn, [i for i in range(len(turn.parts)) if i not in away])
    return bool(away)


def _keep(turn: Turn, order: list[int]) -> None:
    """Leaves these parts, in this order."""
    turn.parts = [turn.parts[i] for i in order]
    turn.bases = [turn.bases[i] for i in order]
    turn.blocks = [turn.blocks[i] for i in order]


def _joined(encoding: Encoding, turns: list[Turn]) -> list[Turn]:
    """Turns of one speaker that stand together become one where tool results, or the calls that they answer, must be
    together; results come first in it.
    """
    joined: list[Turn] = []
    before: Turn | None = None
    for turn in turns:
        if before is not None and before.role == turn.role and _are_one(before, turn, native=encoding.native):
            _absorb(before, turn)
        else:
            joined.append(turn)
            before = turn
    if not encoding.native:
        joined = _gathered(encoding, joined)
    for turn in joined:
        if turn.tools and len(turn.parts) > 1 and turn.role == "user":
            _results_first(encoding, turn)
    return joined


def _are_one(before: Turn, turn: Turn, *, native: bool) -> bool:
    """True when two turns of one speaker must be one."""
    if turn.role == "assistant":
        return not native and _holds(before, ir.ToolCall)
    return turn.role == "user" and (_holds(turn, ir.ToolResult) or (not native and _holds(before, ir.ToolResult)))


def _holds(turn: Turn, kind: type[ir.Part]) -> bool:
    return turn.tools and any(type(part) is kind for part in turn.parts)


def _results_first(encoding: Encoding, turn: Turn) -> None:
    results = [i for i, part in enumerate(turn.parts) if type(part) is ir.ToolResult]
    if not results or results[-1] == len(results) - 1:
        return
    others = [i for i, part in enumerate(turn.parts) if type(part) is not ir.ToolResult]
    for i in others:
        if i < results[-1]:
            encoding.lose(turn.bases[i] + turn.parts[i].at, "reordered", "tool results come first in a turn")
    _keep(turn, results + others)


def check_pairs(turns: list[Turn]) -> None:
    """Every call of an assistant turn is answered in the next user turn, and nothing else is; FaultError if not."""
    open_calls: dict[str, str] = {}
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.tools:
            _pair(turn, open_calls)
        if open_calls and turn.role != "assistant":
            _refuse_open(open_calls)
    _refuse_open(open_calls)


def _pair(turn: Turn, open_calls: dict[str, str]) -> None:
    """Opens the calls of an assistant's turn, closes those that a user's turn answers."""
    for i, part in enumerate(turn.parts):
        if type(part) is ir.ToolCall:
            if turn.role == "assistant":
                if part.id in open_calls:
                    raise refusal(f"two tool calls have the id {part.id!r}", turn.bases[i] + part.at)
                open_calls[part.id] = turn.bases[i] + part.at
        elif type(part) is ir.ToolResult and turn.role != "assistant" and open_calls.pop(part.call_id, None) is None:
            message = f"the tool result for {part.call_id!r} has no call in the turn before it"
            raise refusal(message, turn.bases[i] + part.at)


def _refuse_open(open_calls: dict[str, str]) -> None:
    for call_id, path in open_calls.items():
        raise refusal(f"the tool call {call_id!r} has no result in the turn after it", path)


def _finish_prefill(encoding: Encoding, turns: list[Turn]) -> None:
    """A last assistant message is gone on from, where the model can; it must not end in white space."""
    last = turns[-1]
    if last.role != "assistant":
        return
    path = last.bases[-1] + last.parts[-1].at
    if not encoding.capabilities.prefill:
        raise refusal("the model cannot go on from an assistant message", last.at)
    block = last.blocks[-1]
    if isinstance(block, Raw) or block["type"] != "text":
        return
    text = block["text"]
    words = text if isinstance(text, str) else ir.plain(text) if isinstance(text, Raw) else ""
    if words != words.rstrip():
        block["text"] = words.rstrip()
        encoding.lose(path, "approximated", "white space at the end of the last assistant message is cut")


def write_turn(turn: Turn) -> object:
    """The `content` of a turn: a string where the client wrote one."""
    blocks = turn.blocks
    if turn.plain and len(blocks) == 1:
        block = blocks[0]
        if type(block) is dict and len(block) == 2 and block["type"] == "text":
            return block["text"]
    return blocks
