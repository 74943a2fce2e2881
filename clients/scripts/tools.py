"""What the scripts of the Python libraries share: the settings of the job, and the tool."""

import os

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
MODEL = os.environ["GATEWAY_MODEL"]
PROMPT = os.environ["JOB_PROMPT"]
SYSTEM = "You are a careful assistant."

PARAMETERS = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "absolute path"},
        "content": {"type": "string"},
    },
    "required": ["path", "content"],
    "additionalProperties": False,
}


def write_file(path: str, content: str) -> str:
    """Write a text file.

    Args:
        path: absolute path of the file
        content: the text to write
    """
    with open(path, "w", encoding="utf-8") as file:
        return f"wrote {file.write(content)} characters"
