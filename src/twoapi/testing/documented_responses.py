"""The documented members of an OpenAI Responses request, from the reference and the vendor's SDK."""

from twoapi.testing.shapes import ANY, Each, Shape, Tagged, members

_BREAKPOINT = members("mode ttl")
_INPUT_PARTS: dict[str, Shape] = {
    "input_text": members("type text", prompt_cache_breakpoint=_BREAKPOINT),
    "input_image": members("type detail image_url file_id", prompt_cache_breakpoint=_BREAKPOINT),
    "input_file": members("type filename file_data file_id file_url detail", prompt_cache_breakpoint=_BREAKPOINT),
}
_AUDIO: dict[str, Shape] = {"input_audio": members("type", input_audio=members("data format"))}
_ANNOTATION = Tagged(
    "type",
    {
        "url_citation": members("type start_index end_index url title"),
        "file_citation": members("type file_id filename index"),
        "container_file_citation": members("type container_id file_id filename start_index end_index"),
        "file_path": members("type file_id index"),
    },
)
_TOP = members("token logprob bytes")
_LOGPROB = members("token logprob bytes", top_logprobs=Each(_TOP))
_ANSWER_PARTS: dict[str, Shape] = {
    "output_text": members("type text", annotations=Each(_ANNOTATION), logprobs=Each(_LOGPROB)),
    "refusal": members("type refusal"),
}
_CONTENT = Each(Tagged("type", {**_INPUT_PARTS, **_AUDIO}))
_MESSAGE = Tagged(
    "role",
    {
        "user": members("type id role status", content=_CONTENT),
        "system": members("type id role status", content=_CONTENT),
        "developer": members("type id role status", content=_CONTENT),
        "assistant": members("type id role status phase", content=Each(Tagged("type", _ANSWER_PARTS))),
        "None": members("type id"),  # a reference to an item
    },
)
_CALLER = Tagged("type", {"direct": members("type"), "program": members("type caller_id")})
_OUTPUT = Each(Tagged("type", _INPUT_PARTS))
_REASONING_TEXTS = Each(members("type text"))
_KEPT = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "computer_call",
    "computer_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "configuration_update",
    "compaction_trigger",
    "program",
    "program_output",
)
_ITEM = Tagged(
    "type",
    {
        "None": _MESSAGE,
        "message": _MESSAGE,
        "reasoning": members("type id encrypted_content status", summary=_REASONING_TEXTS, content=_REASONING_TEXTS),
        "function_call": members("type id call_id name arguments status namespace async", caller=_CALLER),
        "custom_tool_call": members("type id call_id name input status namespace async", caller=_CALLER),
        "function_call_output": members("type id call_id name namespace status", output=_OUTPUT, caller=_CALLER),
        "custom_tool_call_output": members("type id call_id status", output=_OUTPUT, caller=_CALLER),
        "compaction": members("type id encrypted_content"),
        "item_reference": members("type id"),
        **dict.fromkeys(_KEPT, ANY),
    },
)
_FUNCTION = members(
    "type name description parameters strict output_schema async defer_loading allowed_callers",
)
_CUSTOM = members("type name description async defer_loading allowed_callers", format=members("type syntax definition"))
_HOSTED = (
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer",
    "computer_use_preview",
    "mcp",
    "shell",
    "local_shell",
    "apply_patch",
    "tool_search",
    "programmatic_tool_calling",
)
_TOOL = Tagged(
    "type",
    {
        "function": _FUNCTION,
        "custom": _CUSTOM,
        "namespace": members(
            "type name description", tools=Each(Tagged("type", {"function": _FUNCTION, "custom": _CUSTOM}))
        ),
        **dict.fromkeys(_HOSTED, ANY),
    },
)
_CHOICES: dict[str, Shape] = {
    **dict.fromkeys(_HOSTED, members("type")),
    "function": members("type name"),
    "custom": members("type name"),
    "mcp": members("type server_label name"),
}
# `client_metadata` is in no documentation, but OpenAI's own Codex sends it in every request.
RESPONSES_REQUEST = members(
    "client_metadata "
    "model instructions include max_output_tokens max_tool_calls metadata parallel_tool_calls previous_response_id "
    "prompt_cache_key prompt_cache_retention safety_identifier service_tier store stream temperature top_logprobs "
    "top_p truncation user background",
    input=Each(_ITEM),
    conversation=members("id"),
    access_programs=members("cyber"),
    context_management=Each(members("type compact_threshold")),
    image=members("context_compression"),
    moderation=members("model policy"),
    prompt=members("id version variables"),
    prompt_cache_options=members("mode ttl prewarm comparison_response_id"),
    reasoning=members("effort summary context mode generate_summary"),
    stream_options=members("include_obfuscation"),
    text=members("verbosity", format=members("type name description schema strict")),
    tools=Each(_TOOL),
    tool_choice=Tagged(
        "type", {**_CHOICES, "allowed_tools": members("type mode", tools=Each(Tagged("type", _CHOICES)))}
    ),
)
