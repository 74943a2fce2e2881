"""What OpenAI's Responses refuses of tools and items."""

from functools import partial

from twoapi.testing.rules.pieces import (
    LONG,
    OBJECT,
    PNG,
    answering,
    assistant,
    calling,
    chat_call,
    chat_calls,
    chat_result,
    chat_tool,
    function_call,
    function_output,
    gemini_tool,
    image_url,
    marked,
    messages_tool,
    responses_tool,
    tool_result,
    tool_use,
    turn,
    user,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

PARAMETERS = "Responses API"
STRUCTURED = "structured outputs"
ITEMS = "input items"
FUNCTIONS = "function calling"
SERVERS = "compatible servers"
CACHING = "prompt caching"

_rule = partial(Rule, target=RESPONSES, client=CHAT)
_MTOOLS = {"tools": [messages_tool()]}
_OWN = {"tools": [responses_tool()]}
_HI = {"role": "user", "content": "hi"}
_TOOLS = {"tools": [chat_tool()]}

RULES = (
    _rule(
        name="tool-name-length",
        says="tool names have at most 64 characters",
        source=FUNCTIONS,
        client=MESSAGES,
        asks={"tools": [messages_tool(LONG)]},
        sends={"/tools/0/name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_09ecb6eb"},
        breaks={"tools": [responses_tool(LONG)]},
    ),
    _rule(
        name="tool-name-alphabet",
        says="tool names have letters, digits, _ and -",
        source=FUNCTIONS,
        client=GEMINI,
        asks={"tools": [gemini_tool("fs.read")]},
        sends={"/tools/0/name": "fs_read_4074bc02"},
        breaks={"tools": [responses_tool("fs.read")]},
    ),
    _rule(
        name="tool-names-unique",
        says="two tools do not have one name",
        source=FUNCTIONS,
        asks={"tools": [chat_tool(), chat_tool()]},
        refused="/tools/1",
    ),
    _rule(
        name="tool-strict",
        says="the schema of a strict tool is closed and requires everything",
        source=STRUCTURED,
        asks={"tools": [chat_tool(schema={"type": "object", "properties": {"a": {"type": "string"}}}, strict=True)]},
        losses=(("approximated", "/tools/0/strict"),),
        sends={"/tools/0/strict": False},
        breaks={
            "tools": [responses_tool(schema={"type": "object", "properties": {"a": {"type": "string"}}}, strict=True)]
        },
    ),
    _rule(
        name="upstream-without-strict",
        says="compatible servers may know no strict tools",
        source=SERVERS,
        asks={"tools": [chat_tool(schema={**OBJECT, "additionalProperties": False, "required": []}, strict=True)]},
        capabilities={"strict_tools": False},
        losses=(("unsupported", "/tools/0/strict"),),
        sends={"/tools/0/strict": False},
    ),
    _rule(
        name="choice-of-an-unknown-tool",
        says="a tool choice names a tool that there is",
        source=FUNCTIONS,
        asks={**_TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}},
        refused="/tool_choice",
        breaks={**_OWN, "tool_choice": {"type": "function", "name": "other"}},
    ),
    _rule(
        name="choice-without-tools",
        says="a tool choice needs tools",
        source=FUNCTIONS,
        asks={"tool_choice": "required"},
        losses=(("dropped", "/tool_choice"),),
        sends={"/tool_choice": GONE},
    ),
    _rule(
        name="named-without-tools",
        says="a named tool needs tools",
        source=FUNCTIONS,
        asks={"tool_choice": {"type": "function", "function": {"name": "other"}}},
        refused="/tool_choice",
        breaks={"tool_choice": {"type": "function", "name": "other"}},
    ),
    _rule(
        name="forced-tools-of-other-vendors",
        says="a call of another vendor's tool cannot be forced",
        source=FUNCTIONS,
        client=MESSAGES,
        asks={
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search"},
        },
        refused="/tool_choice",
    ),
    _rule(
        name="call-id-length",
        says="ids of calls have at most 64 characters",
        source=ITEMS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call(LONG)), chat_result(LONG)]},
        sends={
            "/input/1/call_id": "call_bhwln26ixtx4om7w6lwej54r",
            "/input/2/call_id": "call_bhwln26ixtx4om7w6lwej54r",
        },
        breaks={**_OWN, "input": [_HI, function_call(LONG), function_output(LONG)]},
    ),
    _rule(
        name="call-without-output",
        says="every call has an output",
        source=ITEMS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call()), user()]},
        refused="/messages/1/tool_calls/0",
        breaks={**_OWN, "input": [_HI, function_call()]},
    ),
    _rule(
        name="output-without-call",
        says="every output has a call",
        source=ITEMS,
        asks={**_TOOLS, "messages": [user(), chat_result()]},
        refused="/messages/1",
        breaks={**_OWN, "input": [_HI, function_output()]},
    ),
    _rule(
        name="two-calls-of-one-id",
        says="two open calls do not have one id",
        source=ITEMS,
        client=GEMINI,
        asks={
            "tools": [gemini_tool()],
            "contents": [
                turn("user", {"text": "hi"}),
                turn("model", calling(id="c1"), calling(id="c1")),
                turn("user", answering(id="c1"), answering(id="c1")),
            ],
        },
        refused="/contents/2/parts/1",
        breaks={**_OWN, "input": [_HI, function_call(), function_call(), function_output(), function_output()]},
    ),
    _rule(
        name="error-output",
        says="an output does not say that it is an error",
        source=ITEMS,
        client=MESSAGES,
        asks={**_MTOOLS, "messages": [user(), assistant([tool_use()]), user([tool_result(is_error=True)])]},
        losses=(("emulated", "/messages/2/content/0/is_error"),),
        sends={"/input/2/output": "[tool error] r"},
        breaks={**_OWN, "input": [_HI, function_call(), {**function_output(), "is_error": True}]},
    ),
    _rule(
        name="custom-outputs",
        says="an output is of the kind of its call",
        source=ITEMS,
        asks={
            "tools": [{"type": "custom", "custom": {"name": "patch"}}],
            "messages": [
                user(),
                chat_calls({"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "x"}}),
                chat_result(),
            ],
        },
        sends={"/input/2/type": "custom_tool_call_output"},
        breaks={
            "input": [
                _HI,
                {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "x"},
                function_output(),
            ]
        },
    ),
    _rule(
        name="only-instructions",
        says="there is an input",
        source=PARAMETERS,
        asks={"messages": [{"role": "system", "content": "s"}]},
        sends={"/input": [{"type": "message", "role": "system", "content": "s"}], "/instructions": GONE},
        breaks={"input": GONE},
    ),
    _rule(
        name="images-of-the-model",
        says="turns of the model hold no images",
        source=ITEMS,
        client=GEMINI,
        asks={
            "contents": [
                turn("user", {"text": "hi"}),
                turn("model", {"inlineData": {"mimeType": "image/png", "data": PNG}}),
                turn("user", {"text": "more"}),
            ]
        },
        losses=(("dropped", "/contents/1/parts/0"),),
        sends={
            "/input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "more"}]},
            ]
        },
    ),
    _rule(
        name="audio-formats",
        says="audio is wav or mp3",
        source=ITEMS,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
        breaks={
            "input": [
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "ogg"}}]}
            ]
        },
    ),
    _rule(
        name="no-video",
        says="there is no video input",
        source=ITEMS,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
    ),
    _rule(
        name="files-of-others",
        says="files that another service holds are not here",
        source=ITEMS,
        client=MESSAGES,
        asks={"messages": [user([{"type": "document", "source": {"type": "file", "file_id": "file_1"}}])]},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="image-details",
        says="details of images are low, high, auto and original",
        source=ITEMS,
        client=GEMINI,
        asks={
            "contents": [
                turn(
                    "user",
                    {
                        "inlineData": {"mimeType": "image/png", "data": PNG},
                        "mediaResolution": {"level": "MEDIA_RESOLUTION_MEDIUM"},
                    },
                )
            ]
        },
        losses=(("dropped", "/contents/0/parts/0/mediaResolution"),),
        sends={"/input/0/content/0/detail": "auto"},
        breaks={
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_image", "image_url": "https://pictures.example/a.png", "detail": "medium"}
                    ],
                }
            ]
        },
    ),
    _rule(
        name="model-without-images",
        says="a model may take no images",
        source=SERVERS,
        asks={"messages": [user([image_url()])]},
        capabilities={"images": False},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="four-breakpoints",
        says="at most four cache breakpoints are set",
        source=CACHING,
        client=MESSAGES,
        asks={
            "messages": [user([marked(str(n)) for n in range(4)])],
            "tools": [messages_tool(cache_control={"type": "ephemeral"})],
        },
        losses=(("dropped", "/tools/0"),),
        sends={
            "/input/0/content/3": {"type": "input_text", "text": "3", "prompt_cache_breakpoint": {"mode": "explicit"}}
        },
        breaks={
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}]
                    * 5,
                }
            ]
        },
    ),
    _rule(
        name="names-of-speakers",
        says="speakers have no names",
        source=ITEMS,
        asks={"messages": [user(name="ann")]},
        losses=(("dropped", "/messages/0/name"),),
        sends={"/input/0/name": GONE},
        breaks={"input": [{**_HI, "name": "ann"}]},
    ),
    _rule(
        name="earlier-audio",
        says="audio of the model that another protocol keeps is not here",
        source=ITEMS,
        asks={"messages": [user(), {"role": "assistant", "audio": {"id": "a"}}, user()]},
        losses=(("dropped", "/messages/1/audio"),),
        sends={
            "/input": [
                {"type": "message", "role": "user", "content": "hi"},
                {"type": "message", "role": "user", "content": "hi"},
            ]
        },
    ),
    _rule(
        name="one-place-to-go-on-from",
        says="a request goes on from a response or a conversation",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"previous_response_id": "resp_1", "conversation": "conv_1"},
        refused="/previous_response_id",
        breaks={"previous_response_id": "resp_1", "conversation": "conv_1"},
    ),
    _rule(
        name="no-threads",
        says="conversations are not kept as threads",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"thread": {"type": "create"}, "anthropic-beta": "message-threads-2026-08-12"},
        refused="/thread",
    ),
    _rule(
        name="tiers",
        says="service tiers are those of the vendor",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"service_tier": "standard_only"},
        sends={"/service_tier": "default"},
        breaks={"service_tier": "standard_only"},
    ),
    _rule(
        name="functions-are-tools",
        says="functions are tools",
        source=PARAMETERS,
        asks={
            "functions": [{"name": "look", "parameters": OBJECT}],
            "function_call": {"name": "look"},
            "messages": [
                user(),
                {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
                {"role": "function", "name": "look", "content": "r"},
            ],
        },
        sends={"/tools/0/name": "look", "/tool_choice": {"type": "function", "name": "look"}},
        breaks={"functions": []},
    ),
    _rule(
        name="usage-is-always-told",
        says="usage is always told",
        source=PARAMETERS,
        asks={"stream": True, "stream_options": {"include_usage": True}},
        sends={"/stream_options": GONE},
        breaks={"stream_options": {"include_obfuscation": True}},
    ),
)
