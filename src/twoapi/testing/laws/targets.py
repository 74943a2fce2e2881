"""Laws of targets: what an upstream can do more never costs more."""

import msgspec

from twoapi.ir import FaultError, Loss, Request
from twoapi.protocols.base import Codec
from twoapi.protocols.capabilities import Capabilities
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.replies import Json

# A target that can do all, and asks for nothing.
ABLE = Capabilities(
    sampling_pair=True,
    labels=True,
    web_search=True,
    reasoning_field="reasoning_content",
    thought_signatures=False,
    max_call_id=64,
)
# What an upstream may not be able to do: one capability with less in it.
LACKING: dict[str, dict[str, Json]] = {
    "a role developer": {"developer_role": False},
    "instructions in mid-conversation": {"system_in_place": False},
    "a prefilled answer": {"prefill": False},
    "sampling": {"sampling": False},
    "temperature beside top_p": {"sampling_pair": False},
    "a thinking budget": {"thinking": ("adaptive", "disabled")},
    "adaptive thinking": {"thinking": ("enabled", "disabled")},
    "thinking": {"thinking": (), "thinking_levels": (), "thinking_budget": None, "effort": False},
    "an effort": {"effort": False},
    "some levels of thinking": {"thinking_levels": ("low", "high")},
    "a large thinking budget": {"thinking_budget": (512, 4096)},
    "a replay of reasoning": {"reasoning_field": None},
    "images": {"images": False},
    "sounds": {"audio": False},
    "documents": {"documents": False},
    "files of any URL": {"url_media": False},
    "media in results": {"result_media": False},
    "resolutions": {"media_resolution": False},
    "strict tools": {"strict_tools": False},
    "web search": {"web_search": False},
    "much output": {"max_output": 100},
    "many stop strings": {"max_stop": 1},
    "long names": {"max_tool_name": 20},
    "long ids": {"max_call_id": 20},
    "cache marks": {"cache_marks": False},
    "usage in streams": {"stream_usage": False},
    "JSON Schemas": {"json_schemas": False},
    "ids of calls": {"call_ids": False},
    "calls without signatures": {"thought_signatures": True},
    "labels": {"labels": False},
}
# A target that reasons takes less beside it; that is the price of what it does more.
_TRADED = (
    "temperature",
    "top_p",
    "top_k",
    "tool_choice",
    "max_tokens",
    "reasoning.show",
    "reasoning.effort",
    "reasoning.mode",
)


def monotone(codec: Codec, other: Codec, body: bytes, lacking: str) -> None:
    """L9: a target that lacks something loses at least what one loses that has it."""
    request = decoded(codec, body)
    less = msgspec.structs.replace(ABLE, **LACKING[lacking])
    try:
        _, _, fewest = encoded(other, request, ABLE)
    except FaultError as error:
        try:
            encoded(other, decoded(codec, body), less)
        except FaultError:
            return
        raise AssertionError(f"refused because it can do more: {error.fault.message}") from None
    try:
        _, _, more = encoded(other, decoded(codec, body), less)
    except FaultError:
        return
    poorer = _places(request, more)
    too_many = {path for path in _places(request, fewest) if not any(_covers(place, path) for place in poorer)}
    assert not too_many, f"lost because the target has {lacking}: {too_many}\n{fewest}\n{more}"


def _covers(place: str, path: str) -> bool:
    return path == place or path.startswith(place + "/")


def _places(request: Request, losses: list[Loss]) -> set[str]:
    traded = {request.where(name) for name in _TRADED}
    return {loss.path for loss in losses if loss.kind != "info" and loss.path not in traded}
