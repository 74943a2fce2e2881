"""The canonical request to an upstream's."""

from operator import attrgetter

import msgspec

from twoapi import ir
from twoapi.ir.request import NO_OUTPUT, NO_REASONING, NO_STATE
from twoapi.protocols.anthropic_messages.constraints import Thinking, choose_max_tokens, put_sampling
from twoapi.protocols.anthropic_messages.encode_tools import called_tools, encode_choice, encode_tools
from twoapi.protocols.anthropic_messages.encode_turns import Said, Turns, encode_turns, put_bare_turns, write_turn
from twoapi.protocols.anthropic_messages.encoding import FIRST_VERSION, VERSION, Encoding, Wire, begin, refusal
from twoapi.protocols.base import UNCHANGED, Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.claude_thinking import running_turn
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire.http import Headers, Outgoing
from twoapi.wire.json import encode, insert

PATH = "/v1/messages"
_TIERS = {"auto": "auto", "default": "standard_only", "standard": "standard_only", "standard_only": "standard_only"}

# Fields of other protocols that have no place here, and their names for Request.where.
_NOWHERE = {
    "sampling.presence_penalty": "presence_penalty",
    "sampling.frequency_penalty": "frequency_penalty",
    "sampling.seed": "seed",
    "sampling.logit_bias": "logit_bias",
    "sampling.logprobs": "logprobs",
    "sampling.top_logprobs": "top_logprobs",
    "output.verbosity": "output.verbosity",
    "output.audio": "output.audio",
    "output.prediction": "output.prediction",
    "state.store": "state.store",
    "state.background": "state.background",
    "safety": "safety",
}
_nowhere = attrgetter(*_NOWHERE)
_VERSIONS = {version: (b"anthropic-version", version.encode()) for version in (FIRST_VERSION, VERSION)}
_NOTHING = (None,) * len(_NOWHERE)


