"""Responses requests that OpenAI's reference allows."""

from hypothesis import strategies as st

from twoapi.testing.documented_responses import RESPONSES_REQUEST
from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    argument_texts,
    base64s,
    broken_arguments,
    call_ids,
    filled_texts,
    json_bytes,
    maybe,
    names,
    schemas,
    texts,
    urls,
    with_unknown,
    words,
)

_hexes = st.text("0123456789abcdef", min_size=8, max_size=12)
_states = st.sampled_from(("completed", "completed", "incomplete"))
_breakpoints = st.sampled_from(
    ({"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"}, {"mode": "explicit", "ttl": "12h"})
)
_text_parts = st.builds(lambda text: {"type": "input_text", "text": text}, words)
_details = st.sampled_from(("auto", "low", "high", "original"))
_images = st.one_of(
    st.builds(lambda url, detail: {"type": "input_image", "image_url": url, "detail": detail}, urls, _details),
    st.builds(
        lambda data, mime, detail: {
            "type": "input_image",
            "image_url": f"data:{mime};base64,{data}",
            "detail": detail,
        },
        base64s,
        st.sampled_from(("image/png", "image/jpeg", "image/webp")),
        _details,
    ),
)
_plain_images = st.builds(lambda part: {**part, "detail": "auto"}, _images)
_files = st.sampled_from(
    (
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0xLjQK", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0xLjQK"},
        {"type": "input_file", "file_id": "file-abc123"},
        {"type": "input_file", "file_url": "https://e.example/a.pdf"},
        {"type": "input_image", "file_id": "file-abc124", "detail": "high"},
    )
)
_audio = st.builds(
    lambda data, kind: {"type": "input_audio", "input_audio": {"data": data, "format": kind}},
    base64s,
    st.sampled_from(("wav", "mp3")),
)
_marked = st.tuples(st.one_of(_text_parts, _images), _breakpoints).map(
    lambda pair: {**pair[0], "prompt_cache_breakpoint": pair[1]}
)
# What every other protocol takes too, and what only this one does.
portable_parts = st.one_of(_text_parts, _text_parts, _plain_images)
own_parts = st.one_of(_text_parts, _images, _files, _audio)
_result_parts = st.one_of(_text_parts, _images, _files)

