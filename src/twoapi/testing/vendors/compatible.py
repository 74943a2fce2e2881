"""Fakes of vendors that speak OpenAI's Chat Completions in their own way, written from their references.

Each is the chat vendor of the suite with what it refuses beyond, and with what it says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from twoapi.conformance import Arrival, Vendor
from twoapi.conformance.asked import Asked
from twoapi.conformance.read import chat as read_chat
from twoapi.conformance.reply import Fault, Reply, Spoken, event
from twoapi.conformance.speak import chat
from twoapi.testing.vendors.staged import Staged

Json = Any  # a parsed JSON document
Problem = tuple[str, str]
Change = Callable[[Json], None]  # of a whole answer or a chunk, in place

_PLAIN = "model messages stream temperature top_p max_tokens stop tools tool_choice response_format "
_FIELDS = {"random_seed": "seed", "user_id": "user"}  # under which a vendor has what another has by that name


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor takes. `members` empty: whatever there is. `choices`: of tools, by word, `named` for one tool.

    `thinking`: the types of that member. `once`: text is one string. `ids`: how long ids of calls are. `named`: results
    name their tool. `filled`: calls have reasoning. `nulls`: null is a content. `tool_to_user`: the user may speak
    right after a tool. `developer`: there is that role. `alternating`: user and assistant take turns. `demands`:
    members that must be so.
    """

    members: frozenset[str] = frozenset()
    temperatures: tuple[float, float] = (0, 2)
    choices: frozenset[str] = frozenset(("none", "auto", "required", "named"))
    formats: frozenset[str] = frozenset(("text", "json_object", "json_schema"))
    efforts: frozenset[str] = frozenset(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
    thinking: frozenset[str] = frozenset()
    stops: int = 4
    once: bool = False
    ids: int = 0
    named: bool = False
    filled: bool = False
    nulls: bool = True
    tool_to_user: bool = True
    developer: bool = False
    alternating: bool = False
    demands: Mapping[str, Json] = {}


def _problems(way: Way, body: Json) -> Iterator[Problem]:
    if way.members:
        yield from ((f"/{name}", "no such member") for name in body if name not in way.members)
    low, high = way.temperatures
    if not low <= body.get("temperature", high) <= high:
        yield "/temperature", f"from {low} to {high}"
    choice = body.get("tool_choice", "auto")
    if ("named" if isinstance(choice, dict) else choice) not in way.choices | {"auto"}:
        yield "/tool_choice", f"one of {sorted(way.choices)}"
    if (body.get("response_format") or {}).get("type", "text") not in way.formats:
        yield "/response_format/type", f"one of {sorted(way.formats)}"
    if body.get("reasoning_effort", "high") not in way.efforts:
        yield "/reasoning_effort", f"one of {sorted(way.efforts)}"
    if "thinking" in body and body["thinking"].get("type") not in way.thinking:
        yield "/thinking/type", f"one of {sorted(way.thinking)}"
    if len(body.get("stop") or ()) > way.stops:
        yield "/stop", f"at most {way.stops}"
    yield from ((f"/{name}", f"must be {value}") for name, value in way.demands.items() if body.get(name) != value)
    yield from _turns(way, body["messages"])


def _turns(way: Way, messages: list[Json]) -> Iterator[Problem]:
    before = ""
    for index, message in enumerate(messages):
        at, role, content = f"/messages/{index}", message["role"], message.get("content")
        if role not in ("system", "user", "assistant", "tool") and not (way.developer and role == "developer"):
            yield f"{at}/role", "no such role"
        if way.once and isinstance(content, list) and all(part["type"] == "text" for part in content):
            yield f"{at}/content", "must be a string"
        if not way.nulls and content is None:
            yield f"{at}/content", "must not be null"
        if not way.tool_to_user and (before, role) == ("tool", "user"):
            yield at, "Unexpected role 'user' after role 'tool'"
        if way.named and role == "tool" and not message.get("name"):
            yield f"{at}/name", "a result names its tool"
        calls = message.get("tool_calls") or []
        if way.filled and calls and not message.get("reasoning_content"):
            yield at, "reasoning_content is missing in assistant tool call message"
        ids = [call["id"] for call in calls] + ([message["tool_call_id"]] if role == "tool" else [])
        if way.ids and not all(len(one) == way.ids and one.isalnum() for one in ids):
            yield at, f"Tool call id must be a-z, A-Z, 0-9, with a length of {way.ids}."
        if way.alternating and role == before and role != "system":
            yield at, "user and assistant take turns"
        before = role


def _read(body: Json) -> Asked:
    """The chat vendor's reading of a body in which this one's members have the chat vendor's names."""
    plain = {_FIELDS.get(name, name): value for name, value in body.items()}
    if plain.get("tool_choice") == "any":
        plain["tool_choice"] = "required"
    if plain.pop("do_sample", True) is False:
        plain["temperature"] = 0
    switch = plain.pop("thinking", {}).get("type")
    reasoning = plain.pop("reasoning", {})
    if switch == "disabled" or reasoning.get("enabled") is False:
        plain["reasoning_effort"] = "none"
    elif "effort" in reasoning:
        plain["reasoning_effort"] = reasoning["effort"]
    plain["messages"] = [*map(_plain_message, plain["messages"])]
    asked = read_chat.read(plain)
    if "top_k" in plain:
        asked.settings["top_k"] = plain["top_k"]
    return asked


def _plain_message(message: Json) -> Json:
    plain = dict(message)
    if isinstance(plain.get("content"), list):
        thought = [part["thinking"][0]["text"] for part in plain["content"] if part["type"] == "thinking"]
        plain["content"] = [part for part in plain["content"] if part["type"] != "thinking"]
        if thought:
            plain["reasoning_content"] = "".join(thought)
    entries = plain.pop("reasoning_details", None) or []
    told = "".join(entry.get("text", "") for entry in entries) or plain.pop("reasoning", None)
    if told:
        plain["reasoning_content"] = told
    if plain.get("reasoning_content") == " ":
        del plain["reasoning_content"]  # what stands for reasoning that nobody has
    return plain


# --- what they say otherwise


def _say(
    *changes: Change, opening: bytes = b"", usage: str = "chunk", tags: bool = False
) -> Callable[[Reply, str], Spoken]:
    """The chat vendor's answer with these changes. `usage`: in a chunk of its own, in the last one's `choice`, in the
    last chunk (`finish`), or beside it (`x_groq`). `tags`: reasoning stands between tags in the content.
    """

    def say(reply: Reply, model: str) -> Spoken:
        spoken = chat.say(reply, model)
        frames = [msgspec.json.decode(frame[6:]) for frame in (*spoken.head, *spoken.tail[:-1])]
        finish, counted = frames[-2:]
        if usage != "chunk":
            place = {"choice": finish["choices"][0], "finish": finish, "x_groq": finish.setdefault("x_groq", {})}[usage]
            place["usage"] = counted["usage"]
            del frames[-1]
        if usage != "x_groq":
            finish.pop("x_groq", None)
        if tags:
            _put_in_tags(spoken.body, frames)
        for document in (spoken.body, *frames):
            for change in changes:
                change(document)
        events = [event(frame) for frame in frames]
        end = len(spoken.head)
        return Spoken(
            body=spoken.body, head=[opening + events[0], *events[1:end]], tail=[*events[end:], spoken.tail[-1]]
        )

    return say


def _messages(document: Json) -> Iterator[Json]:
    """The message of each choice, or what a chunk adds to it."""
    for choice in document["choices"]:
        yield choice.get("message") or choice.get("delta") or {}


def _renamed(field: str) -> Change:
    """Reasoning in another field."""

    def change(document: Json) -> None:
        for message in _messages(document):
            if "reasoning_content" in message:
                message[field] = message.pop("reasoning_content")

    return change


def _in_entries(document: Json) -> None:
    """Reasoning in entries too, which want to come back."""
    for message in _messages(document):
        if "reasoning_content" in message:
            text = message.pop("reasoning_content")
            message["reasoning"] = text
            message["reasoning_details"] = [
                {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}
            ]


def _in_content(document: Json) -> None:
    """Reasoning among the parts of the content."""
    for message in _messages(document):
        if "reasoning_content" in message:
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": message.pop("reasoning_content")}]}
            text = message.get("content")
            message["content"] = [thought, *([{"type": "text", "text": text}] if text else [])]


def _put_in_tags(body: Json, chunks: list[Json]) -> None:
    for message in _messages(body):
        if "reasoning_content" in message:
            message["content"] = f"<think>\n{message.pop('reasoning_content')}\n</think>\n\n{message['content'] or ''}"
    before = False
    for delta in (delta for chunk in chunks for delta in _messages(chunk)):
        thinks = "reasoning_content" in delta
        mark = "<think>\n" if thinks and not before else "\n</think>\n\n" if before and not thinks else ""
        text = delta.pop("reasoning_content", None) or delta.get("content")
        if mark or text:
            delta["content"] = mark + (text or "")
        before = thinks


def _word(old: str, new: str) -> Change:
    """Another word for the end."""

    def change(document: Json) -> None:
        for choice in document["choices"]:
            if choice.get("finish_reason") == old:
                choice["finish_reason"] = new

    return change


def _with(**members: Json) -> Change:
    """Further members of the document."""
    return lambda document: document.update(members)


def _apart(document: Json) -> None:
    """Reasoning is counted beside the completion."""
    if usage := document.get("usage"):
        usage["completion_tokens"] -= usage["completion_tokens_details"]["reasoning_tokens"]


def _split_cache(document: Json) -> None:
    """What was in the cache and what was not."""
    if usage := document.get("usage"):
        hit = usage.pop("prompt_tokens_details")["cached_tokens"]
        usage |= {"prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": usage["prompt_tokens"] - hit}


def _tell_price(document: Json) -> None:
    if usage := document.get("usage"):
        usage["cost"] = 0.0125


def _coded(codes: Mapping[int, Json]) -> Callable[[Fault], Json]:
    """Errors with codes of the vendor's own."""
    return lambda fault: {"error": {"code": codes.get(fault.status, fault.status), "message": fault.message}}


_MINIMAX = {400: 2013, 401: 1004, 429: 1002, 500: 1000, 529: 1000}


def _hidden(fault: Fault) -> Json:
    return {
        "choices": None,
        "base_resp": {"status_code": _MINIMAX.get(fault.status, 1000), "status_msg": fault.message},
    }


def _refuses(way: Way) -> Callable[[Arrival], list[Problem]]:
    return lambda arrival: [*_problems(way, arrival.body)]


def _staged(provider: str, model: str, way: Way, say: Callable[[Reply, str], Spoken], **more: Any) -> Staged:  # noqa: ANN401  members of Vendor
    told = {
        "protocol": "openai-chat",
        "base": "/v1",
        "takes": lambda path: path in ("/chat/completions", "/beta/chat/completions"),
        "read": _read,
        "say": say,
        "fail": chat.fail,
        "break_off": chat.break_off,
        "refuses": _refuses(way),
        "makes_state": False,
        "lacks": frozenset(("citations", "documents")),
        **more,
    }
    return Staged(vendor=Vendor(**told), provider=provider, model=model)


def _named(members: str) -> frozenset[str]:
    return frozenset(members.split())


COMPATIBLE: Mapping[str, Staged] = {
    "zhipu": _staged(
        "zhipu",
        "glm-4.6",
        Way(
            members=_named(_PLAIN + "request_id user_id do_sample seed thinking tool_stream reasoning_effort"),
            temperatures=(0, 1),
            choices=frozenset(("auto",)),
            formats=frozenset(("text", "json_object")),
            thinking=frozenset(("enabled", "disabled")),
            stops=1,
        ),
        _say(_word("content_filter", "sensitive"), usage="finish"),
        fail=_coded({400: "1261", 401: "1002", 429: "1302", 500: "1230", 529: "1305"}),
    ),
    "moonshot": _staged(
        "moonshot",
        "kimi-k2.5",
        Way(temperatures=(0, 1), thinking=frozenset(("enabled", "disabled")), filled=True),
        _say(usage="choice"),
    ),
    "minimax": _staged(
        "minimax",
        "MiniMax-M3",
        Way(
            temperatures=(0.01, 1),
            choices=frozenset(("auto",)),
            thinking=frozenset(("adaptive", "disabled")),
            demands={"reasoning_split": True},
        ),
        _say(_in_entries, _with(base_resp={"status_code": 0, "status_msg": ""})),
        status=lambda _: 200,
        fail=_hidden,
        break_off=lambda fault: event(_hidden(fault)),
    ),
    "volcengine": _staged(
        "volcengine",
        "doubao-seed-1-6",
        Way(
            members=_named(
                _PLAIN + "frequency_penalty function_call logit_bias logprobs presence_penalty stream_options "
                "top_logprobs user repetition_penalty n parallel_tool_calls service_tier thinking "
                "max_completion_tokens reasoning_effort"
            ),
            efforts=_named("minimal low medium high"),
            thinking=frozenset(("enabled", "disabled", "auto")),
        ),
        _say(),
        fail=_coded(
            {400: "InvalidParameter", 401: "AuthenticationError", 429: "RateLimitExceeded.EndpointRPMExceeded"}
        ),
    ),
    "deepseek": _staged(
        "deepseek",
        "deepseek-v4-pro",
        Way(
            formats=frozenset(("text", "json_object")),
            thinking=frozenset(("enabled", "disabled")),
            once=True,
            filled=True,
        ),
        _say(_split_cache, opening=b": keep-alive\n\n"),
    ),
    "openrouter": _staged(
        "openrouter",
        "anthropic/claude",
        Way(developer=True),
        _say(_in_entries, _tell_price, opening=b": OPENROUTER PROCESSING\n\n"),
        fail=_coded({}),
    ),
    "xai": _staged("xai", "grok-4", Way(stops=0, developer=True), _say(_apart, _word("tool_calls", ""))),
    "mistral": _staged(
        "mistral",
        "magistral-medium",
        Way(
            members=_named(
                _PLAIN + "random_seed metadata presence_penalty frequency_penalty min_tokens repetition_penalty top_k "
                "logprobs top_logprobs prompt_logprobs n prediction parallel_tool_calls reasoning_effort prompt_mode "
                "guardrails prompt_cache_key service_tier safe_prompt"
            ),
            temperatures=(0, 1.5),
            choices=frozenset(("none", "auto", "any", "required", "named")),
            ids=9,
            named=True,
            nulls=False,
            tool_to_user=False,
        ),
        _say(_in_content, usage="finish"),
        fail=lambda fault: {"object": "error", "message": fault.message, "type": "invalid_request", "code": "1000"},
    ),
    "perplexity": _staged(
        "perplexity",
        "sonar-reasoning-pro",
        Way(
            members=_named(
                "model messages stream temperature top_p top_k max_tokens presence_penalty frequency_penalty "
                "response_format search_mode web_search_options return_images return_related_questions"
            ),
            formats=frozenset(("text", "json_schema")),
            alternating=True,
        ),
        _say(
            _with(citations=["https://a.example"], search_results=[{"title": "A", "url": "https://a.example"}]),
            usage="finish",
            tags=True,
        ),
        lacks=frozenset(("citations", "documents", "tools", "parallel tools", "tool results")),
    ),
    "groq": _staged(
        "groq",
        "m",
        Way(
            members=_named(
                _PLAIN + "citation_options frequency_penalty include_reasoning max_completion_tokens metadata "
                "parallel_tool_calls presence_penalty reasoning_effort reasoning_format seed service_tier store "
                "stream_options user"
            ),
            efforts=_named("none low medium high"),
            nulls=False,
        ),
        _say(_renamed("reasoning"), usage="x_groq"),
    ),
    "together": _staged(
        "together",
        "m",
        Way(
            members=_named(
                _PLAIN + "frequency_penalty logit_bias logprobs min_p n presence_penalty reasoning reasoning_effort "
                "repetition_penalty seed stream_options top_k parallel_tool_calls"
            ),
            efforts=_named("low medium high"),
        ),
        _say(_renamed("reasoning"), _word("stop", "eos")),
    ),
}
