"""A model without a mind: it plays one scenario for clients of every protocol, tool loop included."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field, replace

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Json, Reply, error_reply, json_reply
from twoapi.testing.scripted_chat import chat_reply
from twoapi.testing.scripted_gemini import gemini_reply
from twoapi.testing.scripted_messages import messages_reply
from twoapi.testing.scripted_requests import (
    ChatRequest,
    GeminiRequest,
    MessagesRequest,
    ResponsesRequest,
    ScriptedRequest,
)
from twoapi.testing.scripted_responses import responses_reply
from twoapi.testing.scripted_turn import Call, Cited, Stop, Tokens, Turn, instance
from twoapi.testing.strict import protocol_of

_ANSWERED = ("/chat/completions", "/responses", "/messages", ":generateContent", ":streamGenerateContent")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the model does. While tools are offered it calls `calls` of them in each of `rounds` turns, with arguments
    that fit their schemas; then it says `final`, where `{results}` stands for the results in the order of the calls.

    Of a forced or allowed choice of tools it calls only those, and one per turn when parallel calls are off.
    `arguments` replaces what is derived from the schema (it may be broken JSON). `reasoning` and `signature` come
    before every turn, `before` is the text before the calls.
    """

    reasoning: str = ""
    signature: str = ""
    redacted: str = ""
    before: str = ""
    calls: int = 0
    rounds: int = 1
    arguments: str | None = None
    interleaved: bool = False
    final: str = "Grüß 你好 🌍 {results}"
    cited: tuple[Cited, ...] = ()
    refusal: str = ""
    stop: Stop = "stop"
    stop_sequence: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    piece: int = 5
    reasoning_field: str | None = "reasoning_content"


class ScriptedModel:
    """A handler for FakeUpstream: ScriptedModel(Scenario(calls=2))."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.scenario = scenario or Scenario()
        self._numbers = itertools.count(1)

    def __call__(self, request: Received) -> Reply:
        """The answer to a request of any protocol; model lists and token counts too."""
        if not request.path.endswith(_ANSWERED):
            return self._aside(request)
        body = request.json()
        match protocol_of(request.path):
            case "gemini":
                return gemini_reply(self.turn(GeminiRequest(body)), request)
            case "openai-responses":
                return responses_reply(self.turn(ResponsesRequest(body)), body)
            case "anthropic-messages":
                return messages_reply(self.turn(MessagesRequest(body)), body)
            case _:
                return chat_reply(self.turn(ChatRequest(body)), body, self.scenario.reasoning_field)

    def _aside(self, request: Received) -> Reply:
        if request.path.endswith("/count_tokens"):
            return json_reply({"input_tokens": self.scenario.tokens.input})
        if request.path.endswith("/responses/input_tokens"):
            return json_reply({"object": "response.input_tokens", "input_tokens": self.scenario.tokens.input})
        if request.path.endswith(":countTokens"):
            return json_reply({"totalTokens": self.scenario.tokens.input})
        if request.method == "GET" and request.path.endswith("/models"):
            return json_reply(_models(anthropic="anthropic-version" in request.headers))
        return error_reply(protocol_of(request.path), 404, f"there is no {request.path}")

    def turn(self, seen: ScriptedRequest) -> Turn:
        """What comes next in this conversation."""
        scenario = self.scenario
        turn = Turn(
            reasoning=scenario.reasoning,
            signature=scenario.signature,
            redacted=scenario.redacted,
            interleaved=scenario.interleaved,
            tokens=scenario.tokens,
            piece=scenario.piece,
            number=next(self._numbers),
        )
        tools = seen.tools()
        rounds, results = seen.results()
        if scenario.calls and tools and rounds < scenario.rounds:
            calls = tuple(
                self._call(tools[index % len(tools)], f"{rounds}/{index}", seen)
                for index in range(scenario.calls if seen.parallel() else 1)
            )
            stop: Stop = "max_tokens" if scenario.stop == "max_tokens" else "tool_use"
            return replace(turn, text=scenario.before, calls=calls, stop=stop)
        text = scenario.final.replace("{results}", ", ".join(results))
        return replace(
            turn,
            text="" if scenario.refusal else text,
            cited=scenario.cited,
            refusal=scenario.refusal,
            stop=scenario.stop,
            stop_sequence=scenario.stop_sequence,
        )

    def _call(self, tool: Json, place: str, seen: ScriptedRequest) -> Call:
        stamp = hashlib.sha256(place.encode()).hexdigest()[:24]
        if tool["kind"] == "custom":
            return Call(id=seen.id_prefix + stamp, name=tool["name"], body='*** Begin\n"é"\n*** End', kind="custom")
        body = self.scenario.arguments
        if body is None:
            body = json.dumps(instance(tool["schema"]), ensure_ascii=False)
        return Call(id=seen.id_prefix + stamp, name=tool["name"], body=body)


def _models(*, anthropic: bool) -> Json:
    names = ["scripted-1", "scripted-2"]
    if not anthropic:
        entries = [{"id": name, "object": "model", "created": 1790000000, "owned_by": "scripted"} for name in names]
        return {"object": "list", "data": entries}
    listed = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-09-21T14:13:20Z"} for name in names
    ]
    return {"data": listed, "has_more": False, "first_id": names[0], "last_id": names[-1]}
