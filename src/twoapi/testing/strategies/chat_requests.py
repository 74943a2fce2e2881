"""Chat completion requests that OpenAI's reference allows."""

from hypothesis import strategies as st

from twoapi.testing.documented import CHAT_REQUEST
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

_breakpoints = st.sampled_from(({"mode": "explicit"}, {"mode": "explicit", "ttl": "30m"}))
_text_parts = st.builds(lambda text: {"type": "text", "text": text}, words)
_images = st.one_of(
    st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, urls),
    st.builds(
        lambda data, mime, detail: {
            "type": "image_url",
            "image_url": {"url": f"data:{mime};base64,{data}", "detail": detail},
        },
        base64s,
        st.sampled_from(("image/png", "image/jpeg", "image/webp")),
        st.sampled_from(("auto", "low", "high", "original")),
    ),
)
_files = st.one_of(
    st.builds(
        lambda data, name: {
            "type": "file",
            "file": {"file_data": f"data:application/pdf;base64,{data}", **name},
        },
        base64s,
        st.one_of(st.just({}), st.builds(lambda name: {"filename": name}, words)),
    ),
    st.just({"type": "file", "file": {"file_id": "file-abc123"}}),
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
portable_parts = st.one_of(_text_parts, _images)
own_parts = st.one_of(_text_parts, _images, _files, _audio, _marked)


@st.composite
def _user(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    parts = portable_parts if portable else own_parts
    content = draw(st.one_of(words, st.lists(parts, min_size=1, max_size=3)))
    message: dict[str, Json] = {"role": "user", "content": content}
    if not portable:
        maybe(draw, message, "name", names)
    return message


@st.composite
def _call(draw: st.DrawFn, call_id: str, *, portable: bool) -> dict[str, Json]:
    if not portable and draw(st.integers(0, 4)) == 0:
        body = {"name": draw(names), "input": draw(texts)}
        return {"id": call_id, "type": "custom", "custom": body}
    arguments = argument_texts if portable else st.one_of(argument_texts, broken_arguments)
    return {"id": call_id, "type": "function", "function": {"name": draw(names), "arguments": draw(arguments)}}


@st.composite
def _rounds(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    """An assistant turn with up to four parallel calls, and their results in any order."""
    identifiers = draw(st.lists(call_ids, min_size=1, max_size=4, unique=True))
    calls = [draw(_call(call_id, portable=portable)) for call_id in identifiers]
    spoken: dict[str, Json] = {"role": "assistant", "tool_calls": calls}
    spoken["content"] = draw(st.one_of(st.none(), words))
    results = [
        {
            "role": "tool",
            "tool_call_id": call_id,
            "content": draw(st.one_of(texts, st.lists(_text_parts, min_size=1, max_size=2))),
        }
        for call_id in draw(st.permutations(identifiers))
    ]
    return [spoken, *results]


@st.composite
def _assistant(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    message: dict[str, Json] = {"role": "assistant", "content": draw(words)}
    if not portable:
        parts = st.lists(
            st.one_of(_text_parts, st.builds(lambda text: {"type": "refusal", "refusal": text}, filled_texts)),
            min_size=1,
            max_size=2,
        )
        message["content"] = draw(st.one_of(words, parts))
        maybe(draw, message, "name", names)
        maybe(draw, message, "refusal", st.none())
    return [message]


def _tools(*, portable: bool) -> st.SearchStrategy[list[dict[str, Json]]]:
    @st.composite
    def tool(draw: st.DrawFn) -> dict[str, Json]:
        if not portable and draw(st.integers(0, 3)) == 0:
            custom: dict[str, Json] = {"name": draw(names)}
            maybe(draw, custom, "description", texts)
            maybe(draw, custom, "format", st.sampled_from(({"type": "text"}, _GRAMMAR)))
            return {"type": "custom", "custom": custom}
        strict = draw(st.booleans())
        function: dict[str, Json] = {"name": draw(names), "parameters": draw(schemas(strict=strict))}
        maybe(draw, function, "description", texts)
        if strict:
            function["strict"] = True
        elif not portable:
            maybe(draw, function, "strict", st.sampled_from((None, False)))
            if draw(st.integers(0, 4)) == 0:
                del function["parameters"]
        return {"type": "function", "function": function}

    return st.lists(tool(), min_size=1, max_size=3, unique_by=lambda one: one[one["type"]]["name"])


_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: /.+/ "é"'}}


@st.composite
def _choice(draw: st.DrawFn, tools: list[dict[str, Json]]) -> Json:
    named = [{"type": tool["type"], tool["type"]: {"name": tool[tool["type"]]["name"]}} for tool in tools]
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": named[:1]}}
    return draw(st.sampled_from(("none", "auto", "required", named[0], allowed)))


@st.composite
def _response_formats(draw: st.DrawFn) -> dict[str, Json]:
    kind = draw(st.sampled_from(("text", "json_object", "json_schema")))
    if kind != "json_schema":
        return {"type": kind}
    strict = draw(st.booleans())
    described: dict[str, Json] = {"name": draw(names), "schema": draw(schemas(strict=strict))}
    if strict:
        described["strict"] = True
    maybe(draw, described, "description", texts)
    return {"type": "json_schema", "json_schema": described}


_SHARED_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "max_completion_tokens": st.integers(1, 100_000),
    "stop": st.one_of(words, st.lists(words, min_size=1, max_size=4)),
    "stream": st.booleans(),
    "safety_identifier": st.text(max_size=64),
}
_OWN_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "temperature": st.sampled_from((0, 0.5, 1, 1.7, 2)),
    "top_p": st.sampled_from((0.1, 1)),
    "frequency_penalty": st.sampled_from((-2, 0, 1.5)),
    "presence_penalty": st.sampled_from((-1, 0.25)),
    "logit_bias": st.just({"50256": -100, "7": 3}),
    "n": st.integers(1, 3),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "reasoning_effort": st.sampled_from(("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    "verbosity": st.sampled_from(("low", "medium", "high")),
    "modalities": st.sampled_from((["text"], ["text", "audio"])),
    "audio": st.just({"voice": "alloy", "format": "wav"}),
    "prediction": st.builds(lambda text: {"type": "content", "content": text}, words),
    "prompt_cache_key": texts,
    "prompt_cache_options": st.just({"mode": "explicit", "ttl": "30m"}),
    "prompt_cache_retention": st.just("24h"),
    "service_tier": st.sampled_from(("auto", "default", "flex", "priority")),
    "metadata": st.dictionaries(words.filter(lambda text: len(text) <= 64), texts, max_size=3),
    "store": st.booleans(),
    "moderation": st.just({"model": "omni"}),
    "web_search_options": st.just({"search_context_size": "low"}),
    "response_format": _response_formats(),
    "user": texts,
}


@st.composite
def chat_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """The body of a request, as a value. `portable`: only what other protocols have too."""
    leading = st.sampled_from(("system", "developer"))
    messages: list[dict[str, Json]] = [
        {"role": draw(leading), "content": draw(st.one_of(words, st.lists(_text_parts, min_size=1, max_size=2)))}
        for _ in range(draw(st.integers(0, 2)))
    ]
    messages.append(draw(_user(portable=portable)))
    for _ in range(draw(st.integers(0, 2))):
        turn = draw(st.one_of(_rounds(portable=portable), _assistant(portable=portable)))
        messages += turn
        if turn[-1]["role"] == "assistant" or draw(st.booleans()):
            messages.append(draw(_user(portable=portable)))
            if not portable:
                later = {"role": draw(leading), "content": draw(words)}
                messages += [later] if draw(st.integers(0, 3)) == 0 else []
    body: dict[str, Json] = {"model": "gpt-6-sol", "messages": messages}
    for name, strategy in _SHARED_FIELDS.items():
        maybe(draw, body, name, strategy)
    if draw(st.booleans()):
        body["tools"] = draw(_tools(portable=portable))
        maybe(draw, body, "tool_choice", _choice(body["tools"]))
        maybe(draw, body, "parallel_tool_calls", st.booleans())
    if not portable:
        _own_fields(draw, body)
    return body


def _own_fields(draw: st.DrawFn, body: dict[str, Json]) -> None:
    for name, strategy in _OWN_FIELDS.items():
        maybe(draw, body, name, st.one_of(strategy, strategy, strategy, st.none()))
    if draw(st.booleans()):
        body["logprobs"] = True
        maybe(draw, body, "top_logprobs", st.integers(0, 20))
    if body.get("stream"):
        maybe(draw, body, "stream_options", st.just({"include_usage": True, "include_obfuscation": False}))


@st.composite
def chat_requests(draw: st.DrawFn, *, portable: bool = False, unknown: bool = False) -> bytes:
    """A request as bytes; `unknown` puts in members that no release knows."""
    body = draw(chat_bodies(portable=portable))
    if unknown:
        body = draw(with_unknown(body, CHAT_REQUEST))
    return draw(json_bytes(body))
