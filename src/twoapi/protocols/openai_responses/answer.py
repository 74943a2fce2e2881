"""The response object: read in one scan, or member by member, since hardly two servers send the same ones."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi.ir import Fault
from twoapi.protocols.openai_responses.faults import hidden_fault
from twoapi.protocols.openai_responses.name import broken
from twoapi.protocols.openai_responses.schema_items import AnyItem
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY


class _Echo(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an answer repeats of its request, and what only the vendor's own accounts are about."""

    access_programs: Raw = EMPTY
    background: Raw = EMPTY
    billing: Raw = EMPTY
    completed_at: Raw = EMPTY
    conversation: Raw = EMPTY
    frequency_penalty: Raw = EMPTY
    image: Raw = EMPTY
    include: Raw = EMPTY
    instructions: Raw = EMPTY
    max_output_tokens: Raw = EMPTY
    max_tool_calls: Raw = EMPTY
    metadata: Raw = EMPTY
    parallel_tool_calls: Raw = EMPTY
    presence_penalty: Raw = EMPTY
    previous_response_id: Raw = EMPTY
    prompt: Raw = EMPTY
    prompt_cache_key: Raw = EMPTY
    prompt_cache_options: Raw = EMPTY
    prompt_cache_retention: Raw = EMPTY
    reasoning: Raw = EMPTY
    safety_identifier: Raw = EMPTY
    store: Raw = EMPTY
    temperature: Raw = EMPTY
    text: Raw = EMPTY
    tool_choice: Raw = EMPTY
    tools: Raw = EMPTY
    top_logprobs: Raw = EMPTY
    top_p: Raw = EMPTY
    truncation: Raw = EMPTY
    user: Raw = EMPTY


class _Usual(_Echo, kw_only=True, forbid_unknown_fields=True):
    """A response object as nearly all send it."""

    id: str | None = None
    object: Raw = EMPTY
    created_at: int | float | None = None
    status: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: Raw = EMPTY
    incomplete_details: Raw = EMPTY
    error: Raw = EMPTY
    output: list[Raw] | None = None


class _Known(_Usual, kw_only=True, forbid_unknown_fields=True):
    """The same with items of known types."""

    output: list[AnyItem] | None = None  # type: ignore[assignment]  # read in the same scan


_decode_usual = msgspec.json.Decoder(_Usual).decode
_decode_known = msgspec.json.Decoder(_Known).decode
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
ECHOED = frozenset(_Echo.__struct_fields__)
# Of these some are in every answer of the vendor, and others in few of other servers.
_CORE = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
)
_REST = tuple(name for name in _Echo.__struct_fields__ if name not in _CORE)
_core, _rest = attrgetter(*_CORE), attrgetter(*_REST)
_NO_REST = (EMPTY,) * len(_REST)
_LATEST = 1e12


class Answer(msgspec.Struct):
    """A response object. `output` None: it has none. `echo`, `rest`: members verbatim, null ones only in `echo`."""

    id: str
    model: str
    status: str
    created: int | None
    tier: str | None
    output: list[Raw] | None
    usage: Raw
    details: Raw
    error: Raw
    echo: dict[str, Raw]
    rest: dict[str, Raw]

    def fault(self) -> Fault | None:
        """The fault that the answer is about, None when it is none."""
        if json.is_null(self.error) and self.status != "failed":
            return None
        found = hidden_fault(self.error)
        if found is None and self.status == "failed":
            return broken("the upstream's answer failed without saying why", code="server_error")
        return found


def read_answer(body: bytes | Raw) -> Answer:
    """The members of a response object; raises WireError when it is no object."""
    try:
        found = _decode_usual(body)
    except _BAD:
        return _read_any(body)
    return _answer_of(found, found.output)


def read_known_answer(body: bytes) -> tuple[Answer, list[AnyItem]] | None:
    """A response object all of whose items are of known types, with these beside it; None for any other."""
    try:
        found = _decode_known(body)
    except _BAD:
        return None
    items: list[AnyItem] | None = found.output
    return None if items is None else (_answer_of(found, []), items)


def _answer_of(found: _Usual, output: list[Raw] | None) -> Answer:
    created = found.created_at
    echo: dict[str, Raw] = {
        "instructions": found.instructions,
        "max_output_tokens": found.max_output_tokens,
        "metadata": found.metadata,
        "parallel_tool_calls": found.parallel_tool_calls,
        "previous_response_id": found.previous_response_id,
        "reasoning": found.reasoning,
        "store": found.store,
        "temperature": found.temperature,
        "text": found.text,
        "tool_choice": found.tool_choice,
        "tools": found.tools,
        "top_p": found.top_p,
        "truncation": found.truncation,
    }
    if EMPTY in echo.values() or _rest(found) != _NO_REST:
        pairs = zip((*_CORE, *_REST), (*_core(found), *_rest(found)), strict=True)
        echo = {name: value for name, value in pairs if value is not EMPTY}
    return Answer(
        id=found.id or "",
        model=found.model or "",
        status=found.status or "",
        created=int(created) if created is not None and 0 <= created < _LATEST else None,
        tier=found.service_tier,
        output=output,
        usage=found.usage,
        details=found.incomplete_details,
        error=found.error,
        echo=echo,
        rest={},
    )


def _read_any(body: bytes | Raw) -> Answer:
    """The same, member by member, of a server that sends others or spells them in another way."""
    members = json.fields(body)
    take = members.pop
    take("object", None)
    output = take("output", json.EMPTY)
    answer = Answer(
        id=_word(take("id", json.EMPTY)) or "",
        model=_word(take("model", json.EMPTY)) or "",
        status=_word(take("status", json.EMPTY)) or "",
        created=_seconds(take("created_at", json.EMPTY)),
        tier=_word(take("service_tier", json.EMPTY)),
        output=None if json.is_null(output) else json.items(output),
        usage=take("usage", json.EMPTY),
        details=take("incomplete_details", json.EMPTY),
        error=take("error", json.EMPTY),
        echo={},
        rest={},
    )
    for name, value in members.items():
        if name in ECHOED:
            answer.echo[name] = value
        elif not json.is_null(value):
            answer.rest["/" + json.escape(name)] = value
    return answer


def _word(raw: Raw) -> str | None:
    return str(json.decode(raw)) if json.first_byte(raw) == 34 else None


def _seconds(raw: Raw) -> int | None:
    """A time of creation as whole seconds; None for one that is no time."""
    if json.is_null(raw):
        return None
    try:
        found = json.decode(raw)
    except WireError:
        return None
    return int(found) if type(found) in (int, float) and 0 <= found < _LATEST else None
