"""The documented members of each protocol's request, as data: what a vendor takes, and nothing else."""

from twoapi.testing.documented_gemini import GEMINI_REQUEST
from twoapi.testing.documented_responses import RESPONSES_REQUEST
from twoapi.testing.shapes import (
    ANY,
    Anything,
    Each,
    Either,
    Members,
    Shape,
    Tagged,
    members,
    undocumented,
)

__all__ = ["Anything", "Each", "Either", "Members", "Shape", "Tagged", "pointers_outside", "undocumented"]

# --- OpenAI Chat Completions -------------------------------------------------------------------

_BREAKPOINT = members("mode ttl")
_CHAT_TEXT = members("type text", prompt_cache_breakpoint=_BREAKPOINT)
_CHAT_USER_PARTS = Tagged(
    "type",
    {
        "text": _CHAT_TEXT,
        "image_url": members("type", image_url=members("url detail"), prompt_cache_breakpoint=_BREAKPOINT),
        "input_audio": members("type", input_audio=members("data format"), prompt_cache_breakpoint=_BREAKPOINT),
        "file": members("type", file=members("file_data file_id filename"), prompt_cache_breakpoint=_BREAKPOINT),
    },
)
_CHAT_TEXT_PARTS = Tagged("type", {"text": _CHAT_TEXT})
_CHAT_ASSISTANT_PARTS = Tagged("type", {"text": _CHAT_TEXT, "refusal": members("type refusal")})
_CHAT_CALL = Tagged(
    "type",
    {
        "function": members("id type", function=members("name arguments")),
        "custom": members("id type", custom=members("name input")),
    },
)
_CHAT_MESSAGE = Tagged(
    "role",
    {
        "system": members("role name", content=Each(_CHAT_TEXT_PARTS)),
        "developer": members("role name", content=Each(_CHAT_TEXT_PARTS)),
        "user": members("role name", content=Each(_CHAT_USER_PARTS)),
        "assistant": members(
            "role name refusal annotations",  # the last is not in the reference, but SDKs send their own messages back
            content=Each(_CHAT_ASSISTANT_PARTS),
            tool_calls=Each(_CHAT_CALL),
            audio=members("id"),
            function_call=members("name arguments"),
        ),
        "tool": members("role tool_call_id", content=Each(_CHAT_TEXT_PARTS)),
        "function": members("role name content"),
    },
)
_CHAT_NAMED = Tagged(
    "type",
    {"function": members("type", function=members("name")), "custom": members("type", custom=members("name"))},
)
_CHAT_GRAMMAR = members("syntax definition")
_CHAT_TOOL = Tagged(
    "type",
    {
        "function": members("type", function=members("name description parameters strict")),
        "custom": members("type", custom=members("name description", format=members("type", grammar=_CHAT_GRAMMAR))),
    },
)
CHAT_REQUEST = members(
    "model max_completion_tokens max_tokens temperature top_p frequency_penalty presence_penalty logit_bias logprobs "
    "top_logprobs n seed stop stream parallel_tool_calls reasoning_effort verbosity modalities prompt_cache_key "
    "prompt_cache_retention service_tier safety_identifier user metadata store",
    messages=Each(_CHAT_MESSAGE),
    stream_options=members("include_usage include_obfuscation"),
    tools=Each(_CHAT_TOOL),
    tool_choice=Tagged(
        "type",
        {
            **_CHAT_NAMED.shapes,
            "allowed_tools": members("type", allowed_tools=members("mode", tools=Each(_CHAT_NAMED))),
        },
    ),
    functions=Each(members("name description parameters")),
    function_call=members("name"),
    response_format=members("type", json_schema=members("name description schema strict")),
    audio=members("voice format"),
    prediction=members("type", content=Each(_CHAT_TEXT_PARTS)),
    prompt_cache_options=members("mode ttl"),
    moderation=members("model policy"),
    web_search_options=members(
        "search_context_size",
        user_location=members("type", approximate=members("city country region timezone")),
    ),
)

# --- Anthropic Messages ------------------------------------------------------------------------

