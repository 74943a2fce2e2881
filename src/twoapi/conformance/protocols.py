"""The four protocols: their names, their paths, and how a client of each introduces itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

Json = Any  # a parsed JSON document

NAMES = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
TITLES: Mapping[str, str] = {
    "openai-chat": "Chat",
    "openai-responses": "Responses",
    "anthropic-messages": "Messages",
    "gemini": "Gemini",
}
# The model that a gateway sends to the upstream of each protocol.
MODELS: Mapping[str, str] = {
    "openai-chat": "conf-chat",
    "openai-responses": "conf-responses",
    "anthropic-messages": "conf-messages",
    "gemini": "conf-gemini",
}


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a client puts it on the wire."""

    path: str
    headers: dict[str, str]
    body: Json


def sent(protocol: str, model: str, key: str, body: Json, *, stream: bool) -> Sent:
    """The request of a client of this protocol; `body` names neither the model nor the stream."""
    headers = {"content-type": "application/json", "user-agent": "conformance"}
    match protocol:
        case "gemini":
            method = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return Sent(path=f"/v1beta/models/{model}:{method}", headers={**headers, "x-goog-api-key": key}, body=body)
        case "anthropic-messages":
            headers |= {"x-api-key": key, "anthropic-version": "2023-06-01"}
            path = "/v1/messages"
        case "openai-responses":
            headers |= {"authorization": f"Bearer {key}"}
            path = "/v1/responses"
        case _:
            headers |= {"authorization": f"Bearer {key}"}
            path = "/v1/chat/completions"
    asked = {"model": model, **body}
    if stream:
        asked["stream"] = True
        if protocol == "openai-chat":
            asked["stream_options"] = {"include_usage": True}
    return Sent(path=path, headers=headers, body=asked)