_LOGPROB = {
    "token": "é",
    "logprob": -0.5,
    "bytes": [195, 169],
    "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
}
_ANNOTATIONS = (
    {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://w.example", "title": "W"},
    {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 0},
    {
        "type": "container_file_citation",
        "container_id": "cntr_1",
        "file_id": "cfile_1",
        "filename": "b.csv",
        "start_index": 0,
        "end_index": 1,
    },
    {"type": "file_path", "file_id": "file-2", "index": 1},
)
_CALLERS = ({"type": "direct"}, {"type": "program", "caller_id": "prog_1"})

_HOSTED: tuple[dict[str, Json], ...] = (
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "é"}},
    {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"], "results": None},
    {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "status": "completed",
        "code": "1+1",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "2"}],
    },
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="},
    {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "call_cu",
        "status": "completed",
        "action": {"type": "screenshot"},
        "pending_safety_checks": [],
    },
    {
        "type": "computer_call_output",
        "call_id": "call_cu",
        "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64,aGk="},
    },
    {
        "type": "local_shell_call",
        "id": "lsh_1",
        "call_id": "call_ls",
        "status": "completed",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
    {"type": "local_shell_call_output", "id": "call_ls", "output": "a"},
    {"type": "shell_call", "call_id": "call_sh", "action": {"commands": ["ls"]}, "status": "completed"},
    {
        "type": "shell_call_output",
        "call_id": "call_sh",
        "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "type": "apply_patch_call",
        "call_id": "call_ap",
        "status": "completed",
        "operation": {"type": "delete_file", "path": "a"},
    },
    {"type": "apply_patch_call_output", "call_id": "call_ap", "status": "completed", "output": "ok"},
    {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "d", "tools": [{"name": "f", "input_schema": {}}]},
    {"type": "mcp_call", "id": "mcp_1", "server_label": "d", "name": "f", "arguments": "{}", "output": "1"},
    {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "d", "name": "f", "arguments": "{}"},
    {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    {"type": "tool_search_call", "arguments": {"query": "x"}, "execution": "server", "status": "completed"},
    {"type": "tool_search_output", "tools": [], "execution": "server", "status": "completed"},
    {"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]},
    {"type": "configuration_update", "reasoning": {"effort": "low"}},
    {"type": "compaction_trigger"},
    {"type": "program", "id": "prog_1", "call_id": "call_p", "code": "f()", "fingerprint": "x"},
    {"type": "program_output", "id": "progo_1", "call_id": "call_p", "result": "1", "status": "completed"},
    {"type": "item_reference", "id": "msg_68a"},
    {"id": "msg_68b"},
    {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAcompact"},
)


@st.composite
def _user(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    parts = portable_parts if portable else own_parts
    content = draw(st.one_of(words, st.lists(parts, min_size=1, max_size=3)))
    message: dict[str, Json] = {"role": "user", "content": content}
    maybe(draw, message, "type", st.just("message"))
    if not portable:
        maybe(draw, message, "id", _hexes.map(lambda text: "msg_" + text))
        maybe(draw, message, "status", _states)
    return message


@st.composite
def _reasoning(draw: st.DrawFn) -> dict[str, Json]:
    summary = draw(st.lists(texts.map(lambda text: {"type": "summary_text", "text": text}), max_size=2))
    item: dict[str, Json] = {"type": "reasoning", "id": "rs_" + draw(_hexes), "summary": summary}
    maybe(draw, item, "content", st.sampled_from(([], [{"type": "reasoning_text", "text": "because"}], None)))
    maybe(draw, item, "status", _states)
    if draw(st.booleans()):
        item["encrypted_content"] = draw(st.sampled_from(("gAAAAABopaque", "", None)))
    return item


@st.composite
def _answer(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    """What the model said, in the easy form or as the service told it."""
    if portable or draw(st.booleans()):
        message: dict[str, Json] = {"role": "assistant", "content": draw(words)}
        if not portable:
            maybe(draw, message, "phase", st.sampled_from(("commentary", "final_answer")))
        return message
    parts: list[dict[str, Json]] = []
    for _ in range(draw(st.integers(1, 2))):
        if draw(st.integers(0, 3)) == 0:
            parts.append({"type": "refusal", "refusal": draw(filled_texts)})
            continue
        part: dict[str, Json] = {"type": "output_text", "text": draw(words), "annotations": []}
        if draw(st.integers(0, 3)) == 0:
            part["annotations"] = draw(st.lists(st.sampled_from(_ANNOTATIONS), min_size=1, max_size=2))
        maybe(draw, part, "logprobs", st.sampled_from(([], [_LOGPROB])))
        parts.append(part)
    told: dict[str, Json] = {
        "type": "message",
        "id": "msg_" + draw(_hexes),
        "role": "assistant",
        "status": draw(_states),
        "content": parts,
    }
    maybe(draw, told, "phase", st.sampled_from(("commentary", "final_answer", None)))
    return told


@st.composite
def _call(draw: st.DrawFn, call_id: str, *, portable: bool) -> dict[str, Json]:
    item: dict[str, Json] = {"type": "function_call", "call_id": call_id, "name": draw(names)}
    if not portable and draw(st.integers(0, 4)) == 0:
        item |= {"type": "custom_tool_call", "input": draw(texts)}
        maybe(draw, item, "id", _hexes.map(lambda text: "ctc_" + text))
    else:
        item["arguments"] = draw(argument_texts if portable else st.one_of(argument_texts, broken_arguments))
        if not portable:
            maybe(draw, item, "id", _hexes.map(lambda text: "fc_" + text))
            maybe(draw, item, "status", _states)
    if not portable:
        maybe(draw, item, "namespace", names)
        maybe(draw, item, "caller", st.sampled_from(_CALLERS))
        maybe(draw, item, "async", st.booleans())
    return item


@st.composite
def _result(draw: st.DrawFn, call: dict[str, Json], *, portable: bool) -> dict[str, Json]:
    kind = "custom_tool_call_output" if call["type"] == "custom_tool_call" else "function_call_output"
    parts = st.lists(_text_parts if portable else _result_parts, min_size=1, max_size=2)
    item: dict[str, Json] = {"type": kind, "call_id": call["call_id"], "output": draw(st.one_of(texts, parts))}
    if not portable:
        maybe(draw, item, "id", _hexes.map(lambda text: "fco_" + text))
        maybe(draw, item, "status", st.one_of(st.none(), _states))
        maybe(draw, item, "caller", st.sampled_from(_CALLERS))
        if kind == "function_call_output":
            maybe(draw, item, "name", names)
            maybe(draw, item, "namespace", names)
    return item


@st.composite
def _turn(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    """Reasoning, text and calls of one turn in any order, and the results of the calls."""
    said: list[dict[str, Json]] = []
    if not portable and draw(st.booleans()):
        said.append(draw(_reasoning()))
    identifiers = draw(st.lists(call_ids, max_size=3, unique=True))
    if not identifiers or draw(st.booleans()):
        said.append(draw(_answer(portable=portable)))
    calls = [draw(_call(call_id, portable=portable)) for call_id in identifiers]
    said += calls
    if not portable and draw(st.booleans()):
        said.insert(draw(st.integers(0, len(said))), draw(_answer(portable=False)))
    if not portable and draw(st.integers(0, 3)) == 0:
        said.insert(draw(st.integers(0, len(said))), dict(draw(st.sampled_from(_HOSTED))))
    return said + [draw(_result(call, portable=portable)) for call in draw(st.permutations(calls))]


@st.composite
def _function(draw: st.DrawFn, name: str, *, portable: bool) -> dict[str, Json]:
    strict = draw(st.booleans())
    tool: dict[str, Json] = {"type": "function", "name": name, "parameters": draw(schemas(strict=strict))}
    maybe(draw, tool, "description", texts)
    tool["strict"] = strict
    if not portable:
        maybe(draw, tool, "output_schema", schemas())
        maybe(draw, tool, "async", st.booleans())
        maybe(draw, tool, "defer_loading", st.booleans())
        maybe(draw, tool, "allowed_callers", st.sampled_from((["direct"], ["direct", "programmatic"])))
        if not strict:
            tool["strict"] = draw(st.sampled_from((None, False)))
            tool["parameters"] = draw(st.sampled_from((tool["parameters"], None, {"type": "object"})))
    return tool


_FORMATS: tuple[dict[str, Json], ...] = (
    {"type": "text"},
    {"type": "grammar", "syntax": "lark", "definition": 'start: /.+/ "é"'},
    {"type": "grammar", "syntax": "regex", "definition": "a+"},
)


@st.composite
def _custom(draw: st.DrawFn, name: str) -> dict[str, Json]:
    tool: dict[str, Json] = {"type": "custom", "name": name}
    maybe(draw, tool, "description", texts)
    maybe(draw, tool, "format", st.sampled_from(_FORMATS))
    maybe(draw, tool, "defer_loading", st.booleans())
    return tool


_HOSTED_TOOLS: tuple[dict[str, Json], ...] = (
    {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "country": "FR"}},
    {"type": "web_search_preview"},
    {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation", "quality": "low"},
    {"type": "computer"},
    {"type": "mcp", "server_label": "d", "server_url": "https://m.example/sse", "require_approval": "never"},
    {"type": "shell"},
    {"type": "local_shell"},
    {"type": "apply_patch"},
    {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}},
    {"type": "programmatic_tool_calling"},
)


@st.composite
def _tools(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    tools: list[dict[str, Json]] = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        kind = "function" if portable else draw(st.sampled_from(("function", "function", "custom", "namespace")))
        if kind == "namespace":
            inner = [
                draw(st.one_of(_function(one, portable=False), _custom(one)))
                for one in draw(st.lists(names, min_size=1, max_size=2, unique=True))
            ]
            tools.append({"type": "namespace", "name": name, "description": draw(texts), "tools": inner})
        else:
            tools.append(draw(_custom(name) if kind == "custom" else _function(name, portable=portable)))
    if not portable:
        hosted = draw(st.lists(st.sampled_from(_HOSTED_TOOLS), max_size=2, unique_by=lambda tool: tool["type"]))
        tools = list(draw(st.permutations([*tools, *hosted])))
    return tools


@st.composite
def _choice(draw: st.DrawFn, tools: list[dict[str, Json]]) -> Json:
    named = [_chosen(tool) for tool in tools if tool["type"] != "namespace"]
    choices: list[Json] = ["none", "auto", "required", *named]
    if named:
        choices += [{"type": "allowed_tools", "mode": mode, "tools": named} for mode in ("auto", "required")]
    return draw(st.sampled_from(choices))


def _chosen(tool: dict[str, Json]) -> dict[str, Json]:
    return {name: tool[name] for name in ("type", "name", "server_label") if name in tool}


@st.composite
def _texts_config(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    config: dict[str, Json] = {}
    if not portable:
        maybe(draw, config, "verbosity", st.sampled_from(("low", "medium", "high")))
    kind = draw(st.sampled_from(("text", "json_object", "json_schema") if not portable else ("text",)))
    config["format"] = {"type": kind}
    if kind == "json_schema":
        strict = draw(st.booleans())
        config["format"] |= {"name": draw(names), "schema": draw(schemas(strict=strict))}
        if strict:
            config["format"]["strict"] = True
        maybe(draw, config["format"], "description", texts)
    return config


_INCLUDES = (
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)
_SHARED_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "max_output_tokens": st.integers(16, 100_000),
    "stream": st.booleans(),
    "safety_identifier": st.text(max_size=64),
    "text": _texts_config(portable=True),
}
_OWN_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "temperature": st.sampled_from((0, 0.5, 1, 1.7, 2)),
    "top_p": st.sampled_from((0.1, 1)),
    "top_logprobs": st.integers(0, 20),
    "text": _texts_config(portable=False),
    "include": st.lists(st.sampled_from(_INCLUDES), max_size=3, unique=True).map(sorted),
    "prompt_cache_key": texts,
    "prompt_cache_options": st.sampled_from(
        ({"mode": "implicit", "ttl": "12h"}, {"mode": "explicit"}, {"mode": "implicit", "prewarm": True})
    ),
    "prompt_cache_retention": st.sampled_from(("24h", "in_memory")),
    "service_tier": st.sampled_from(("auto", "default", "flex", "priority", "ultrafast")),
    "metadata": st.dictionaries(words.filter(lambda text: len(text) <= 64), texts, max_size=3),
    "store": st.booleans(),
    "background": st.sampled_from((False, None)),
    "truncation": st.sampled_from(("auto", "disabled")),
    "max_tool_calls": st.integers(1, 9),
    "context_management": st.just([{"type": "compaction", "compact_threshold": 1000}]),
    "moderation": st.just({"model": "omni", "policy": {"input": {"mode": "score"}}}),
    "image": st.just({"context_compression": "auto"}),
    "access_programs": st.just({"cyber": "standard"}),
    "prompt": st.just({"id": "pmpt_1", "version": "2", "variables": {"a": "b"}}),
    "user": texts,
    "reasoning": st.fixed_dictionaries(
        {},
        optional={
            "effort": st.sampled_from(("none", "minimal", "low", "medium", "high", "xhigh", "max")),
            "summary": st.sampled_from(("auto", "concise", "detailed", None)),
            "context": st.sampled_from(("auto", "all_turns")),
            "mode": st.sampled_from(("standard", "pro")),
        },
    ).filter(lambda asked: asked.get("effort") != "none" or not asked.get("summary")),  # of nothing
}
_STATES: tuple[dict[str, Json], ...] = (
    {"previous_response_id": "resp_1"},
    {"conversation": "conv_1"},
    {"conversation": {"id": "conv_2"}},
)


@st.composite
def responses_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """The body of a request, as a value. `portable`: only what other protocols have too."""
    body: dict[str, Json] = {"model": "gpt-6-sol", "input": draw(_items(portable=portable))}
    if draw(st.integers(0, 9)) == 0:
        body["input"] = draw(words)
    maybe(draw, body, "instructions", words if portable else st.one_of(texts, st.none()))
    for name, strategy in _SHARED_FIELDS.items():
        maybe(draw, body, name, strategy)
    if draw(st.booleans()):
        body["tools"] = draw(_tools(portable=portable))
        maybe(draw, body, "tool_choice", _choice(body["tools"]))
        maybe(draw, body, "parallel_tool_calls", st.booleans())
    if not portable:
        for name, strategy in _OWN_FIELDS.items():
            if draw(st.integers(0, 3)) == 0:
                maybe(draw, body, name, st.one_of(strategy, strategy, strategy, st.none()))
        if body.get("stream"):
            maybe(draw, body, "stream_options", st.just({"include_obfuscation": False}))
        if draw(st.integers(0, 9)) == 0:
            body |= draw(st.sampled_from(_STATES))
    return body


@st.composite
def _items(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    leading = st.sampled_from(("system", "developer"))
    items: list[dict[str, Json]] = [
        {"role": draw(leading), "content": draw(st.one_of(words, st.lists(_text_parts, min_size=1, max_size=2)))}
        for _ in range(draw(st.integers(0, 2)))
    ]
    items.append(draw(_user(portable=portable)))
    for _ in range(draw(st.integers(0, 2))):
        items += draw(_turn(portable=portable))
        if items[-1].get("role") == "assistant" or draw(st.booleans()):
            items.append(draw(_user(portable=portable)))
            if not portable and draw(st.integers(0, 3)) == 0:
                items.append({"role": draw(leading), "content": draw(words)})
    if not portable:
        for part in draw(st.lists(_marked, max_size=2)):
            items.append({"role": "user", "content": [part]})
    return items


@st.composite
def responses_requests(draw: st.DrawFn, *, portable: bool = False, unknown: bool = False) -> bytes:
    """A request as bytes; `unknown` puts in members that no release knows."""
    body = draw(responses_bodies(portable=portable))
    if unknown:
        body = draw(with_unknown(body, RESPONSES_REQUEST))
    return draw(json_bytes(body))