_MARK = members("type ttl")
_CITATION = Tagged(
    "type",
    {
        "char_location": members(
            "type cited_text document_index document_title start_char_index end_char_index file_id"
        ),
        "page_location": members(
            "type cited_text document_index document_title start_page_number end_page_number file_id"
        ),
        "content_block_location": members(
            "type cited_text document_index document_title start_block_index end_block_index file_id"
        ),
        "web_search_result_location": members("type cited_text url title encrypted_index"),
        "search_result_location": members(
            "type cited_text source title search_result_index start_block_index end_block_index"
        ),
    },
)
_TEXT = members("type text", cache_control=_MARK, citations=Each(_CITATION))
_SOURCE = Tagged(
    "type",
    {
        "base64": members("type media_type data"),
        "text": members("type media_type data"),
        "url": members("type url"),
        "file": members("type file_id"),
    },
)
_IMAGE = members("type transformations", source=_SOURCE, cache_control=_MARK)
_CONTENT_SOURCE = members("type", content=Each(Tagged("type", {"text": _TEXT, "image": _IMAGE})))
_DOCUMENT = members(
    "type title context",
    source=Tagged("type", {**_SOURCE.shapes, "content": _CONTENT_SOURCE}),
    cache_control=_MARK,
    citations=members("enabled"),
)
_SEARCH_RESULT = members("type source title", content=Each(_TEXT), citations=members("enabled"), cache_control=_MARK)
_RESULT_PARTS: dict[str, Shape] = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "tool_reference": ANY,
    "browser_state": ANY,
}
_RESULT = members("type tool_use_id is_error", content=Each(Tagged("type", _RESULT_PARTS)), cache_control=_MARK)
_SERVER_RESULT = members("type tool_use_id content caller", cache_control=_MARK)
_BLOCK = Tagged(
    "type",
    {
        "text": _TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_use": members("type id name input caller toolset_name", cache_control=_MARK),
        "tool_result": _RESULT,
        "thinking": members("type thinking signature"),
        "redacted_thinking": members("type data"),
        "server_tool_use": members("type id name input caller", cache_control=_MARK),
        "web_search_tool_result": _SERVER_RESULT,
        "web_fetch_tool_result": _SERVER_RESULT,
        "code_execution_tool_result": _SERVER_RESULT,
        "bash_code_execution_tool_result": _SERVER_RESULT,
        "text_editor_code_execution_tool_result": _SERVER_RESULT,
        "tool_search_tool_result": _SERVER_RESULT,
        "container_upload": members("type file_id", cache_control=_MARK),
        "mcp_tool_use": ANY,
        "mcp_tool_result": ANY,
        "compaction": ANY,
        "fallback": ANY,
    },
)
_MESSAGE = members("role", content=Each(_BLOCK))
_TOOL = members(
    "type name description input_schema strict input_examples defer_loading allowed_callers eager_input_streaming",
    cache_control=_MARK,
)
BETA_FIELDS = frozenset(
    {
        "billing_policy",
        "compaction",
        "context_management",
        "fallback_credit_token",
        "fallbacks",
        "mcp_servers",
        "output_format",
        "thread",
        "user_profile_id",
    }
)
MESSAGES_REQUEST = members(
    "model max_tokens stop_sequences service_tier speed inference_geo container stream temperature top_p top_k "
    + " ".join(sorted(BETA_FIELDS)),
    system=Each(Tagged("type", {"text": _TEXT})),
    messages=Each(_MESSAGE),
    thinking=members("type budget_tokens display"),
    output_config=members("effort task_budget", format=members("type schema")),
    tools=Each(Tagged("type", {"custom": _TOOL, "None": _TOOL}, ANY)),
    tool_choice=Tagged(
        "type",
        {
            "auto": members("type disable_parallel_tool_use"),
            "any": members("type disable_parallel_tool_use"),
            "tool": members("type name disable_parallel_tool_use"),
            "none": members("type"),
        },
    ),
    cache_control=_MARK,
    metadata=members("user_id"),
    diagnostics=members("previous_message_id"),
)

REQUESTS: dict[str, Shape] = {
    "openai-chat": CHAT_REQUEST,
    "openai-responses": RESPONSES_REQUEST,
    "anthropic-messages": MESSAGES_REQUEST,
    "gemini": GEMINI_REQUEST,
}


def pointers_outside(protocol: str, body: object) -> list[str]:
    """The members of a request that its protocol does not document, as JSON pointers."""
    return list(undocumented(body, REQUESTS[protocol]))
