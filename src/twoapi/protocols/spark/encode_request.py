"""The canonical request to the vendor's: a body over HTTP, a frame over a websocket."""

from msgspec.structs import replace

from twoapi.ir import Loss, Request
from twoapi.protocols.base import Encoded
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dialects.encoding import Encoding, output_limit
from twoapi.protocols.dialects.search import functions_and_search
from twoapi.protocols.dialects.thinking_switch import thinking_switch
from twoapi.protocols.dialects.tools import Function, lose_strict, report_parallel
from twoapi.protocols.dialects.turn_order import in_order
from twoapi.protocols.dialects.turns import Call, Turn, one_text, past_thoughts, turns
from twoapi.protocols.dialects.unsent import form_field, report_unsent
from twoapi.protocols.spark import schema as wire
from twoapi.protocols.spark.name import HTTP, SOCKET
from twoapi.wire import json
from twoapi.wire.http import Outgoing

PATH = "/chat/completions"
SOCKET_PATH = "/v1.1/chat"
_BOTH = frozenset(
    (
        *("temperature", "top_k", "max_tokens", "presence_penalty", "frequency_penalty", "user_id", "parallel"),
        *("reasoning.effort", "reasoning.budget", "reasoning.mode"),
    )
)
_SENT = {HTTP: _BOTH | {"top_p", "output.format"}, SOCKET: _BOTH}
_WORDS = {"enabled": "enabled", "disabled": "disabled", "adaptive": "auto"}
_LEAST_TOP_P = 0.01
_TOP_KS = (1, 6)
_PENALTIES = {"presence_penalty": (0.0, 3.0), "frequency_penalty": (0.0, 1.0)}
_LONGEST_USER = 32  # characters, over a websocket


