"""The codec of this protocol: one method for each thing that a gateway asks of it."""

from twoapi.protocols.cohere.decode_response import decode_response
from twoapi.protocols.cohere.encode_request import encode_request
from twoapi.protocols.cohere.faults import decode_fault
from twoapi.protocols.cohere.name import NAME
from twoapi.protocols.cohere.stream_decoder import CohereStreamDecoder


class Cohere:
    """Cohere v2 chat, the side that faces the vendor."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = CohereStreamDecoder
