"""The codec of this protocol: one method for each thing that a gateway asks of it."""

import msgspec

from twoapi.ir import Fault
from twoapi.protocols.base import ModelEntry, Peek
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.members import guess_model, mentions, peek_members
from twoapi.protocols.openai_responses.decode_request import decode_request
from twoapi.protocols.openai_responses.decode_response import decode_response, inspect_response
from twoapi.protocols.openai_responses.encode_request import encode_request
from twoapi.protocols.openai_responses.encode_response import encode_response
from twoapi.protocols.openai_responses.faults import decode_fault, encode_fault
from twoapi.protocols.openai_responses.name import NAME
from twoapi.protocols.openai_responses.relay import relay_request
from twoapi.protocols.openai_responses.stream_decoder import ResponsesStreamDecoder
from twoapi.protocols.openai_responses.stream_encoder import KEEP_ALIVE, ResponsesStreamEncoder
from twoapi.protocols.openai_responses.tap import ResponsesTap, failed_stream
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.wire import json
from twoapi.wire.http import Incoming


class _Model(msgspec.Struct):
    id: str
    created: int
    owned_by: str
    object: str = "model"


class _Models(msgspec.Struct):
    data: list[_Model]
    object: str = "list"


class OpenAIResponses:
    """OpenAI Responses, both sides."""

    name = NAME
    comments = True
    silence = KEEP_ALIVE
    seal = SEAL_PREFIX.encode()
    request_id_header = b"x-request-id"

    # Functions of their own modules, without a frame between.
    mentions = staticmethod(mentions)
    guess_model = staticmethod(guess_model)
    peek = staticmethod(peek_members)
    decode_request = staticmethod(decode_request)
    encode_response = staticmethod(encode_response)
    encode_fault = staticmethod(encode_fault)
    encode_request = staticmethod(encode_request)
    relay_request = staticmethod(relay_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    inspect = staticmethod(inspect_response)
    stream_encoder = ResponsesStreamEncoder
    stream_decoder = ResponsesStreamDecoder

    def stream_fault(self, fault: Fault, peek: Peek) -> bytes:  # noqa: ARG002  one form
        """A whole stream that fails before anything has been said."""
        return failed_stream(fault)

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        return json.encode(_Models([_Model(model.id, model.created, model.owner) for model in models]))

    def stream_tap(
        self,
        incoming: Incoming,  # noqa: ARG002  this one needs none
        peek: Peek,  # noqa: ARG002
        capabilities: Capabilities = USUAL,  # noqa: ARG002
    ) -> ResponsesTap:
        """A tap for one relayed stream."""
        return ResponsesTap()
