"""The codec: every method of the interface, each a line that names the module where it lives."""

from twoapi import ir
from twoapi.protocols.anthropic_messages import faults, response
from twoapi.protocols.anthropic_messages.decode_request import decode_request
from twoapi.protocols.anthropic_messages.encode_request import encode_request
from twoapi.protocols.anthropic_messages.envelope import MARK
from twoapi.protocols.anthropic_messages.relay import relay_request
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.anthropic_messages.stream_decoder import AnthropicStreamDecoder
from twoapi.protocols.anthropic_messages.stream_encoder import AnthropicStreamEncoder, error_frame
from twoapi.protocols.anthropic_messages.tap import AnthropicStreamTap
from twoapi.protocols.base import ModelEntry, Peek
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.members import guess_model, mentions, peek_members
from twoapi.protocols.times import timestamp
from twoapi.wire.http import Incoming
from twoapi.wire.json import encode
from twoapi.wire.sse import comment


class AnthropicMessages:
    """Anthropic Messages, API versions 2023-06-01 and 2026-10-21, both sides."""

    name = NAME
    comments = True
    silence = comment()  # a ping may come only after message_start; every client skips a comment
    seal = MARK
    request_id_header = b"request-id"

    # Functions of their own modules, without a frame between.
    mentions = staticmethod(mentions)
    guess_model = staticmethod(guess_model)
    peek = staticmethod(peek_members)
    decode_request = staticmethod(decode_request)
    encode_response = staticmethod(response.encode_response)
    encode_fault = staticmethod(faults.encode_fault)
    encode_request = staticmethod(encode_request)
    relay_request = staticmethod(relay_request)
    decode_response = staticmethod(response.decode_response)
    decode_fault = staticmethod(faults.decode_fault)
    inspect = staticmethod(response.inspect)
    stream_encoder = AnthropicStreamEncoder
    stream_decoder = AnthropicStreamDecoder

    def stream_fault(self, fault: ir.Fault, peek: Peek) -> bytes:  # noqa: ARG002  one form
        """The error event of a stream that has not begun."""
        return error_frame(fault, fault.request_id)

    def stream_tap(
        self,
        incoming: Incoming,  # noqa: ARG002  this one needs none
        peek: Peek,  # noqa: ARG002
        capabilities: Capabilities = USUAL,  # noqa: ARG002
    ) -> AnthropicStreamTap:
        """A tap for one relayed stream."""
        return AnthropicStreamTap()

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        data = [
            {
                "type": "model",
                "id": model.id,
                "display_name": model.id,
                "created_at": timestamp(model.created),
                "lifecycle": "active",  # required by the vendor's SDK
            }
            for model in models
        ]
        first, last = (models[0].id, models[-1].id) if models else (None, None)
        return encode({"data": data, "has_more": False, "first_id": first, "last_id": last})
