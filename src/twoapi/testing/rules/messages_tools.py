"""What Anthropic's Messages refuses of marks and tools."""

from functools import partial

from twoapi.testing.rules.pieces import (
    LONG,
    OBJECT,
    assistant,
    chat_call,
    chat_calls,
    chat_result,
    chat_tool,
    gemini_tool,
    marked,
    messages_tool,
    responses_tool,
    said,
    user,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

CACHING = "prompt caching"
TOOL_USE = "tool use"
MODELS = "models"

_rule = partial(Rule, target=MESSAGES, client=CHAT)
_THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}

RULES = (
    _rule(
        name="four-cache-marks",
        says="at most four blocks have cache marks",
        source=CACHING,
        client=MESSAGES,
        asks={"messages": [user([marked(str(n)) for n in range(5)])]},
        losses=(("dropped", "/messages/0/content/0"),),
        sends={
            "/messages/0/content/0/cache_control": GONE,
            "/messages/0/content/1/cache_control": {"type": "ephemeral"},
        },
        breaks={"messages": [user([marked(str(n)) for n in range(5)])]},
    ),
    _rule(
        name="automatic-mark-counts",
        says="the automatic cache mark is one of the four",
        source=CACHING,
        client=MESSAGES,
        asks={"cache_control": {"type": "ephemeral"}, "messages": [user([marked(str(n)) for n in range(4)])]},
        losses=(("dropped", "/messages/0/content/0"),),
        sends={"/cache_control": {"type": "ephemeral"}, "/messages/0/content/0/cache_control": GONE},
        breaks={"cache_control": {"type": "ephemeral"}, "messages": [user([marked(str(n)) for n in range(4)])]},
    ),
    _rule(
        name="longer-marks-first",
        says="a mark of an hour comes before one of five minutes",
        source=CACHING,
        asks={
            "messages": [
                user(
                    [
                        said("a", prompt_cache_breakpoint={"mode": "explicit", "ttl": "5m"}),
                        said("b", prompt_cache_breakpoint={"mode": "explicit", "ttl": "12h"}),
                    ]
                )
            ]
        },
        losses=(("approximated", "/messages/0/content/1"), ("approximated", "/messages/0/content/0")),
        sends={
            "/messages/0/content/0/cache_control": {"type": "ephemeral", "ttl": "1h"},
            "/messages/0/content/1/cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        breaks={"messages": [user([marked("a"), marked("b", ttl="1h")])]},
    ),
    _rule(
        name="lifetimes",
        says="cache lifetimes are 5m and 1h",
        source=CACHING,
        asks={"messages": [user([said("a", prompt_cache_breakpoint={"mode": "explicit", "ttl": "30m"})])]},
        losses=(("approximated", "/messages/0/content/0"),),
        sends={"/messages/0/content/0/cache_control": {"type": "ephemeral", "ttl": "1h"}},
        breaks={"messages": [user([marked("a", ttl="30m")])]},
    ),
    _rule(
        name="upstream-without-marks",
        says="a compatible server may take no cache marks",
        source=MODELS,
        client=MESSAGES,
        asks={"messages": [user([marked("a")])]},
        capabilities={"cache_marks": False},
        losses=(("dropped", "/messages/0/content/0"),),
        sends={"/messages/0/content/0/cache_control": GONE},
    ),
    _rule(
        name="mark-on-thinking",
        says="thinking has no cache mark",
        source=CACHING,
        client=MESSAGES,
        asks={"messages": [user(), assistant([{**_THOUGHT, "cache_control": {"type": "ephemeral"}}, said()]), user()]},
        sends={"/messages/1/content/0/cache_control": GONE},
        breaks={
            "messages": [user(), assistant([{**_THOUGHT, "cache_control": {"type": "ephemeral"}}, said()]), user()]
        },
    ),
    _rule(
        name="tool-name-alphabet",
        says="tool names have letters, digits, _ and -",
        source=TOOL_USE,
        client=GEMINI,
        asks={"tools": [gemini_tool("fs.read")]},
        sends={"/tools/0/name": "fs_read_4074bc02"},
        breaks={"tools": [messages_tool("fs.read")]},
    ),
    _rule(
        name="tool-name-length",
        says="older models take tool names of 64 characters",
        source=TOOL_USE,
        client=GEMINI,
        asks={"tools": [gemini_tool(LONG)]},
        sends={"/tools/0/name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_09ecb6eb"},
        breaks={"tools": [messages_tool("x" * 129)]},
    ),
    _rule(
        name="tool-names-unique",
        says="two tools do not have one name",
        source=TOOL_USE,
        asks={"tools": [chat_tool(), chat_tool()]},
        refused="/tools/1",
        breaks={"tools": [messages_tool(), messages_tool()]},
    ),
    _rule(
        name="namespaces-make-no-second-name",
        says="a tool of a namespace and another do not have one name",
        source=TOOL_USE,
        client=RESPONSES,
        asks={
            "tools": [
                responses_tool("a__look"),
                {"type": "namespace", "name": "a", "description": "d", "tools": [responses_tool()]},
            ]
        },
        refused="/tools/1/tools/0",
    ),
    _rule(
        name="schema-is-an-object",
        says="the schema of a tool's input is of type object",
        source=TOOL_USE,
        asks={"tools": [chat_tool(schema={"description": "anything"})]},
        losses=(("schema", "/tools/0"),),
        sends={"/tools/0/input_schema": {"description": "anything", "type": "object"}},
        breaks={"tools": [messages_tool(schema={"description": "anything"})]},
    ),
    _rule(
        name="schema-is-no-array",
        says="the schema of a tool's input is of no other type",
        source=TOOL_USE,
        asks={"tools": [chat_tool(schema={"type": "array", "items": {}})]},
        refused="/tools/0",
        breaks={"tools": [messages_tool(schema={"type": "array"})]},
    ),
    _rule(
        name="schema-nullable-object",
        says="the schema of a tool's input is of type object alone",
        source=TOOL_USE,
        asks={"tools": [chat_tool(schema={"type": ["object", "null"], "properties": {}})]},
        losses=(("schema", "/tools/0"),),
        sends={"/tools/0/input_schema": {"type": "object", "properties": {}}},
        breaks={"tools": [messages_tool(schema={"type": ["object", "null"]})]},
    ),
    _rule(
        name="schema-needed",
        says="a tool has a schema",
        source=TOOL_USE,
        asks={"tools": [{"type": "function", "function": {"name": "look"}}]},
        sends={"/tools/0/input_schema": {"type": "object", "properties": {}}},
        breaks={"tools": [{"name": "look"}]},
    ),
    _rule(
        name="choice-without-tools",
        says="a tool choice needs tools",
        source=TOOL_USE,
        asks={"tool_choice": "required"},
        losses=(("dropped", "/tool_choice"),),
        sends={"/tool_choice": GONE},
        breaks={"tool_choice": {"type": "any"}},
    ),
    _rule(
        name="choice-of-an-unknown-tool",
        says="a tool choice names a tool that there is",
        source=TOOL_USE,
        asks={"tools": [chat_tool()], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        refused="/tool_choice",
        breaks={"tools": [messages_tool()], "tool_choice": {"type": "tool", "name": "other"}},
    ),
    _rule(
        name="allowed-subset",
        says="a choice allows no subset of the tools",
        source=TOOL_USE,
        asks={
            "tools": [chat_tool("a"), chat_tool("b")],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]},
            },
        },
        losses=(("info", "/tools/0"), ("emulated", "/tool_choice")),
        sends={
            "/tools": [{"name": "b", "input_schema": {"type": "object", "properties": {}}}],
            "/tool_choice": {"type": "any"},
        },
    ),
    _rule(
        name="parallel-not-on-none",
        says="a choice of none says nothing of parallel calls",
        source=TOOL_USE,
        asks={"tools": [chat_tool()], "tool_choice": "none", "parallel_tool_calls": False},
        losses=(("info", "/parallel_tool_calls"),),
        sends={"/tool_choice": {"type": "none"}},
        breaks={"tools": [messages_tool()], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
    ),
    _rule(
        name="custom-tools",
        says="a tool takes an object, not free text",
        source=TOOL_USE,
        asks={"tools": [{"type": "custom", "custom": {"name": "patch"}}]},
        losses=(("emulated", "/tools/0"),),
        sends={
            "/tools/0/input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": False,
            }
        },
        breaks={"tools": [{"name": "patch", "type": "custom"}]},
    ),
    _rule(
        name="tools-of-other-vendors",
        says="tools that another vendor runs are not here",
        source=TOOL_USE,
        client=RESPONSES,
        asks={"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        losses=(("unsupported", "/tools/0"),),
        sends={"/tools": GONE},
    ),
    _rule(
        name="forced-tools-of-other-vendors",
        says="a call of another vendor's tool cannot be forced",
        source=TOOL_USE,
        client=RESPONSES,
        asks={
            "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}],
            "tool_choice": {"type": "code_interpreter"},
        },
        refused="/tools/0",
    ),
    _rule(
        name="calls-declared",
        says="the tools of a history are declared",
        source=TOOL_USE,
        asks={"messages": [user(), chat_calls(chat_call()), chat_result()]},
        losses=(("synthesized", "/messages/1/tool_calls/0"),),
        sends={"/tools": [{"name": "look", "input_schema": {"type": "object"}}]},
    ),
    _rule(
        name="upstream-without-strict-tools",
        says="older models take no strict tools",
        source=MODELS,
        asks={"tools": [chat_tool(strict=True, schema={**OBJECT, "additionalProperties": False, "required": []})]},
        capabilities={"strict_tools": False},
        losses=(("unsupported", "/tools/0/strict"),),
        sends={"/tools/0/strict": GONE},
    ),
)
