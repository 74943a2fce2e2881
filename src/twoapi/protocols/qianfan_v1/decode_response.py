"""Answers of an upstream, whole and streamed."""

from twoapi.ir import Response
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.framed_answer import FramedDecoder, whole_answer
from twoapi.protocols.qianfan_v1.answer import Answer


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in a 200 and for a body that is none of this protocol."""
    return whole_answer(Answer(restore), body)


def stream_decoder(restore: Restore) -> FramedDecoder:
    """A decoder for one streamed answer."""
    return FramedDecoder(Answer(restore))
