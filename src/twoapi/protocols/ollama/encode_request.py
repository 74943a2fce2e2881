"""The canonical request to an upstream's."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dialects.encoding import Encoding, Wire, output_limit, takes_sampling
from twoapi.protocols.dialects.thinking_switch import told_to_think
from twoapi.protocols.dialects.tools import declarations, functions, lose_strict, report_parallel
from twoapi.protocols.dialects.turns import Call, Turn, one_text, turns
from twoapi.protocols.dialects.unsent import refusal, report_unsent
from twoapi.protocols.ollama.call_ids import is_made
from twoapi.protocols.ollama.name import NAME
from twoapi.protocols.url_media import not_fetched
from twoapi.wire.http import Outgoing
from twoapi.wire.json import encode, is_object

PATH = "/api/chat"

_LEVELS = ("low", "medium", "high")
_NEAREST = {"minimal": "low", "xhigh": "high", "max": "high"}
_BUDGETS = ((2048, "low"), (8192, "medium"))  # the most tokens that are called so
_SENT = frozenset(
    (
        *("max_tokens", "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed", "stop"),
        *("logprobs", "top_logprobs", "parallel"),
        *("reasoning.effort", "reasoning.budget", "reasoning.mode", "reasoning.show"),
        *("output.format", "output.schema", "output.name"),
    )
)
_OPTIONS = ("presence_penalty", "frequency_penalty", "seed", "stop")


def encode_request(request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoded:
    """The upstream request; raises FaultError where it cannot be made."""
    encoding = Encoding(request, capabilities, losses, NAME)
    report_unsent(request, NAME, losses, _SENT)
    try:
        body: Wire = {"model": model, "stream": request.stream}  # the server streams unless it is told not to
        made = turns(encoding, request.messages)
        body["messages"] = [_ROLES[turn.role](encoding, turn) for turn in made]
        if request.tools or request.tool_choice is not None or request.parallel is not None:
            _put_tools(encoding, body)
        if options := _options(encoding):
            body["options"] = options
        thinks = told_to_think(encoding)
        if thinks is not None:
            body["think"] = _thinking(encoding) if thinks else False
        _put_rest(encoding, body)
        payload = encode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise refusal(f"a text of the request is not valid: {error}", "") from None
    return Encoded(Outgoing(PATH, payload), encoding.restore())


# --- Messages


def _said(encoding: Encoding, turn: Turn) -> Wire:
    """Words, and the images that stand before them."""
    wire: Wire = {"role": turn.role, "content": one_text(encoding, turn)}
    worded = False
    images: list[str] = []
    for one in turn.said:
        picture = one if not isinstance(one, str | Raw) else None
        if picture is None:
            worded = True
            continue
        if worded:
            encoding.lose(picture.path, "reordered", "images stand before the words of their turn")
        if not isinstance(picture.source, ir.Base64):
            raise not_fetched(picture.path)
        if picture.detail is not None:
            encoding.lose(picture.path, "dropped", "images have no resolution")
        images.append(picture.source.data)
    return {**wire, "images": images} if images else wire


def _assistant(encoding: Encoding, turn: Turn) -> Wire:
    wire: Wire = {"role": "assistant"}
    if turn.texts or not (turn.calls or turn.thoughts):
        wire["content"] = one_text(encoding, turn)
    if turn.thoughts:
        wire["thinking"] = "\n\n".join(thought.text for thought in turn.thoughts)
    if turn.calls:
        wire["tool_calls"] = [_call(call) for call in turn.calls]
    return wire


def _call(call: Call) -> Wire:
    if call.arguments and not is_object(call.arguments):
        raise refusal("the arguments of a call must be a JSON object for the target", call.path)
    wire: Wire = {"function": {"name": call.name, "arguments": Raw(call.arguments or "{}")}}
    # Servers since 0.12.10 pair by id; older ones by name and order, and do not look at it.
    return wire if is_made(call.id) else {"id": call.id, **wire}


def _tool(encoding: Encoding, turn: Turn) -> Wire:
    wire: Wire = {"role": "tool", "content": one_text(encoding, turn), "tool_name": turn.name}
    return wire if is_made(turn.call_id) else {**wire, "tool_call_id": turn.call_id}


_ROLES = {"system": _said, "user": _said, "assistant": _assistant, "tool": _tool}


# --- Tools


def _put_tools(encoding: Encoding, body: Wire) -> None:
    """The functions that the model may call: what it must call cannot be said."""
    made = functions(encoding)
    report_parallel(encoding)
    lose_strict(encoding, made, "there are no strict tools")
    choice = encoding.request.tool_choice
    if choice is not None and choice.mode == "none":
        if made:
            encoding.lose_field("tool_choice", "emulated", "no tools are declared")
        return
    if choice is not None and (choice.mode != "auto" or choice.names):
        if not made:
            encoding.lose_field("tool_choice", "dropped", "there are no tools to choose from")
        elif choice.mode == "auto":
            encoding.lose_field("tool_choice", "emulated", "of the tools only the chosen ones are declared")
        else:
            encoding.lose_field("tool_choice", "approximated", "a call cannot be forced")
    if made:
        body["tools"] = declarations(made)


# --- Settings


def _options(encoding: Encoding) -> Wire:
    sampling = encoding.request.sampling
    options: Wire = {}
    if takes_sampling(encoding):
        options |= {
            name: value for name in ("temperature", "top_p", "top_k") if (value := getattr(sampling, name)) is not None
        }
    options |= {name: value for name in _OPTIONS if (value := getattr(sampling, name)) is not None}
    limit = output_limit(encoding)
    if limit is not None:
        options["num_predict"] = limit
    if encoding.capabilities.context_size is not None:
        options["num_ctx"] = encoding.capabilities.context_size
    return options


def _put_rest(encoding: Encoding, body: Wire) -> None:
    sampling, output, capabilities = encoding.request.sampling, encoding.request.output, encoding.capabilities
    if sampling.logprobs is not None:
        body["logprobs"] = sampling.logprobs
    if sampling.top_logprobs is not None:
        if sampling.logprobs:
            body["top_logprobs"] = sampling.top_logprobs
        else:
            encoding.lose_field("top_logprobs", "dropped", "no number of logprobs without logprobs")
    if output.name is not None:
        encoding.lose_field("output.name", "info", "the schema of an answer has no name")
    if output.format in ("json_object", "json_schema"):
        body["format"] = "json" if output.schema is None else output.schema.raw
    if capabilities.keep_alive is not None:
        body["keep_alive"] = _duration(capabilities.keep_alive)
    if not capabilities.silent_truncation:
        body["truncate"] = False


def _duration(text: str) -> str | int:
    """A span of time; one without a unit is a number of seconds, and less than none of them is for ever."""
    return int(text) if text.removeprefix("-").isdecimal() else text


def _thinking(encoding: Encoding) -> bool | str:
    """True, or one of three levels where the model has them."""
    levels = [level for level in _LEVELS if level in encoding.capabilities.thinking_levels]
    budget, effort = encoding.request.reasoning.budget, encoding.request.reasoning.effort
    asked: str | None = effort
    if budget is not None and budget > 0:
        asked = effort or next((level for most, level in _BUDGETS if budget <= most), "high")
        sent = f"sent as level {asked}" if levels else "sent as a wish to think"
        encoding.lose_field("reasoning.budget", "approximated", sent)
    if asked is None or asked == "none":
        return True
    if not levels:
        if effort is not None:
            encoding.lose_field("reasoning.effort", "approximated", "sent as a wish to think")
        return True
    word = _NEAREST.get(asked, asked)
    level = word if word in levels else levels[-1]
    if effort is not None and level != effort:
        encoding.lose_field("reasoning.effort", "approximated", f"{effort} is sent as {level}")
    return level
