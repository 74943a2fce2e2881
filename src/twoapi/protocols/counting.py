"""Counting the tokens of a request before it is sent: what each protocol has for that. Chat has nothing."""

from collections.abc import Callable, Mapping
from urllib.parse import unquote

import msgspec

from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Outgoing


class Counting(msgspec.Struct, frozen=True):
    """One protocol's way. `asked` makes of a request for an answer the one for its tokens (`relayed`: it is the
    client's own, and its body stays); `answer` writes a count; `member` of an answer holds it.
    """

    member: str
    answer: Callable[[int], bytes]
    asked: Callable[[Outgoing], Outgoing]
    relayed: Callable[[Outgoing], Outgoing]

    def count(self, body: bytes) -> int | None:
        """The count in an answer of the upstream; None when there is none in it."""
        try:
            told = json.fields(body).get(self.member)
            found = json.decode(told) if told is not None else None
        except WireError:
            return None
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _messages_answer(count: int) -> bytes:
    return json.encode({"input_tokens": count})


def _responses_answer(count: int) -> bytes:
    return json.encode({"object": "response.input_tokens", "input_tokens": count})


def _gemini_answer(count: int) -> bytes:
    return json.encode({"totalTokens": count})


_MESSAGES = (
    *("messages", "model", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed"),
    *("mcp_servers", "context_management"),
)
_RESPONSES = (
    *("model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "parallel_tool_calls"),
    *("previous_response_id", "conversation", "truncation"),
)

_CONVERSE = ("messages", "system", "toolConfig", "additionalModelRequestFields")


def _kept(body: bytes, names: tuple[str, ...]) -> bytes:
    return json.encode({name: value for name, value in json.fields(body).items() if name in names})


def _ask_messages(outgoing: Outgoing) -> Outgoing:
    path, mark, query = outgoing.path.partition("?")
    return Outgoing(f"{path}/count_tokens{mark}{query}", _kept(outgoing.body, _MESSAGES), outgoing.headers)


def _ask_responses(outgoing: Outgoing) -> Outgoing:
    return Outgoing(outgoing.path + "/input_tokens", _kept(outgoing.body, _RESPONSES), outgoing.headers)


def _ask_gemini(outgoing: Outgoing) -> Outgoing:
    """The whole request, tools and all, is a member of the one for its tokens; there it names its model itself."""
    place = outgoing.path.partition("?")[0].rpartition(":")[0]
    version, _, name = place[1:].partition("/")
    model = unquote(name if version[:1] == "v" and version[1:2].isdecimal() else place[1:])
    body = json.encode({"generateContentRequest": {"model": model, **json.fields(outgoing.body)}})
    return Outgoing(place + ":countTokens", body, outgoing.headers)


def _converse_answer(count: int) -> bytes:
    return json.encode({"inputTokens": count})


def _ask_converse(outgoing: Outgoing) -> Outgoing:
    place = outgoing.path.rpartition("/")[0]
    body = b'{"input":{"converse":%b}}' % _kept(outgoing.body, _CONVERSE)
    return Outgoing(f"{place}/count-tokens", body, outgoing.headers)


def _relay_responses(outgoing: Outgoing) -> Outgoing:
    return Outgoing(outgoing.path + "/input_tokens", outgoing.body, outgoing.headers)


def _as_it_is(outgoing: Outgoing) -> Outgoing:
    """The path of the client's request has told the codec already what is asked."""
    return outgoing


COUNTINGS: Mapping[str, Counting] = {
    "anthropic-messages": Counting("input_tokens", _messages_answer, _ask_messages, _as_it_is),
    "openai-responses": Counting("input_tokens", _responses_answer, _ask_responses, _relay_responses),
    "gemini": Counting("totalTokens", _gemini_answer, _ask_gemini, _as_it_is),
    "bedrock-converse": Counting("inputTokens", _converse_answer, _ask_converse, _as_it_is),
}
