"""The codec of this protocol: the side that faces an upstream, since no client speaks it."""

from twoapi.protocols.dashscope.decode_response import decode_response, stream_decoder
from twoapi.protocols.dashscope.encode_request import encode_request
from twoapi.protocols.dashscope.faults import decode_fault
from twoapi.protocols.dashscope.name import NAME


class DashScope:
    """Alibaba's DashScope: text and multimodal generation."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = staticmethod(stream_decoder)
