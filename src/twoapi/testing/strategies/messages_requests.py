"""Messages requests that Anthropic's reference allows."""

import json

from hypothesis import strategies as st

from twoapi.testing.documented import MESSAGES_REQUEST
from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    argument_texts,
    base64s,
    call_ids,
    filled_texts,
    json_bytes,
    json_objects,
    maybe,
    names,
    schemas,
    texts,
    urls,
    with_unknown,
    words,
)

_MARK = {"type": "ephemeral"}
_text_blocks = st.builds(lambda text: {"type": "text", "text": text}, words)
_sources = st.one_of(
    st.builds(
        lambda data, mime: {"type": "base64", "media_type": mime, "data": data},
        base64s,
        st.sampled_from(("image/png", "image/jpeg", "image/gif", "image/webp")),
    ),
    st.builds(lambda url: {"type": "url", "url": url}, urls),
)
_images = st.builds(lambda source: {"type": "image", "source": source}, _sources)
_file_images = st.just({"type": "image", "source": {"type": "file", "file_id": "file_011"}})


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Json]:
    source = draw(
        st.one_of(
            st.builds(lambda data: {"type": "base64", "media_type": "application/pdf", "data": data}, base64s),
            st.builds(lambda text: {"type": "text", "media_type": "text/plain", "data": text}, filled_texts),
            st.builds(lambda url: {"type": "url", "url": url}, urls),
            st.just({"type": "file", "file_id": "file_011"}),
            st.builds(
                lambda content: {"type": "content", "content": content},
                st.one_of(words, st.lists(st.one_of(_text_blocks, _images), min_size=1, max_size=2)),
            ),
        )
    )
    block: dict[str, Json] = {"type": "document", "source": source}
    maybe(draw, block, "title", st.one_of(texts, st.none()))
    maybe(draw, block, "context", texts)
    maybe(draw, block, "citations", st.builds(lambda on: {"enabled": on}, st.booleans()))
    return block


@st.composite
def _search_results(draw: st.DrawFn) -> dict[str, Json]:
    content = draw(st.lists(_text_blocks, min_size=1, max_size=2))
    block: dict[str, Json] = {"type": "search_result", "source": draw(urls), "title": draw(words), "content": content}
    maybe(draw, block, "citations", st.just({"enabled": True}))
    return block


portable_blocks = st.one_of(_text_blocks, _images)
own_blocks = st.one_of(_text_blocks, _images, _file_images, _documents(), _search_results())


def _user(*, portable: bool) -> st.SearchStrategy[dict[str, Json]]:
    blocks = portable_blocks if portable else own_blocks
    content = st.one_of(words, st.lists(blocks, min_size=1, max_size=3))
    return st.builds(lambda content: {"role": "user", "content": content}, content)


@st.composite
def _thinking(draw: st.DrawFn) -> list[dict[str, Json]]:
    block = {"type": "thinking", "thinking": draw(texts), "signature": draw(st.sampled_from(("EqQBsig1", "c2ln")))}
    hidden = {"type": "redacted_thinking", "data": "EmwKAhgB"}
    return draw(st.sampled_from(([block], [block, hidden], [hidden])))


@st.composite
def citations(draw: st.DrawFn) -> dict[str, Json]:
    """A citation of one of the five kinds."""
    document = {"cited_text": draw(texts), "document_index": draw(st.integers(0, 3)), "document_title": draw(texts)}
    return draw(
        st.sampled_from(
            (
                {"type": "char_location", **document, "start_char_index": 0, "end_char_index": 7},
                {"type": "page_location", **document, "start_page_number": 1, "end_page_number": 3},
                {"type": "content_block_location", **document, "start_block_index": 0, "end_block_index": 1},
                {
                    "type": "web_search_result_location",
                    "cited_text": document["cited_text"],
                    "url": draw(urls),
                    "title": draw(texts),
                    "encrypted_index": "Eidx",
                },
                {
                    "type": "search_result_location",
                    "cited_text": document["cited_text"],
                    "source": draw(urls),
                    "title": draw(texts),
                    "search_result_index": 0,
                    "start_block_index": 0,
                    "end_block_index": 1,
                },
            )
        )
    )


