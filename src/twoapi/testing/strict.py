"""Says no as the vendors do: what is wrong with a request, in the vendor's own error format."""

import json
from dataclasses import dataclass

from twoapi.testing.fake_connection import Received
from twoapi.testing.gemini_spelling import spelled
from twoapi.testing.replies import Json, Reply, anthropic_error, gemini_error, json_reply, openai_error
from twoapi.testing.strict_chat import chat_problems
from twoapi.testing.strict_gemini import gemini_problems
from twoapi.testing.strict_messages import messages_problems
from twoapi.testing.strict_responses import responses_problems

_JUDGED = ("/chat/completions", "/responses", "/messages", ":generateContent", ":streamGenerateContent")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request that the vendor would not take: why, and where in the body (a JSON pointer)."""

    protocol: str
    status: int
    message: str
    at: str = ""

    def reply(self) -> Reply:
        """The vendor's answer."""
        if self.protocol == "anthropic-messages":
            place = self.at.removeprefix("/").replace("/", ".")
            text = f"{place}: {self.message}" if place else self.message
            return json_reply(anthropic_error(self.status, text), self.status, {"request-id": "req_refused"})
        if self.protocol == "gemini":
            return json_reply(gemini_error(self.status, f"{_brackets(self.at)}: {self.message}"), self.status)
        parameter = _brackets(self.at) or None
        return json_reply(
            openai_error(self.status, self.message, parameter), self.status, {"x-request-id": "req_refused"}
        )


def protocol_of(path: str) -> str:
    """The protocol that a path belongs to."""
    if path.endswith("/responses"):
        return "openai-responses"
    if ":" in path or "/v1beta/" in path:
        return "gemini"
    return "anthropic-messages" if "/messages" in path and "/completions" not in path else "openai-chat"


def check_request(request: Received, key: str | None = None) -> Refusal | None:
    """The refusal of a request for an answer; None for one that the vendor takes, and for any other path."""
    if request.method != "POST" or not request.path.endswith(_JUDGED):
        return None
    protocol = protocol_of(request.path)
    if not _is_authorised(protocol, request.headers, key):
        return Refusal(protocol=protocol, status=401, message="no valid key was given")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        return Refusal(protocol=protocol, status=400, message=f"the body is not JSON: {error}")
    for at, message in refusal_reasons(protocol, body, request.headers):
        return Refusal(protocol=protocol, status=400, message=message, at=at)
    return None


def refusal_reasons(
    protocol: str,
    body: Json,
    headers: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Everything that the vendor would refuse in this request: JSON pointer and reason."""
    if not isinstance(body, dict):
        return [("", "the body is not an object")]
    if protocol == "anthropic-messages":
        return list(messages_problems(body, headers or {"anthropic-version": "2026-10-21"}))
    if protocol == "openai-responses":
        return list(responses_problems(body))
    if protocol == "gemini":
        return list(gemini_problems(spelled(body)))
    return list(chat_problems(body))


def _is_authorised(protocol: str, headers: dict[str, str], key: str | None) -> bool:
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if protocol == "anthropic-messages":
        given = headers.get("x-api-key") or given
    if protocol == "gemini":
        given = headers.get("x-goog-api-key", "")
    return bool(given) and key in (None, given)


def _brackets(pointer: str) -> str:
    """A JSON pointer in OpenAI's spelling: /messages/0/content -> messages[0].content."""
    text = ""
    for token in pointer.split("/")[1:]:
        text += f"[{token}]" if token.isdecimal() else f".{token}" if text else token
    return text
