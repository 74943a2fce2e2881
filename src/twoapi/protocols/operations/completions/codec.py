"""The client's side of legacy completions, as an exchange asks for it."""

from twoapi.ir import Fault
from twoapi.protocols import openai_errors
from twoapi.protocols.base import Peek
from twoapi.protocols.members import guess_model, mentions, peek_members
from twoapi.protocols.operations.completions.request import NAME, decode_request
from twoapi.protocols.operations.completions.response import encode_response
from twoapi.protocols.operations.completions.stream_encoder import KEEP_ALIVE, CompletionStreamEncoder, error_frame
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.wire.http import Headers


class Completions:
    """What faces a client that asks for a completion. Upstreams are spoken to in their own protocols."""

    name = NAME
    comments = True
    silence = KEEP_ALIVE
    seal = SEAL_PREFIX.encode()
    request_id_header = b"x-request-id"

    mentions = staticmethod(mentions)
    guess_model = staticmethod(guess_model)
    peek = staticmethod(peek_members)
    decode_request = staticmethod(decode_request)
    encode_response = staticmethod(encode_response)
    stream_encoder = CompletionStreamEncoder

    def encode_fault(self, fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an error answer."""
        return openai_errors.encode_fault(fault, request_id, "openai-chat")

    def stream_fault(self, fault: Fault, peek: Peek) -> bytes:  # noqa: ARG002  one form
        """The error ending of a stream that has not begun."""
        return error_frame(fault)
