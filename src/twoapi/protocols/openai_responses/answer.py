"""The response object: read member by member, since hardly two servers send the same ones."""

import msgspec
from msgspec import Raw

from twoapi.ir import Fault
from twoapi.protocols.openai_responses.faults import hidden_fault
from twoapi.protocols.openai_responses.name import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError

# What an answer repeats of its request, and what only the vendor's own accounts are about.
ECHOED = frozenset(
    {
        "access_programs",
        "background",
        "billing",
        "completed_at",
        "conversation",
        "frequency_penalty",
        "image",
        "include",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
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
        found = hidden_fault(self.error)
        if found is None and self.status == "failed":
            return broken("the upstream's answer failed without saying why", code="server_error")
        return found


def read_answer(body: bytes | Raw) -> Answer:
    """The members of a response object; raises WireError when it is no object."""
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
