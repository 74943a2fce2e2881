"""What OpenAI's Chat Completions refuses of options and tools."""

from functools import partial

from twoapi.testing.rules.pieces import (
    LONG,
    OBJECT,
    chat_tool,
    gemini_tool,
    messages_tool,
    responses_tool,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

PARAMETERS = "Chat Completions API"
SERVERS = "compatible servers"
STRUCTURED = "structured outputs"
FUNCTIONS = "function calling"

_rule = partial(Rule, target=CHAT, client=MESSAGES)
_CHAT_TOOLS = {"tools": [chat_tool()]}
_TOOLS = {"tools": [messages_tool()]}

RULES = (
    _rule(
        name="no-top-k",
        says="there is no top_k",
        source=PARAMETERS,
        asks={"top_k": 5},
        losses=(("dropped", "/top_k"),),
        sends={"/top_k": GONE},
        breaks={"top_k": 5},
    ),
    _rule(
        name="four-stops",
        says="there are at most four stop strings",
        source=PARAMETERS,
        asks={"stop_sequences": ["a", "b", "c", "d", "e", "f"]},
        losses=(("dropped", "/stop_sequences/4"), ("dropped", "/stop_sequences/5")),
        sends={"/stop": ["a", "b", "c", "d"]},
        breaks={"stop": ["a", "b", "c", "d", "e", "f"]},
    ),
    _rule(
        name="model-without-stop",
        says="the newest models take no stop strings",
        source=PARAMETERS,
        asks={"stop_sequences": ["a"]},
        capabilities={"max_stop": 0},
        losses=(("dropped", "/stop_sequences/0"),),
        sends={"/stop": GONE},
    ),
    _rule(
        name="model-without-sampling",
        says="reasoning models take no sampling parameters",
        source=PARAMETERS,
        asks={"temperature": 0.5, "top_p": 0.5},
        capabilities={"sampling": False},
        losses=(("dropped", "/temperature"), ("dropped", "/top_p")),
        sends={"/temperature": GONE, "/top_p": GONE},
    ),
    _rule(
        name="top-logprobs-need-logprobs",
        says="top_logprobs needs logprobs",
        source=PARAMETERS,
        client=GEMINI,
        asks={"generationConfig": {"logprobs": 3}},
        losses=(("dropped", "/generationConfig/logprobs"),),
        sends={"/top_logprobs": GONE},
        breaks={"top_logprobs": 3},
    ),
    _rule(
        name="max-tokens-positive",
        says="at least one token is made",
        source=PARAMETERS,
        asks={"max_tokens": 0},
        losses=(("clamped", "/max_tokens"),),
        sends={"/max_completion_tokens": 1},
        breaks={"max_completion_tokens": 0},
    ),
    _rule(
        name="max-tokens-old-name",
        says="older servers know max_tokens alone",
        source=SERVERS,
        asks={"max_tokens": 5},
        capabilities={"max_tokens_field": "max_tokens"},
        sends={"/max_tokens": 5, "/max_completion_tokens": GONE},
    ),
    _rule(
        name="max-tokens-of-model",
        says="a model has an output limit",
        source=PARAMETERS,
        asks={"max_tokens": 50000},
        capabilities={"max_output": 16384},
        losses=(("clamped", "/max_tokens"),),
        sends={"/max_completion_tokens": 16384},
    ),
    _rule(
        name="sixteen-pairs-of-metadata",
        says="metadata has at most 16 pairs",
        source=PARAMETERS,
        client=GEMINI,
        asks={"labels": {f"k{n}": "v" for n in range(17)}},
        losses=(("dropped", "/labels/k16"),),
        sends={
            "/metadata": {
                "k0": "v",
                "k1": "v",
                "k2": "v",
                "k3": "v",
                "k4": "v",
                "k5": "v",
                "k6": "v",
                "k7": "v",
                "k8": "v",
                "k9": "v",
                "k10": "v",
                "k11": "v",
                "k12": "v",
                "k13": "v",
                "k14": "v",
                "k15": "v",
            }
        },
        breaks={"metadata": {f"k{n}": "v" for n in range(17)}},
    ),
    _rule(
        name="at-least-one-answer",
        says="at least one answer is made",
        source=PARAMETERS,
        client=GEMINI,
        asks={"generationConfig": {"candidateCount": 0}},
        losses=(("dropped", "/generationConfig/candidateCount"),),
        sends={"/n": GONE},
        breaks={"n": 0},
    ),
    _rule(
        name="user-id",
        says="a safety identifier has at most 128 characters",
        source=PARAMETERS,
        asks={"metadata": {"user_id": "u" * 200}},
        losses=(("dropped", "/metadata/user_id"),),
        sends={"/safety_identifier": GONE},
        breaks={"safety_identifier": "u" * 200},
    ),
    _rule(
        name="tier",
        says="service tiers are the six of the vendor",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"service_tier": "ultrafast"},
        losses=(("dropped", "/service_tier"),),
        sends={"/service_tier": GONE},
        breaks={"service_tier": "ultrafast"},
    ),
    _rule(
        name="model-without-effort",
        says="older models take no reasoning effort",
        source=PARAMETERS,
        client=RESPONSES,
        asks={"reasoning": {"effort": "high"}},
        capabilities={"effort": False},
        losses=(("dropped", "/reasoning/effort"),),
        sends={"/reasoning_effort": GONE},
    ),
    _rule(
        name="no-budget",
        says="reasoning has an effort, not a budget",
        source=PARAMETERS,
        asks={"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 4096}},
        losses=(("approximated", "/thinking/budget_tokens"),),
        sends={"/reasoning_effort": "medium"},
    ),
    _rule(
        name="no-reasoning-between-tools",
        says="reasoning between tools alone cannot be asked for",
        source=PARAMETERS,
        asks={"thinking": {"type": "between_tools"}},
        losses=(("unsupported", "/thinking/type"),),
        sends={"/reasoning_effort": GONE},
    ),
    _rule(
        name="schema-has-a-name",
        says="the schema of an answer has a name",
        source=STRUCTURED,
        client=GEMINI,
        asks={
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
            }
        },
        losses=(("info", "/generationConfig/responseJsonSchema"),),
        sends={
            "/response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "response",
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
            }
        },
        breaks={"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
    ),
    _rule(
        name="schema-name-and-strictness",
        says="names have letters, digits, _ and -; a strict schema is closed and requires everything",
        source=STRUCTURED,
        client=RESPONSES,
        asks={
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "x y",
                    "strict": True,
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                }
            }
        },
        losses=(("approximated", "/text/format/strict"), ("approximated", "/text/format/name")),
        sends={
            "/response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x_y", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
            }
        },
        breaks={
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "x",
                    "strict": True,
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
            }
        },
    ),
    _rule(
        name="tool-strict",
        says="the schema of a strict tool is closed and requires everything",
        source=STRUCTURED,
        asks={
            "tools": [messages_tool(schema={"type": "object", "properties": {"a": {"type": "string"}}}, strict=True)]
        },
        losses=(("approximated", "/tools/0/strict"),),
        sends={"/tools/0/function/strict": GONE},
        breaks={"tools": [chat_tool(schema={"type": "object", "properties": {"a": {"type": "string"}}}, strict=True)]},
    ),
    _rule(
        name="upstream-without-strict",
        says="compatible servers may know no strict tools",
        source=SERVERS,
        asks={"tools": [messages_tool(schema={**OBJECT, "additionalProperties": False, "required": []}, strict=True)]},
        capabilities={"strict_tools": False},
        losses=(("unsupported", "/tools/0/strict"),),
        sends={"/tools/0/function/strict": GONE},
    ),
    _rule(
        name="tool-name-length",
        says="tool names have at most 64 characters",
        source=FUNCTIONS,
        asks={"tools": [messages_tool(LONG)]},
        sends={"/tools/0/function/name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_09ecb6eb"},
        breaks={"tools": [chat_tool(LONG)]},
    ),
    _rule(
        name="tool-name-alphabet",
        says="tool names have letters, digits, _ and -",
        source=FUNCTIONS,
        client=GEMINI,
        asks={"tools": [gemini_tool("fs.read")]},
        sends={"/tools/0/function/name": "fs_read_4074bc02"},
        breaks={"tools": [chat_tool("fs.read")]},
    ),
    _rule(
        name="namespaces-make-no-second-name",
        says="a tool of a namespace and another do not have one name",
        source=FUNCTIONS,
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
        name="choice-without-tools",
        says="a tool choice needs tools",
        source=FUNCTIONS,
        asks={"tool_choice": {"type": "any"}},
        losses=(("dropped", "/tool_choice"),),
        sends={"/tool_choice": GONE},
        breaks={"tool_choice": "required"},
    ),
    _rule(
        name="named-without-tools",
        says="a named tool needs tools",
        source=FUNCTIONS,
        asks={"tool_choice": {"type": "tool", "name": "look"}},
        refused="/tool_choice",
        breaks={"tool_choice": {"type": "function", "function": {"name": "look"}}},
    ),
    _rule(
        name="parallel-without-tools",
        says="parallel_tool_calls needs tools",
        source=FUNCTIONS,
        client=RESPONSES,
        asks={"parallel_tool_calls": False},
        sends={"/parallel_tool_calls": GONE},
        breaks={"parallel_tool_calls": False},
    ),
    _rule(
        name="choice-of-an-unknown-tool",
        says="a tool choice names a tool that there is",
        source=FUNCTIONS,
        asks={**_TOOLS, "tool_choice": {"type": "tool", "name": "other"}},
        refused="/tool_choice",
        breaks={**_CHAT_TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}},
    ),
    _rule(
        name="allowed-unknown-tools",
        says="a tool choice allows tools that there are",
        source=FUNCTIONS,
        client=GEMINI,
        asks={
            "tools": [gemini_tool()],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}},
        },
        refused="/toolConfig/functionCallingConfig",
    ),
    _rule(
        name="tools-of-other-vendors",
        says="tools that another vendor runs are not here",
        source=FUNCTIONS,
        asks={"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]},
        losses=(("unsupported", "/tools/0"),),
        sends={"/tools": GONE},
    ),
    _rule(
        name="forced-tools-of-other-vendors",
        says="a call of another vendor's tool cannot be forced",
        source=FUNCTIONS,
        asks={
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search"},
        },
        refused="/tool_choice",
    ),
    _rule(
        name="tool-schema-has-properties",
        says="the schema of an object says its properties",
        source=FUNCTIONS,
        asks={"tools": [messages_tool(schema={"type": "object"})]},
        sends={"/tools/0/function/parameters": {"type": "object", "properties": {}}},
    ),
)
