"""What Google's generateContent refuses of schemas."""

from functools import partial

from twoapi.testing.rules.pieces import chat_tool
from twoapi.testing.rules.rule import CHAT, GEMINI, Rule

SCHEMA = "the reduced Schema"

_rule = partial(Rule, target=GEMINI, client=CHAT)

RULES = (
    _rule(
        name="reduced-oneof",
        says="the reduced Schema has no oneOf",
        source=SCHEMA,
        asks={
            "tools": [
                chat_tool(
                    schema={"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}
                )
            ]
        },
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/properties/a/oneOf"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {
                "type": "OBJECT",
                "properties": {"a": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}},
            }
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "look", "parameters": {"type": "OBJECT", "properties": {"a": {"oneOf": []}}}}
                    ]
                }
            ]
        },
    ),
    _rule(
        name="reduced-enum",
        says="the reduced Schema lists strings alone",
        source=SCHEMA,
        asks={
            "tools": [chat_tool(schema={"type": "object", "properties": {"a": {"type": "integer", "enum": [1, 2]}}})]
        },
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/properties/a/enum"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "look",
                            "parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": [1]}}},
                        }
                    ]
                }
            ]
        },
    ),
    _rule(
        name="reduced-items",
        says="the reduced Schema's lists say of what",
        source=SCHEMA,
        asks={"tools": [chat_tool(schema={"type": "object", "properties": {"a": {"type": "array"}}})]},
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/properties/a"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {
                "type": "OBJECT",
                "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}}},
            }
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "look", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}}
                    ]
                }
            ]
        },
    ),
    _rule(
        name="reduced-type",
        says="the reduced Schema says types",
        source=SCHEMA,
        asks={"tools": [chat_tool(schema={"type": "object", "properties": {"a": {"description": "any"}}})]},
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/properties/a"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {
                "type": "OBJECT",
                "properties": {
                    "a": {
                        "anyOf": [
                            {"type": "STRING"},
                            {"type": "NUMBER"},
                            {"type": "BOOLEAN"},
                            {"type": "OBJECT"},
                            {"type": "ARRAY", "items": {"type": "STRING"}},
                        ],
                        "nullable": True,
                        "description": "any",
                    }
                },
            }
        },
        breaks={
            "tools": [
                {"functionDeclarations": [{"name": "look", "parameters": {"type": "OBJECT", "properties": {"a": {}}}}]}
            ]
        },
    ),
    _rule(
        name="reduced-references",
        says="the reduced Schema has a title beside no reference",
        source=SCHEMA,
        asks={
            "tools": [
                chat_tool(
                    schema={
                        "type": "object",
                        "$defs": {"T": {"type": "string"}},
                        "properties": {"a": {"$ref": "#/$defs/T", "description": "d", "title": "t"}},
                    }
                )
            ]
        },
        capabilities={"json_schemas": False},
        sends={
            "/tools/0/functionDeclarations/0/parameters": {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING", "title": "t", "description": "d"}},
            }
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "look",
                            "parameters": {"type": "OBJECT", "properties": {"a": {"ref": "#/defs/T", "title": "t"}}},
                        }
                    ]
                }
            ]
        },
    ),
    _rule(
        name="reduced-required",
        says="the reduced Schema requires what it describes",
        source=SCHEMA,
        asks={
            "tools": [
                chat_tool(schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]})
            ]
        },
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/required"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING"}},
                "required": ["a"],
            }
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "look", "parameters": {"type": "OBJECT", "properties": {}, "required": ["b"]}}
                    ]
                }
            ]
        },
    ),
    _rule(
        name="reduced-maps",
        says="older models take no additionalProperties",
        source=SCHEMA,
        asks={
            "tools": [
                chat_tool(
                    schema={
                        "type": "object",
                        "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}},
                    }
                )
            ]
        },
        capabilities={"json_schemas": False},
        losses=(("schema", "/tools/0/function/parameters/properties/a/additionalProperties"),),
        sends={
            "/tools/0/functionDeclarations/0/parameters": {"type": "OBJECT", "properties": {"a": {"type": "OBJECT"}}}
        },
        breaks={
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "look", "parameters": {"type": "OBJECT", "additionalProperties": {}}}
                    ]
                }
            ]
        },
    ),
)
