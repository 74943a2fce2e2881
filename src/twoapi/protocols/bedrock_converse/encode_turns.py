"""Messages to `system` and `messages`: the user first, then model and user in turn."""

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.bedrock_converse.encode_blocks import encode_part
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.dialects.encoding import Wire
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.pairing import pair_results

_SYSTEM = frozenset(("system", "developer"))
_FILLER = "."  # the least that a turn can say


class Turn(Struct):
    """A message of the upstream's body. `parts`: those that `blocks` say."""

    role: str
    at: str
    blocks: list[Wire]
    parts: list[ir.Part]


class Turns(Struct):
    """The conversation as it goes out."""

    system: list[Wire]
    turns: list[Turn]


def encode_turns(encoding: Encoding) -> Turns:
    """The conversation; raises FaultError where the service's rules cannot be met."""
    made = Turns([], [])
    spoken = False
    for message in pair_results(encoding.request.messages, encoding.losses, NAME):
        if message.name is not None:
            encoding.lose(f"{message.at}/name", "dropped", "messages have no names")
        if message.phase is not None:
            encoding.lose(f"{message.at}/phase", "dropped", "messages have no phases")
        if not message.parts:
            encoding.lose(message.at, "dropped", "the message is empty")
        if message.role in _SYSTEM:
            if spoken and message.parts:
                encoding.lose(message.at, "moved", "the instruction stands in the system prompt")
            _put_parts(encoding, made.system, message, "system")
        else:
            spoken = True
            _put_turn(encoding, made.turns, message)
    turns = made.turns
    if not turns:
        raise refusal("at least one message of the user is needed", encoding.request.where("messages"))
    if turns[0].role == "assistant":
        encoding.lose(turns[0].at, "synthesized", "a turn of the user, who must speak first")
        turns.insert(0, Turn("user", turns[0].at, [{"text": _FILLER}], []))
    for turn in turns:
        _add_words(encoding, turn)
    _mark_end(encoding, turns[-1])
    _finish_prefill(encoding, turns[-1])
    return made


def _put_turn(encoding: Encoding, turns: list[Turn], message: ir.Message) -> None:
    role = "assistant" if message.role == "assistant" else "user"
    last = turns[-1] if turns else None
    if last is not None and last.role == role:
        size = len(last.blocks)
        last.parts += _put_parts(encoding, last.blocks, message, role)
        if len(last.blocks) > size and message.role != "tool" and not _is_result(last.blocks[0]):
            encoding.lose(message.at, "info", "turns of one speaker that follow each other are one")
        return
    blocks: list[Wire] = []
    parts = _put_parts(encoding, blocks, message, role)
    if blocks:
        turns.append(Turn(role, message.at, blocks, parts))


def _is_result(block: Wire) -> bool:
    return "toolResult" in block


def _put_parts(encoding: Encoding, blocks: list[Wire], message: ir.Message, role: str) -> list[ir.Part]:
    """Adds what the message says; the parts of which something is said come back."""
    said: list[ir.Part] = []
    for part in message.parts:
        size = len(blocks)
        encode_part(encoding, blocks, part, message.at, role)
        if len(blocks) > size:
            said.append(part)
    return said


def _add_words(encoding: Encoding, turn: Turn) -> None:
    """A document must not stand alone in its turn."""
    documents = [block for block in turn.blocks if "document" in block]
    if documents and not any("text" in block for block in turn.blocks):
        where = turn.at or encoding.request.where("messages")
        encoding.lose(where, "synthesized", "words beside a document, which the service demands")
        turn.blocks.append({"text": _FILLER})


def _mark_end(encoding: Encoding, turn: Turn) -> None:
    """A prompt that is to be cached as far as possible has its mark at the end."""
    auto = encoding.request.cache_auto
    if auto is None:
        return
    where = encoding.request.where("cache_auto")
    if encoding.capabilities.cache_marks and turn.role == "user":
        encoding.lose(where, "emulated", "a cache mark stands at the end of the prompt")
        encoding.mark(turn.blocks, auto, where)
    else:
        encoding.lose(where, "dropped", "the upstream takes no cache mark at the end of the prompt")


def _finish_prefill(encoding: Encoding, last: Turn) -> None:
    """A last assistant message is gone on from, where the model can; it must not end in white space."""
    if last.role != "assistant":
        return
    if not encoding.capabilities.prefill:
        raise refusal("the model cannot go on from an assistant message", last.at)
    block = next((block for block in reversed(last.blocks) if "cachePoint" not in block), last.blocks[-1])
    text = block.get("text")
    if not isinstance(text, str | Raw):
        return
    words = ir.plain(text)
    if words != words.rstrip():
        block["text"] = words.rstrip()
        encoding.lose(last.at, "approximated", "white space at the end of the last assistant message is cut")
