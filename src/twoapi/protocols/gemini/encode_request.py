"""The canonical request to an upstream's."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.constraints import Thinking, put_sampling
from twoapi.protocols.gemini.decode_config import CONFIG, JSON
from twoapi.protocols.gemini.encode_contents import encode_contents
from twoapi.protocols.gemini.encode_tools import put_tools, reduced
from twoapi.protocols.gemini.encoding import Encoding
from twoapi.protocols.gemini.name import refuse
from twoapi.protocols.gemini.parts import Wire
from twoapi.protocols.gemini.schema_request import UNMODELLED, UNMODELLED_CONFIG, UNMODELLED_TOOLS, VENDOR_TOOLS
from twoapi.protocols.gemini.spelling import respelled, upstream_pointer
from twoapi.protocols.gemini.target import GENERATE, STREAM, VERSION, path_of
from twoapi.wire.http import Outgoing
from twoapi.wire.json import encode, insert

_TIERS = {"flex": "flex", "priority": "priority", "standard": "standard"}
_SAME_TIERS = {"default": "standard", "standard_only": "standard", "fast": "priority"}
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_NO_SAMPLING, _NO_REASONING, _NO_OUTPUT, _NO_STATE = ir.Sampling(), ir.ReasoningConfig(), ir.Output(), ir.State()
_KNOWN = frozenset(
    (*UNMODELLED.values(), *UNMODELLED_CONFIG.values(), *UNMODELLED_TOOLS.values(), *VENDOR_TOOLS.values())
)
# Fields of other protocols that have no place here.
_NOWHERE = ("output.verbosity", "output.audio", "output.prediction", "state.background", "user_id", "cache_auto")
_nowhere = attrgetter(*_NOWHERE)
_NOTHING = (None,) * len(_NOWHERE)


def encode_request(request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoded:
    """The upstream request; raises FaultError where it cannot be made."""
    encoding = Encoding(request, capabilities, losses)
    body: Wire = {}
    try:
        encode_contents(encoding, body)
        _put_options(encoding, body)
        payload = encode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise refuse(f"a text of the request is not valid: {error}", None) from None
    if request.extras:
        payload = _put_extras(encoding, body, payload)
    version = (request.api_version or VERSION) if encoding.native else VERSION
    path = path_of(model, STREAM if request.stream else GENERATE, capabilities, version)
    restore = Restore(names=encoding.changed_names, custom=encoding.custom)
    return Encoded(Outgoing(path + "?alt=sse" if request.stream else path, payload), restore)


def _put_options(encoding: Encoding, body: Wire) -> None:
    request = encoding.request
    if request.tools or request.tool_choice is not None or request.parallel is not None:
        put_tools(encoding, body)
    config = _config(encoding)
    if config:
        body["generationConfig"] = config
    if request.safety is not None:
        _put_safety(encoding, body, request.safety)
    if request.tier is not None:
        _put_tier(encoding, body, request.tier)
    if request.metadata is not None:
        _put_labels(encoding, body, request.metadata)
    if request.state != _NO_STATE:
        _put_state(encoding, body)
    if not encoding.native:
        _report_foreign(encoding)


def _config(encoding: Encoding) -> Wire:
    request = encoding.request
    config: Wire = {}
    if request.sampling != _NO_SAMPLING:
        put_sampling(encoding, config)
    if request.output != _NO_OUTPUT:
        _put_output(encoding, config)
    if request.reasoning != _NO_REASONING:
        thinking = Thinking(encoding).wire
        if thinking:
            config["thinkingConfig"] = thinking
    return config


def _put_output(encoding: Encoding, config: Wire) -> None:
    request, output = encoding.request, encoding.request.output
    if output.modalities is not None:
        config["responseModalities"] = [modality.upper() for modality in output.modalities]
    if output.format == "text" and encoding.native:
        config["responseMimeType"] = "text/plain"
    elif output.format == "json_object":
        config["responseMimeType"] = JSON
    elif output.format == "json_schema":
        _put_answer_schema(encoding, config)
    if output.name is not None:
        encoding.lose(request.where("output.name"), "info", "the name of the answer's schema")
    for name in ("description", "strict"):
        if getattr(output, name) is not None:
            encoding.lose(request.where(f"output.{name}"), "dropped", f"{name} of the answer's schema")


def _put_answer_schema(encoding: Encoding, config: Wire) -> None:
    request, schema = encoding.request, encoding.request.output.schema
    where = request.where("output.schema")
    place = where.rpartition("/")[2]
    if schema is None:
        config["responseMimeType"] = JSON
    elif encoding.native and place in ("schema", "jsonSchema", "json_schema"):
        name = "schema" if place == "schema" else "jsonSchema"
        config["responseFormat"] = [{"text": {"mimeType": JSON, name: schema.raw}}]
    else:
        config["responseMimeType"] = JSON
        if encoding.native and schema.native is not None:
            config["responseSchema"] = schema.native
        elif encoding.capabilities.json_schemas:
            config["responseJsonSchema"] = schema.raw
        else:
            config["responseSchema"] = reduced(encoding, schema, where)


def _put_safety(encoding: Encoding, body: Wire, safety: Raw) -> None:
    if encoding.native:
        body["safetySettings"] = respelled(safety)
    else:
        encoding.lose(encoding.request.where("safety"), "dropped", "safety settings of another vendor")


def _put_tier(encoding: Encoding, body: Wire, tier: str) -> None:
    where = encoding.request.where("tier")
    if encoding.native or tier in _TIERS:
        body["serviceTier"] = tier
    elif tier in _SAME_TIERS:
        body["serviceTier"] = _SAME_TIERS[tier]
    elif tier == "auto":
        encoding.lose(where, "info", "the upstream chooses the tier by default")
    else:
        encoding.lose(where, "unsupported", f"service tier {tier}")


def _put_labels(encoding: Encoding, body: Wire, metadata: dict[str, str]) -> None:
    if encoding.native:
        body["labels"] = metadata
        return
    where = encoding.request.where("metadata")
    labels = {key: value for key, value in metadata.items() if _is_label(key) and _is_label(value or "_")}
    if not encoding.capabilities.labels:
        labels = {}
    if labels:
        body["labels"] = labels
    if len(labels) < len(metadata):
        lost = ", ".join(repr(key) for key in metadata if key not in labels)
        encoding.lose(where, "dropped" if not labels else "approximated", f"metadata {lost}")


def _is_label(text: str) -> bool:
    return 0 < len(text) <= 63 and _LABEL.issuperset(text)


def _put_state(encoding: Encoding, body: Wire) -> None:
    request, state = encoding.request, encoding.request.state
    for name in ("previous", "conversation"):
        if getattr(state, name) is not None:
            raise refuse("the target holds no conversations", request.where(f"state.{name}"))
    if state.thread is not None:
        raise refuse("the target holds no message threads", request.where("thread"), "thread_unsupported_request")
    if state.cached is not None:
        if not encoding.native:
            raise refuse("the target does not hold this content", request.where("state.cached"))
        body["cachedContent"] = state.cached
    if state.store is not None:
        if "store" in encoding.capabilities.refused_members:
            encoding.lose(request.where("state.store"), "dropped" if state.store else "info", "nothing is stored here")
        else:
            body["store"] = state.store


def _report_foreign(encoding: Encoding) -> None:
    """The fields of other protocols, each with its Loss."""
    request = encoding.request
    values = _nowhere(request)
    if values != _NOTHING:
        for name, value in zip(_NOWHERE, values, strict=True):
            if value is not None and value is not False:
                encoding.lose(request.where(name), "dropped", f"{name} does not exist in this protocol")
            elif value is False:
                encoding.lose(request.where(name), "info", f"{name} is never so here")
    if request.cache_key is not None:
        encoding.lose(request.where("cache_key"), "info", "a cache key only helps routing")


def _put_extras(encoding: Encoding, body: Wire, payload: bytes) -> bytes:
    """The members that the canonical model does not hold: back to their places, for the same protocol only."""
    extras = encoding.request.extras
    if not encoding.native:
        for pointer in extras:
            encoding.lose(pointer, "dropped", "unknown to this protocol")
        return payload
    places = {pointer: _moved(encoding, pointer) for pointer in extras}
    changed = False
    for place in places.values():
        changed = _make_parents(body, place) or changed
    if changed:
        payload = encode(body)
    for pointer, place in places.items():
        payload, missing = insert(payload, {place: extras[pointer]})
        if missing:
            encoding.lose(pointer, "dropped", "its place is gone")
    return payload


def _make_parents(body: Wire, place: str) -> bool:
    """Objects of options that hold nothing else; True when one had to be made."""
    *parents, _ = place.split("/")[1:]
    if not parents or parents[0] not in (CONFIG[1:], "toolConfig"):
        return False
    changed = False
    node: object = body
    for name in parents:
        if not isinstance(node, dict):
            return changed
        changed = changed or name not in node
        node = node.setdefault(name, {})
    return changed


def _moved(encoding: Encoding, pointer: str) -> str:
    """A pointer into the client's body as one into the upstream's."""
    tokens = pointer.split("/")
    for count in range(len(tokens) - 1, 1, -1):
        place = encoding.places.get("/".join(tokens[:count]))
        if place is not None:
            rest = upstream_pointer("/" + "/".join(tokens[count:]), _KNOWN)
            return place + rest
    return upstream_pointer(pointer, _KNOWN)
