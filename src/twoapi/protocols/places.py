"""Where an upstream's answer says things, as JSON pointers into its body: the paths of losses on the way back."""

import msgspec


class StopPlaces(msgspec.Struct, frozen=True):
    """Where an answer tells why it ended, with `{}` for the number of the candidate."""

    reason: str
    sequence: str
    details: str


def _same(place: str) -> StopPlaces:
    return StopPlaces(place, place, place)


_MESSAGES = StopPlaces("/stop_reason", "/stop_sequence", "/stop_details")
_STOPS = {
    "openai-chat": _same("/choices/{}/finish_reason"),
    "openai-responses": StopPlaces("/status", "/status", "/incomplete_details"),
    "anthropic-messages": _MESSAGES,
    "hunyuan": _same("/Response/Choices/{}/FinishReason"),
    "spark": _same("/choices/{}/finish_reason"),
    "spark-socket": _same("/header/status"),
    "gemini": StopPlaces("/candidates/{}/finishReason", "/candidates/{}/finishReason", "/promptFeedback"),
    "bedrock-converse": _same("/stopReason"),
    "cohere": _same("/finish_reason"),
    "ollama": _same("/done_reason"),
    "dashscope": _same("/output/choices/{}/finish_reason"),
    "qianfan-v1": _same("/finish_reason"),
}


def stop_places(protocol: str, number: int = 0) -> StopPlaces:
    """Where candidate `number` of an answer of `protocol` tells why it ended."""
    places = _STOPS.get(protocol, _MESSAGES)
    return StopPlaces(places.reason.format(number), places.sequence.format(number), places.details.format(number))


def candidate_place(protocol: str, number: int) -> str:
    """Where candidate `number` stands, in the two protocols that have several."""
    return f"/candidates/{number}" if protocol == "gemini" else f"/choices/{number}"
