"""The settings of a request as the answer to it repeats them: in the words in which the request would go upstream."""

import msgspec
from msgspec import Raw

from twoapi.ir import FaultError, Request
from twoapi.protocols.base import Capabilities
from twoapi.protocols.openai_responses.answer import ECHOED
from twoapi.protocols.openai_responses.encode_request import encode_request
from twoapi.wire import json

_NULL = Raw(b"null")
# What the service says of a request that does not set it; the first three must be there for the vendor's SDKs.
_DEFAULTS: dict[str, Raw] = {
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


def settings_of(request: Request) -> dict[str, Raw]:
    """The members of a response object that repeat its request, each verbatim JSON."""
    instructions = [message for message in request.messages if message.at == "/instructions"]
    asked = msgspec.structs.replace(request, messages=instructions, stream=False)
    try:
        members = json.fields(encode_request(asked, request.model, _ALL, []).outgoing.body)
    except FaultError:
        members = {}  # it was good enough for its upstream
    repeated = {name: value for name, value in members.items() if name in ECHOED and not json.is_null(value)}
    conversation = repeated.get("conversation")
    if conversation is not None and json.first_byte(conversation) == 34:
        repeated["conversation"] = Raw(b'{"id":' + bytes(conversation) + b"}")
    repeated.pop("include", None)
    return _DEFAULTS | repeated
