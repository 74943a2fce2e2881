"""Scenes of what only some protocols have: every text that ends in a number of its own must arrive, or be reported."""

from collections.abc import Iterator
from typing import Any

from twoapi.conformance.asked import Asked
from twoapi.conformance.reply import Reply
from twoapi.conformance.scenes.scene import Scene, Sight, Want, tells
from twoapi.conformance.scenes.tools import tools

Json = Any  # a parsed JSON document

_SIGN = "-q"  # in each text that is looked for


def _marked(body: Json) -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            if _SIGN in name:
                yield name
            yield from _marked(value)
    elif isinstance(body, list):
        for value in body:
            yield from _marked(value)
    elif isinstance(body, str) and _SIGN in body:
        yield body.split('"')[3] if body.startswith("{") else body  # JSON text: the first value in it


def _arrives(text: str) -> Want:
    def see(asked: Asked) -> Sight:
        return text in asked.raw

    return Want(name=f"{text!r}", at=(text,), see=see)


def _scene(feature: str, name: str, bodies: dict[str, Json]) -> Scene:
    texts = dict.fromkeys(text for body in bodies.values() for text in _marked(body))
    return Scene(
        feature=feature,
        name=name,
        common=False,
        bodies=bodies,
        wants=tuple(map(_arrives, texts)),
        reply=Reply(text="Done."),
        hears=(tells("Done."),),
    )


LABELS = _scene(
    "chat",
    "names and labels",
    {
        "openai-chat": {
            "messages": [
                {"role": "system", "name": "rules-q1", "content": "Be kind -q2"},
                {"role": "user", "name": "ann-q3", "content": "Hello -q4"},
                {"role": "assistant", "content": None, "refusal": "I will not -q5"},
                {"role": "user", "content": "Why? -q6"},
            ],
            "prompt_cache_key": "cache-q7",
            "safety_identifier": "person-q8",
            "metadata": {"key": "label-q9"},
            "prediction": {"type": "content", "content": "Because -q10"},
        },
        "openai-responses": {
            "instructions": "Be kind -q2",
            "input": [
                {"role": "user", "content": "Hello -q4"},
                {
                    "type": "message",
                    "id": "msg_1",
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "refusal", "refusal": "I will not -q5"}],
                },
                {"role": "user", "content": "Why? -q6"},
            ],
            "prompt_cache_key": "cache-q7",
            "safety_identifier": "person-q8",
            "metadata": {"key": "label-q9"},
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "system": [
                {"type": "text", "text": "Be kind -q2", "cache_control": {"type": "ephemeral"}},
            ],
            "messages": [{"role": "user", "content": "Hello -q4"}],
            "metadata": {"user_id": "person-q8"},
        },
    },
)

CUSTOM_TOOLS = _scene(
    "tools",
    "custom tools",
    {
        "openai-chat": {
            "messages": [
                {"role": "user", "content": "Patch it -q1"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": "*** Begin -q2"}}
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "applied -q3"},
            ],
            "tools": [
                {
                    "type": "custom",
                    "custom": {
                        "name": "patch",
                        "description": "Patches files -q4",
                        "format": {
                            "type": "grammar",
                            "grammar": {"syntax": "lark", "definition": 'start: "begin-q5"'},
                        },
                    },
                }
            ],
        },
        "openai-responses": {
            "input": [
                {"role": "user", "content": "Patch it -q1"},
                {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin -q2"},
                {"type": "custom_tool_call_output", "call_id": "call_1", "output": "applied -q3"},
                {
                    "type": "function_call",
                    "call_id": "call_2",
                    "name": "run",
                    "namespace": "repl",
                    "arguments": '{"code":"1 -q6"}',
                },
                {"type": "function_call_output", "call_id": "call_2", "output": "one -q7"},
            ],
            "tools": [
                {
                    "type": "custom",
                    "name": "patch",
                    "description": "Patches files -q4",
                    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "begin-q5"'},
                },
                {
                    "type": "namespace",
                    "name": "repl",
                    "description": "A shell -q8",
                    "tools": [
                        {
                            "type": "function",
                            "name": "run",
                            "description": "Runs code -q9",
                            "strict": False,
                            "parameters": {"type": "object", "properties": {"code": {"type": "string"}}},
                        }
                    ],
                },
            ],
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": "Look it up -q1"}],
            "tools": [
                {
                    "name": "look_up",
                    "description": "Looks it up -q2",
                    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
                    "input_examples": [{"city": "Lyon -q3"}],
                }
            ],
        },
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": "Look it up -q1"}]}],
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "look_up",
                            "description": "Looks it up -q2",
                            "parameters": {
                                "type": "OBJECT",
                                "properties": {
                                    "city": {"type": "STRING", "description": "where -q3", "nullable": True},
                                    "size": {"type": "STRING", "format": "enum", "enum": ["small -q4", "big -q5"]},
                                },
                                "propertyOrdering": ["size", "city"],
                            },
                            "responseJsonSchema": {"type": "object", "description": "answer -q6"},
                        }
                    ]
                }
            ],
        },
    },
)

