"""The response object that frames an answer for a client of this protocol."""

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_responses.echo import settings_of
from twoapi.protocols.openai_responses.name import NAME

Members = dict[str, object]
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
        self._head: Members = {
            "id": self.id,
            "object": "response",
            "created_at": context.now if created is None else created,
        }
        settings = dict(settings_of(context.request))
        if own:
            settings |= echo
        self._tail: Members = {"model": model or context.request.model, **settings}

    def members(
        self, status: str, output: list[object], *, error: object = None, details: object = None, usage: object = None
    ) -> Members:
        """The object in this state."""
        return {
            **self._head,
            "status": status,
            "error": error,
            "incomplete_details": details,
            "output": output,
            **self._tail,
            "usage": usage,
        }


def tier_member(tier: str | None, protocol: str, losses: list[Loss]) -> dict[str, object]:
    """The service tier in the vendor's words, which its SDK checks; empty when there is none to tell."""
    if tier is None:
        return {}
    word = tier if protocol == NAME else _TIERS.get(tier)
    if word is None:
        losses.append(Loss("/service_tier", "dropped", NAME, "no such service tier"))
        return {}
    return {"service_tier": word}
