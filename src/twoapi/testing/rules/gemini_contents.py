"""What Google's generateContent refuses of contents and functions."""

from functools import partial

from twoapi.testing.rules.pieces import (
    LONG,
    PNG,
    PNG_URL,
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
    messages_tool,
    responses_tool,
    tool_result,
    tool_use,
    turn,
    user,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

CONTENTS = "contents and parts"
CALLS = "function calling"
DECLARATIONS = "function declarations"

_rule = partial(Rule, target=GEMINI, client=CHAT)
_OWN = {"tools": [gemini_tool()]}
_HI = turn("user", {"text": "hi"})
_TOOLS = {"tools": [chat_tool()]}

RULES = (
    _rule(
        name="only-instructions",
        says="there is at least one content",
        source=CONTENTS,
        asks={"messages": [{"role": "system", "content": "s"}]},
        refused="/messages",
        breaks={"contents": []},
    ),
    _rule(
        name="roles",
        says="contents are the user's and the model's",
        source=CONTENTS,
        asks={"messages": [{"role": "developer", "content": "s"}, user()]},
        sends={
            "/systemInstruction": {"parts": [{"text": "s"}]},
            "/contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        },
        breaks={"contents": [turn("developer", {"text": "s"}), _HI]},
    ),
    _rule(
        name="instructions-come-first",
        says="instructions do not stand among the contents",
        source=CONTENTS,
        asks={"messages": [user(), {"role": "system", "content": "s"}, user()]},
        losses=(("moved", "/messages/1"),),
        sends={
            "/systemInstruction": {"parts": [{"text": "s"}]},
            "/contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "user", "parts": [{"text": "hi"}]}],
        },
        breaks={"contents": [_HI, turn("system", {"text": "s"})]},
    ),
    _rule(
        name="system-is-text",
        says="instructions are text",
        source=CONTENTS,
        client=RESPONSES,
        asks={
            "input": [
                {"role": "developer", "content": [{"type": "input_image", "image_url": PNG_URL, "detail": "auto"}]},
                user(),
            ]
        },
        refused="/input/0/content/0",
        breaks={"systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]}},
    ),
    _rule(
        name="contents-have-parts",
        says="a content has parts",
        source=CONTENTS,
        client=RESPONSES,
        asks={"input": [user(), {"role": "assistant", "content": []}, user()]},
        losses=(("dropped", "/input/1"),),
        sends={"/contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "user", "parts": [{"text": "hi"}]}]},
        breaks={"contents": [_HI, turn("model"), _HI]},
    ),
    _rule(
        name="call-behind-the-user",
        says="a turn with calls stands behind one of the user's",
        source=CALLS,
        client=RESPONSES,
        asks={"tools": [responses_tool()], "input": [function_call(), function_output(), user()]},
        refused="/input/0",
        breaks={**_OWN, "contents": [turn("model", calling()), turn("user", answering())]},
    ),
    _rule(
        name="model-speaks-once",
        says="before a call the model speaks in one content",
        source=CALLS,
        client=MESSAGES,
        asks={
            "tools": [messages_tool()],
            "messages": [user(), assistant(), assistant([tool_use()]), user([tool_result()])],
        },
        losses=(("approximated", "/messages/2"), ("synthesized", "/messages/2/content/0")),
        sends={
            "/contents/1": {
                "role": "model",
                "parts": [
                    {"text": "ok"},
                    {
                        "functionCall": {"name": "look", "id": "c1", "args": {}},
                        "thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
                    },
                ],
            }
        },
    ),
    _rule(
        name="as-many-responses",
        says="one content answers all calls of a turn",
        source=CALLS,
        asks={
            **_TOOLS,
            "messages": [user(), chat_calls(chat_call("c1"), chat_call("c2")), chat_result("c1"), chat_result("c2")],
        },
        losses=(("synthesized", "/messages/1/tool_calls/0"),),
        sends={
            "/contents/2": {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "look", "id": "c1", "response": {"output": "r"}}},
                    {"functionResponse": {"name": "look", "id": "c2", "response": {"output": "r"}}},
                ],
            }
        },
        breaks={
            **_OWN,
            "contents": [
                _HI,
                turn("model", calling(), calling()),
                turn("user", answering()),
                turn("user", answering()),
            ],
        },
    ),
    _rule(
        name="order-of-responses",
        says="responses stand in the order of their calls",
        source=CALLS,
        asks={
            **_TOOLS,
            "messages": [user(), chat_calls(chat_call("c1"), chat_call("c2")), chat_result("c2"), chat_result("c1")],
        },
        losses=(
            ("reordered", "/messages/2"),
            ("reordered", "/messages/3"),
            ("synthesized", "/messages/1/tool_calls/0"),
        ),
        sends={"/contents/2/parts/0/functionResponse/id": "c1"},
    ),
    _rule(
        name="call-without-response",
        says="every call has a response",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call()), user()]},
        refused="/messages/1/tool_calls/0",
        breaks={**_OWN, "contents": [_HI, turn("model", calling()), _HI]},
    ),
    _rule(
        name="response-without-call",
        says="every response has a call",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_result()]},
        refused="/messages/1",
        breaks={**_OWN, "contents": [_HI, turn("user", answering())]},
    ),
    _rule(
        name="two-calls-of-one-id",
        says="two calls do not have one id",
        source=CALLS,
        client=RESPONSES,
        asks={
            "tools": [responses_tool()],
            "input": [user(), function_call(), function_call(), function_output(), function_output()],
        },
        refused="/input/2",
        breaks={
            **_OWN,
            "contents": [
                _HI,
                turn("model", calling(id="c1"), calling(id="c1")),
                turn("user", answering(id="c1"), answering(id="c1")),
            ],
        },
    ),
    _rule(
        name="response-is-an-object",
        says="a response is an object",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call()), chat_result(text="[1]")]},
        losses=(("synthesized", "/messages/1/tool_calls/0"),),
        sends={"/contents/2/parts/0/functionResponse/response": {"output": "[1]"}},
        breaks={
            **_OWN,
            "contents": [
                _HI,
                turn("model", calling()),
                turn("user", {"functionResponse": {"name": "look", "response": [1]}}),
            ],
        },
    ),
    _rule(
        name="arguments-are-an-object",
        says="the arguments of a call are an object",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call(arguments="[1]")), chat_result()]},
        losses=(("emulated", "/messages/1/tool_calls/0"), ("synthesized", "/messages/1/tool_calls/0")),
        sends={"/contents/1/parts/0/functionCall/args": {"_raw": "[1]"}},
        breaks={
            **_OWN,
            "contents": [
                _HI,
                turn("model", {"functionCall": {"name": "look", "args": [1]}}),
                turn("user", answering()),
            ],
        },
    ),
    _rule(
        name="calls-have-signatures",
        says="the first call of a turn has a thought signature",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call()), chat_result()]},
        losses=(("synthesized", "/messages/1/tool_calls/0"),),
        sends={"/contents/1/parts/0/thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="},
    ),
    _rule(
        name="upstream-without-call-ids",
        says="some models take no ids of calls",
        source=CALLS,
        asks={**_TOOLS, "messages": [user(), chat_calls(chat_call()), chat_result()]},
        capabilities={"call_ids": False},
        losses=(("synthesized", "/messages/1/tool_calls/0"),),
        sends={"/contents/1/parts/0/functionCall/id": GONE, "/contents/2/parts/0/functionResponse/id": GONE},
    ),
    _rule(
        name="function-name-alphabet",
        says="a function's name begins with a letter or _",
        source=DECLARATIONS,
        asks={"tools": [chat_tool("9lives")]},
        sends={"/tools/0/functionDeclarations/0/name": "_9lives_bc867356"},
        breaks={"tools": [gemini_tool("9lives")]},
    ),
    _rule(
        name="function-name-length",
        says="a function's name has at most the model's length",
        source=DECLARATIONS,
        client=MESSAGES,
        asks={"tools": [messages_tool(LONG)]},
        sends={
            "/tools/0/functionDeclarations/0/name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_09ecb6eb"
        },
        breaks={"tools": [gemini_tool("x" * 129)]},
    ),
    _rule(
        name="function-names-unique",
        says="two functions do not have one name",
        source=DECLARATIONS,
        asks={"tools": [chat_tool(), chat_tool()]},
        refused="/tools/1",
        breaks={"tools": [gemini_tool(), gemini_tool()]},
    ),
    _rule(
        name="choice-of-an-unknown-function",
        says="allowed functions are declared",
        source=DECLARATIONS,
        asks={**_TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}},
        refused="/tool_choice",
        breaks={**_OWN, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}}},
    ),
    _rule(
        name="named-without-tools",
        says="a named function is declared",
        source=DECLARATIONS,
        asks={"tool_choice": {"type": "function", "function": {"name": "other"}}},
        refused="/tool_choice",
        breaks={"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}}},
    ),
    _rule(
        name="choice-without-tools",
        says="a choice needs functions",
        source=DECLARATIONS,
        asks={"tool_choice": "required"},
        losses=(("dropped", "/tool_choice"),),
        sends={"/toolConfig": GONE},
    ),
    _rule(
        name="allowed-names-need-a-mode",
        says="allowed names come with mode ANY or VALIDATED",
        source=DECLARATIONS,
        asks={
            **_TOOLS,
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
        },
        sends={"/toolConfig": {"functionCallingConfig": {"mode": "VALIDATED", "allowedFunctionNames": ["look"]}}},
        breaks={**_OWN, "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}}},
    ),
    _rule(
        name="no-parallel-switch",
        says="parallel calls cannot be switched off",
        source=DECLARATIONS,
        asks={**_TOOLS, "parallel_tool_calls": False},
        losses=(("unsupported", "/parallel_tool_calls"),),
        sends={"/parallelToolCalls": GONE},
        breaks={"parallelToolCalls": False},
    ),
    _rule(
        name="no-strict",
        says="there are no strict functions",
        source=DECLARATIONS,
        asks={"tools": [chat_tool(strict=True)]},
        losses=(("unsupported", "/tools/0"),),
        sends={
            "/tools": [
                {
                    "functionDeclarations": [
                        {"name": "look", "parametersJsonSchema": {"type": "object", "properties": {}}}
                    ]
                }
            ]
        },
    ),
    _rule(
        name="custom-tools",
        says="a function takes an object, not free text",
        source=DECLARATIONS,
        asks={"tools": [{"type": "custom", "custom": {"name": "patch"}}]},
        losses=(("emulated", "/tools/0"),),
        sends={
            "/tools/0/functionDeclarations/0/parametersJsonSchema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": False,
            }
        },
    ),
    _rule(
        name="forced-tools-of-other-vendors",
        says="a call of another vendor's tool cannot be forced",
        source=DECLARATIONS,
        client=MESSAGES,
        asks={
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search"},
        },
        refused="/tools/0",
    ),
)
