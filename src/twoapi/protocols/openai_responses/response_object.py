"""The response object that frames an answer for a client of this protocol."""

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_responses.echo import encode_settings
from twoapi.protocols.openai_responses.name import NAME
from twoapi.wire.json import encode

_BODY = b'%b,"status":%b,"error":%b,"incomplete_details":%b,"output":%b%b%b%b}'
_TIERS = {"default": "default", "standard": "default", "priority": "priority", "flex": "flex"}


class ResponseObject:
    """Makes the response objects of one answer: the same but for their status and what has been said by then."""

    __slots__ = ("_head", "_tail", "id")

    def __init__(
        self,
        context: AnswerContext,
        *,
        protocol: str,
        upstream_id: str,
        model: str,
        created: int | None,
        echo: dict[str, Raw],
    ) -> None:
        own = protocol == NAME
        self.id = upstream_id if own and upstream_id else f"resp_{context.id}"
        # Encoded once: a stream repeats both in each state of the object.
        self._head = encode(
            {"id": self.id, "object": "response", "created_at": context.now if created is None else created}
        )[:-1]
        settings = encode_settings(context.request, echo if own else {})
        self._tail = b',"model":' + encode(model or context.request.model) + settings + b',"usage":'

    def body(
        self,
        status: str,
        output: list[object] | Raw,
        *,
        error: object = None,
        details: object = None,
        usage: object = None,
        tier: str | None = None,
    ) -> bytes:
        """The object in this state as JSON."""
        return _BODY % (
            self._head,
            encode(status),
            b"null" if error is None else encode(error),
            b"null" if details is None else encode(details),
            encode(output),
            self._tail,
            b"null" if usage is None else encode(usage),
            b"" if tier is None else b',"service_tier":' + encode(tier),
        )


def encode_tier(tier: str | None, protocol: str, losses: list[Loss]) -> str | None:
    """The service tier in the vendor's words, which its SDK checks; None when there is none to tell."""
    if tier is None:
        return None
    word = tier if protocol == NAME else _TIERS.get(tier)
    if word is None:
        losses.append(Loss("/service_tier", "dropped", NAME, "no such service tier"))
    return word
