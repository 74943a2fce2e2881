"""Claude Code, without its terminal."""

import json

from clients.job import KEY, MODEL, Job
from clients.program import Program, binary


def _command(job: Job) -> list[str]:
    options = ["--model", MODEL, "--permission-mode", "acceptEdits", "--allowedTools", "Write"]
    return [binary("claude"), "-p", *options, "--output-format", "json", job.prompt]


def _variables(job: Job) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": job.url,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }


def _said(output: str) -> str:
    return str(json.loads(output)["result"])


PROGRAMS = (
    Program(
        name="claude-code",
        protocol="anthropic-messages",
        room="node",
        package="@anthropic-ai/claude-code",
        command=_command,
        variables=_variables,
        said=_said,
        seconds=90,
    ),
)