def encode_body(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The request over HTTP; raises FaultError for what this vendor cannot be sent."""
    encoding = _begin(request, capabilities, losses, HTTP)
    declared, searches = _declared(encoding)
    body = wire.Body(model=model, messages=_messages(encoding), user=request.user_id, stream=request.stream or None)
    sampling = request.sampling
    body.temperature = _clamped(encoding, "temperature", sampling.temperature, *capabilities.temperatures)
    body.top_p = _clamped(encoding, "top_p", sampling.top_p, _LEAST_TOP_P, 1.0)
    body.top_k = _top_k(encoding)
    body.max_tokens = output_limit(encoding)
    body.presence_penalty, body.frequency_penalty = _penalties(encoding)
    if declared:
        body.tools = [wire.Tool(type="function", function=_function(function)) for function in declared]
        body.tool_calls_switch = True
    elif searches:
        body.tools = [wire.WebSearchTool("web_search", wire.WebSearch(enable=True))]
    body.tool_choice = _choice(encoding, declared)
    body.response_format = _form(encoding)
    body.thinking = _thinking(encoding)
    return Encoded(Outgoing(PATH, json.encode(body)), encoding.restore())


def encode_frame(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The request over a websocket; raises FaultError for what this vendor cannot be sent.

    `model` is what the vendor calls the domain. The application that asks is told with the credential.
    """
    # A frame has no place for a choice among tools, whatever is declared.
    encoding = _begin(request, replace(capabilities, tool_choices=()), losses, SOCKET)
    declared, _ = _declared(encoding)
    spoken = _messages(encoding)
    sampling = request.sampling
    chat = wire.Chat(
        domain=model,
        temperature=_clamped(encoding, "temperature", sampling.temperature, *capabilities.temperatures),
        top_k=_top_k(encoding),
        max_tokens=output_limit(encoding),
        thinking=_thinking(encoding),
    )
    chat.presence_penalty, chat.frequency_penalty = _penalties(encoding)
    user = request.user_id
    if user is not None and len(user) > _LONGEST_USER:
        encoding.lose_field("user_id", "dropped", f"at most {_LONGEST_USER} characters")
        user = None
    frame = wire.Frame(
        header=wire.FrameHeader(uid=user),
        parameter=wire.Parameter(chat),
        payload=wire.Payload(
            wire.Texts(spoken), wire.Functions([_function(function) for function in declared]) if declared else None
        ),
    )
    _choice(encoding, declared)
    return Encoded(Outgoing(SOCKET_PATH, json.encode(frame)), encoding.restore())


def _begin(request: Request, capabilities: Capabilities, losses: list[Loss], target: str) -> Encoding:
    report_unsent(request, target, losses, _SENT[target])
    return Encoding(request, capabilities, losses, target)


# --- What is said ---


def _messages(encoding: Encoding) -> list[wire.Message]:
    spoken = in_order(encoding, turns(encoding, encoding.request.messages))
    return [_message(encoding, turn) for turn in spoken]


def _message(encoding: Encoding, turn: Turn) -> wire.Message:
    message = wire.Message(role=turn.role, content=one_text(encoding, turn))
    if turn.calls:
        message.tool_calls = [_call(encoding, call) for call in turn.calls]
    if turn.role == "tool":
        message.tool_call_id = _call_id(encoding, turn.call_id)
    message.reasoning_content = past_thoughts(encoding, turn)
    return message


def _call(encoding: Encoding, call: Call) -> wire.Tool:
    function = wire.Function(name=call.name, arguments=call.arguments or "{}")
    return wire.Tool(id=_call_id(encoding, call.id), type="function", function=function)


def _call_id(encoding: Encoding, call_id: str) -> str:
    return encode_call_id(call_id, encoding.capabilities.max_call_id)


# --- Tools ---


def _declared(encoding: Encoding) -> tuple[list[Function], bool]:
    """The functions to declare, and whether the web shall be searched, which is not done beside functions."""
    request, taken = encoding.request, encoding.capabilities.tool_choices
    if request.tools and not encoding.capabilities.tools:
        for tool in request.tools:
            encoding.lose(tool.at, "unsupported", "this model takes no functions")
        return [], False
    declared, searches = functions_and_search(encoding, can_name="named" in taken)
    lose_strict(encoding, declared, "arguments are not held to a schema")
    report_parallel(encoding)
    choice = request.tool_choice
    if choice is not None and choice.mode == "none" and "none" not in taken:
        for function in declared:
            encoding.lose(function.at, "emulated", "a tool that must not be called is not declared")
        return [], False
    if declared:
        for tool in searches:
            encoding.lose(tool.at, "unsupported", "no web search beside functions")
    return declared, bool(searches)


def _function(function: Function) -> wire.Function:
    return wire.Function(name=function.name, description=function.description, parameters=function.parameters)


def _choice(encoding: Encoding, declared: list[Function]) -> str | wire.ToolName | None:
    """The choice among the tools as the upstream takes it; None when nothing is to be said."""
    choice, taken = encoding.request.tool_choice, encoding.capabilities.tool_choices
    if choice is None:
        return None
    if not declared:
        if choice.mode != "none":
            encoding.lose_field("tool_choice", "dropped", "there are no tools to choose from")
        return None
    if choice.allowed:
        encoding.lose_field("tool_choice", "emulated", "of the tools only the allowed ones are declared")
    if choice.mode in taken:
        return choice.mode if choice.mode != "named" else _named(encoding, choice.names[0])
    if choice.mode != "auto":
        encoding.lose_field("tool_choice", "approximated", "a call cannot be demanded")
    return None


def _named(encoding: Encoding, name: str) -> wire.ToolName:
    return wire.ToolName(type="function", name=encoding.names.wire(name))


# --- Settings ---


def _clamped(encoding: Encoding, name: str, value: float | None, least: float, most: float) -> float | None:
    if value is None or least <= value <= most:
        return value
    encoding.lose_field(name, "clamped", f"{name} is from {least:g} to {most:g}")
    return least if value < least else most


def _top_k(encoding: Encoding) -> int | None:
    value = _clamped(encoding, "top_k", encoding.request.sampling.top_k, *_TOP_KS)
    return None if value is None else int(value)


def _penalties(encoding: Encoding) -> tuple[float | None, float | None]:
    found: list[float | None] = []
    for name, (least, most) in _PENALTIES.items():
        value = getattr(encoding.request.sampling, name)
        if value is not None and name in encoding.capabilities.refused_members:
            encoding.lose_field(name, "dropped", f"{name} has no place here")
            value = None
        found.append(_clamped(encoding, name, value, least, most))
    return found[0], found[1]


def _form(encoding: Encoding) -> wire.Typed | None:
    asked, taken = encoding.request.output.format, encoding.capabilities.formats
    if asked in (None, "text"):
        return None
    if "json_object" not in taken:
        encoding.lose_field(form_field(encoding.request), "unsupported", "the form of the answer cannot be prescribed")
        return None
    if asked == "json_schema":
        encoding.lose_field(form_field(encoding.request), "approximated", "the answer is some JSON object")
    return wire.Typed("json_object")


def _thinking(encoding: Encoding) -> wire.Typed | None:
    switch = thinking_switch(encoding)
    return None if switch is None else wire.Typed(_WORDS[switch])
