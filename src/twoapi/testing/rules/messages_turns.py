"""What Anthropic's Messages refuses of turns and media."""

from functools import partial

from twoapi.testing.rules.pieces import (
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

MESSAGES_API = "Messages API"
TOOL_USE = "tool use"
OBSERVED = "seen in errors"
MODELS = "models"

_rule = partial(Rule, target=MESSAGES, client=CHAT)

RULES = (
    _rule(
        name="only-instructions",
        says="there is at least one message",
        source=MESSAGES_API,
        asks={"messages": [{"role": "system", "content": "s"}]},
        refused="/messages",
        breaks={"messages": []},
    ),
    _rule(
        name="empty-text",
        says="texts are not empty",
        source=MESSAGES_API,
        asks={"messages": [user(), assistant(""), user("more")]},
        losses=(("info", "/messages/1/content"),),
        sends={"/messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "more"}]},
        breaks={"messages": [user(), assistant([said("")]), user()]},
    ),
    _rule(
        name="blank-text",
        says="texts are not white space alone",
        source=OBSERVED,
        asks={"messages": [user([said(" "), said("hi")])]},
        losses=(("dropped", "/messages/0/content/0"),),
        sends={"/messages/0/content": [{"type": "text", "text": "hi"}]},
    ),
    _rule(
        name="nothing-but-empty-text",
        says="a conversation of empty texts is none",
        source=MESSAGES_API,
        asks={"messages": [user("")]},
        refused="/messages",
        breaks={"messages": [user("")]},
    ),
    _rule(
        name="system-after-the-model",
        says="an instruction stands behind a turn of the user",
        source=MESSAGES_API,
        asks={"messages": [user(), assistant(), {"role": "system", "content": "s"}, user()]},
        losses=(("moved", "/messages/2"),),
        sends={
            "/system": "s",
            "/messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "ok"},
                {"role": "user", "content": "hi"},
            ],
        },
        breaks={"messages": [user(), assistant(), {"role": "system", "content": "s"}, user()]},
    ),
    _rule(
        name="model-without-system-turns",
        says="older models take instructions before the conversation alone",
        source=MESSAGES_API,
        asks={"messages": [user(), {"role": "system", "content": "s"}, user()]},
        capabilities={"system_in_place": False},
        losses=(("moved", "/messages/1"),),
        sends={"/system": "s", "/messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "hi"}]},
    ),
    _rule(
        name="system-is-text",
        says="instructions are text",
        source=MESSAGES_API,
        client=RESPONSES,
        asks={
            "input": [
                {"role": "developer", "content": [{"type": "input_image", "image_url": PNG_URL, "detail": "auto"}]},
                user(),
            ]
        },
        refused="/input/0/content/0",
        breaks={"system": [picture()]},
    ),
    _rule(
        name="system-turn-is-text",
        says="instructions within the conversation are text",
        source=MESSAGES_API,
        client=RESPONSES,
        asks={
            "input": [
                user(),
                {"role": "developer", "content": [{"type": "input_image", "image_url": PNG_URL, "detail": "auto"}]},
            ]
        },
        refused="/input/1/content/0",
        breaks={"messages": [user(), {"role": "system", "content": [picture()]}]},
    ),
    _rule(
        name="prefill-ends-in-no-white-space",
        says="a last turn of the model does not end in white space",
        source=MESSAGES_API,
        asks={"messages": [user(), assistant("Answer: ")]},
        losses=(("approximated", "/messages/1/content"),),
        sends={"/messages/1/content": "Answer:"},
        breaks={"messages": [user(), assistant("Answer: ")]},
    ),
    _rule(
        name="model-without-prefill",
        says="newer models do not go on from a last turn of their own",
        source=MESSAGES_API,
        asks={"messages": [user(), assistant("Answer:")]},
        capabilities={"prefill": False},
        refused="/messages/1",
    ),
    _rule(
        name="names-of-speakers",
        says="speakers have no names",
        source=MESSAGES_API,
        asks={"messages": [user(name="ann")]},
        losses=(("dropped", "/messages/0/name"),),
        sends={"/messages/0/name": GONE},
        breaks={"messages": [user(name="ann")]},
    ),
    _rule(
        name="results-in-one-turn",
        says="all results of a turn's calls are in the next turn",
        source=TOOL_USE,
        asks={
            "tools": [chat_tool()],
            "messages": [user(), chat_calls(chat_call("c1"), chat_call("c2")), chat_result("c1"), chat_result("c2")],
        },
        sends={
            "/messages/2/content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "r"},
            ]
        },
        breaks={
            "tools": [messages_tool()],
            "messages": [
                user(),
                assistant([tool_use("c1"), tool_use("c2")]),
                user([tool_result("c1")]),
                assistant(),
                user([tool_result("c2")]),
            ],
        },
    ),
    _rule(
        name="results-come-first",
        says="results come first in their turn",
        source=TOOL_USE,
        client=MESSAGES,
        asks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use()]), user([said("so"), tool_result()])],
        },
        losses=(("reordered", "/messages/2/content/0"),),
        sends={
            "/messages/2/content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
                {"type": "text", "text": "so"},
            ]
        },
        breaks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use()]), user([said("so"), tool_result()])],
        },
    ),
    _rule(
        name="call-without-result",
        says="every call has a result",
        source=TOOL_USE,
        asks={"tools": [chat_tool()], "messages": [user(), chat_calls(chat_call()), user("stop")]},
        refused="/messages/1/tool_calls/0",
        breaks={"tools": [messages_tool()], "messages": [user(), assistant([tool_use()]), user()]},
    ),
    _rule(
        name="result-without-call",
        says="every result has a call",
        source=TOOL_USE,
        asks={"tools": [chat_tool()], "messages": [user(), chat_result()]},
        refused="/messages/1",
        breaks={"tools": [messages_tool()], "messages": [user(), assistant(), user([tool_result()])]},
    ),
    _rule(
        name="result-far-from-its-call",
        says="a result stands in the turn behind its call",
        source=TOOL_USE,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [user(), function_call(), user("wait"), {"role": "assistant", "content": "ok"}, function_output()],
        },
        losses=(("reordered", "/input/4"), ("reordered", "/input/2/content")),
        sends={
            "/messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
                        {"type": "text", "text": "wait"},
                    ],
                },
                {"role": "assistant", "content": "ok"},
            ]
        },
        breaks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use()]), user("wait"), assistant(), user([tool_result()])],
        },
    ),
    _rule(
        name="instruction-between-results",
        says="no instruction stands between the results of one turn",
        source=TOOL_USE,
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
                    "content": [
                        {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
                        {"type": "tool_use", "id": "c2", "name": "look", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": "r"},
                    ],
                },
                {"role": "system", "content": "s"},
            ]
        },
        breaks={
            "tools": [messages_tool()],
            "messages": [
                user(),
                assistant([tool_use("c1"), tool_use("c2")]),
                user([tool_result("c1")]),
                {"role": "system", "content": "s"},
                user([tool_result("c2")]),
            ],
        },
    ),
    _rule(
        name="instruction-between-call-and-result",
        says="no instruction stands between a call and its result",
        source=TOOL_USE,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [user(), function_call("c1"), {"role": "developer", "content": "s"}, function_output("c1")],
        },
        losses=(("moved", "/input/2"),),
        sends={
            "/system": "s",
            "/messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "r"}]},
            ],
        },
    ),
    _rule(
        name="two-calls-of-one-id",
        says="two calls do not have one id",
        source=TOOL_USE,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [user(), function_call(), function_call(), function_output(), function_output()],
        },
        refused="/input/2",
        breaks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use(), tool_use()]), user([tool_result()])],
        },
    ),
    _rule(
        name="call-id-alphabet",
        says="ids of calls have letters, digits, _ and -",
        source=TOOL_USE,
        asks={
            "tools": [chat_tool()],
            "messages": [user(), chat_calls(chat_call("functions.look:0")), chat_result("functions.look:0")],
        },
        sends={
            "/messages/1/content/0/id": "tw_ZnVuY3Rpb25zLmxvb2s6MA",
            "/messages/2/content/0/tool_use_id": "tw_ZnVuY3Rpb25zLmxvb2s6MA",
        },
        breaks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use("functions.look:0")]), user([tool_result("functions.look:0")])],
        },
    ),
    _rule(
        name="arguments-are-an-object",
        says="the input of a call is an object",
        source=TOOL_USE,
        asks={"tools": [chat_tool()], "messages": [user(), chat_calls(chat_call(arguments="[1]")), chat_result()]},
        losses=(("emulated", "/messages/1/tool_calls/0"),),
        sends={"/messages/1/content/0/input": {"_raw": "[1]"}},
        breaks={
            "tools": [messages_tool()],
            "messages": [user(), assistant([{**tool_use(), "input": [1]}]), user([tool_result()])],
        },
    ),
    _rule(
        name="no-audio",
        says="there is no audio input",
        source=MESSAGES_API,
        asks={"messages": [user([{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}])]},
        refused="/messages/0/content/0",
        breaks={"messages": [user([{"type": "audio"}])]},
    ),
    _rule(
        name="no-video",
        says="there is no video input",
        source=MESSAGES_API,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
    ),
    _rule(
        name="four-kinds-of-images",
        says="images are JPEG, PNG, GIF or WebP",
        source=MESSAGES_API,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "image/heic", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
        breaks={"messages": [user([picture("AAAA", "image/heic")])]},
    ),
    _rule(
        name="documents-are-pdf-or-text",
        says="documents are PDF or text",
        source=MESSAGES_API,
        client=GEMINI,
        asks={"contents": [turn("user", {"inlineData": {"mimeType": "application/msword", "data": "AAAA"}})]},
        refused="/contents/0/parts/0",
        breaks={
            "messages": [
                user(
                    [
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/msword", "data": "AAAA"},
                        }
                    ]
                )
            ]
        },
    ),
    _rule(
        name="files-of-others",
        says="files that another service holds are not here",
        source=MESSAGES_API,
        asks={"messages": [user([{"type": "file", "file": {"file_id": "file-1"}}])]},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="model-without-images",
        says="a model may take no images",
        source=MODELS,
        asks={"messages": [user([image_url()])]},
        capabilities={"images": False},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="model-without-documents",
        says="a model may take no documents",
        source=MODELS,
        asks={
            "messages": [
                user(
                    [
                        {
                            "type": "file",
                            "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
                        }
                    ]
                )
            ]
        },
        capabilities={"documents": False},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="platform-that-fetches-nothing",
        says="one platform fetches no files",
        source=MESSAGES_API,
        asks={"messages": [user([{"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}])]},
        capabilities={"url_media": False},
        refused="/messages/0/content/0",
    ),
    _rule(
        name="images-of-the-model",
        says="turns of the model hold no images",
        source=MESSAGES_API,
        client=GEMINI,
        asks={
            "contents": [
                turn("user", {"text": "hi"}),
                turn("model", {"inlineData": {"mimeType": "image/png", "data": PNG}}, {"text": "there"}),
                turn("user", {"text": "more"}),
            ]
        },
        losses=(("dropped", "/contents/1/parts/0"),),
        sends={"/messages/1/content": [{"type": "text", "text": "there"}]},
    ),
    _rule(
        name="image-detail",
        says="images have no detail",
        source=MESSAGES_API,
        asks={
            "messages": [
                user([{"type": "image_url", "image_url": {"url": "https://pictures.example/a.png", "detail": "low"}}])
            ]
        },
        losses=(("dropped", "/messages/0/content/0"),),
        sends={
            "/messages/0/content/0": {
                "type": "image",
                "source": {"type": "url", "url": "https://pictures.example/a.png"},
            }
        },
    ),
)
