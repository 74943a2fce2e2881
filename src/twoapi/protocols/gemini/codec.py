"""The codec of this protocol: one method for each thing that a gateway asks of it."""

from twoapi.protocols.base import ModelEntry, Peek
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.gemini.decode_request import decode_request
from twoapi.protocols.gemini.decode_response import decode_response, inspect
from twoapi.protocols.gemini.encode_request import encode_request
from twoapi.protocols.gemini.encode_response import encode_response
from twoapi.protocols.gemini.faults import decode_fault, encode_fault
from twoapi.protocols.gemini.framing import KEEP_ALIVE, stream_fault
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.relay import relay_request
from twoapi.protocols.gemini.stream_decoder import GeminiStreamDecoder
from twoapi.protocols.gemini.stream_encoder import GeminiStreamEncoder
from twoapi.protocols.gemini.tap import GeminiTap
from twoapi.protocols.gemini.target import guess_model, mentions, peek, wants_events
from twoapi.protocols.sealing import SEAL_PREFIX_BASE64
from twoapi.wire import json
from twoapi.wire.http import Incoming

_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


class Gemini:
    """Google Gemini generateContent, both sides."""

    name = NAME
    comments = False
    silence = KEEP_ALIVE
    seal = SEAL_PREFIX_BASE64.encode()
    request_id_header = b"x-request-id"

    # Functions of their own modules, without a frame between.
    mentions = staticmethod(mentions)
    guess_model = staticmethod(guess_model)
    peek = staticmethod(peek)
    decode_request = staticmethod(decode_request)
    encode_response = staticmethod(encode_response)
    encode_fault = staticmethod(encode_fault)
    stream_fault = staticmethod(stream_fault)
    encode_request = staticmethod(encode_request)
    relay_request = staticmethod(relay_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    inspect = staticmethod(inspect)
    stream_encoder = GeminiStreamEncoder
    stream_decoder = GeminiStreamDecoder

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """The model list."""
        listed = [
            {
                "name": f"models/{model.id}",
                "displayName": model.id,
                "version": model.id,
                "supportedGenerationMethods": _METHODS,
            }
            for model in models
        ]
        return json.encode({"models": listed})

    def stream_tap(
        self,
        incoming: Incoming,
        peek: Peek,  # noqa: ARG002
        capabilities: Capabilities = USUAL,  # noqa: ARG002
    ) -> GeminiTap:
        """A tap for one relayed stream."""
        return GeminiTap(array=not wants_events(incoming))
