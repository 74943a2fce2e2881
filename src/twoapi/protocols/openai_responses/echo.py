"""The settings of a request as the answer to it repeats them: in the words in which the request would go upstream."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi.ir import FaultError, Output, ReasoningConfig, Request, Text
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks
from twoapi.protocols.openai_responses.answer import ECHOED
from twoapi.protocols.openai_responses.cache_marks import MARKED
from twoapi.protocols.openai_responses.constraints import Constraints
from twoapi.protocols.openai_responses.decode_request import INSTRUCTIONS
from twoapi.protocols.openai_responses.encode_request import encode_request
from twoapi.protocols.openai_responses.encode_tools import ToolEncoder
from twoapi.protocols.openai_responses.name import NAME
from twoapi.protocols.openai_responses.schema_request import WrittenBody, WrittenConversation
from twoapi.protocols.tool_names import ToolNames
from twoapi.wire import json

_NULL = Raw(b"null")
# What the service says of a request that does not set it; the first three must be there for the vendor's SDKs.
_DEFAULTS: dict[str, object] = {
    "parallel_tool_calls": Raw(b"true"),
    "tool_choice": Raw(b'"auto"'),
    "tools": Raw(b"[]"),
    "background": Raw(b"false"),
    "instructions": _NULL,
    "max_output_tokens": _NULL,
    "max_tool_calls": _NULL,
    "metadata": Raw(b"{}"),
    "previous_response_id": _NULL,
    "prompt_cache_key": _NULL,
    "reasoning": Raw(b'{"effort":null,"summary":null}'),
    "safety_identifier": _NULL,
    "store": Raw(b"true"),
    "temperature": _NULL,
    "text": Raw(b'{"format":{"type":"text"}}'),
    "top_logprobs": Raw(b"0"),
    "top_p": _NULL,
    "truncation": Raw(b'"disabled"'),
    "user": _NULL,
}
_ALL = Capabilities()
_RARE = "tools tool_choice parallel reasoning output metadata cache_key cache_auto user_id extras"
_rare = attrgetter(*_RARE.split())
_NO_RARE: tuple[object, ...] = ([], None, None, ReasoningConfig(), Output(), None, None, None, None, {})
_VARYING = ("instructions", "max_output_tokens", "store", "temperature", "top_logprobs", "top_p")
_PLAIN = b"".join(
    b',"%b":%b' % (name.encode(), b"%b" if name in _VARYING else json.encode(value))
    for name, value in _DEFAULTS.items()
)
_REPEATED = ECHOED - {"include"}
_WRITTEN = tuple(name for name in WrittenBody.__struct_fields__ if name in _REPEATED)
_written = attrgetter(*_WRITTEN)


def encode_settings(request: Request, echo: dict[str, Raw]) -> bytes:
    """The members of a response object that repeat its request, as JSON with a comma before each. `echo`: what an
    upstream of this protocol has repeated itself.
    """
    state = request.state
    if (
        echo
        or request.protocol != NAME
        or _rare(request) != _NO_RARE
        or state.previous is not None
        or state.conversation is not None
        or state.background is not None
    ):
        return b"," + json.encode(_settings_of(request) | echo)[1:-1]
    sampling, messages, instructions = request.sampling, request.messages, b"null"  # nearly all requests have no others
    if messages and messages[0].at == INSTRUCTIONS and isinstance(text := messages[0].parts[0], Text):
        instructions = json.encode(text.text)
    return _PLAIN % (
        instructions,
        json.encode(sampling.max_tokens),
        b"false" if state.store is False else b"true",
        json.encode(sampling.temperature),
        json.encode(sampling.top_logprobs or 0),
        json.encode(sampling.top_p),
    )


def _settings_of(request: Request) -> dict[str, object]:
    try:
        if request.protocol == NAME and request.extras:
            return _DEFAULTS | _repeated_whole(request)
        return _DEFAULTS | _repeated(request)
    except FaultError:
        return dict(_DEFAULTS)  # it was good enough for its upstream


def _repeated(request: Request) -> dict[str, object]:
    """What the request would say beside its conversation."""
    body = WrittenBody(model=request.model)
    Constraints(request, _ALL, [], body).put()
    own = request.protocol == NAME
    if request.tools or request.tool_choice is not None or request.parallel is not None:
        marks = CacheMarks(MARKED, [], enabled=True, same=own)
        names = ToolNames(_ALL.max_tool_name)
        ToolEncoder(request, _ALL, [], marks, _kept if own else names.wire).encode(body)
    if own:
        first = request.messages[0] if request.messages else None
        if first is not None and first.at == INSTRUCTIONS and isinstance(text := first.parts[0], Text):
            body.instructions = text.text
    if isinstance(body.conversation, str):
        body.conversation = WrittenConversation(id=body.conversation)
    return {name: value for name, value in zip(_WRITTEN, _written(body), strict=True) if value is not None}


def _kept(name: str, _: str | None) -> str:
    return name


def _repeated_whole(request: Request) -> dict[str, object]:
    """The same with the members that only this protocol has, as they stand in a whole request."""
    instructions = [message for message in request.messages if message.at == INSTRUCTIONS]
    asked = msgspec.structs.replace(request, messages=instructions, stream=False)
    members = json.fields(encode_request(asked, request.model, _ALL, []).outgoing.body)
    repeated: dict[str, object] = {
        name: value for name, value in members.items() if name in _REPEATED and not json.is_null(value)
    }
    conversation = members.get("conversation")
    if conversation is not None and json.first_byte(conversation) == 34:
        repeated["conversation"] = Raw(b'{"id":' + bytes(conversation) + b"}")
    return repeated
