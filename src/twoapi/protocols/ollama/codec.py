"""The codec of this protocol: one method for each thing that a gateway asks of it."""

from twoapi.protocols.ollama.decode_response import decode_response
from twoapi.protocols.ollama.encode_request import encode_request
from twoapi.protocols.ollama.faults import decode_fault
from twoapi.protocols.ollama.name import NAME
from twoapi.protocols.ollama.stream_decoder import OllamaStreamDecoder


class Ollama:
    """Ollama's /api/chat, the side that faces the server."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = OllamaStreamDecoder
