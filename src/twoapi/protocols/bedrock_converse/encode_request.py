"""The canonical request to an upstream's."""

from urllib.parse import quote

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Encoded
from twoapi.protocols.bedrock_converse.constraints import Thinking, put_inference
from twoapi.protocols.bedrock_converse.encode_tools import encode_config, encode_tools
from twoapi.protocols.bedrock_converse.encode_turns import encode_turns
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.claude_thinking import running_turn
from twoapi.protocols.dialects.encoding import Wire, output_limit
from twoapi.protocols.dialects.unsent import refusal, report_unsent
from twoapi.wire.http import Outgoing
from twoapi.wire.json import encode

_TIERS = {"priority": "priority", "default": "default", "flex": "flex", "reserved": "reserved"}
_SAME_TIERS = {"standard": "default", "standard_only": "default"}
_MAX_METADATA = 16
_METADATA = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t\n\r\f\v:_@$#=/+,-.")

# What this module reports itself, by the names of Request.where.
_SENT = frozenset(
    (
        *(
            "max_tokens",
            "temperature",
            "top_p",
            "top_k",
            "stop",
            "parallel",
            "tier",
            "metadata",
            "user_id",
            "cache_auto",
        ),
        *("reasoning.effort", "reasoning.budget", "reasoning.mode", "reasoning.show", "reasoning.detail"),
        *("output.format", "output.schema", "output.name", "output.description", "output.strict"),
    )
)


def encode_request(request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoded:
    """The upstream request; raises FaultError where it cannot be made."""
    encoding = Encoding(request, capabilities, losses)
    try:
        payload = encode(_body(encoding))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise refusal(f"a text of the request is not valid: {error}", "") from None
    report_unsent(request, NAME, losses, _SENT)
    operation = "converse-stream" if request.stream else "converse"
    path = f"/model/{quote(model, safe='')}/{operation}"
    return Encoded(Outgoing(path, payload), encoding.restore())


def _body(encoding: Encoding) -> Wire:
    # before the turns: cache marks count in the order of the prompt
    tools = encode_tools(encoding)
    turns = encode_turns(encoding)
    config = encode_config(encoding, tools)
    encoding.settle_marks()
    limit = output_limit(encoding)
    running = running_turn((turn.role, turn.parts) for turn in reversed(turns.turns))
    thinking = Thinking(encoding, encoding.capabilities.max_output if limit is None else limit, running)
    thinking.leave_choice(config)
    body: Wire = {}
    if turns.system:
        body["system"] = turns.system
    body["messages"] = [{"role": turn.role, "content": turn.blocks} for turn in turns.turns]
    native: Wire = {}
    put_inference(encoding, body, native, thinking, limit)
    if config:
        body["toolConfig"] = config
    if thinking.member is not None:
        native["thinking"] = thinking.member
    if native:
        body["additionalModelRequestFields"] = native
    _put_output(encoding, body, thinking.effort)
    _put_rest(encoding, body)
    for name, value in encoding.capabilities.added_members:  # a guardrail, say
        body.setdefault(name, Raw(value))
    return body


def _put_output(encoding: Encoding, body: Wire, effort: str | None) -> None:
    output = encoding.request.output
    config: Wire = {}
    if effort is not None:
        config["effort"] = effort
    if output.format in ("json_object", "json_schema"):
        if output.schema is not None and "json_schema" in encoding.capabilities.formats:
            config["textFormat"] = _text_format(encoding, output, output.schema)
        else:
            _report_form(encoding, output)
    if config:
        body["outputConfig"] = config


def _text_format(encoding: Encoding, output: ir.Output, schema: ir.Schema) -> Wire:
    definition: Wire = {"schema": bytes(schema.raw).decode()}
    if output.name is not None:
        definition["name"] = output.name
    if output.description is not None:
        definition["description"] = output.description
    if output.strict is not None:
        kind: ir.LossKind = "info" if output.strict else "approximated"
        encoding.lose(encoding.request.where("output.strict"), kind, "the schema of an answer is always kept")
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}


def _report_form(encoding: Encoding, output: ir.Output) -> None:
    """A form of the answer that cannot be prescribed, with all that is said of it."""
    schema = "output.format" if output.schema is None else "output.schema"
    encoding.lose_field(schema, "unsupported", "the model takes no form of its answer, or only a schema")
    for name in ("name", "description", "strict"):
        if getattr(output, name) is not None:
            encoding.lose_field(f"output.{name}", "dropped", f"{name} of the answer's schema")


def _put_rest(encoding: Encoding, body: Wire) -> None:
    request = encoding.request
    if request.tier is not None:
        _put_tier(encoding, body, request.tier)
    metadata: dict[str, str] = {}
    if request.metadata:
        metadata = {key: value for key, value in request.metadata.items() if _fits(key) and _fits(value or "_")}
        metadata = dict(list(metadata.items())[:_MAX_METADATA])
        if len(metadata) < len(request.metadata):
            lost = ", ".join(repr(key) for key in request.metadata if key not in metadata)
            encoding.lose(request.where("metadata"), "approximated" if metadata else "dropped", f"metadata {lost}")
    if request.user_id is not None:
        where = request.where("user_id")
        if _fits(request.user_id) and len(metadata) < _MAX_METADATA and "user_id" not in metadata:
            metadata["user_id"] = request.user_id
            encoding.lose(where, "moved", "the user's id stands in the metadata")
        else:
            encoding.lose(where, "dropped", "the metadata cannot hold the user's id")
    if metadata:
        body["requestMetadata"] = metadata


def _fits(text: str) -> bool:
    return 0 < len(text) <= 256 and _METADATA.issuperset(text)


def _put_tier(encoding: Encoding, body: Wire, tier: str) -> None:
    where = encoding.request.where("tier")
    found = _TIERS.get(tier) or _SAME_TIERS.get(tier)
    if found is not None:
        body["serviceTier"] = {"type": found}
    elif tier == "auto":
        encoding.lose(where, "info", "the upstream chooses the tier by default")
    else:
        encoding.lose(where, "unsupported", f"service tier {tier}")
