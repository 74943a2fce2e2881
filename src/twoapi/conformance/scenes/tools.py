"""Scenes of tools: one call, parallel calls, results."""

from typing import Any

import msgspec

from twoapi.conformance.answer import Answer
from twoapi.conformance.asked import Asked, Offered, Piece, json_text
from twoapi.conformance.places import Key
from twoapi.conformance.reply import Called, Reply
from twoapi.conformance.scenes.scene import ALTERED, Hear, Scene, Sight, Want, only, says, setting, stops, tells

Json = Any  # a parsed JSON document

_PLAIN: Json = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "where"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
# Words that reduced dialects of JSON Schema do not have.
_RICH: Json = {
    "type": "object",
    "properties": {
        "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer", "exclusiveMinimum": 0}]},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "minItems": 1, "uniqueItems": True},
        "kind": {"const": "train"},
        "note": {"type": ["string", "null"], "maxLength": 40},
        "extra": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["when"],
    "$defs": {"stop": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}
_WEATHER, _TRIP = "Tells the weather of a city.", "Plans a trip with stops."
_TOOLS = (("get_weather", _WEATHER, _PLAIN, True), ("plan_trip", _TRIP, _RICH, None))


def tools(protocol: str) -> Json:
    """The two tools, as each protocol declares them."""
    match protocol:
        case "openai-chat":
            return [
                {
                    "type": "function",
                    "function": _strict({"name": name, "description": about, "parameters": schema}, strict),
                }
                for name, about, schema, strict in _TOOLS
            ]
        case "openai-responses":
            return [
                _strict({"type": "function", "name": name, "description": about, "parameters": schema}, strict or False)
                for name, about, schema, strict in _TOOLS
            ]
        case "anthropic-messages":
            return [
                _strict({"name": name, "description": about, "input_schema": schema}, strict)
                for name, about, schema, strict in _TOOLS
            ]
        case _:
            declared = [
                {"name": name, "description": about, "parametersJsonSchema": schema}
                for name, about, schema, _ in _TOOLS
            ]
            return [{"functionDeclarations": declared}]


def _strict(tool: Json, strict: bool | None) -> Json:  # noqa: FBT001  a value of the tool
    return tool if strict is None else {**tool, "strict": strict}


def _tool(asked: Asked, name: str) -> Offered | None:
    return next((tool for tool in asked.tools if tool.name == name), None)


def _offers(name: str, about: str, schema: Json) -> tuple[Want, ...]:
    def described(asked: Asked) -> Sight:
        tool = _tool(asked, name)
        return tool is not None and (tool.description == about or f"it is {tool.description!r}")

    def shaped(asked: Asked) -> Sight:
        tool = _tool(asked, name)
        return tool is not None and (tool.schema == schema or f"{ALTERED}changed to {json_text(tool.schema)}")

    return (
        Want(name=f"tool {name}", at=(name,), see=lambda asked: _tool(asked, name) is not None),
        Want(name=f"description of {name}", at=(about,), see=described),
        Want(
            name=f"schema of {name}",
            at=(Key("parameters"), Key("input_schema"), Key("parametersJsonSchema"), Key("parameters_json_schema")),
            see=shaped,
        ),
    )


def _is_strict(asked: Asked) -> Sight:
    tool = _tool(asked, "get_weather")
    return tool is not None and tool.strict


def _chooses(wanted: str, *marks: str) -> Want:
    def see(asked: Asked) -> Sight:
        return False if asked.choice in ("", "auto") else asked.choice == wanted or f"it is {asked.choice}"

    return Want(name="tool choice", at=tuple(map(Key, marks)), see=see)


def calls(number: int, name: str, arguments: str) -> Hear:
    """A call of the answer, by its number."""

    def see(answer: Answer, client: str) -> Sight:
        if len(answer.calls) <= number:
            return False
        call = answer.calls[number]
        if client != "gemini" and not call.id:
            return "it has no id"
        if call.name != name:
            return f"it calls {call.name!r}"
        try:
            same = msgspec.json.decode(call.arguments) == msgspec.json.decode(arguments)
        except ValueError:
            return f"its arguments are no JSON: {call.arguments!r}"
        return same or f"its arguments are {call.arguments!r}"

    return Hear(name=f"call {number}", see=see)


def _count(number: int) -> Hear:
    def see(answer: Answer, client: str) -> Sight:
        ids = {call.id for call in answer.calls}
        if client != "gemini" and len(ids) != len(answer.calls):
            return "two calls have one id"
        return len(answer.calls) == number or f"there are {len(answer.calls)} calls"

    return Hear(name="number of calls", see=see)


