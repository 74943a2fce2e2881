"""The canonical request to this protocol's body, and every loss on the way."""

from msgspec.structs import replace

from twoapi.ir import Loss, Request, plain
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dashscope.encode_messages import encode_messages
from twoapi.protocols.dashscope.encode_parameters import encode_parameters
from twoapi.protocols.dashscope.name import MEDIA_PATH, NAME, TEXT_PATH
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.turns import Turn, turns
from twoapi.protocols.dialects.unsent import report_unsent, without_own
from twoapi.wire.http import Headers, Outgoing
from twoapi.wire.json import encode

# Members of the vendor's own, which its clients write beside those of another protocol.
_OWN = (
    "repetition_penalty",
    "enable_search",
    "search_options",
    "enable_thinking",
    "thinking_budget",
    "preserve_thinking",
    "vl_high_resolution_images",
    "enable_code_interpreter",
)
_SENT = frozenset(
    (
        *("max_tokens", "temperature", "top_p", "top_k", "presence_penalty", "seed", "stop"),
        *("logprobs", "top_logprobs", "parallel"),
        *("reasoning.effort", "reasoning.budget", "reasoning.mode", "reasoning.show", "reasoning.detail"),
        *("output.format", "output.schema", "output.name", "output.description", "output.strict"),
    )
)
_SHOWN = frozenset(("image", "audio", "video"))
_STREAMED: Headers = [(b"x-dashscope-sse", b"enable"), (b"accept", b"text/event-stream")]
_UPLOADED = (b"x-dashscope-ossresourceresolve", b"enable")


def encode_request(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The upstream request; raises FaultError for what this protocol must refuse."""
    request, own = without_own(request, _OWN)
    encoding = Encoding(request, capabilities, losses, NAME, _SHOWN)
    # Several answers are no reason to refuse.
    report_unsent(replace(request, sampling=replace(request.sampling, n=None)), NAME, losses, _SENT)
    streamed = request.stream or capabilities.stream_only
    parameters, instruction = encode_parameters(encoding, streamed=streamed)
    spoken = turns(encoding, request.messages)
    if not capabilities.system_in_place:
        spoken = _system_first(encoding, spoken)
    if instruction:
        spoken = _instructed(spoken, instruction)
    media = capabilities.multimodal or any(turn.pictures for turn in spoken)
    body: Wire = {
        "model": model,
        "input": {"messages": encode_messages(encoding, spoken, media=media)},
        "parameters": {**parameters, **own},
    }
    headers = [*_STREAMED] if streamed else []
    payload = encode(body)
    if b'"oss://' in payload:  # of a file that was uploaded to the vendor
        headers.append(_UPLOADED)
    return Encoded(Outgoing(MEDIA_PATH if media else TEXT_PATH, payload, headers), encoding.restore())


def _system_first(encoding: Encoding, spoken: list[Turn]) -> list[Turn]:
    """All instructions in one turn at the beginning."""
    said = [turn for turn in spoken if turn.role == "system"]
    if not said or (len(said) == 1 and spoken[0] is said[0]):
        return spoken
    leading = next((number for number, turn in enumerate(spoken) if turn.role != "system"), len(spoken))
    for turn in said[leading:]:
        encoding.lose(turn.at, "moved", "the instruction stands at the beginning")
    for turn in said[1:leading]:
        encoding.lose(turn.at, "info", "the instructions are one turn")
    words = "\n\n".join(plain(text) for turn in said for text in turn.texts)
    return [Turn(role="system", at=said[0].at, said=[words]), *(turn for turn in spoken if turn.role != "system")]


def _instructed(spoken: list[Turn], instruction: str) -> list[Turn]:
    """The turns with one more instruction, behind those that come first."""
    first = spoken[0]
    if first.role != "system":
        return [Turn(role="system", at="", said=[instruction]), *spoken]
    words = "\n\n".join([*map(plain, first.texts), instruction])
    return [Turn(role="system", at=first.at, said=[words]), *spoken[1:]]
