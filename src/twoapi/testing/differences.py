"""Where two requests of one protocol say different things: by what they mean, not by how messages are cut."""

import json
from collections import Counter
from collections.abc import Iterator

from twoapi.testing.facts_gemini import gemini_facts, gemini_tools, meant_schemas
from twoapi.testing.normal import normal_request
from twoapi.testing.replies import Json

# A piece of meaning and the place where it stands.
Fact = tuple[str, str]


def differences(protocol: str, before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """What `before` says and `after` does not, and the reverse: each a list of JSON pointers."""
    one, other = normal_request(protocol, before), normal_request(protocol, after)
    gone, new = _fields(_meant(one), _meant(other))
    new = [at for at in new if _IMPLIED.get(at) not in one and not at.startswith(_OWN_WAYS.get(protocol, ()))]
    facts_before = list(_FACTS[protocol](one))
    facts_after = list(_FACTS[protocol](other))
    for kind in _KINDS:
        left = [fact for fact in facts_before if _kind_of(fact[1]) == kind]
        right = [fact for fact in facts_after if _kind_of(fact[1]) == kind]
        if kind == '["result':
            left, right = (sorted(facts, key=lambda fact: _holder(fact[1])) for facts in (left, right))
        if kind == '["mark"':
            left, right = left[::-1], right[::-1]  # of too many the first are left out, also of equal ones
        lost, added = _unmatched([fact for _, fact in left], [fact for _, fact in right])
        gone += [left[index][0] for index in lost]
        new += [right[index][0] for index in added if not right[index][1].endswith(_IMPLIED_DETAIL)]
    return gone, new


def meanings(protocol: str, body: bytes) -> list[str]:
    """What the conversation of a request says, piece by piece, without the places."""
    return [fact for _, fact in _FACTS[protocol](normal_request(protocol, body))]


def reordered(protocol: str, before: bytes, after: bytes) -> bool:
    """True when results of tools that both have stand in another order."""
    one, other = (_results(protocol, body) for body in (before, after))
    both = {fact for fact in one if one.count(fact) == other.count(fact) == 1}
    return [fact for fact in one if fact in both] != [fact for fact in other if fact in both]


def _results(protocol: str, body: bytes) -> list[str]:
    return [fact for fact in meanings(protocol, body) if fact.startswith('["result"')]


# Cache marks may move past what they stood behind, instructions to where a protocol has them; results know their calls.
_KINDS = ('["mark"', '["instruction"', '["result', "")


def _kind_of(fact: str) -> str:
    return next(kind for kind in _KINDS if fact.startswith(kind))


def _holder(fact: str) -> str:
    """The call that a fact of a result belongs to; what a result says keeps its order."""
    head, *rest = json.loads(fact)
    return str(rest[0]) if head == "result" else str(head).removeprefix("result ")


def _unmatched(left: list[str], right: list[str]) -> tuple[list[int], list[int]]:
    """What is not in the longest common subsequence: as little as can be, also among equal things."""
    rows = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            rows[i][j] = rows[i + 1][j + 1] + 1 if left[i] == right[j] else max(rows[i + 1][j], rows[i][j + 1])
    gone, new, i, j = [], [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            i, j = i + 1, j + 1
        elif rows[i + 1][j] >= rows[i][j + 1]:
            gone.append(i)
            i += 1
        else:
            new.append(j)
            j += 1
    return gone + list(range(i, len(left))), new + list(range(j, len(right)))


_MISSING = object()


def _meant(body: dict[str, Json]) -> dict[str, Json]:
    """The members of a request by what they mean."""
    return _meant_choice(_meant_include(meant_schemas(body)))


def _meant_include(body: dict[str, Json]) -> dict[str, Json]:
    """The body without the wish for the state of a reasoning that is switched off."""
    if (body.get("reasoning") or {}).get("effort") != "none" or _STATE not in body.get("include", ()):
        return body
    rest = [item for item in body["include"] if item != _STATE]
    return {**body, "include": rest} if rest else {name: item for name, item in body.items() if name != "include"}


_STATE = "reasoning.encrypted_content"


def _meant_choice(body: dict[str, Json]) -> dict[str, Json]:
    """The body with a choice that must be made among one tool as what it is: that this tool is called."""
    choice = body.get("tool_choice")
    if not (isinstance(choice, dict) and choice.get("type") == "allowed_tools"):
        return body
    allowed = choice.get("allowed_tools", {name: item for name, item in choice.items() if name != "type"})
    if allowed.keys() != {"mode", "tools"} or allowed["mode"] != "required" or len(allowed["tools"]) != 1:
        return body
    return {**body, "tool_choice": allowed["tools"][0]}


def _fields(one: dict[str, Json], other: dict[str, Json]) -> tuple[list[str], list[str]]:
    gone: list[str] = []
    new: list[str] = []
    for name in sorted({**one, **other}.keys() - _CONVERSATION):
        if name == "tools":
            _compare_tools(one.get(name) or [], other.get(name) or [], gone, new)
        elif name in one and name in other:
            _compare(one[name], other[name], f"/{_token(name)}", gone, new)
        elif (name, {**one, **other}[name]) not in _DEFAULTS:
            _compare(one.get(name, _MISSING), other.get(name, _MISSING), f"/{_token(name)}", gone, new)
    return gone, new


_IMPLIED_DETAIL = '"detail", "auto"]'  # of an image: what not saying it means
_CONVERSATION = {"messages", "system", "input", "instructions", "contents", "systemInstruction"}
# A member that another one brings with it: an effort of reasoning switches reasoning on.
_IMPLIED = {"/thinking": "output_config"}
# What a gateway asks for by itself: that the state which must come back is sealed.
_OWN_WAYS = {"openai-responses": ("/include",)}
# Said or not, it is the same.
_DEFAULTS = [
    ("n", 1),
    ("parallel_tool_calls", True),
    ("response_format", {"type": "text"}),
    ("metadata", {}),
    ("background", False),
    ("tool_choice", "auto"),
    ("tool_choice", {"type": "auto"}),
]
_DEFAULT_POINTERS: dict[str, Json] = {
    "/tool_choice/disable_parallel_tool_use": False,
    "/text/format/type": "text",
    "/response_format/type": "text",
    "/generationConfig/candidateCount": 1,
    "/generationConfig/responseMimeType": "text/plain",
    "/toolConfig/functionCallingConfig/mode": "AUTO",
}


def _compare_tools(one: list[Json], other: list[Json], gone: list[str], new: list[str]) -> None:
    """Tools are known by their names; of several with one name the first are compared with the first."""
    left, right = _by_names(one), _by_names(other)
    for name, (at, tool) in left.items():
        _compare(tool, right.get(name, ("", _MISSING))[1], at, gone, new)
    new += [at for name, (at, _) in right.items() if name not in left]


def _by_names(tools: list[Json]) -> dict[tuple[str, int], tuple[str, Json]]:
    count: Counter[str] = Counter()
    named: dict[tuple[str, int], tuple[str, Json]] = {}
    for name, tool in _named_tools(tools):
        named[name, count[name]] = tool
        count[name] += 1
    return named


def _named_tools(tools: list[Json]) -> Iterator[tuple[str, tuple[str, Json]]]:
    """Each tool with its place; those of a namespace by the name that has it before theirs."""
    for index, tool in enumerate(tools):
        at = f"/tools/{index}"
        if not tool.keys() & {"type", "name"}:
            yield from gemini_tools(at, tool)
            continue
        if tool.get("type") != "namespace":
            yield _tool_name(tool), (at, tool)
            continue
        rest = {name: item for name, item in tool.items() if name not in {"type", "name", "tools"}}
        if rest:
            yield f"namespace {tool['name']}", (at, rest)
        for number, inner in enumerate(tool["tools"]):
            name = f"{tool['name']}__{inner['name']}"
            yield name, (f"{at}/tools/{number}", {**inner, "name": name})


def _tool_name(tool: dict[str, Json]) -> str:
    return str(tool.get("name") or (tool.get(str(tool.get("type"))) or {}).get("name") or tool.get("type"))


def _compare(one: Json, other: Json, at: str, gone: list[str], new: list[str]) -> None:
    if one == other and type(one) is type(other):
        return
    if _says_the_same(one, other, at):
        return
    if isinstance(one, dict) and one and (other is _MISSING or isinstance(other, dict)):
        there = other if isinstance(other, dict) else {}
        for name in {**one, **there}:
            _compare(one.get(name, _MISSING), there.get(name, _MISSING), f"{at}/{_token(name)}", gone, new)
    elif isinstance(one, list) and isinstance(other, list):
        _compare_lists(one, other, at, gone, new)
    elif one != other:
        (new if one is _MISSING else gone).append(at)


def _says_the_same(one: Json, other: Json, at: str) -> bool:
    if one is _MISSING:
        if at.endswith("/properties"):  # of an object: some services want it said that nothing is said
            return bool(other == {})
        if at.startswith("/tools/") and at.endswith(("/parameters", "/parametersJsonSchema")):
            # A function that tells no parameters has none, which some services want to be said.
            return isinstance(other, dict) and other.keys() <= {"type", "properties"} and not other.get("properties")
        # What the schema allows, and what most protocols mean when they do not say it.
        return at in {"/text/format/strict", "/response_format/json_schema/strict"} or (
            other is False and at.endswith(("/strict", "/store"))
        )
    if other is not _MISSING:
        return False
    return (one is False and at.endswith("/defer_loading")) or (
        at in _DEFAULT_POINTERS and bool(one == _DEFAULT_POINTERS[at])
    )


def _compare_lists(one: list[Json], other: list[Json], at: str, gone: list[str], new: list[str]) -> None:
    if len(one) == len(other) and at != "/include":  # which is a set
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            _compare(mine, theirs, f"{at}/{index}", gone, new)
        return
    left, right = [_fact(item) for item in one], [_fact(item) for item in other]
    lost, added = _unmatched(left, right)
    gone += [f"{at}/{index}" for index in lost]
    new += [f"{at}/{index}" for index in added]


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _fact(*values: Json) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


# --- OpenAI Chat Completions -------------------------------------------------------------------

_CHAT_KNOWN = {"role", "content", "tool_calls", "tool_call_id"}
_LEADING = {"system", "developer"}


def _chat_facts(body: dict[str, Json]) -> Iterator[Fact]:
    for index, message in enumerate(body["messages"]):
        at = f"/messages/{index}"
        role = "instruction" if message["role"] in _LEADING else message["role"]
        for name, item in message.items():
            if name not in _CHAT_KNOWN:
                yield f"{at}/{_token(name)}", _fact(role, name, item)
        content = message.get("content") or []
        if role == "tool":
            text = "".join(part.get("text", "") for part in content)
            yield f"{at}/content", _fact("result", message["tool_call_id"], text)
            content = [_without_text(part) for part in content]
        if role == "assistant":
            yield f"{at}/content", _fact("says", "".join(str(part.get(part["type"], "")) for part in content))
            content = [_without_text(part) for part in content]
        for number, part in enumerate(content):
            yield from _part_facts(
                f"{at}/content/{number}", role, part, "prompt_cache_breakpoint", message.get("tool_call_id")
            )
        for number, call in enumerate(message.get("tool_calls") or []):
            yield from _call_facts(f"{at}/tool_calls/{number}", call)


def _part_facts(at: str, role: str, part: dict[str, Json], mark: str, holder: str | None = None) -> Iterator[Fact]:
    """`holder`: what a mark stands behind, when it is not this part alone."""
    kind = part.get("type")
    for name, item in sorted(part.items()):
        place = f"{at}/{_token(name)}"
        if name == mark:
            known = {word: said for word, said in item.items() if word in _MARK}
            yield place, _fact("mark", known, holder or [kind, part.get("text")])
            yield from ((f"{place}/{_token(word)}", _fact(word, item[word])) for word in item if word not in _MARK)
        elif name == "type" or (name, item) in _UNSAID:
            continue
        elif isinstance(item, dict) and item:
            yield from (
                (f"{place}/{_token(key)}", _fact(role, kind, name, key, value))
                for key, value in sorted(item.items())
                if (name, {key: value}) not in _UNSAID
            )
        else:
            yield place, _fact(role, kind, name, item)


_MARK = {"type", "mode", "ttl"}  # members of a cache mark
# Members of a part that say nothing.
_UNSAID = [("is_error", False), ("citations", {"enabled": False}), ("context", ""), ("title", "")]


def _without_text(part: dict[str, Json]) -> dict[str, Json]:
    return {name: item for name, item in part.items() if name not in {"text", "refusal"}}


def _call_facts(at: str, call: dict[str, Json]) -> Iterator[Fact]:
    made = call.get(call["type"]) or {}
    written = made.get("arguments", made.get("input", ""))
    if call["type"] == "function":
        try:
            written = json.loads(written or "{}")
        except ValueError:
            written = {"broken": written}
    yield at, _fact("call", call["id"], call["type"], made.get("name"), written)
    for place, members, known in ((at, call, {"id", "type", call["type"]}), (f"{at}/{call['type']}", made, _MADE)):
        for name, item in members.items():
            if name not in known:
                yield f"{place}/{_token(name)}", _fact(name, item)


_MADE = {"name", "arguments", "input"}

# --- Anthropic Messages ------------------------------------------------------------------------


def _messages_facts(body: dict[str, Json]) -> Iterator[Fact]:
    for index, block in enumerate(body.get("system") or []):
        yield from _part_facts(f"/system/{index}", "instruction", block, "cache_control")
    for index, message in enumerate(body["messages"]):
        at = f"/messages/{index}"
        role = "instruction" if message["role"] == "system" else message["role"]
        for name, item in message.items():
            if name not in {"role", "content"}:
                yield f"{at}/{_token(name)}", _fact(role, name, item)
        content = message["content"]
        if role == "assistant":
            yield f"{at}/content", _fact("says", "".join(block.get("text", "") for block in content))
            content = [_without_text(block) if block["type"] == "text" else block for block in content]
        for number, block in enumerate(content):
            yield from _block_facts(f"{at}/content/{number}", role, block)


def _block_facts(at: str, role: str, block: dict[str, Json]) -> Iterator[Fact]:
    if block["type"] == "tool_use":
        yield at, _fact("call", block["id"], block["name"], block["input"])
        rest = {name: item for name, item in block.items() if name not in {"id", "name", "input"}}
        yield from _part_facts(at, role, rest, "cache_control")
    elif block["type"] == "tool_result":
        content = block.get("content") or []
        text = "".join(part.get("text", "") for part in content if part.get("type") == "text")
        yield f"{at}/content", _fact("result", block["tool_use_id"], text)
        holder = block["tool_use_id"]
        for number, part in enumerate(content):
            silent = _without_text(part) if part.get("type") == "text" else part
            yield from _part_facts(f"{at}/content/{number}", f"result {holder}", silent, "cache_control", holder)
        rest = {name: item for name, item in block.items() if name not in {"content", "tool_use_id"}}
        yield from _part_facts(at, f"result {holder}", rest, "cache_control", holder)
    else:
        yield from _part_facts(at, role, block, "cache_control")


# --- OpenAI Responses --------------------------------------------------------------------------

_MESSAGE_KNOWN = {"type", "id", "status", "role", "content"}  # ids and states are the service's own
_ITEM_KNOWN = {"type", "id", "status", "call_id", "name", "namespace", "arguments", "input", "output"}
_OWN = {"type", "id", "status"}
_THOUGHT = {"summary", "content", "encrypted_content"}
_OTHERS = {"function_call_output", "custom_tool_call_output"}  # items of the client's
_TURNS = {"message", *_OTHERS}  # all other items are between the lines of a turn: without them it is still one


def _responses_facts(body: dict[str, Json]) -> Iterator[Fact]:
    if "instructions" in body:
        part = {"type": "input_text", "text": body["instructions"]}
        yield from _part_facts("/instructions", "instruction", part, "prompt_cache_breakpoint")
    turn: list[tuple[str, dict[str, Json]]] = []
    for index, item in enumerate(body.get("input") or []):
        at = f"/input/{index}"
        if item.get("role") == "assistant":
            turn.append((at, item))
        elif turn and item["type"] in _TURNS:
            yield from _said_facts(turn)
            turn = []
        yield from _item_facts(at, item)
    yield from _said_facts(turn)


def _said_facts(turn: list[tuple[str, dict[str, Json]]]) -> Iterator[Fact]:
    """What the model said in a turn, as a whole: how it was cut does not count."""
    if turn:
        said = "".join(
            str(part.get("text") or part.get("refusal") or "") for _, item in turn for part in item["content"]
        )
        yield f"{turn[0][0] if len(turn) == 1 else '/input'}/content", _fact("says", said)


def _item_facts(at: str, item: dict[str, Json]) -> Iterator[Fact]:
    kind = item["type"]
    if kind == "message":
        role = "instruction" if item["role"] in _LEADING else item["role"]
        for name, value in item.items():
            if name not in _MESSAGE_KNOWN:
                yield f"{at}/{_token(name)}", _fact(role, name, value)
        for number, part in enumerate(item["content"]):
            shown = _without_text(part) if role == "assistant" else part
            yield from _part_facts(f"{at}/content/{number}", role, shown, "prompt_cache_breakpoint")
    elif kind in {"function_call", "custom_tool_call"} | _OTHERS:
        for name, value in item.items():
            if name not in _ITEM_KNOWN or (kind in _OTHERS and name in {"name", "namespace"}):
                yield f"{at}/{_token(name)}", _fact(kind, name, value)
        yield from _result_facts(at, item) if kind in _OTHERS else [(at, _called(item))]
    elif kind == "reasoning" and not any(item.get(name) for name in _THOUGHT):
        rest = item.keys() - _OWN - _THOUGHT  # without words and state it says nothing but these
        yield from ((f"{at}/{_token(name)}", _fact(kind, name, item[name])) for name in sorted(rest))
    else:
        yield at, _fact({name: value for name, value in item.items() if name not in {"id", "status"}})


def _called(item: dict[str, Json]) -> str:
    name = f"{item['namespace']}__{item['name']}" if item.get("namespace") else item["name"]
    if item["type"] == "custom_tool_call":
        return _fact("call", item["call_id"], "custom", name, item["input"])
    try:
        written = json.loads(item["arguments"] or "{}")
    except ValueError:
        written = {"broken": item["arguments"]}
    return _fact("call", item["call_id"], "function", name, written)


def _result_facts(at: str, item: dict[str, Json]) -> Iterator[Fact]:
    text = "".join(part.get("text", "") for part in item["output"])
    holder = item.get("call_id")
    yield f"{at}/content", _fact("result", holder, text)
    for number, part in enumerate(item["output"]):
        yield from _part_facts(
            f"{at}/output/{number}", f"result {holder}", _without_text(part), "prompt_cache_breakpoint", holder
        )


_FACTS = {
    "openai-chat": _chat_facts,
    "openai-responses": _responses_facts,
    "anthropic-messages": _messages_facts,
    "gemini": gemini_facts,
}
