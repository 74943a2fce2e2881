"""What an upstream takes, and how it deviates from its protocol: every declared quirk is a field here."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream's endpoint and model take. The defaults are the protocol owner's own current service.

    Filled from the provider's catalogue file and the operator's configuration, once per snapshot.
    """

    api_version: Annotated[
        str | None, Meta(description="Anthropic: the API version to send; not said: chosen by what the request needs.")
    ] = None
    max_tokens_field: Annotated[
        str, Meta(description="Chat: the field of the output limit, `max_completion_tokens` or `max_tokens`.")
    ] = "max_completion_tokens"
    reasoning_field: Annotated[
        str | None, Meta(description="Chat: the field in which past reasoning is replayed; not said: it is not.")
    ] = None
    developer_role: Annotated[bool, Meta(description="Chat: false sends `system` for `developer`.")] = True
    system_in_place: Annotated[bool, Meta(description="Anthropic: takes a system message in mid-conversation.")] = True
    threads: Annotated[
        bool, Meta(description="Anthropic: keeps threads of messages; false: the gateway keeps them.")
    ] = True
    prefill: Annotated[bool, Meta(description="Goes on from a last assistant message.")] = True
    sampling: Annotated[bool, Meta(description="Takes temperature, top_p and top_k.")] = True
    sampling_pair: Annotated[bool, Meta(description="Takes temperature together with top_p.")] = True
    thinking: Annotated[
        tuple[str, ...],
        Meta(description="Anthropic, Cohere, Ollama: the types of thinking that it takes; an empty list: none."),
    ] = ("enabled", "adaptive", "disabled")
    effort: Annotated[bool, Meta(description="Takes a reasoning effort.")] = True
    images: Annotated[bool, Meta(description="Takes images.")] = True
    audio: Annotated[bool, Meta(description="Takes audio.")] = True
    documents: Annotated[bool, Meta(description="Takes documents.")] = True
    strict_tools: Annotated[bool, Meta(description="Takes strict tools.")] = True
    web_search: Annotated[bool, Meta(description="Has a web search of its own.")] = False
    max_output: Annotated[int | None, Meta(description="The most tokens that it writes.")] = None
    max_stop: Annotated[int, Meta(description="Chat: how many stop strings it takes.")] = 4
    max_tool_name: Annotated[int, Meta(description="The longest tool name.")] = 64
    max_call_id: Annotated[int, Meta(description="Chat: the longest tool call id.")] = 40
    cache_marks: Annotated[bool, Meta(description="Takes explicit marks for its prompt cache.")] = True
    stream_usage: Annotated[bool, Meta(description="Chat: takes stream_options.include_usage.")] = True
    json_schemas: Annotated[bool, Meta(description="Gemini: takes JSON Schemas; false: only its own reduced form.")] = (
        True
    )
    call_ids: Annotated[bool, Meta(description="Gemini: takes ids of calls and their results.")] = True
    thinking_levels: Annotated[
        tuple[str, ...], Meta(description="Gemini, Ollama: the levels of thinking that it takes; an empty list: none.")
    ] = ("minimal", "low", "medium", "high", "xhigh")
    thinking_budget: Annotated[
        tuple[int, int] | None,
        Meta(description="Gemini: the least and the most tokens of a thinking budget; null: it takes none."),
    ] = (0, 32768)
    thought_signatures: Annotated[
        bool, Meta(description="Gemini: refuses a call of the history without the signature of its thought.")
    ] = True
    result_media: Annotated[bool, Meta(description="Gemini: takes images and files in results of tools.")] = True
    url_media: Annotated[
        bool,
        Meta(
            description="Fetches files from any URL, where its protocol takes URLs; false: the gateway may (`media`)."
        ),
    ] = True
    media_resolution: Annotated[bool, Meta(description="Gemini: takes a resolution for each image.")] = True
    labels: Annotated[bool, Meta(description="Gemini: takes labels, as Vertex does.")] = False
    token_counts: Annotated[
        bool, Meta(description="Counts the tokens of a request; false: the gateway estimates them. Chat cannot.")
    ] = True
    # chat: how compatible servers' requests deviate
    tool_choices: Annotated[tuple[str, ...], Meta(description="Chat: the choices among tools that it takes.")] = (
        "none",
        "auto",
        "required",
        "named",
        "allowed",
    )
    required_word: Annotated[
        str, Meta(description="Chat: the tool choice that demands a call, `required` or `any`.")
    ] = "required"
    temperatures: Annotated[tuple[float, float], Meta(description="Chat: the least and the most temperature.")] = (
        0.0,
        2.0,
    )
    greedy_flag: Annotated[
        str | None, Meta(description="Chat: a member that says, by false, what temperature 0 says elsewhere.")
    ] = None
    reasoning_members: Annotated[
        tuple[str, ...],
        Meta(
            description=(
                "Chat: the members that say how much to reason: `reasoning_effort`, `thinking`, "
                "`enable_thinking`, `thinking_budget`, `reasoning`, `reasoning_enabled`, `disable_reasoning`."
            )
        ),
    ] = ("reasoning_effort",)
    efforts: Annotated[tuple[str, ...], Meta(description="Chat: the reasoning efforts that it takes.")] = (
        "none",
        "minimal",
        "low",
        "medium",
        "high",
        "xhigh",
        "max",
    )
    seed_field: Annotated[str, Meta(description="Chat: the field of the seed.")] = "seed"
    user_field: Annotated[str | None, Meta(description="Chat: the field of the end user's id; null: none.")] = (
        "safety_identifier"
    )
    user_length: Annotated[tuple[int, int], Meta(description="Chat: the least and the most characters of that id.")] = (
        0,
        128,
    )
    top_k: Annotated[bool, Meta(description="Chat: takes top_k.")] = False
    tiers: Annotated[
        tuple[tuple[str, str], ...] | None,
        Meta(description="Chat: its words for service tiers, each behind the word of the protocol; null: the same."),
    ] = None
    refused_members: Annotated[
        tuple[str, ...], Meta(description="Chat: members of a request that it refuses or ignores; they are left out.")
    ] = ()
    formats: Annotated[tuple[str, ...], Meta(description="Chat: the types of response_format that it takes.")] = (
        "text",
        "json_object",
        "json_schema",
    )
    added_members: Annotated[
        tuple[tuple[str, str], ...],
        Meta(description="Chat and Bedrock: members of every request, as pairs of name and JSON."),
    ] = ()
    tool_stream: Annotated[
        bool, Meta(description="Chat: streams the arguments of tools only when `tool_stream` is true.")
    ] = False
    web_search_tool: Annotated[bool, Meta(description="Chat: its web search is a tool of the type web_search.")] = False
    prefill_mark: Annotated[
        str | None, Meta(description="Chat: the member that marks a last assistant message to go on from.")
    ] = None
    beta_path: Annotated[
        str | None, Meta(description="Chat: the path on which alone it takes such a message, and strict tools.")
    ] = None
    content_lists: Annotated[
        bool, Meta(description="Chat: takes text as a list of parts; false: as one string only.")
    ] = True
    null_content: Annotated[bool, Meta(description="Chat: takes null as the content of a message of tool calls.")] = (
        True
    )
    call_id_length: Annotated[
        int | None, Meta(description="Chat: how many letters and digits a tool call id must have; null: any.")
    ] = None
    result_names: Annotated[bool, Meta(description="Chat: a tool message must name its tool.")] = False
    user_after_tools: Annotated[bool, Meta(description="Chat: takes a user message right behind a tool message.")] = (
        True
    )
    alternating: Annotated[bool, Meta(description="Chat: user and assistant messages must take turns.")] = False
    reasoning_details: Annotated[
        bool, Meta(description="Chat: gets the entries of reasoning_details back as it sent them.")
    ] = False
    reasoning_filler: Annotated[
        bool, Meta(description="Chat: refuses tool calls of the history that have no reasoning.")
    ] = False
    passed_headers: Annotated[
        tuple[str, ...], Meta(description="Chat: headers of a client's request, in lower case, that it gets too.")
    ] = ()
    # chat: and their answers
    relayed: Annotated[
        bool,
        Meta(
            description="Clients of its protocol get its answers as they are; false: with what misleads them put right."
        ),
    ] = True
    hidden_error: Annotated[
        tuple[str, str, str] | None,
        Meta(
            description=(
                "Chat: where an error hides in a good answer: the pointer to its code, the code of none, the "
                "pointer to its message."
            )
        ),
    ] = None
    failure_words: Annotated[bool, Meta(description="Chat: a finish reason may tell a failure.")] = False
    usage_at: Annotated[str | None, Meta(description="Chat: a further pointer to the usage in a chunk.")] = None
    reasoning_apart: Annotated[bool, Meta(description="Chat: completion_tokens leave out the reasoning.")] = False
    cost_at: Annotated[str | None, Meta(description="Chat: the pointer, in the usage, to the price in US dollars.")] = (
        None
    )
    source_members: Annotated[
        tuple[str, ...], Meta(description="Chat: members of an answer that list its sources.")
    ] = ()
    think_tags: Annotated[
        str | None,
        Meta(
            description=(
                "Chat: reasoning stands in the content, in `paired` tags, or `closing` where the opening one may "
                "be missing."
            )
        ),
    ] = None
    cumulative_details: Annotated[
        bool, Meta(description="Chat: reasoning_details of a stream repeat what was said before.")
    ] = False
    multimodal: Annotated[bool, Meta(description="DashScope: the model is served at the endpoint for media.")] = False
    cumulative: Annotated[bool, Meta(description="DashScope: each frame of a stream repeats all that was said.")] = (
        False
    )
    stream_only: Annotated[bool, Meta(description="DashScope: answers in streams only.")] = False
    slug: Annotated[
        str | None,
        Meta(description="Qianfan v1: what stands for the model in the path; not set: its name in lower case."),
    ] = None
    system_role: Annotated[
        bool, Meta(description="Spark: takes instructions in a role of their own; false: the user says them.")
    ] = True
    tools: Annotated[
        bool, Meta(description="Chat, Spark: takes functions; false: past calls and results are text.")
    ] = True
    citations: Annotated[
        bool,
        Meta(description="Bedrock: takes documents and search results to be cited, and what earlier answers cited."),
    ] = True
    video: Annotated[bool, Meta(description="Bedrock: takes films.")] = True
    top_k_field: Annotated[
        str | None, Meta(description="Bedrock: the pointer to top_k in the model's own fields; not set: it takes none.")
    ] = None
    stop_field: Annotated[
        str | None,
        Meta(description="Bedrock: the pointer, in the model's own answer, to the stop string that matched."),
    ] = None
    context_size: Annotated[
        int | None,
        Meta(description="Ollama: the tokens of context to ask for; null: as many as its server likes, often 4096."),
    ] = None
    keep_alive: Annotated[
        str | None,
        Meta(description="Ollama: how long the model stays loaded, as `5m` or `-1`; null: as its server likes."),
    ] = None
    silent_truncation: Annotated[
        bool, Meta(description="Ollama: its server may cut a prompt that is too long; false: it answers an error.")
    ] = False


USUAL = Capabilities()
