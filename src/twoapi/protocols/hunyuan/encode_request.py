"""The canonical request to the vendor's."""

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Base64, Loss, Request
from twoapi.protocols.base import Encoded
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.data_urls import encode_url
from twoapi.protocols.dialects.encoding import Encoding
from twoapi.protocols.dialects.search import functions_and_search
from twoapi.protocols.dialects.thinking_switch import thinking_switch
from twoapi.protocols.dialects.tools import Function, lose_strict, report_parallel
from twoapi.protocols.dialects.turn_order import in_order
from twoapi.protocols.dialects.turns import Call, Picture, Turn, one_text, past_thoughts, turns
from twoapi.protocols.dialects.unsent import report_unsent
from twoapi.protocols.hunyuan import schema as wire
from twoapi.protocols.hunyuan.name import NAME
from twoapi.wire import json
from twoapi.wire.http import Headers, Outgoing

PATH = "/"
HEADERS: Headers = [(b"x-tc-action", b"ChatCompletions"), (b"x-tc-version", b"2023-09-01")]
_SENT = frozenset(
    ("temperature", "top_p", "seed", "stop", "parallel", "reasoning.effort", "reasoning.budget", "reasoning.mode")
)
_LARGEST_SEED = 10000


def encode_request(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The upstream request; raises FaultError for what this vendor cannot be sent."""
    report_unsent(request, NAME, losses, _SENT)
    encoding = Encoding(request, capabilities, losses, NAME)
    body = wire.Body(model=model, messages=[], stream=request.stream or None)
    _put_tools(encoding, body)
    spoken = in_order(encoding, turns(encoding, request.messages))
    body.messages = [_message(encoding, turn) for turn in spoken]
    _put_sampling(encoding, body)
    switch = thinking_switch(encoding)
    body.enable_thinking = None if switch is None else switch != "disabled"
    restore = replace(encoding.restore(), stop=tuple(body.stop or ()))
    return Encoded(Outgoing(PATH, json.encode(body), HEADERS), restore)


def _put_sampling(encoding: Encoding, body: wire.Body) -> None:
    sampling = encoding.request.sampling
    least, most = encoding.capabilities.temperatures
    body.temperature = _clamped(encoding, "temperature", sampling.temperature, least, most)
    body.top_p = _clamped(encoding, "top_p", sampling.top_p, 0.0, 1.0)
    seed = sampling.seed
    if seed is not None and not 1 <= seed <= _LARGEST_SEED:
        seed = seed % _LARGEST_SEED or _LARGEST_SEED
        encoding.lose_field("seed", "approximated", f"seeds are from 1 to {_LARGEST_SEED}; sent as {seed}")
    body.seed = seed
    body.stop = [text for text in sampling.stop or () if text] or None


def _clamped(encoding: Encoding, name: str, value: float | None, least: float, most: float) -> float | None:
    if value is None or least <= value <= most:
        return value
    encoding.lose_field(name, "clamped", f"{name} is from {least:g} to {most:g}")
    return least if value < least else most


def _put_tools(encoding: Encoding, body: wire.Body) -> None:
    request = encoding.request
    declared, searches = functions_and_search(encoding, can_name=True)
    if searches:
        body.enable_enhancement = body.search_info = True
    lose_strict(encoding, declared, "arguments are not held to a schema")
    report_parallel(encoding)
    body.tools = [_tool(function) for function in declared] or None
    choice = request.tool_choice
    if choice is None or not declared:
        if choice is not None and choice.mode != "none":
            encoding.lose_field("tool_choice", "dropped", "there are no tools to choose from")
        return
    if choice.allowed:
        encoding.lose_field("tool_choice", "emulated", "of the tools only the allowed ones are declared")
    if choice.mode in ("none", "auto"):
        body.tool_choice = choice.mode
        return
    named = declared
    if choice.mode == "named":
        wanted = {encoding.names.wire(name) for name in choice.names}
        named = [function for function in declared if function.name in wanted] or declared
    if len(named) == 1:
        body.tool_choice, body.custom_tool = "custom", _tool(named[0])
    else:
        body.tool_choice = "auto"
        encoding.lose_field("tool_choice", "approximated", "only one tool can be demanded, not any of several")


def _tool(function: Function) -> wire.ToolOut:
    schema = function.parameters
    parameters = bytes(schema) if isinstance(schema, Raw) else json.encode(schema)
    return wire.ToolOut(
        type="function",
        function=wire.FunctionOut(
            name=function.name, description=function.description, parameters=parameters.decode("utf-8", "replace")
        ),
    )


def _message(encoding: Encoding, turn: Turn) -> wire.MessageOut:
    message = wire.MessageOut(role=turn.role)
    if turn.pictures:
        message.contents = [_content(encoding, one) for one in turn.said]
    else:
        message.content = one_text(encoding, turn)
    if turn.calls:
        message.tool_calls = [_call(encoding, call) for call in turn.calls]
    if turn.role == "tool":
        message.tool_call_id = _call_id(encoding, turn.call_id)
    message.reasoning_content = past_thoughts(encoding, turn)
    return message


def _content(encoding: Encoding, said: object) -> wire.ContentOut:
    if not isinstance(said, Picture):
        assert isinstance(said, str | Raw)  # noqa: S101  a text or a picture
        return wire.ContentOut(type="text", text=said)
    if said.detail not in (None, "auto"):
        encoding.lose(said.path, "dropped", "the detail of an image is not chosen here")
    source = said.source
    if isinstance(source, Base64):
        if said.mime is None:
            encoding.lose(said.path, "synthesized", "the image has no media type; sent as image/png")
        return wire.ContentOut(
            type="image_url", image_url=wire.ImageUrl(url=encode_url(source.data, said.mime or "image/png"))
        )
    return wire.ContentOut(type="image_url", image_url=wire.ImageUrl(url=source.url))


def _call(encoding: Encoding, call: Call) -> wire.ToolOut:
    function = wire.FunctionOut(name=call.name, arguments=call.arguments or "{}")
    return wire.ToolOut(id=_call_id(encoding, call.id), type="function", function=function)


def _call_id(encoding: Encoding, call_id: str) -> str:
    return encode_call_id(call_id, encoding.capabilities.max_call_id)
