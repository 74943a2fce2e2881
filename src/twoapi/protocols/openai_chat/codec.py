"""The codec of this protocol: one method for each thing that a gateway asks of it."""

import msgspec

from twoapi.ir import Fault, Loss, Request, Response
from twoapi.protocols.base import (
    AnswerContext,
    Capabilities,
    Encoded,
    Inspection,
    ModelEntry,
    Peek,
    Restore,
)
from twoapi.protocols.members import peek_members
from twoapi.protocols.openai_chat.decode_request import decode_request
from twoapi.protocols.openai_chat.decode_response import decode_response, inspect_response
from twoapi.protocols.openai_chat.encode_request import encode_request
from twoapi.protocols.openai_chat.encode_response import encode_response
from twoapi.protocols.openai_chat.faults import decode_fault, encode_fault, error_frame
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_chat.relay import asks_usage, is_sealed, relay_request
from twoapi.protocols.openai_chat.stream_decoder import ChatStreamDecoder
from twoapi.protocols.openai_chat.stream_encoder import KEEP_ALIVE, ChatStreamEncoder
from twoapi.protocols.openai_chat.tap import ChatTap
from twoapi.wire import json
from twoapi.wire.http import Headers, Incoming, Outgoing


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
    error_content_type = b"application/json"
    silence = KEEP_ALIVE

    def guess_model(self, body: bytes) -> str:
        """The model if it is the first member or near the end."""
        return json.guess_string(body, "model")

    def peek(self, incoming: Incoming) -> Peek:
        """Model and stream flag."""
        return peek_members(incoming.body)

    def decode_request(self, incoming: Incoming) -> Request:
        """The whole request."""
        return decode_request(incoming)

    def encode_response(self, response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
        """The whole answer as JSON."""
        return encode_response(response, context, losses)

    def stream_encoder(self, context: AnswerContext, losses: list[Loss]) -> ChatStreamEncoder:
        """An encoder for one streamed answer."""
        return ChatStreamEncoder(context, losses)

    def encode_fault(self, fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an error answer."""
        return encode_fault(fault, request_id)

    def stream_fault(self, fault: Fault) -> bytes:
        """The error ending of a stream that has not begun."""
        return error_frame(fault)

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        return json.encode(_Models([_Model(model.id, model.created, model.owner) for model in models]))

    def encode_request(self, request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
        """The upstream request."""
        return encode_request(request, model, capabilities, losses)

    def relay_request(self, incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
        """The client's own bytes for an upstream of this protocol."""
        return relay_request(incoming, peek, model, capabilities)

    def is_sealed(self, incoming: Incoming) -> bool:
        """True when it must not be relayed."""
        return is_sealed(incoming)

    def decode_response(self, body: bytes, restore: Restore) -> Response:
        """The whole answer of an upstream."""
        return decode_response(body, restore)

    def stream_decoder(self, restore: Restore) -> ChatStreamDecoder:
        """A decoder for one streamed answer."""
        return ChatStreamDecoder(restore)

    def decode_fault(self, status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
        """An error answer of an upstream."""
        return decode_fault(status, headers, body)

    def inspect(self, body: bytes) -> Inspection:
        """Usage and hidden error of a whole answer that is relayed."""
        return inspect_response(body)

    def stream_tap(self, incoming: Incoming, peek: Peek) -> ChatTap:  # noqa: ARG002  other protocols look at it
        """A tap for one relayed stream."""
        return ChatTap(strip=not asks_usage(peek))
