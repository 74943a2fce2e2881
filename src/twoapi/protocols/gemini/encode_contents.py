"""Messages to `systemInstruction` and `contents`, under the vendor's rules about who may speak when."""

from twoapi import ir
from twoapi.protocols.gemini.encode_parts import encode_part, put_skip
from twoapi.protocols.gemini.encoding import Encoding
from twoapi.protocols.gemini.name import refuse
from twoapi.protocols.gemini.pairing import Turn, arranged
from twoapi.protocols.gemini.parts import Wire, signature_of

_SPOKEN = ("user", "assistant")
_Text = ir.Text
_SYSTEM = ("system", "developer")
_ROLES = {"assistant": "model", "tool": "function"}


def encode_contents(encoding: Encoding, body: Wire) -> None:
    """Puts both members into the body; raises FaultError where the vendor's rules cannot be met."""
    if not (encoding.native or encoding.request.extras) and _put_bare(encoding.request.messages, body):
        return
    _put_system(encoding, body)
    if encoding.native:
        turns = [_kept_turn(message) for message in encoding.request.messages if message.role not in _SYSTEM]
    else:
        _report_messages(encoding)
        turns = arranged(encoding.request.messages, encoding.losses)
    contents: list[Wire] = []
    for turn in turns:
        parts = _parts(encoding, turn, len(contents))
        if parts or (encoding.native and not turn.parts):  # of what was said, nothing may be left
            encoding.places.setdefault(turn.at, f"/contents/{len(contents)}")
            contents.append({"role": turn.role, "parts": parts})
    if not contents:
        raise refuse("at least one message of the user is needed", encoding.request.where("messages"))
    body["contents"] = contents


def _put_bare(messages: list[ir.Message], body: Wire) -> bool:
    """Puts both members into the body when the conversation is bare texts of model and user in turn, as most are.

    False, and nothing put, when it is not. It spares those the long way, in one loop without calls.
    """
    system: list[Wire] = []
    contents: list[Wire] = []
    before = ""
    for message in messages:
        parts = message.parts
        if len(parts) != 1 or message.name is not None or message.phase is not None:
            return False
        part = parts[0]
        if type(part) is not _Text or part.cache is not None or part.citations or part.opaque:
            return False
        role = message.role
        if role in _SPOKEN:
            if role == before:
                return False
            before = role
            contents.append({"role": "user" if role == "user" else "model", "parts": [{"text": part.text}]})
        elif contents or role == "tool":
            return False
        else:
            system.append({"text": part.text})
    if not contents:
        return False
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    return True


def _kept_turn(message: ir.Message) -> Turn:
    role = _ROLES.get(message.role, "user")
    return Turn(role, message.parts, [message.at] * len(message.parts), message.at)


def _parts(encoding: Encoding, turn: Turn, number: int) -> list[Wire]:
    made: list[Wire] = []
    behind: list[Wire] = []  # media of results: where they cannot be in them, they stand behind all of them
    calls: list[tuple[ir.ToolCall, str, Wire]] = []
    for part, base in zip(turn.parts, turn.bases, strict=True):
        wires = encode_part(encoding, part, base)
        if not wires:
            continue
        if encoding.request.extras:
            encoding.places[base + part.at] = f"/contents/{number}/parts/{len(made)}"
        if type(part) is ir.ToolCall:
            calls.append((part, base + part.at, wires[0]))
        if type(part) is ir.ToolResult:
            made.append(wires[0])
            behind += wires[1:]
        else:
            made += wires
    withheld = any(type(part) is ir.Reasoning and part.opaque and signature_of(part) is None for part in turn.parts)
    put_skip(encoding, made, calls, withheld=withheld)
    return made + behind


def _put_system(encoding: Encoding, body: Wire) -> None:
    """The instructions, in their order: leading ones, then those that stood among the turns."""
    parts: list[Wire] = []
    spoken = False
    for message in encoding.request.messages:
        if message.role not in _SYSTEM:
            spoken = True
            continue
        if spoken:
            encoding.lose(message.at, "moved", "the instruction stands in the system instruction")
        for part in message.parts:
            wires = encode_part(encoding, part, message.at)
            if not encoding.native and any("text" not in wire for wire in wires):
                raise refuse("instructions to the target are text", message.at + part.at)
            if wires and encoding.request.extras:
                encoding.places[message.at + part.at] = f"/systemInstruction/parts/{len(parts)}"
            parts += wires
        encoding.places.setdefault(message.at, "/systemInstruction")
    if parts or (encoding.native and any(message.role in _SYSTEM for message in encoding.request.messages)):
        body["systemInstruction"] = {"parts": parts}


def _report_messages(encoding: Encoding) -> None:
    for message in encoding.request.messages:
        if message.name is not None:
            encoding.lose(f"{message.at}/name", "dropped", "turns have no names")
        if message.phase is not None:
            encoding.lose(f"{message.at}/phase", "dropped", "turns have no phases")
        if not message.parts:
            encoding.lose(message.at, "dropped", "the message is empty")
