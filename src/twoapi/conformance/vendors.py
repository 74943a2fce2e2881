"""The four vendors whose protocols clients speak too, on one port, each under a path of its own."""

from collections.abc import Mapping

from twoapi.conformance.read import chat as read_chat
from twoapi.conformance.read import gemini as read_gemini
from twoapi.conformance.read import messages as read_messages
from twoapi.conformance.read import responses as read_responses
from twoapi.conformance.speak import chat, gemini, messages, responses
from twoapi.conformance.vendor import Arrival, Vendor
from twoapi.testing.strict import refusal_reasons

# OpenAI's reference demands the first, its service does not; Google's reference writes the second in capitals, its
# examples do not.
_LENIENT = ("/annotations", "/thinkingLevel")


def _refuses(arrival: Arrival) -> list[tuple[str, str]]:
    reasons = refusal_reasons(arrival.protocol, arrival.body, arrival.headers)
    return [(pointer, reason) for pointer, reason in reasons if not pointer.endswith(_LENIENT)]


CHAT = Vendor(
    protocol="openai-chat",
    base="/chat/v1",
    takes=lambda path: path == "/chat/completions",
    read=read_chat.read,
    say=chat.say,
    fail=chat.fail,
    break_off=chat.break_off,
    refuses=_refuses,
    makes_state=False,
)
RESPONSES = Vendor(
    protocol="openai-responses",
    base="/responses/v1",
    takes=lambda path: path == "/responses",
    read=read_responses.read,
    say=responses.say,
    fail=responses.fail,
    break_off=responses.break_off,
    refuses=_refuses,
)
MESSAGES = Vendor(
    protocol="anthropic-messages",
    base="/messages",
    takes=lambda path: path == "/v1/messages",
    read=read_messages.read,
    say=messages.say,
    fail=messages.fail,
    break_off=messages.break_off,
    refuses=_refuses,
)
GEMINI = Vendor(
    protocol="gemini",
    base="/gemini",
    takes=lambda path: path.startswith("/v1") and path.endswith((":generateContent", ":streamGenerateContent")),
    read=read_gemini.read,
    say=gemini.say,
    fail=gemini.fail,
    break_off=gemini.break_off,
    refuses=_refuses,
    streams=lambda arrival: arrival.path.endswith(":streamGenerateContent"),
    as_array=lambda arrival: "alt=sse" not in arrival.query,
)
VENDORS: Mapping[str, Vendor] = {vendor.protocol: vendor for vendor in (CHAT, RESPONSES, MESSAGES, GEMINI)}