_ASK = "What is the weather in Zürich?"
_ARGUMENTS = '{"city":"Zürich \\"Süd\\"","unit":"c","id":1234567890123456789,"deep":{"list":[1,null,true]}}'
TOOLS = Scene(
    feature="tools",
    name="one call",
    bodies={
        "openai-chat": {
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-chat"),
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        },
        "openai-responses": {
            "input": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-responses"),
            "tool_choice": {"type": "function", "name": "get_weather"},
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("anthropic-messages"),
            "tool_choice": {"type": "tool", "name": "get_weather"},
        },
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": _ASK}]}],
            "tools": tools("gemini"),
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}},
        },
    },
    wants=(
        says("user text", "user", _ASK),
        *_offers("get_weather", _WEATHER, _PLAIN),
        *_offers("plan_trip", _TRIP, _RICH),
        Want(name="strict", at=(Key("strict"),), see=_is_strict),
        _chooses("named:get_weather", "tool_choice", "toolConfig"),
    ),
    reply=Reply(calls=(Called(id="call_conf1", name="get_weather", arguments=_ARGUMENTS),), stop="tool_use"),
    hears=(calls(0, "get_weather", _ARGUMENTS), _count(1), stops("tool_use")),
)

# Google's own client for Python mixes both spellings in one body.
SNAKE_CASE = Scene(
    feature="tools",
    name="snake case",
    bodies={
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": _ASK}]}],
            "system_instruction": {"parts": [{"text": "Answer in French only."}]},
            "tools": [
                {
                    "function_declarations": [
                        {"name": "get_weather", "description": _WEATHER, "parameters_json_schema": _PLAIN}
                    ]
                }
            ],
            "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["get_weather"]}},
            "generation_config": {"max_output_tokens": 3212, "topP": 0.75},
        }
    },
    wants=(
        says("system text", "system", "Answer in French only."),
        *_offers("get_weather", _WEATHER, _PLAIN),
        _chooses("named:get_weather", "tool_config"),
        setting("max_tokens", 3212),
        setting("top_p", 0.75),
    ),
    reply=Reply(calls=(Called(id="call_conf1", name="get_weather", arguments=_ARGUMENTS),), stop="tool_use"),
    hears=(calls(0, "get_weather", _ARGUMENTS), _count(1), stops("tool_use")),
)

_PARIS, _ROME = '{"city":"Paris","unit":"c"}', '{"city":"Rome","unit":"f"}'
_BOTH = (
    Called(id="call_confP", name="get_weather", arguments=_PARIS),
    Called(id="call_confR", name="get_weather", arguments=_ROME),
)
PARALLEL = Scene(
    feature="parallel tools",
    name="two calls",
    bodies={
        "openai-chat": {
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-chat"),
            "tool_choice": "required",
        },
        "openai-responses": {
            "input": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-responses"),
            "tool_choice": "required",
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("anthropic-messages"),
            "tool_choice": {"type": "any"},
        },
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": _ASK}]}],
            "tools": tools("gemini"),
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        },
    },
    wants=(_chooses("required", "tool_choice", "toolConfig"),),
    reply=Reply(text="I check both.", calls=_BOTH, stop="tool_use"),
    hears=(
        tells("I check both."),
        calls(0, "get_weather", _PARIS),
        calls(1, "get_weather", _ROME),
        _count(2),
        stops("tool_use"),
    ),
)

