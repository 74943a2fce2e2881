"""The codec of this dialect."""

from twoapi.protocols.hunyuan.decode_answer import decode_response, stream_decoder
from twoapi.protocols.hunyuan.encode_request import encode_request
from twoapi.protocols.hunyuan.faults import decode_fault
from twoapi.protocols.hunyuan.name import NAME


class Hunyuan:
    """Tencent Cloud's ChatCompletions, upstream side."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = staticmethod(stream_decoder)
