"""The response object that frames an answer for a client of this protocol."""

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_responses.echo import encode_settings
from twoapi.protocols.openai_responses.name import NAME
from twoapi.wire.json import encode

_TIERS = {"default": "default", "standard": "default", "priority": "priority", "flex": "flex"}


class ResponseObject:
    """Makes the response objects of one answer: the same but for their status and what has been said by then."""

    __slots__ = ("_created", "_tail", "id")

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
        self._created = context.now if created is None else created
        # Encoded once: a stream repeats it in each state of the object.
        settings = encode_settings(context.request, echo if own else {})
        self._tail = b',"model":' + encode(model or context.request.model) + settings + b',"usage":'

    def body(
        self,
        status: str,
        output: list[object],
        *,
        error: object = None,
        details: object = None,
        usage: object = None,
        tier: str | None = None,
    ) -> bytes:
        """The object in this state as JSON."""
        head = {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": error,
            "incomplete_details": details,
            "output": output,
        }
        end = b"}" if tier is None else b',"service_tier":' + encode(tier) + b"}"
        return encode(head)[:-1] + self._tail + (b"null" if usage is None else encode(usage)) + end


def encode_tier(tier: str | None, protocol: str, losses: list[Loss]) -> str | None:
    """The service tier in the vendor's words, which its SDK checks; None when there is none to tell."""
    if tier is None:
        return None
    word = tier if protocol == NAME else _TIERS.get(tier)
    if word is None:
        losses.append(Loss("/service_tier", "dropped", NAME, "no such service tier"))
    return word