ONE_AT_A_TIME = Scene(
    feature="parallel tools",
    name="one call at a time",
    common=False,
    bodies={
        "openai-chat": {
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-chat"),
            "parallel_tool_calls": False,
        },
        "openai-responses": {
            "input": [{"role": "user", "content": _ASK}],
            "tools": tools("openai-responses"),
            "parallel_tool_calls": False,
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": _ASK}],
            "tools": tools("anthropic-messages"),
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
    },
    wants=(setting("parallel", False, Key("parallel_tool_calls"), Key("disable_parallel_tool_use")),),  # noqa: FBT003
    hears=(tells("Done."),),
)

# --- Results: in another order than the calls, one an error, one that looks like JSON ---

_SAID, _LIST, _TIMEOUT = "I look both up.", '["18","rain",{"$ref":"#/x"}]', "timeout-77"


def answered(asked: Asked, city: str) -> Piece | None:
    """The result of the call for this city, paired as the upstream would pair it."""
    made = asked.of("call")
    call = next((one for one in made if city in one.text), None)
    if call is None:
        return None
    results = asked.of("result")
    if call.id:
        return next((one for one in results if one.id == call.id), None)
    number = [one for one in made if one.name == call.name].index(call)
    same = [one for one in results if one.name == call.name and not one.id]
    return same[number] if number < len(same) else None


def _result(city: str, text: str) -> Want:
    def see(asked: Asked) -> Sight:
        found = answered(asked, city)
        # An object with the text under one name says the same.
        said = found is not None and (text in found.text or json_text(text)[1:-1] in found.text)
        return said or (found is not None and f"it says {found.text[:120]!r}")

    return Want(name=f"result for {city}", at=(text,), see=see)


def _call(city: str, arguments: str) -> Want:
    def see(asked: Asked) -> Sight:
        made = [call for call in asked.of("call") if city in call.text]
        if not made:
            return False
        if len(made) > 1 or made[0].name != "get_weather":
            return f"the calls for {city} are {made}"
        return msgspec.json.decode(made[0].text) == msgspec.json.decode(arguments) or f"it is {made[0].text}"

    return Want(name=f"call for {city}", at=(city,), see=see)


def _failed(asked: Asked) -> Sight:
    found = answered(asked, "Rome")
    return found is not None and found.failed


_CALL: Json = {"type": "function_call", "name": "get_weather"}
_USE: Json = {"type": "tool_use", "name": "get_weather"}
_GIVEN = ({"output": _LIST}, {"error": _TIMEOUT})
_HISTORY: dict[str, Json] = {
    "openai-chat": [
        {"role": "user", "content": _ASK},
        {
            "role": "assistant",
            "content": _SAID,
            "tool_calls": [
                {"id": id_, "type": "function", "function": {"name": "get_weather", "arguments": text}}
                for id_, text in (("c_paris", _PARIS), ("c_rome", _ROME))
            ],
        },
        {"role": "tool", "tool_call_id": "c_rome", "content": _TIMEOUT},
        {"role": "tool", "tool_call_id": "c_paris", "content": _LIST},
        {"role": "user", "content": "Only Paris counts."},
    ],
    "openai-responses": [
        {"role": "user", "content": _ASK},
        {"role": "assistant", "content": _SAID},
        {**_CALL, "call_id": "c_paris", "arguments": _PARIS},
        {**_CALL, "call_id": "c_rome", "arguments": _ROME},
        {"type": "function_call_output", "call_id": "c_rome", "output": _TIMEOUT},
        {"type": "function_call_output", "call_id": "c_paris", "output": _LIST},
        {"role": "user", "content": "Only Paris counts."},
    ],
    "anthropic-messages": [
        {"role": "user", "content": _ASK},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": _SAID},
                {**_USE, "id": "c_paris", "input": msgspec.json.decode(_PARIS)},
                {**_USE, "id": "c_rome", "input": msgspec.json.decode(_ROME)},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c_rome", "content": _TIMEOUT, "is_error": True},
                {"type": "tool_result", "tool_use_id": "c_paris", "content": _LIST},
                {"type": "text", "text": "Only Paris counts."},
            ],
        },
    ],
    "gemini": [
        {"role": "user", "parts": [{"text": _ASK}]},
        {
            "role": "model",
            "parts": [
                {"text": _SAID},
                *(
                    {"functionCall": {"name": "get_weather", "args": msgspec.json.decode(one)}}
                    for one in (_PARIS, _ROME)
                ),
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "get_weather", "response": one}} for one in _GIVEN],
        },
        {"role": "user", "parts": [{"text": "Only Paris counts."}]},
    ],
}

RESULTS = Scene(
    feature="tool results",
    name="two results",
    bodies={
        "openai-chat": {"messages": _HISTORY["openai-chat"], "tools": tools("openai-chat")},
        "openai-responses": {
            "input": _HISTORY["openai-responses"],
            "tools": tools("openai-responses"),
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": _HISTORY["anthropic-messages"],
            "tools": tools("anthropic-messages"),
        },
        "gemini": {"contents": _HISTORY["gemini"], "tools": tools("gemini")},
    },
    wants=(
        says("text before the calls", "assistant", _SAID),
        _call("Paris", _PARIS),
        _call("Rome", _ROME),
        _result("Paris", _LIST),
        _result("Rome", _TIMEOUT),
        Want(name="result is an error", at=(Key("is_error"), Key("error")), see=_failed),
        only("user", _ASK, "Only Paris counts."),
        only("assistant", _SAID),
    ),
    hears=(tells("Done."),),
)

SCENES = (TOOLS, SNAKE_CASE, PARALLEL, ONE_AT_A_TIME, RESULTS)
