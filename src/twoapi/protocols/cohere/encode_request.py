"""The canonical request to an upstream's."""

import msgspec

from twoapi import ir
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.cohere.encode_messages import encode_messages
from twoapi.protocols.cohere.name import NAME
from twoapi.protocols.dialects.encoding import Encoding, Wire, output_limit, takes_sampling
from twoapi.protocols.dialects.thinking_switch import told_to_think
from twoapi.protocols.dialects.tools import Function, declarations, functions, lose_strict, report_parallel
from twoapi.protocols.dialects.unsent import refusal, report_unsent
from twoapi.wire.http import Outgoing
from twoapi.wire.json import encode

PATH = "/v2/chat"

MAX_STOP = 5
_TOP_P, _TOP_K, _SEEDS, _PENALTIES = (0.01, 0.99), (0, 500), (0, (1 << 64) - 1), (0.0, 1.0)
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768}
_SENT = frozenset(
    (
        *("max_tokens", "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed", "stop"),
        *("logprobs", "parallel"),
        *("reasoning.effort", "reasoning.budget", "reasoning.mode", "reasoning.show"),
        *("output.format", "output.schema", "output.name"),
    )
)


def encode_request(request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoded:
    """The upstream request; raises FaultError where it cannot be made."""
    encoding = Encoding(request, capabilities, losses, NAME)
    report_unsent(request, NAME, losses, _SENT)
    try:
        messages, documents = encode_messages(encoding)
        body: Wire = {"model": model, "messages": messages}
        if documents:
            body["documents"] = documents
        made = functions(encoding) if request.tools else []
        _put_tools(encoding, body, made)
        _put_sampling(encoding, body)
        thinks = told_to_think(encoding)
        if thinks is not None:
            body["thinking"] = _thinking(encoding) if thinks else {"type": "disabled"}
        _put_form(encoding, body)
        body["stream"] = request.stream
        payload = encode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise refusal(f"a text of the request is not valid: {error}", "") from None
    return Encoded(Outgoing(PATH, payload), encoding.restore())


def _put_tools(encoding: Encoding, body: Wire, made: list[Function]) -> None:
    report_parallel(encoding)
    if made:
        body["tools"] = declarations(made)
        if not encoding.capabilities.strict_tools or not all(one.strict for one in made):
            lose_strict(encoding, made, "only all tools together are strict here")
        else:
            body["strict_tools"] = True
    choice = encoding.request.tool_choice
    if choice is None or choice.mode == "auto":
        return
    if not made:
        kind: ir.LossKind = "info" if choice.mode == "none" else "dropped"
        encoding.lose_field("tool_choice", kind, "there are no tools to choose from")
        return
    body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
    if choice.names:
        encoding.lose_field("tool_choice", "emulated", "of the tools only the chosen ones are declared")


def _put_sampling(encoding: Encoding, body: Wire) -> None:
    sampling = encoding.request.sampling
    limit = output_limit(encoding)
    if limit is not None:
        body["max_tokens"] = limit
    if takes_sampling(encoding):
        _put_drawing(encoding, body, sampling)
    if sampling.stop is not None:
        _put_stop(encoding, body, sampling.stop)
    if sampling.seed is not None:
        body["seed"] = _fit(encoding, "seed", sampling.seed, _SEEDS)
    for name in ("frequency_penalty", "presence_penalty"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = _fit(encoding, name, value, _PENALTIES)
    if sampling.logprobs is not None:
        body["logprobs"] = sampling.logprobs


def _put_drawing(encoding: Encoding, body: Wire, sampling: ir.Sampling) -> None:
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_k is not None:
        body["k"] = _fit(encoding, "top_k", sampling.top_k, _TOP_K)
    if sampling.top_p is not None:
        body["p"] = _fit(encoding, "top_p", sampling.top_p, _TOP_P)


def _fit(encoding: Encoding, name: str, value: float, bounds: tuple[float, float]) -> float:
    """A number within the range that the service takes."""
    fitting = max(bounds[0], min(value, bounds[1]))
    if fitting != value:
        encoding.lose_field(name, "clamped", f"{name} lies between {bounds[0]} and {bounds[1]}")
    return fitting


def _put_stop(encoding: Encoding, body: Wire, stop: list[str]) -> None:
    where = encoding.request.where("stop")
    for number in range(MAX_STOP, len(stop)):
        encoding.lose(f"{where}/{number}", "dropped", f"at most {MAX_STOP} stop sequences")
    if stop:
        body["stop_sequences"] = stop[:MAX_STOP]


def _thinking(encoding: Encoding) -> Wire:
    """As much as the client asks for. A budget of less than none says: as much as the model likes."""
    thinking: Wire = {"type": "enabled"}
    reasoning = encoding.request.reasoning
    budget, effort = reasoning.budget, reasoning.effort
    if budget is not None and budget > 0:
        thinking["token_budget"] = budget
        if effort is not None:
            encoding.lose_field("reasoning.effort", "dropped", "the budget says how much to reason")
    elif effort is not None:
        if effort in _BUDGETS:
            thinking["token_budget"] = _BUDGETS[effort]
        encoding.lose_field("reasoning.effort", "approximated", "sent as a thinking budget")
    return thinking


def _put_form(encoding: Encoding, body: Wire) -> None:
    """The form of the answer, which the service takes only without tools and documents."""
    output = encoding.request.output
    if output.name is not None:
        encoding.lose_field("output.name", "info", "the schema of an answer has no name")
    if output.format is None:
        return
    if output.format == "text":
        body["response_format"] = {"type": "text"}
        return
    if "tools" in body or "documents" in body:
        field = "output.format" if output.schema is None else "output.schema"
        encoding.lose_field(field, "unsupported", "the form of an answer is not taken beside tools and documents")
        return
    form: Wire = {"type": "json_object"}
    if output.schema is not None:
        form["json_schema"] = output.schema.raw
    body["response_format"] = form
