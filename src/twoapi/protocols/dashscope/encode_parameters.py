"""What the vendor calls parameters: how tokens are drawn, how much the model thinks, tools, the form of the answer."""

from twoapi.ir import Tool, ToolChoice
from twoapi.protocols.dialects.encoding import Encoding, Wire, output_limit, takes_sampling
from twoapi.protocols.dialects.search import functions_and_search
from twoapi.protocols.dialects.tools import Function, lose_strict
from twoapi.wire.json import encode

_HOTTEST = 1.99  # the temperature must be less than 2
_LEAST_TOP_P = 0.01  # and top_p more than 0
_MOST_ANSWERS = 4
_MOST_LOGPROBS = 5
# effort -> tokens for thinking; the last one means as many as the model takes
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": None}


def encode_parameters(encoding: Encoding, *, streamed: bool) -> tuple[Wire, str]:
    """The parameters, and an instruction for the model in place of what has no parameter; "" for none."""
    parameters: Wire = {"result_format": "message"}
    if streamed:
        parameters["incremental_output"] = True
    _put_sampling(encoding, parameters)
    _put_thinking(encoding, parameters)
    _put_tools(encoding, parameters)
    return parameters, _put_form(encoding, parameters)


def _put_sampling(encoding: Encoding, parameters: Wire) -> None:
    sampling = encoding.request.sampling
    limit = output_limit(encoding)
    if limit is not None:
        parameters["max_tokens"] = limit
    if takes_sampling(encoding):
        _put_temperature(encoding, parameters)
    for name in ("seed", "presence_penalty", "logprobs"):
        value = getattr(sampling, name)
        if value is not None:
            parameters[name] = value
    if sampling.stop is not None:
        parameters["stop"] = sampling.stop
    if sampling.n is not None:
        parameters["n"] = min(sampling.n, _MOST_ANSWERS)
        if sampling.n > _MOST_ANSWERS:
            encoding.lose_field("n", "clamped", f"at most {_MOST_ANSWERS} answers")
    if sampling.top_logprobs is not None:
        _put_top_logprobs(encoding, parameters, sampling.top_logprobs)


def _put_temperature(encoding: Encoding, parameters: Wire) -> None:
    sampling = encoding.request.sampling
    if sampling.temperature is not None:
        parameters["temperature"] = min(sampling.temperature, _HOTTEST)
        if sampling.temperature > _HOTTEST:
            encoding.lose_field("temperature", "clamped", "a temperature is less than 2")
    if sampling.top_p is not None:
        parameters["top_p"] = max(sampling.top_p, _LEAST_TOP_P)
        if sampling.top_p < _LEAST_TOP_P:
            encoding.lose_field("top_p", "clamped", f"at least {_LEAST_TOP_P}")
    if sampling.top_k is not None:
        parameters["top_k"] = sampling.top_k


def _put_top_logprobs(encoding: Encoding, parameters: Wire, asked: int) -> None:
    if not encoding.request.sampling.logprobs:
        encoding.lose_field("top_logprobs", "dropped", "no number of logprobs without logprobs")
        return
    parameters["top_logprobs"] = min(asked, _MOST_LOGPROBS)
    if asked > _MOST_LOGPROBS:
        encoding.lose_field("top_logprobs", "clamped", f"at most {_MOST_LOGPROBS}")


def _put_thinking(encoding: Encoding, parameters: Wire) -> None:
    """Whether the model thinks, and for how many tokens."""
    reasoning = encoding.request.reasoning
    effort, budget, mode = reasoning.effort, reasoning.budget, reasoning.mode
    if mode == "off" or effort == "none":
        _put_off(encoding, parameters, "reasoning.mode" if mode == "off" else "reasoning.effort")
        if mode == "off" and effort not in (None, "none"):
            encoding.lose_field("reasoning.effort", "dropped", "the model does not think")
    elif effort is not None or budget is not None or mode is not None:
        _put_on(encoding, parameters)
    if reasoning.show is not None:
        encoding.lose_field("reasoning.show", "info", "what reasoning is shown is not chosen here")
    if reasoning.detail is not None:
        encoding.lose_field("reasoning.detail", "dropped", "how detailed reasoning is told is not chosen here")


def _put_off(encoding: Encoding, parameters: Wire, field: str) -> None:
    known = encoding.capabilities.thinking
    if "disabled" in known:
        parameters["enable_thinking"] = False
    elif known:
        encoding.lose_field(field, "unsupported", "this model always thinks")
    else:
        encoding.lose_field(field, "info", "this model does not think")


