"""generationConfig: sampling, thinking, and the form of the answer."""

from operator import attrgetter

from msgspec import Raw, Struct
from msgspec.structs import replace

from twoapi import ir
from twoapi.protocols.gemini import schema_request as wire
from twoapi.protocols.gemini.decode_tools import decode_schema
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode, is_null

CONFIG = "/generationConfig"
JSON = "application/json"
_EFFORTS = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}


class _TextFormat(Struct, forbid_unknown_fields=True, rename="camel"):
    mime_type: str = ""
    schema: Raw = EMPTY
    json_schema: Raw = EMPTY


class _Format(Struct, forbid_unknown_fields=True):
    text: _TextFormat


_unmodelled = attrgetter(*wire.UNMODELLED_CONFIG)
_ABSENT = (EMPTY,) * len(wire.UNMODELLED_CONFIG)
_output = attrgetter(
    "response_modalities", "response_mime_type", "response_json_schema", "response_schema", "response_format"
)
_NO_OUTPUT = _output(wire.GenerationConfig())
_decode_formats = decoder(list[_Format])


def put_config(request: ir.Request, config: wire.GenerationConfig) -> None:
    """Fills the request. What the canonical model does not hold goes to its extras. Raises WireError."""
    extras = request.extras
    if _unmodelled(config) != _ABSENT:
        for name, spelled in wire.UNMODELLED_CONFIG.items():
            value = getattr(config, name)
            if value is not EMPTY:
                extras[f"{CONFIG}/{spelled}"] = value
    top_k = config.top_k
    if top_k is not None and not top_k.is_integer():
        extras[f"{CONFIG}/topK"] = Raw(encode(top_k))
        top_k = None
    request.sampling = ir.Sampling(
        max_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if top_k is None else int(top_k),
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        seed=config.seed,
        stop=config.stop_sequences,
        n=config.candidate_count,
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs,
    )
    if config.thinking_config is not None:
        _put_thinking(request, config.thinking_config)
    if _output(config) != _NO_OUTPUT:
        _put_output(request, config)


def _put_thinking(request: ir.Request, thinking: wire.ThinkingConfig) -> None:
    told: dict[str, object] = {}
    level = (thinking.thinking_level or "").upper()
    if level in _EFFORTS:
        told["effort"] = _EFFORTS[level]
    elif level and not level.endswith("UNSPECIFIED"):
        request.extras[f"{CONFIG}/thinkingConfig/thinkingLevel"] = Raw(encode(thinking.thinking_level))
    budget = thinking.thinking_budget
    if budget is not None:
        if budget < 0:
            told["mode"] = "adaptive"
        elif budget == 0:
            told["mode"] = "off"
        else:
            told.update(mode="manual", budget=budget)
    if thinking.include_thoughts is not None:
        told["show"] = "summary" if thinking.include_thoughts else "none"
    request.reasoning = replace(request.reasoning, **told)


def _put_output(request: ir.Request, config: wire.GenerationConfig) -> None:
    told: dict[str, object] = {}
    extras = request.extras
    modalities = config.response_modalities
    if modalities is not None:
        told["modalities"] = [modality.lower() for modality in modalities if not modality.endswith("UNSPECIFIED")]
    mime, schema, reduced = config.response_mime_type, config.response_json_schema, config.response_schema
    form = config.response_format
    if form is not EMPTY and not (mime is None and _put_format(request, form, told)):
        extras[f"{CONFIG}/responseFormat"] = form
    given = {"responseJsonSchema": schema, "responseSchema": reduced}
    if mime == JSON:
        if not is_null(schema):
            told.update(format="json_schema", schema=ir.Schema(schema))
            given.pop("responseJsonSchema")
        elif not is_null(reduced):
            told.update(format="json_schema", schema=decode_schema(reduced, f"{CONFIG}/responseSchema"))
            given.pop("responseSchema")
            _place(request, "responseSchema")
        else:
            told["format"] = "json_object"
    elif mime == "text/plain":
        told["format"] = "text"
    elif mime:
        extras[f"{CONFIG}/responseMimeType"] = Raw(encode(mime))  # text/x.enum, and what comes later
    extras |= {f"{CONFIG}/{name}": value for name, value in given.items() if not is_null(value)}
    request.output = replace(request.output, **told)


def _place(request: ir.Request, where: str) -> None:
    """The schema of the answer stands elsewhere than usual."""
    at = f"{CONFIG}/{where}"
    request.paths = {**request.paths, "output.schema": at, "output.name": at}


def _put_format(request: ir.Request, raw: Raw, told: dict[str, object]) -> bool:
    """True when this is the one form of a text that the canonical model holds."""
    try:
        formats = _decode_formats(raw)
    except WireError:
        return False
    form = formats[0].text if len(formats) == 1 else _TextFormat()
    for name, schema in (("schema", form.schema), ("jsonSchema", form.json_schema)):
        if form.mime_type == JSON and not is_null(schema):
            told.update(format="json_schema", schema=ir.Schema(schema))
            _place(request, f"responseFormat/0/text/{name}")
            return form.schema is EMPTY or form.json_schema is EMPTY
    return False