def encode_request(request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoded:
    """The upstream request; raises FaultError where it cannot be made."""
    encoding = begin(request, capabilities, losses)
    try:
        body, turns = _body(encoding, model)
        payload = encode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise refusal(f"a text of the request is not valid: {error}", "") from None
    if request.extras:
        payload = _put_extras(encoding, body, payload, turns)
    version = encoding.api_version
    headers: Headers = [
        _VERSIONS.get(version) or (b"anthropic-version", version.encode("latin-1", "replace")),
    ]
    if encoding.native and request.betas:
        headers.append((b"anthropic-beta", ",".join(request.betas).encode("latin-1", "replace")))
    restore = UNCHANGED
    if encoding.named is not None or encoding.custom:
        restore = Restore(names=encoding.names.changed, custom=encoding.custom)
    return Encoded(Outgoing(PATH, payload, headers), restore)


def _body(encoding: Encoding, model: str) -> tuple[Wire, Turns | None]:
    request = encoding.request
    if (request.tools or request.tool_choice is not None) and not encoding.native:
        check_tools(request)
    sampling = request.sampling
    max_tokens = sampling.max_tokens
    if max_tokens is None or encoding.capabilities.max_output is not None:
        max_tokens = choose_max_tokens(encoding)
    body: Wire = {"model": model, "max_tokens": max_tokens}
    # before the turns: cache marks count in the order of the prompt
    tools = encode_tools(encoding) if request.tools else []
    turns: Turns | None = None
    if request.extras or not put_bare_turns(request.messages, body):  # extras must find their turns again
        tools += called_tools(encoding)
        turns = _put_turns(encoding, body)
    if encoding.marks or encoding.pending is not None:
        encoding.settle_marks()
    thinking = None if request.reasoning is NO_REASONING else _thinking(encoding, max_tokens, turns)
    put_sampling(encoding, body, thinking=thinking is not None and thinking.on)
    if tools:
        body["tools"] = tools
    if request.tool_choice is not None or request.parallel is not None:
        _put_choice(encoding, body, thinking)
    if thinking is not None or request.output is not NO_OUTPUT:
        _put_thought_and_form(encoding, body, thinking)
    if (  # of each of these most requests say nothing
        request.user_id is not None
        or request.cache_key is not None
        or request.state is not NO_STATE
        or request.output is not NO_OUTPUT
        or request.metadata is not None
        or request.cache_auto is not None
        or request.tier is not None
        or request.safety is not None
        or sampling.presence_penalty is not None
        or sampling.frequency_penalty is not None
        or sampling.seed is not None
        or sampling.logprobs is not None
        or sampling.top_logprobs is not None
        or sampling.logit_bias is not None
    ):
        _put_rest(encoding, body)
    if request.stream:
        body["stream"] = True
    return body, turns


def _put_choice(encoding: Encoding, body: Wire, thinking: Thinking | None) -> None:
    forced_allowed = thinking is None or not thinking.manual
    choice = encode_choice(encoding, tools="tools" in body, forced_allowed=forced_allowed)
    if choice is not None:
        body["tool_choice"] = choice


def _thinking(encoding: Encoding, max_tokens: int, turns: Turns | None) -> Thinking:
    spoken = [] if turns is None else [(turn.role, turn.parts) for turn in reversed(turns.turns)]
    return Thinking(encoding, max_tokens, running_turn(spoken))


def _put_turns(encoding: Encoding, body: Wire) -> Turns:
    turns = encode_turns(encoding)
    if turns.system is not None:
        body["system"] = write_turn(turns.system)
    body["messages"] = [Said(turn.role, write_turn(turn) if turn.plain else turn.blocks) for turn in turns.turns]
    return turns


def _put_thought_and_form(encoding: Encoding, body: Wire, thinking: Thinking | None) -> None:
    if thinking is not None and thinking.member is not None:
        body["thinking"] = thinking.member
    _put_output(encoding, body, None if thinking is None else thinking.effort)


def _put_output(encoding: Encoding, body: Wire, effort: str | None) -> None:
    request = encoding.request
    output = request.output
    config: Wire = {} if effort is None else {"effort": effort}
    if output.format == "json_schema" and output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": output.schema.raw}
        if output.name is not None:
            encoding.lose(request.where("output.name"), "info", "the name of the answer's schema")
        for name in ("description", "strict"):
            if getattr(output, name) is not None:
                encoding.lose(request.where(f"output.{name}"), "dropped", f"{name} of the answer's schema")
    elif output.format == "json_object":
        encoding.lose(request.where("output.format"), "unsupported", "JSON answers without a schema")
    if config:
        body["output_config"] = config
    if output.modalities is not None:
        kind: ir.LossKind = "info" if output.modalities == ["text"] else "dropped"
        encoding.lose(request.where("output.modalities"), kind, "answers are text")


def _put_rest(encoding: Encoding, body: Wire) -> None:
    request = encoding.request
    if request.user_id is not None:
        body["metadata"] = {"user_id": request.user_id}
    if request.cache_auto is not None:
        if encoding.native or encoding.capabilities.cache_marks:
            body["cache_control"] = encoding.cache_control(request.cache_auto, request.where("cache_auto"))
        else:
            encoding.lose(request.where("cache_auto"), "dropped", "the upstream takes no cache marks")
    if request.tier is not None:
        _put_tier(encoding, body, request.tier)
    if request.state.thread is not None:
        _put_thread(encoding, body)
    if not encoding.native:
        _report_foreign(encoding)


def _report_foreign(encoding: Encoding) -> None:
    """The fields of other protocols, each with its Loss; a conversation held by a server cannot be carried at all."""
    request = encoding.request
    values = _nowhere(request)
    if values != _NOTHING:
        for name, value in zip(_NOWHERE.values(), values, strict=True):
            if value is False:
                encoding.lose(request.where(name), "info", f"{name} is never so here")
            elif value is not None:
                encoding.lose(request.where(name), "dropped", f"{name} does not exist in this protocol")
    if request.metadata:
        encoding.lose(request.where("metadata"), "dropped", "metadata holds only a user id")
    if request.cache_key is not None:
        encoding.lose(request.where("cache_key"), "info", "a cache key only helps routing")
    for name in ("previous", "conversation", "cached"):
        if getattr(request.state, name) is not None:
            raise refusal("the target holds no conversations", request.where(f"state.{name}"))


def _put_tier(encoding: Encoding, body: Wire, tier: str) -> None:
    if encoding.native:
        body["service_tier"] = tier
    elif tier in _TIERS:
        body["service_tier"] = _TIERS[tier]
    elif tier == "priority":
        body["service_tier"] = "auto"
        encoding.lose(encoding.request.where("tier"), "approximated", "priority capacity is used where there is any")
    else:
        encoding.lose(encoding.request.where("tier"), "unsupported", f"service tier {tier}")


def _put_thread(encoding: Encoding, body: Wire) -> None:
    state = encoding.request.state
    if not (encoding.native and encoding.capabilities.threads):
        raise refusal(
            "the target holds no message threads", encoding.request.where("thread"), "thread_unsupported_request"
        )
    thread: Wire = {"type": state.thread}
    if state.previous is not None:
        thread["previous_message_id"] = state.previous
    body["thread"] = thread


def _put_extras(encoding: Encoding, body: Wire, payload: bytes, turns: Turns | None) -> bytes:
    """The members that the canonical model does not hold: back to their places, for the same protocol only."""
    extras = encoding.request.extras
    if not encoding.native:
        for pointer in extras:
            encoding.lose(pointer, "dropped", "unknown to this protocol")
        return payload
    homeless = [parent for pointer in extras if (parent := _parent(pointer)) is not None and parent not in body]
    if homeless:
        payload = encode(body | {parent: {} for parent in homeless})
    for pointer, value in extras.items():
        place = pointer if not pointer.startswith(("/messages/", "/system/")) else _moved(pointer, turns)
        missing: list[str] = [pointer]
        if place is not None:
            payload, missing = insert(payload, {place: value})
        if missing:
            encoding.lose(pointer, "dropped", "its place is gone")
    return payload


def _parent(pointer: str) -> str | None:
    parent, _, rest = pointer[1:].partition("/")
    return parent if rest and parent not in ("messages", "system", "tools") else None


def _moved(pointer: str, turns: Turns | None) -> str | None:
    """A pointer into the client's messages as one into the upstream's; None when its place did not go out."""
    if turns is None:
        return None
    if turns.system is not None:
        for j, (base, part) in enumerate(zip(turns.system.bases, turns.system.parts, strict=True)):
            if _under(pointer, base + part.at):
                return f"/system/{j}" + pointer[len(base + part.at) :]
    for i, turn in enumerate(turns.turns):
        for j, (base, part) in enumerate(zip(turn.bases, turn.parts, strict=True)):
            if not turn.plain and _under(pointer, base + part.at):
                return f"/messages/{i}/content/{j}" + pointer[len(base + part.at) :]
        if _under(pointer, turn.at):
            return f"/messages/{i}" + pointer[len(turn.at) :]
    return None


def _under(pointer: str, place: str) -> bool:
    return pointer.startswith(place + "/")