def _put_on(encoding: Encoding, parameters: Wire) -> None:
    reasoning, known = encoding.request.reasoning, encoding.capabilities.thinking
    said = [name for name in ("effort", "budget", "mode") if getattr(reasoning, name) is not None]
    if not known:
        for name in said:
            encoding.lose_field(f"reasoning.{name}", "unsupported", "this model does not think")
        return
    if "disabled" in known:  # else it thinks without being told
        parameters["enable_thinking"] = True
    if reasoning.mode == "between_tools":
        encoding.lose_field("reasoning.mode", "unsupported", "no reasoning between tools only")
    budget, field = reasoning.budget, "reasoning.budget"
    if budget is None and reasoning.effort is not None:
        budget, field = _BUDGETS[reasoning.effort], "reasoning.effort"
        encoding.lose_field(field, "approximated", f"sent as {budget or 'the longest'} tokens of thinking")
    elif budget is not None and reasoning.effort is not None:
        encoding.lose_field("reasoning.effort", "dropped", "the budget says how much to reason")
    if budget is not None and budget > 0:  # a negative one says: as much as the model likes
        _put_budget(encoding, parameters, budget, field)


def _put_budget(encoding: Encoding, parameters: Wire, budget: int, field: str) -> None:
    span = encoding.capabilities.thinking_budget
    if span is None:
        encoding.lose_field(field, "dropped", "this model takes no thinking budget")
        return
    fitting = max(span[0], min(budget, span[1]))
    parameters["thinking_budget"] = fitting
    if fitting != budget:
        encoding.lose_field(field, "clamped", f"the budget must lie between {span[0]} and {span[1]}")


def _put_tools(encoding: Encoding, parameters: Wire) -> None:
    request = encoding.request
    if not request.tools and request.tool_choice is None:
        return
    choice = request.tool_choice
    made, searches = functions_and_search(encoding, can_name=True)
    if searches:
        parameters["enable_search"] = True
        parameters["search_options"] = _search_options(choice, searches)
    lose_strict(encoding, made, "there are no strict tools")
    if made:
        parameters["tools"] = [_declared(function) for function in made]
    if choice is not None:
        _put_choice(encoding, parameters, choice, made)
    if request.parallel is not None:
        if made:
            parameters["parallel_tool_calls"] = request.parallel
        else:
            encoding.lose_field("parallel", "info", "there are no tools to call")


def _declared(function: Function) -> Wire:
    wire: Wire = {"name": function.name}
    if function.description is not None:
        wire["description"] = function.description
    wire["parameters"] = function.parameters
    return {"type": "function", "function": wire}


def _search_options(choice: ToolChoice | None, searches: list[Tool]) -> Wire:
    """The sources are told; the model must search where it must call that tool."""
    options: Wire = {"enable_source": True}
    if choice is not None and choice.mode == "named" and choice.names[0] in {tool.name for tool in searches}:
        options["forced_search"] = True
    return options


def _put_choice(encoding: Encoding, parameters: Wire, choice: ToolChoice, made: list[Function]) -> None:
    if not made:
        if choice.mode in ("required", "named") and "enable_search" not in parameters:
            encoding.lose_field("tool_choice", "dropped", "there are no tools to choose from")
        return
    mode = choice.mode
    if choice.allowed:
        encoding.lose_field("tool_choice", "emulated", "of the tools only the allowed ones are declared")
        mode = "required" if mode == "named" else mode
    if mode in ("none", "auto"):
        parameters["tool_choice"] = mode
    elif mode == "named":
        tool = next(tool for tool in encoding.request.tools if tool.name == choice.names[0])
        name = encoding.names.wire(tool.name, tool.namespace)
        if any(function.name == name for function in made):  # else it is the search
            parameters["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif len(made) == 1:  # to have to call the only one is to have to call this one
        parameters["tool_choice"] = {"type": "function", "function": {"name": made[0].name}}
    else:
        parameters["tool_choice"] = "auto"
        encoding.lose_field("tool_choice", "approximated", "no call of any tool can be forced, only of one")


def _put_form(encoding: Encoding, parameters: Wire) -> str:
    output = encoding.request.output
    if output.format == "json_object":
        parameters["response_format"] = {"type": "json_object"}
    if output.format != "json_schema" or output.schema is None:
        return ""
    if "json_schema" in encoding.capabilities.formats:
        schema: Wire = {"name": output.name or "response", "schema": output.schema.raw}
        if output.strict is not None:
            schema["strict"] = output.strict
        if output.description is not None:
            schema["description"] = output.description
        parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
        return ""
    parameters["response_format"] = {"type": "json_object"}
    encoding.lose_field("output.schema", "emulated", "the schema of the answer is told in an instruction")
    for name in ("name", "description", "strict"):
        if getattr(output, name) not in (None, False):
            encoding.lose_field(f"output.{name}", "dropped", f"{name} of the answer's schema")
    return f"Answer with one JSON object that fits this JSON Schema:\n{encode(output.schema.raw).decode()}"
