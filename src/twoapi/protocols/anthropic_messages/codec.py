"""The codec: every method of the interface, each a line that names the module where it lives."""

from datetime import UTC, datetime

from twoapi import ir
from twoapi.protocols.anthropic_messages import decode_request, encode_request, faults, relay, response
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.anthropic_messages.stream_decoder import AnthropicStreamDecoder
from twoapi.protocols.anthropic_messages.stream_encoder import AnthropicStreamEncoder, error_frame
from twoapi.protocols.anthropic_messages.tap import AnthropicStreamTap
from twoapi.protocols.base import (
    AnswerContext,
    Capabilities,
    Encoded,
    Inspection,
    ModelEntry,
    Peek,
    Restore,
    StreamDecoder,
    StreamEncoder,
    StreamTap,
)
from twoapi.protocols.members import peek_members
from twoapi.wire.http import Headers, Incoming, Outgoing
from twoapi.wire.json import encode, guess_string
from twoapi.wire.sse import comment


class AnthropicMessages:
    """Anthropic Messages, API versions 2023-06-01 and 2026-10-21, both sides."""

    name = NAME
    silence = comment()  # a ping may come only after message_start; every client skips a comment

    def guess_model(self, body: bytes) -> str:
        """The model if it is the first member or near the end."""
        return guess_string(body, "model")

    def peek(self, incoming: Incoming) -> Peek:
        """Model and stream flag."""
        return peek_members(incoming.body)

    def decode_request(self, incoming: Incoming) -> ir.Request:
        """The client's whole request."""
        return decode_request.decode_request(incoming)

    def encode_response(self, answer: ir.Response, context: AnswerContext, losses: list[ir.Loss]) -> bytes:
        """The whole answer for the client."""
        return response.encode_response(answer, context, losses)

    def stream_encoder(self, context: AnswerContext, losses: list[ir.Loss]) -> StreamEncoder:
        """An encoder for one streamed answer."""
        return AnthropicStreamEncoder(context, losses)

    def encode_fault(self, fault: ir.Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an error."""
        return faults.encode_fault(fault, request_id)

    def stream_fault(self, fault: ir.Fault) -> bytes:
        """The error event of a stream that has not begun."""
        return error_frame(fault, fault.request_id)

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        data = [
            {
                "type": "model",
                "id": model.id,
                "display_name": model.id,
                "created_at": datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "lifecycle": "active",  # required by the vendor's SDK
            }
            for model in models
        ]
        first, last = (models[0].id, models[-1].id) if models else (None, None)
        return encode({"data": data, "has_more": False, "first_id": first, "last_id": last})

    def encode_request(
        self, request: ir.Request, model: str, capabilities: Capabilities, losses: list[ir.Loss]
    ) -> Encoded:
        """The upstream request."""
        return encode_request.encode_request(request, model, capabilities, losses)

    def relay_request(self, incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
        """The client's bytes with the upstream's model."""
        return relay.relay_request(incoming, peek, model, capabilities)

    def is_sealed(self, incoming: Incoming) -> bool:
        """True when it must not be relayed."""
        return relay.is_sealed(incoming)

    def decode_response(self, body: bytes, restore: Restore) -> ir.Response:
        """The upstream's whole answer."""
        return response.decode_response(body, restore)

    def stream_decoder(self, restore: Restore) -> StreamDecoder:
        """A decoder for one streamed answer."""
        return AnthropicStreamDecoder(restore)

    def decode_fault(self, status: int, headers: dict[bytes, bytes], body: bytes) -> ir.Fault:
        """The upstream's error."""
        return faults.decode_fault(status, headers, body)

    def inspect(self, body: bytes) -> Inspection:
        """Usage and hidden error of a relayed answer."""
        return response.inspect(body)

    def stream_tap(self, incoming: Incoming, peek: Peek) -> StreamTap:  # noqa: ARG002  this protocol needs neither
        """A tap for one relayed stream."""
        return AnthropicStreamTap()
