"""The codec of this protocol: an upstream's side, as no client speaks it."""

from twoapi.protocols.bedrock_converse.decode_response import decode_response
from twoapi.protocols.bedrock_converse.encode_request import encode_request
from twoapi.protocols.bedrock_converse.faults import decode_fault
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.bedrock_converse.stream_decoder import ConverseStreamDecoder


class BedrockConverse:
    """Amazon Bedrock's Converse and ConverseStream."""

    name = NAME

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_request)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = ConverseStreamDecoder
