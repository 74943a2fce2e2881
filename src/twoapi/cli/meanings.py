"""What each setting means, in one sentence: the words of the settings reference."""

from collections.abc import Mapping

import msgspec

from twoapi.config.settings import (
    CandidateSettings,
    CredentialSettings,
    KeySettings,
    Limits,
    MediaSettings,
    ModelSettings,
    Rule,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from twoapi.protocols.base import Capabilities
from twoapi.providers.model import Auth
from twoapi.providers.services import Service


class Section(msgspec.Struct, frozen=True):
    """A struct of the settings, where it stands in the file, and what its fields mean."""

    kind: type[msgspec.Struct]
    title: str
    about: str
    meanings: Mapping[str, str]


SECTIONS: tuple[Section, ...] = (
    Section(
        Settings,
        "The top level",
        "Every member may be left out; an empty file is a gateway without upstreams.",
        {
            "listen": "Where to listen. Any address but a loopback one demands client keys. Read at the start only.",
            "store": "Where state that outlives a request is kept: sealed reasoning, conversations that clients go on "
            "from. `sqlite:///` and a file; other stores are checked, and not used yet. Read at the start only.",
            "secret": "What sealed reasoning is sealed with, for nodes without a common store; at least 16 characters. "
            "Without it the store makes one. Read at the start only.",
            "shared": "Where several nodes will share their limits and health. Checked, not used yet in this version.",
            "on_loss": "Whether a request that loses something in conversion is sent or refused; the header "
            "`twoapi-on-loss`, a key and an alias can say otherwise, in this order.",
            "upstreams": "Where requests can go, by a name of your choice without a slash.",
            "models": "Aliases: names that clients use, and what answers for them.",
            "keys": "Who may use the gateway: `open` is everyone who reaches a loopback address, else a list. "
            "`managed` is not available yet.",
            "limits": "What one worker accepts.",
            "media": "Whether the gateway fetches files that clients give by URL, for upstreams that do not.",
            "timeouts": "How long an attempt may take, unless an upstream or an alias says otherwise.",
            "origins": "The web pages that may call from a browser: a list of origins such as `https://app.example`, "
            "or `*`. Not said: pages of this machine. With open keys no other page is served at all.",
            "model_table": "A file with newer model cards than the package's, as `twoapi models refresh` writes it.",
            "catalog": "A directory of provider files of your own; one with a shipped provider's name replaces that.",
        },
    ),
    Section(
        UpstreamSettings,
        "upstreams.NAME",
        "A destination. `openai-compatible` and `anthropic-compatible` stand for any server of that protocol.",
        {
            "provider": "A provider of the catalogue.",
            "base_url": "Replaces the provider's, for its first protocol; its other protocols are then left out. It is "
            "what the vendor's own SDK takes: with `/v1` for OpenAI's protocol, without a version for Anthropic's.",
            "protocols": "Base URLs by protocol, instead of the provider's.",
            "options": "What the provider asks for: a region, a project, a resource.",
            "auth": "How a credential is presented, when not as the protocol usually does.",
            "credentials": "The secrets for this upstream; they take turns, and one that is refused or exhausted is "
            "followed by the next.",
            "headers": "Further headers of each request. They win over a credential's header of the same name.",
            "models": "What it serves, so that a bare name finds it; `*` stands for any text.",
            "prices": "What models (`*` allowed) cost here: US dollars for a million `input`, `output` ... tokens.",
            "capabilities": "What it takes, where that differs from the catalogue.",
            "operations": "How it offers `embeddings`, `rerank`, `moderations`, `completions`, `images`, `speech`, "
            "`image-edits`, `image-variations`, `transcriptions`, `translations`, `files`, `batches`, where that "
            "differs from the catalogue: a list of ways, empty when it does not.",
            "timeouts": "Instead of the ones above.",
            "proxy": "An HTTP proxy through which it is reached; needs the extra `proxy`.",
            "ca": "A PEM file with the authorities that its certificate is checked against.",
            "client_cert": "A PEM file with our certificate and key, when it asks for one.",
            "session": "For session upstreams, which are not available yet.",
            "accounts": "For session upstreams, which are not available yet.",
        },
    ),
    Section(
        Auth,
        "upstreams.NAME.auth",
        "A mere word is the `scheme`.",
        {
            "scheme": "`bearer` is `Authorization: Bearer`, `header` the bare secret in a header, `none` nothing; for "
            "the others see [Credentials](#credentials).",
            "header": "The header's name, with `scheme: header`.",
            "also": "A second header with the same secret.",
            "service": "What a signature is for, where the catalogue does not say it.",
            "scope": "What a token is for, where the catalogue does not say it.",
            "token_url": "Where a token is asked for, when not where the vendor usually gives it.",
        },
    ),
    Section(
        Service,
        "upstreams.NAME.operations.OPERATION[]",
        "A mere word is the `shape`.",
        {
            "shape": "The form of its requests: `openai`, `gemini`, `cohere`, `dashscope`, `ollama`, `bedrock-titan`, "
            "`bedrock-cohere` for embeddings; `jina`, `cohere`, `dashscope` for rerank; `openai` for the rest.",
            "path": "Behind the base URL, when not where vendors of that shape have it; `{model}` is the model's name.",
            "protocol": "Whose base URL and credentials it stands behind, when the upstream has several.",
            "models": "The models that it is offered for; `*` stands for any text.",
        },
    ),
    Section(
        CredentialSettings,
        "upstreams.NAME.credentials[]",
        "A mere text is the `key`.",
        {
            "key": "The secret, best by reference.",
            "auth": "How it is presented, instead of the first of the provider's ways that takes its parts.",
            "parts": "The secrets by name, where it is not a key: see [Credentials](#credentials).",
            "weight": "Its share of the requests.",
            "concurrency": "Requests at once. Kept, not enforced yet.",
            "rpm": "Requests per minute. Kept, not enforced yet.",
            "tpm": "Tokens per minute. Kept, not enforced yet.",
        },
    ),
    Section(
        ModelSettings,
        "models.ALIAS",
        "A mere text or list is the `candidates`.",
        {
            "candidates": "What may answer, as `upstream/model`, in the order in which it is tried.",
            "strategy": "`fallback` begins with the first, `weighted` shares by weight; then the others follow. The "
            "other strategies are not available yet.",
            "rules": "Not available yet.",
            "timeouts": "Instead of the upstream's.",
            "retries": "How often one candidate is tried again before the next one.",
            "on_loss": "Instead of the top level's.",
        },
    ),
    Section(
        CandidateSettings,
        "models.ALIAS.candidates[]",
        "A mere text is the `model`.",
        {"model": "`upstream/model`, the model as the upstream names it.", "weight": "Its share, with `weighted`."},
    ),
    Section(
        Rule,
        "models.ALIAS.rules[]",
        "Not available yet.",
        {"when": "The conditions.", "use": "The candidates when they hold."},
    ),
    Section(
        KeySettings,
        "keys[]",
        "A mere text is the `key`.",
        {
            "key": "What clients present: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`, `?key=`.",
            "name": "What the access log calls this client.",
            "models": "The names it may use; `*` stands for any text. Not said: all.",
            "on_loss": "Instead of the alias's and the top level's.",
        },
    ),
    Section(
        TimeoutSettings,
        "timeouts",
        "At the top level, in an upstream, in an alias; the innermost that is said holds. 0 means no limit.",
        {
            "connect": "Until there is a connection.",
            "first_byte": "From the request to the first byte of the answer.",
            "idle": "Without a byte of an answer that has begun.",
            "total": "The whole attempt.",
            "keep_alive": "After so long a silence a streaming client gets a sign of life.",
        },
    ),
    Section(
        Limits,
        "limits",
        "Per worker.",
        {
            "body": "The size of a request's body.",
            "upload": "The size of a form, which is sent on as it comes: audio, pictures to be edited, files.",
            "header": "The size of a request's line and headers together.",
            "streams": "Requests that are answered at once; one more gets a 503.",
            "connections": "Client connections; one more is closed.",
            "idle": "How long a client connection may stand unused.",
            "receive": "How long a request may make no progress in arriving; then it gets a 408.",
        },
    ),
    Section(
        MediaSettings,
        "media",
        "Images and other files by URL, for upstreams that fetch none. Nothing is fetched unless `fetch` is true.",
        {
            "fetch": "Fetch them, and send what they hold.",
            "hosts": "Where from: names in which `*` stands for any text, or addresses, each with a port or `:*` where "
            "it is not the scheme's own, as in `*.example.com`, `10.0.0.7:8080`, `[::1]:*`.",
            "schemes": "By what; `[https, http]` fetches without encryption, too.",
            "private": "Also from this machine, private networks and shared address space. Where clouds keep a "
            "machine's secrets (169.254.169.254 and the like) is never asked.",
            "size": "The most bytes of one file.",
            "total": "The most bytes of the files of one request.",
            "count": "The most files of one request.",
            "timeout": "How long all files of a request may take.",
            "concurrency": "How many files one worker fetches at once; further ones wait within `timeout`.",
        },
    ),
    Section(
        Capabilities,
        "upstreams.NAME.capabilities",
        "What an endpoint and its model take. The catalogue knows its providers; only deviations have to be said.",
        {
            "api_version": "Anthropic: the API version to send; not said: chosen by what the request needs.",
            "max_tokens_field": "Chat: the field of the output limit, `max_completion_tokens` or `max_tokens`.",
            "reasoning_field": "Chat: the field in which past reasoning is replayed; not said: it is not.",
            "developer_role": "Chat: false sends `system` for `developer`.",
            "system_in_place": "Anthropic: takes a system message in mid-conversation.",
            "threads": "Anthropic: keeps threads of messages; false: the gateway keeps them.",
            "prefill": "Goes on from a last assistant message.",
            "sampling": "Takes temperature, top_p and top_k.",
            "sampling_pair": "Takes temperature together with top_p.",
            "thinking": "Anthropic, Cohere, Ollama: the types of thinking that it takes; an empty list: none.",
            "effort": "Takes a reasoning effort.",
            "images": "Takes images.",
            "audio": "Takes audio.",
            "documents": "Takes documents.",
            "strict_tools": "Takes strict tools.",
            "web_search": "Has a web search of its own.",
            "max_output": "The most tokens that it writes.",
            "max_stop": "Chat: how many stop strings it takes.",
            "max_tool_name": "The longest tool name.",
            "max_call_id": "Chat: the longest tool call id.",
            "cache_marks": "Takes explicit marks for its prompt cache.",
            "stream_usage": "Chat: takes stream_options.include_usage.",
            "json_schemas": "Gemini: takes JSON Schemas; false: only its own reduced form.",
            "call_ids": "Gemini: takes ids of calls and their results.",
            "thinking_levels": "Gemini, Ollama: the levels of thinking that it takes; an empty list: none.",
            "thinking_budget": "Gemini: the least and the most tokens of a thinking budget; null: it takes none.",
            "thought_signatures": "Gemini: refuses a call of the history without the signature of its thought.",
            "result_media": "Gemini: takes images and files in results of tools.",
            "url_media": "Fetches files from any URL, where its protocol takes URLs; false: the gateway may (`media`).",
            "media_resolution": "Gemini: takes a resolution for each image.",
            "labels": "Gemini: takes labels, as Vertex does.",
            "token_counts": "Counts the tokens of a request; false: the gateway estimates them. Chat cannot.",
            "tool_choices": "Chat: the choices among tools that it takes.",
            "required_word": "Chat: the tool choice that demands a call, `required` or `any`.",
            "temperatures": "Chat: the least and the most temperature.",
            "greedy_flag": "Chat: a member that says, by false, what temperature 0 says elsewhere.",
            "reasoning_members": "Chat: the members that say how much to reason: `reasoning_effort`, `thinking`, "
            "`enable_thinking`, `thinking_budget`, `reasoning`, `reasoning_enabled`, `disable_reasoning`.",
            "efforts": "Chat: the reasoning efforts that it takes.",
            "seed_field": "Chat: the field of the seed.",
            "user_field": "Chat: the field of the end user's id; null: none.",
            "user_length": "Chat: the least and the most characters of that id.",
            "top_k": "Chat: takes top_k.",
            "tiers": "Chat: its words for service tiers, each behind the word of the protocol; null: the same.",
            "refused_members": "Chat: members of a request that it refuses or ignores; they are left out.",
            "formats": "Chat: the types of response_format that it takes.",
            "added_members": "Chat and Bedrock: members of every request, as pairs of name and JSON.",
            "tool_stream": "Chat: streams the arguments of tools only when `tool_stream` is true.",
            "web_search_tool": "Chat: its web search is a tool of the type web_search.",
            "prefill_mark": "Chat: the member that marks a last assistant message to go on from.",
            "beta_path": "Chat: the path on which alone it takes such a message, and strict tools.",
            "content_lists": "Chat: takes text as a list of parts; false: as one string only.",
            "null_content": "Chat: takes null as the content of a message of tool calls.",
            "call_id_length": "Chat: how many letters and digits a tool call id must have; null: any.",
            "result_names": "Chat: a tool message must name its tool.",
            "user_after_tools": "Chat: takes a user message right behind a tool message.",
            "alternating": "Chat: user and assistant messages must take turns.",
            "reasoning_details": "Chat: gets the entries of reasoning_details back as it sent them.",
            "reasoning_filler": "Chat: refuses tool calls of the history that have no reasoning.",
            "passed_headers": "Chat: headers of a client's request, in lower case, that it gets too.",
            "relayed": "Clients of its protocol get its answers as they are; false: with what misleads them put right.",
            "hidden_error": "Chat: where an error hides in a good answer: the pointer to its code, the code of none, "
            "the pointer to its message.",
            "failure_words": "Chat: a finish reason may tell a failure.",
            "usage_at": "Chat: a further pointer to the usage in a chunk.",
            "reasoning_apart": "Chat: completion_tokens leave out the reasoning.",
            "cost_at": "Chat: the pointer, in the usage, to the price in US dollars.",
            "source_members": "Chat: members of an answer that list its sources.",
            "think_tags": "Chat: reasoning stands in the content, in `paired` tags, or `closing` where the opening one "
            "may be missing.",
            "cumulative_details": "Chat: reasoning_details of a stream repeat what was said before.",
            "multimodal": "DashScope: the model is served at the endpoint for media.",
            "cumulative": "DashScope: each frame of a stream repeats all that was said.",
            "stream_only": "DashScope: answers in streams only.",
            "context_size": "Ollama: the tokens of context to ask for; null: as many as its server likes, often 4096.",
            "keep_alive": "Ollama: how long the model stays loaded, as `5m` or `-1`; null: as its server likes.",
            "silent_truncation": "Ollama: its server may cut a prompt that is too long; false: it answers an error.",
            "slug": "Qianfan v1: what stands for the model in the path; not set: its name in lower case.",
            "system_role": "Spark: takes instructions in a role of their own; false: the user says them.",
            "tools": "Chat, Spark: takes functions; false: past calls and results are text.",
            "citations": "Bedrock: takes documents and search results to be cited, and what earlier answers cited.",
            "video": "Bedrock: takes films.",
            "top_k_field": "Bedrock: the pointer to top_k in the model's own fields; not set: it takes none.",
            "stop_field": "Bedrock: the pointer, in the model's own answer, to the stop string that matched.",
        },
    ),
)
