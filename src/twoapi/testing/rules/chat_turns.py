"""What OpenAI's Chat Completions refuses of turns and media."""

from functools import partial

from twoapi.testing.rules.pieces import (
    LONG,
    PNG,
    PNG_URL,
    assistant,
    chat_call,
    chat_calls,
    chat_result,
    chat_tool,
    function_call,
    function_output,
    image_url,
    marked,
    messages_tool,
    picture,
    responses_tool,
    said,
    tool_result,
    tool_use,
    turn,
    user,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

PARAMETERS = "Chat Completions API"
SERVERS = "compatible servers"
FUNCTIONS = "function calling"
CACHING = "prompt caching"

_rule = partial(Rule, target=CHAT, client=MESSAGES)
_CHAT_TOOLS = {"tools": [chat_tool()]}
_TOOLS = {"tools": [messages_tool()]}

RULES = (
    _rule(
        name="call-id-length",
        says="ids of calls have at most 40 characters",
        source=FUNCTIONS,
        asks={**_TOOLS, "messages": [user(), assistant([tool_use(LONG)]), user([tool_result(LONG)])]},
        sends={
            "/messages/1/tool_calls/0/id": "call_bhwln26ixtx4om7w6lwej54r",
            "/messages/2/tool_call_id": "call_bhwln26ixtx4om7w6lwej54r",
        },
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call(LONG)), chat_result(LONG)]},
    ),
    _rule(
        name="results-before-words",
        says="tool messages stand right behind the calls",
        source=FUNCTIONS,
        asks={**_TOOLS, "messages": [user(), assistant([tool_use()]), user([said("so"), tool_result()])]},
        losses=(("reordered", "/messages/2/content/0"),),
        sends={
            "/messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
                },
                {"role": "tool", "content": "r", "tool_call_id": "c1"},
                {"role": "user", "content": "so"},
            ]
        },
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call()), user("so"), chat_result()]},
    ),
    _rule(
        name="call-without-result",
        says="every call has a tool message",
        source=FUNCTIONS,
        asks={**_TOOLS, "messages": [user(), assistant([tool_use()]), user()]},
        refused="/messages/1/content/0",
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call()), user()]},
    ),
    _rule(
        name="result-without-call",
        says="every tool message has a call",
        source=FUNCTIONS,
        asks={**_TOOLS, "messages": [user(), assistant(), user([tool_result()])]},
        refused="/messages/2/content/0",
        breaks={**_CHAT_TOOLS, "messages": [user(), assistant(), chat_result()]},
    ),
    _rule(
        name="result-far-from-its-call",
        says="nobody speaks between calls and results",
        source=FUNCTIONS,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [
                user(),
                function_call(),
                user("wait"),
                {"role": "assistant", "content": "ok"},
                function_output(),
                user("so"),
            ],
        },
        losses=(("reordered", "/input/4"),),
        sends={
            "/messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
                },
                {"role": "tool", "content": "r", "tool_call_id": "c1"},
                {"role": "user", "content": "wait"},
                {"role": "assistant", "content": "ok"},
                {"role": "user", "content": "so"},
            ]
        },
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call()), user("wait"), assistant(), chat_result()]},
    ),
    _rule(
        name="instruction-between-results",
        says="no instruction stands between results",
        source=FUNCTIONS,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [
                user(),
                function_call("c1"),
                function_call("c2"),
                function_output("c1"),
                {"role": "developer", "content": "s"},
                function_output("c2"),
            ],
        },
        losses=(("reordered", "/input/5"),),
        sends={
            "/messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                        {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                    ],
                },
                {"role": "tool", "content": "r", "tool_call_id": "c1"},
                {"role": "tool", "content": "r", "tool_call_id": "c2"},
                {"role": "developer", "content": "s"},
            ]
        },
    ),
    _rule(
        name="two-calls-of-one-id",
        says="two calls do not have one id",
        source=FUNCTIONS,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [user(), function_call(), function_call(), function_output(), function_output()],
        },
        refused="/input/4",
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call(), chat_call()), chat_result()]},
    ),
    _rule(
        name="image-in-result",
        says="a tool message holds text alone",
        source=FUNCTIONS,
        asks={
            **_TOOLS,
            "messages": [user(), assistant([tool_use()]), user([tool_result(content=[said(), picture()])])],
        },
        losses=(("emulated", "/messages/2/content/0/content/1"),),
        sends={"/messages/2/content": "hi", "/messages/3/content/0": {"type": "text", "text": "[tool result c1]"}},
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call()), chat_result(text=[image_url()])]},
    ),
    _rule(
        name="error-result",
        says="a tool message does not say that it is an error",
        source=FUNCTIONS,
        asks={**_TOOLS, "messages": [user(), assistant([tool_use()]), user([tool_result(is_error=True)])]},
        losses=(("emulated", "/messages/2/content/0/is_error"),),
        sends={"/messages/2": {"role": "tool", "content": "[tool error] r", "tool_call_id": "c1"}},
        breaks={**_CHAT_TOOLS, "messages": [user(), chat_calls(chat_call()), {**chat_result(), "is_error": True}]},
    ),
    _rule(
        name="assistant-says-something",
        says="a turn of the model says something",
        source=PARAMETERS,
        client=GEMINI,
        asks={"contents": [turn("user", {"text": "hi"}), turn("model"), turn("user", {"text": "more"})]},
        sends={"/messages/1": {"role": "assistant", "content": ""}},
        breaks={"messages": [user(), assistant([])]},
    ),
    _rule(
        name="images-of-the-model",
        says="turns of the model hold no images",
        source=PARAMETERS,
        client=GEMINI,
        asks={
            "contents": [
                turn("user", {"text": "hi"}),
                turn("model", {"inlineData": {"mimeType": "image/png", "data": PNG}}),
                turn("user", {"text": "more"}),
            ]
        },
        losses=(("dropped", "/contents/1/parts/0"),),
        sends={"/messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "more"}]},
        breaks={"messages": [user(), assistant([image_url()])]},
    ),
    _rule(
        name="turns-of-thinking",
        says="turns of the model are not thinking alone",
        source=PARAMETERS,
        asks={"messages": [user(), assistant([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]), user()]},
        losses=(("dropped", "/messages/1/content/0"),),
        sends={"/messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "hi"}]},
    ),
    _rule(
        name="system-is-text",
        says="instructions are text",
        source=PARAMETERS,
        client=RESPONSES,
        asks={
            "input": [
                {"role": "developer", "content": [{"type": "input_image", "image_url": PNG_URL, "detail": "auto"}]},
                user(),
            ]
        },
        refused="/input/0/content/0",
        breaks={"messages": [{"role": "developer", "content": [image_url()]}, user()]},
    ),
    _rule(
        name="no-messages",
        says="there is at least one message",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"input": []},
        refused="/messages",
        breaks={"messages": []},
    ),
    _rule(
        name="audio-formats",
        says="audio is wav or mp3",
        source=PARAMETERS,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
        breaks={"messages": [user([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "ogg"}}])]},
    ),
    _rule(
        name="no-video",
        says="there is no video input",
        source=PARAMETERS,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
    ),
    _rule(
        name="file-url",
        says="files are not read from URLs",
        source=PARAMETERS,
        asks={
            "messages": [user([{"type": "document", "source": {"type": "url", "url": "https://files.example/a.pdf"}}])]
        },
        refused="/messages/0/content/0",
    ),
    _rule(
        name="files-of-others",
        says="files that another service holds are not here",
        source=PARAMETERS,
        asks={"messages": [user([{"type": "document", "source": {"type": "file", "file_id": "file_1"}}])]},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="model-without-images",
        says="a model may take no images",
        source=SERVERS,
        asks={"messages": [user([picture()])]},
        capabilities={"images": False},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="four-breakpoints",
        says="at most four cache breakpoints are set",
        source=CACHING,
        asks={
            "messages": [user([marked(str(n)) for n in range(4)])],
            "tools": [messages_tool(cache_control={"type": "ephemeral"})],
        },
        losses=(("dropped", "/tools/0"),),
        sends={
            "/messages/0/content/3": {"type": "text", "text": "3", "prompt_cache_breakpoint": {"mode": "explicit"}},
            "/tools/0": {
                "type": "function",
                "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
            },
        },
    ),
    _rule(
        name="lifetimes",
        says="cache lifetimes are 30m and 12h",
        source=CACHING,
        asks={"messages": [user([marked(ttl="1h")])]},
        losses=(("approximated", "/messages/0/content/0"),),
        sends={
            "/messages/0/content/0": {
                "type": "text",
                "text": "hi",
                "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"},
            }
        },
    ),
    _rule(
        name="upstream-without-breakpoints",
        says="compatible servers may know no breakpoints",
        source=SERVERS,
        asks={"messages": [user([marked()])]},
        capabilities={"cache_marks": False},
        losses=(("dropped", "/messages/0/content/0"),),
        sends={"/messages/0/content": "hi"},
    ),
    _rule(
        name="no-developer",
        says="compatible servers may know no developer",
        source=SERVERS,
        client=RESPONSES,
        asks={"input": [{"role": "developer", "content": "s"}, user()]},
        capabilities={"developer_role": False},
        losses=(("info", "/input/0/role"),),
        sends={"/messages/0": {"role": "system", "content": "s"}},
    ),
    _rule(
        name="no-kept-responses",
        says="responses are not kept under an id",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"previous_response_id": "resp_1"},
        refused="/previous_response_id",
        breaks={"previous_response_id": "r"},
    ),
    _rule(
        name="no-threads",
        says="conversations are not kept as threads",
        source=PARAMETERS,
        asks={"thread": {"type": "create"}, "anthropic-beta": "message-threads-2026-08-12"},
        refused="/thread",
    ),
    _rule(
        name="no-conversations",
        says="conversations are not kept",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"conversation": "conv_1"},
        refused="/conversation",
    ),
    _rule(
        name="no-background",
        says="answers are not made in the background",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"background": True},
        losses=(("unsupported", "/background"),),
        sends={"/background": GONE},
    ),
    _rule(
        name="foreign-cached-content",
        says="content that another service holds is not here",
        source=PARAMETERS,
        client=GEMINI,
        asks={"cachedContent": "cachedContents/1"},
        refused="/cachedContent",
    ),
    _rule(
        name="no-truncation",
        says="a conversation that is too long is not cut",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"truncation": "auto", "max_tool_calls": 3},
        losses=(("dropped", "/max_tool_calls"), ("dropped", "/truncation")),
        sends={"/truncation": GONE, "/max_tool_calls": GONE},
        breaks={"truncation": "auto"},
    ),
    _rule(
        name="stream-usage",
        says="compatible servers may know no stream_options",
        source=SERVERS,
        asks={"stream": True},
        capabilities={"stream_usage": False},
        sends={"/stream_options": GONE},
    ),
    _rule(
        name="modalities",
        says="pictures are not made",
        source=PARAMETERS,
        client=GEMINI,
        asks={"generationConfig": {"responseModalities": ["IMAGE"]}},
        losses=(("unsupported", "/generationConfig/responseModalities"),),
        sends={"/modalities": GONE},
    ),
    _rule(
        name="no-phases",
        says="messages have no phases",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"input": [user(), {"role": "assistant", "content": "ok", "phase": "commentary"}, user()]},
        losses=(("dropped", "/input/1/phase"),),
        sends={"/messages/1/phase": GONE},
        breaks={"messages": [user(), assistant(phase="commentary")]},
    ),
)