@st.composite
def _spoken(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    block = draw(_text_blocks)
    if not portable:
        maybe(draw, block, "citations", st.lists(citations(), min_size=1, max_size=2))
        if draw(st.integers(0, 5)) == 0:
            return [*web_search, block]
    return [block]


web_search: tuple[dict[str, Json], ...] = (
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "北京"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "url": "https://w.example",
                "title": "W",
                "encrypted_content": "Eenc",
                "page_age": "1 day",
            }
        ],
    },
)


@st.composite
def _result(draw: st.DrawFn, call_id: str, *, portable: bool) -> dict[str, Json]:
    block: dict[str, Json] = {"type": "tool_result", "tool_use_id": call_id}
    inner = [_text_blocks] if portable else [_text_blocks, _images, _search_results()]
    content = st.one_of(words, st.lists(st.one_of(inner), min_size=1, max_size=2))
    if portable or draw(st.integers(0, 5)):
        block["content"] = draw(content)
    if not portable:
        maybe(draw, block, "is_error", st.booleans())
    return block


@st.composite
def _round(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    """An assistant turn with parallel calls, and the user turn that answers them in any order."""
    identifiers = draw(st.lists(call_ids, min_size=1, max_size=4, unique=True))
    calls = [
        {"type": "tool_use", "id": call_id, "name": draw(names), "input": json.loads(draw(argument_texts))}
        for call_id in identifiers
    ]
    spoken = draw(_thinking()) if not portable and draw(st.booleans()) else []
    spoken += draw(_spoken(portable=portable)) if draw(st.booleans()) else []
    results = [draw(_result(call_id, portable=portable)) for call_id in draw(st.permutations(identifiers))]
    after = draw(st.lists(portable_blocks if portable else own_blocks, max_size=2))
    return [{"role": "assistant", "content": spoken + calls}, {"role": "user", "content": results + after}]


@st.composite
def _answer(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    blocks = draw(_spoken(portable=portable))
    if not portable and draw(st.booleans()):
        blocks = draw(_thinking()) + blocks
    content: Json = blocks[0]["text"] if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else blocks
    return [{"role": "assistant", "content": content}, draw(_user(portable=portable))]


@st.composite
def _tool(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    tool: dict[str, Json] = {"name": draw(names), "input_schema": draw(schemas())}
    maybe(draw, tool, "description", texts)
    if not portable:
        maybe(draw, tool, "type", st.sampled_from(("custom", None)))
        maybe(draw, tool, "strict", st.booleans())
        maybe(draw, tool, "input_examples", st.lists(json_objects, min_size=1, max_size=2))
        maybe(draw, tool, "defer_loading", st.booleans())
        maybe(draw, tool, "eager_input_streaming", st.booleans())
        maybe(draw, tool, "allowed_callers", st.just(["direct"]))
    return tool


_SERVER_TOOLS: tuple[dict[str, Json], ...] = (
    {"type": "web_search_20260318", "name": "web_search", "max_uses": 3, "allowed_domains": ["w.example"]},
    {"type": "code_execution_20260521", "name": "code_execution"},
    {"type": "bash_20250124", "name": "bash"},
)
_OWN_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "output_config": st.one_of(
        st.builds(lambda effort: {"effort": effort}, st.sampled_from(("low", "medium", "high", "xhigh", "max"))),
        st.builds(lambda schema: {"format": {"type": "json_schema", "schema": schema}}, schemas(strict=True)),
    ),
    "service_tier": st.sampled_from(("auto", "standard_only")),
    "speed": st.just("fast"),
    "inference_geo": st.just("us"),
    "container": st.just("container_1"),
    "diagnostics": st.just({"previous_message_id": "msg_1"}),
}


@st.composite
def messages_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """The body of a request, as a value. `portable`: only what other protocols have too."""
    messages = [draw(_user(portable=portable))]
    for _ in range(draw(st.integers(0, 2))):
        messages += draw(st.one_of(_round(portable=portable), _answer(portable=portable)))
    if not portable and draw(st.integers(0, 4)) == 0:
        messages.append({"role": "system", "content": draw(words)})
    body: dict[str, Json] = {"model": "claude-opus-5", "max_tokens": draw(st.integers(1, 64000)), "messages": messages}
    maybe(draw, body, "system", st.one_of(words, st.lists(_text_blocks, min_size=1, max_size=2)))
    maybe(draw, body, "stream", st.booleans())
    maybe(draw, body, "stop_sequences", st.lists(words, min_size=1, max_size=4 if portable else 6))
    maybe(draw, body, "metadata", st.builds(lambda text: {"user_id": text}, st.text(max_size=64)))
    if draw(st.booleans()):
        tools = draw(st.lists(_tool(portable=portable), min_size=1, max_size=3, unique_by=lambda tool: tool["name"]))
        taken = {tool["name"] for tool in tools}
        server = [dict(tool) for tool in _SERVER_TOOLS if tool["name"] not in taken and not portable]
        body["tools"] = tools + (server[: draw(st.integers(0, 3))] if draw(st.booleans()) else [])
        maybe(draw, body, "tool_choice", _choices(str(tools[0]["name"])))
    if not portable:
        for name, strategy in _OWN_FIELDS.items():
            maybe(draw, body, name, strategy)
        _think(draw, body)
        _mark(draw, body)
    return body


def _choices(name: str) -> st.SearchStrategy[dict[str, Json]]:
    return st.sampled_from(
        (
            {"type": "none"},
            {"type": "auto"},
            {"type": "any"},
            {"type": "tool", "name": name},
            {"type": "auto", "disable_parallel_tool_use": True},
            {"type": "any", "disable_parallel_tool_use": False},
        )
    )


def _think(draw: st.DrawFn, body: dict[str, Json]) -> None:
    """Thinking, where the running tool loop allows to have it on."""
    on: list[dict[str, Json]] = [
        {"type": "adaptive", "display": "summarized"},
        {"type": "adaptive"},
        {"type": "adaptive", "display": "omitted"},
    ]
    if body["max_tokens"] > 1024 and body.get("tool_choice", {}).get("type") not in {"any", "tool"}:
        on.append({"type": "enabled", "budget_tokens": draw(st.integers(1024, body["max_tokens"] - 1))})
    off = [{"type": "disabled"}, {"type": "between_tools"}]
    results = body["messages"][-1]["role"] == "user" and any(
        isinstance(block, dict) and block["type"] == "tool_result" for block in body["messages"][-1]["content"]
    )
    maybe(draw, body, "thinking", st.sampled_from(off if results else on + off))


def _mark(draw: st.DrawFn, body: dict[str, Json]) -> None:
    """Up to four cache marks, on whatever can hold one."""
    holders: list[dict[str, Json]] = []
    for name in ("tools", "messages"):
        if name in body:
            body[name] = json.loads(json.dumps(body[name]))  # strategies share their constants, within a body too
    holders += body.get("tools") or []
    for message in body["messages"]:
        if isinstance(message["content"], list):
            holders += [block for block in message["content"] if "thinking" not in block["type"]]
    if isinstance(body.get("system"), list):
        holders += body["system"]
    for holder in draw(st.lists(st.sampled_from(holders), max_size=4)) if holders else []:
        holder["cache_control"] = dict(_MARK)
    if draw(st.integers(0, 3)) == 0:
        body["system"] = [{"type": "text", "text": draw(words), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
        for holder in holders:
            holder.pop("cache_control", None)


@st.composite
def messages_requests(draw: st.DrawFn, *, portable: bool = False, unknown: bool = False) -> bytes:
    """A request as bytes; `unknown` puts in members that no release knows."""
    body = draw(messages_bodies(portable=portable))
    if unknown:
        body = draw(with_unknown(body, MESSAGES_REQUEST))
    return draw(json_bytes(body))
