"""What a request that reached an upstream says, whichever protocol it is written in.

`kind` is the alias of the upstream: chat, responses, messages or gemini.
"""

from typing import Any


def limit(kind: str, body: Any) -> int:
    """The most tokens that the answer may have."""
    match kind:
        case "chat":
            most = body["max_completion_tokens"]
        case "responses":
            most = body["max_output_tokens"]
        case "messages":
            most = body["max_tokens"]
        case _:
            most = body["generationConfig"]["maxOutputTokens"]
    return int(most)


def stops(kind: str, body: Any) -> list[str] | None:
    """The texts at which the answer ends; None when none are told."""
    match kind:
        case "chat":
            texts = body.get("stop")
        case "responses":  # knows none
            texts = None
        case "messages":
            texts = body.get("stop_sequences")
        case _:
            texts = body.get("generationConfig", {}).get("stopSequences")
    return None if texts is None else list(texts)


def schema(kind: str, body: Any) -> Any:
    """The JSON Schema that the answer must fit."""
    match kind:
        case "chat":
            return body["response_format"]["json_schema"]["schema"]
        case "responses":
            return body["text"]["format"]["schema"]
        case "messages":
            return body["output_config"]["format"]["schema"]
        case _:
            config = body["generationConfig"]
            assert config["responseMimeType"] == "application/json"
            return config["responseJsonSchema"]
