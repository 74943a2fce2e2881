"""The codecs of the two dialects, which differ in what is around messages and answers."""

from twoapi.protocols.spark.decode_frames import SparkSocketDecoder, decode_frames, is_last
from twoapi.protocols.spark.decode_http import decode_response, stream_decoder
from twoapi.protocols.spark.encode_request import encode_body, encode_frame
from twoapi.protocols.spark.faults import decode_fault, decode_handshake
from twoapi.protocols.spark.name import HTTP, SOCKET


class Spark:
    """Spark over HTTP, upstream side."""

    name = HTTP

    # Functions of their own modules, without a frame between.
    encode_request = staticmethod(encode_body)
    decode_response = staticmethod(decode_response)
    decode_fault = staticmethod(decode_fault)
    stream_decoder = staticmethod(stream_decoder)


class SparkSocket:
    """Spark over a websocket, upstream side. An answer always comes in pieces."""

    name = SOCKET

    encode_request = staticmethod(encode_frame)
    decode_response = staticmethod(decode_frames)
    decode_fault = staticmethod(decode_handshake)
    stream_decoder = SparkSocketDecoder
    is_last = staticmethod(is_last)
