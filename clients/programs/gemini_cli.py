"""Gemini CLI, without its terminal."""

import json

from clients.job import KEY, MODEL, Job
from clients.program import Program, binary, node

_SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False, "disableAutoUpdate": True},
    "telemetry": {"enabled": False},
    "privacy": {"usageStatisticsEnabled": False},
}


def _prepare(job: Job) -> None:
    folder = job.home / ".gemini"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(_SETTINGS))


def _command(job: Job) -> list[str]:
    options = ["-m", MODEL, "--approval-mode", "yolo", "--output-format", "json"]
    return [node(), binary("gemini"), *options, "-p", job.prompt]


def _variables(job: Job) -> dict[str, str]:
    return {
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": job.url,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "GEMINI_TELEMETRY_ENABLED": "false",
    }


def _said(output: str) -> str:
    """The answer; what a model says before a tool call is part of it."""
    return str(json.loads(output[output.index("{") :])["response"])


PROGRAMS = (
    Program(
        name="gemini-cli",
        protocol="gemini",
        room="node",
        package="@google/gemini-cli",
        command=_command,
        variables=_variables,
        prepare=_prepare,
        said=_said,
        seconds=90,
    ),
)
