"""The codec of this protocol: one method for each thing that a gateway asks of it."""

import msgspec

from twoapi.ir import Fault
from twoapi.protocols.base import ModelEntry, Peek
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.members import guess_model, mentions, peek_members
from twoapi.protocols.openai_chat.decode_request import decode_request
from twoapi.protocols.openai_chat.decode_response import decode_response, inspect_response
from twoapi.protocols.openai_chat.encode_request import encode_request
from twoapi.protocols.openai_chat.encode_response import encode_response
from twoapi.protocols.openai_chat.faults import decode_fault, encode_fault, error_frame
from twoapi.protocols.openai_chat.guarded_tap import GuardedTap
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_chat.relay import asks_usage, relay_request
from twoapi.protocols.openai_chat.stream_decoder import ChatStreamDecoder
from twoapi.protocols.openai_chat.stream_encoder import KEEP_ALIVE, ChatStreamEncoder
from twoapi.protocols.openai_chat.tap import ChatTap
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


class OpenAIChat:
    """OpenAI Chat Completions, both sides."""

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
    stream_encoder = ChatStreamEncoder
    stream_decoder = ChatStreamDecoder

    def stream_fault(self, fault: Fault, peek: Peek) -> bytes:  # noqa: ARG002  one form
        """The error ending of a stream that has not begun."""
        return error_frame(fault)

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        return json.encode(_Models([_Model(model.id, model.created, model.owner) for model in models]))

    def stream_tap(
        self,
        incoming: Incoming,  # noqa: ARG002  other protocols look at it
        peek: Peek,
        capabilities: Capabilities = USUAL,
    ) -> ChatTap:
        """A tap for one relayed stream."""
        strip = not asks_usage(peek)
        guarded = capabilities.hidden_error is not None or capabilities.failure_words
        return GuardedTap(capabilities, strip=strip) if guarded else ChatTap(capabilities, strip=strip)
