"""A model without a mind: it plays one scenario for clients of either protocol, tool loop included."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field, replace

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Json, Reply, error_reply, json_reply
from twoapi.testing.scripted_chat import chat_reply
from twoapi.testing.scripted_messages import messages_reply
from twoapi.testing.scripted_turn import Call, Cited, Stop, Tokens, Turn, instance
from twoapi.testing.strict import protocol_of


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
        """The answer to a request of either protocol; model lists and token counts too."""
        protocol = protocol_of(request.path)
        if request.path.endswith("/count_tokens"):
            return json_reply({"input_tokens": self.scenario.tokens.input})
        if request.method == "GET" and request.path.endswith("/models"):
            return json_reply(_models(anthropic="anthropic-version" in request.headers))
        if not request.path.endswith(("/chat/completions", "/messages")):
            return error_reply(protocol, 404, f"there is no {request.path}")
        body = request.json()
        if protocol == "anthropic-messages":
            return messages_reply(self.turn(_Messages(body)), body)
        return chat_reply(self.turn(_Chat(body)), body, self.scenario.reasoning_field)

    def turn(self, seen: "_Chat | _Messages") -> Turn:
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

    def _call(self, tool: Json, place: str, seen: "_Chat | _Messages") -> Call:
        stamp = hashlib.sha256(place.encode()).hexdigest()[:24]
        if tool["kind"] == "custom":
            return Call(id=seen.id_prefix + stamp, name=tool["name"], body='*** Begin\n"é"\n*** End', kind="custom")
        body = self.scenario.arguments
        if body is None:
            body = json.dumps(instance(tool["schema"]), ensure_ascii=False)
        return Call(id=seen.id_prefix + stamp, name=tool["name"], body=body)


class _Chat:
    """What a chat request says of its tool loop."""

    id_prefix = "call_"

    def __init__(self, body: Json) -> None:
        self._body = body

    def tools(self) -> list[Json]:
        """The tools that may be called now."""
        choice = self._body.get("tool_choice")
        offered = [_chat_tool(tool) for tool in self._body.get("tools") or []]
        if choice == "none":
            return []
        if not isinstance(choice, dict):
            return offered
        wanted = choice["allowed_tools"]["tools"] if choice["type"] == "allowed_tools" else [choice]
        names = {(one["type"], one[one["type"]]["name"]) for one in wanted}
        return [tool for tool in offered if (tool["kind"], tool["name"]) in names]

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""
        return self._body.get("parallel_tool_calls") is not False

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""
        rounds = 0
        order: list[str] = []
        found: dict[str, str] = {}
        before = ""
        for message in self._body["messages"]:
            after_results, before = before == "tool", message["role"]
            if message["role"] == "tool":
                found[message["tool_call_id"]] = _plain(message["content"])
            elif message.get("tool_calls"):
                rounds += 1
                order += [call["id"] for call in message["tool_calls"]]
            elif message["role"] in {"user", "assistant"} and not (after_results and _has_media(message)):
                rounds, order, found = 0, [], {}
        return rounds, [found.get(call_id, "") for call_id in order]


class _Messages:
    """What a messages request says of its tool loop."""

    id_prefix = "toolu_"

    def __init__(self, body: Json) -> None:
        self._body = body

    def tools(self) -> list[Json]:
        """The tools that may be called now."""
        choice = self._body.get("tool_choice") or {"type": "auto"}
        offered = [
            {"kind": "function", "name": tool["name"], "schema": tool["input_schema"]}
            for tool in self._body.get("tools") or []
            if "input_schema" in tool
        ]
        if choice["type"] == "none":
            return []
        return [tool for tool in offered if choice["type"] != "tool" or tool["name"] == choice["name"]]

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""
        return not (self._body.get("tool_choice") or {}).get("disable_parallel_tool_use")

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""
        rounds = 0
        order: list[str] = []
        found: dict[str, str] = {}
        for message in self._body["messages"]:
            blocks = message["content"] if isinstance(message["content"], list) else []
            calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
            given = {b["tool_use_id"]: _plain(b.get("content")) for b in blocks if b["type"] == "tool_result"}
            if calls:
                rounds += 1
                order += calls
            elif given:
                found |= given
            elif message["role"] != "system":
                rounds, order, found = 0, [], {}
        return rounds, [found.get(call_id, "") for call_id in order]


def _chat_tool(tool: Json) -> Json:
    declared = tool[tool["type"]]
    return {"kind": tool["type"], "name": declared["name"], "schema": declared.get("parameters") or {"type": "object"}}


def _has_media(message: Json) -> bool:
    """True of a user message that carries what tool messages cannot: pictures and files of their results."""
    content = message.get("content")
    return isinstance(content, list) and any(part["type"] != "text" for part in content)


def _plain(content: Json) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", f"[{part['type']}]") for part in content or [])


def _models(*, anthropic: bool) -> Json:
    names = ["scripted-1", "scripted-2"]
    if not anthropic:
        entries = [{"id": name, "object": "model", "created": 1790000000, "owned_by": "scripted"} for name in names]
        return {"object": "list", "data": entries}
    listed = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-09-21T14:13:20Z"} for name in names
    ]
    return {"data": listed, "has_more": False, "first_id": names[0], "last_id": names[-1]}
