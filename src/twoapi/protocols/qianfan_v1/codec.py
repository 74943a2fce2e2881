"""The codec of this protocol: the side that faces an upstream, since no client speaks it."""

from twoapi.protocols.qianfan_v1.decode_response import decode_response, stream_decoder
from twoapi.protocols.qianfan_v1.encode_request import encode_request
from twoapi.protocols.qianfan_v1.faults import decode_fault
from twoapi.protocols.qianfan_v1.name import NAME


class QianfanV1:
    """Baidu's wenxinworkshop."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = staticmethod(stream_decoder)
