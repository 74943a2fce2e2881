"""The canonical request to this protocol's body, and every loss on the way."""

from urllib.parse import quote

from twoapi.ir import Loss, Request, plain
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dialects.encoding import Encoding, Wire, output_limit, takes_sampling
from twoapi.protocols.dialects.turn_order import in_order
from twoapi.protocols.dialects.turns import turns
from twoapi.protocols.dialects.unsent import refusal, report_unsent, without_own
from twoapi.protocols.qianfan_v1.encode_functions import put_functions
from twoapi.protocols.qianfan_v1.encode_messages import encode_messages
from twoapi.protocols.qianfan_v1.name import NAME, PATH
from twoapi.wire.http import Outgoing
from twoapi.wire.json import encode

# Members of the vendor's own, which its clients write beside those of another protocol.
_OWN = ("penalty_score", "disable_search", "enable_citation")
_SENT = frozenset(
    (
        *("max_tokens", "temperature", "top_p", "top_k", "stop", "user_id", "parallel"),
        *("output.format", "output.schema", "output.name", "output.description", "output.strict"),
    )
)
_COLDEST, _HOTTEST = 0.01, 1.0  # the temperature must be more than 0
_LEAST_OUTPUT = 2
_MOST_STOPS, _LONGEST_STOP = 4, 20


def encode_request(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The upstream request; raises FaultError for what this protocol must refuse."""
    request, own = without_own(request, _OWN)
    report_unsent(request, NAME, losses, _SENT)
    encoding = Encoding(request, capabilities, losses, NAME)
    body: Wire = {"messages": []}
    put_functions(encoding, body)
    instruction = _put_form(encoding, body)
    spoken = in_order(encoding, turns(encoding, request.messages))
    instructions = [plain(text) for text in spoken.pop(0).texts] if spoken[0].role == "system" else []
    if instruction:
        instructions.append(instruction)
    body["messages"] = encode_messages(encoding, spoken)
    if instructions:
        body["system"] = "\n\n".join(instructions)
    _put_sampling(encoding, body)
    if request.user_id is not None:
        body["user_id"] = request.user_id
    if request.stream:
        body["stream"] = True
    path = PATH + quote(_slug(request, model, capabilities), safe="")
    return Encoded(Outgoing(path, encode({**body, **own})), encoding.restore())


def _slug(request: Request, model: str, capabilities: Capabilities) -> str:
    """What stands for the model in the path."""
    slug = capabilities.slug or model.lower()
    if slug in ("", ".", ".."):
        raise refusal(f"{model!r} is no name of a model", request.where("model"), "model_not_found")
    return slug


def _put_sampling(encoding: Encoding, body: Wire) -> None:
    sampling = encoding.request.sampling
    limit = output_limit(encoding)
    if limit is not None:
        body["max_output_tokens"] = max(limit, _LEAST_OUTPUT)
        if limit < _LEAST_OUTPUT:
            encoding.lose_field("max_tokens", "clamped", f"at least {_LEAST_OUTPUT} tokens")
    if takes_sampling(encoding):
        _put_temperature(encoding, body)
    if sampling.stop is not None:
        _put_stop(encoding, body, sampling.stop)


def _put_temperature(encoding: Encoding, body: Wire) -> None:
    sampling = encoding.request.sampling
    heat = sampling.temperature
    if heat is not None:
        body["temperature"] = max(_COLDEST, min(heat, _HOTTEST))
        if heat < _COLDEST:
            encoding.lose_field("temperature", "approximated", f"the least temperature is {_COLDEST}")
        elif heat > _HOTTEST:
            encoding.lose_field("temperature", "clamped", f"the highest temperature is {_HOTTEST}")
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        encoding.lose_field("top_k", "dropped", "top_k has no place here")


def _put_stop(encoding: Encoding, body: Wire, stop: list[str]) -> None:
    where, kept = encoding.request.where("stop"), list[str]()
    for number, text in enumerate(stop):
        if len(text) > _LONGEST_STOP:
            encoding.lose(f"{where}/{number}", "dropped", f"at most {_LONGEST_STOP} characters")
        elif len(kept) == _MOST_STOPS:
            encoding.lose(f"{where}/{number}", "dropped", f"at most {_MOST_STOPS} stop strings")
        else:
            kept.append(text)
    if kept:
        body["stop"] = kept


def _put_form(encoding: Encoding, body: Wire) -> str:
    """The form of the answer, and an instruction for what has no member; "" for none."""
    output = encoding.request.output
    if output.format in ("json_object", "json_schema"):
        body["response_format"] = "json_object"
    if output.format != "json_schema" or output.schema is None:
        return ""
    encoding.lose_field("output.schema", "emulated", "the schema of the answer is told in an instruction")
    for name in ("name", "description", "strict"):
        if getattr(output, name) not in (None, False):
            encoding.lose_field(f"output.{name}", "dropped", f"{name} of the answer's schema")
    return f"Answer with one JSON object that fits this JSON Schema:\n{encode(output.schema.raw).decode()}"