SOURCES = _scene(
    "documents",
    "sources to cite",
    {
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "search_result",
                            "source": "https://kb.example/page-q1",
                            "title": "Page -q2",
                            "content": [{"type": "text", "text": "It says -q3"}],
                            "citations": {"enabled": True},
                        },
                        {
                            "type": "document",
                            "title": "Letter -q4",
                            "context": "from a friend -q5",
                            "source": {
                                "type": "content",
                                "content": [{"type": "text", "text": "Dear all -q6"}],
                            },
                            "citations": {"enabled": True},
                        },
                        {"type": "text", "text": "Sum it up -q7"},
                    ],
                }
            ],
        },
    },
)

FOREIGN_STATE = _scene(
    "reasoning replay",
    "history of another maker",
    {
        "openai-responses": {
            "input": [
                {"role": "user", "content": "Hi -q1"},
                {
                    "type": "reasoning",
                    "id": "rs_1",
                    "summary": [{"type": "summary_text", "text": "I think -q2"}],
                    "encrypted_content": "Zm9yZWlnbg==-q3",
                },
                {"role": "assistant", "content": "Hello -q4", "phase": "commentary"},
                {"role": "user", "content": "Go on -q5"},
            ],
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "thinking": {"type": "adaptive"},
            "messages": [
                {"role": "user", "content": "Hi -q1"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "I think -q2", "signature": "Zm9yZWlnbg==-q3"},
                        {"type": "redacted_thinking", "data": "aGlkZGVu-q6"},
                        {"type": "text", "text": "Hello -q4"},
                    ],
                },
                {"role": "user", "content": "Go on -q5"},
            ],
        },
        "gemini": {
            "contents": [
                {"role": "user", "parts": [{"text": "Hi -q1"}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "I think -q2", "thought": True},
                        {"text": "Hello -q4"},
                    ],
                },
                {"role": "user", "parts": [{"text": "Go on -q5"}]},
            ],
        },
    },
)

BUILT_IN = _scene(
    "tools",
    "built-in tools in the history",
    {
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [
                {"role": "user", "content": "Search it -q1"},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "server_tool_use",
                            "id": "srvtoolu_1",
                            "name": "web_search",
                            "input": {"query": "tower -q2"},
                        },
                        {
                            "type": "web_search_tool_result",
                            "tool_use_id": "srvtoolu_1",
                            "content": [
                                {
                                    "type": "web_search_result",
                                    "url": "https://towers.example/a-q3",
                                    "title": "Towers -q4",
                                    "encrypted_content": "RW5j",
                                    "page_age": None,
                                }
                            ],
                        },
                        {"type": "text", "text": "It is high -q5"},
                    ],
                },
                {"role": "user", "content": "How high? -q6"},
            ],
            "tools": [
                {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["towers-q7.example"]},
                *tools("anthropic-messages"),
            ],
        },
        "gemini": {
            "contents": [
                {"role": "user", "parts": [{"text": "Compute it -q1"}]},
                {
                    "role": "model",
                    "parts": [
                        {"executableCode": {"language": "PYTHON", "code": "print(1) # -q2"}},
                        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "one -q3"}},
                        {"text": "It is one -q4"},
                    ],
                },
                {"role": "user", "parts": [{"text": "And now? -q5"}]},
            ],
            "tools": [{"codeExecution": {}}],
        },
        "openai-responses": {
            "input": [
                {"role": "user", "content": "Search it -q1"},
                {
                    "type": "web_search_call",
                    "id": "ws_1",
                    "status": "completed",
                    "action": {"type": "search", "query": "tower -q2"},
                },
                {"role": "assistant", "content": "It is high -q5"},
                {"role": "user", "content": "How high? -q6"},
            ],
            "tools": [{"type": "web_search", "filters": {"allowed_domains": ["towers-q7.example"]}}],
            "store": False,
        },
    },
)

SCENES = (LABELS, CUSTOM_TOOLS, SOURCES, FOREIGN_STATE, BUILT_IN)
