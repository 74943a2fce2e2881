"""Codex, over HTTP and over a websocket."""

import json
from functools import partial

from clients.job import KEY, MODEL, Job
from clients.program import Program, binary

_CONFIG = """
model = "{model}"
model_provider = "gateway"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[model_providers.gateway]
name = "gateway"
base_url = "{url}/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = {websocket}

[analytics]
enabled = false

[otel]
exporter = "none"
"""


def _prepare(job: Job, *, websocket: bool) -> None:
    folder = job.home / ".codex"
    folder.mkdir(parents=True)
    text = _CONFIG.format(model=MODEL, url=job.url, websocket=str(websocket).lower())
    (folder / "config.toml").write_text(text)


def _command(job: Job) -> list[str]:
    return [binary("codex"), "exec", "--skip-git-repo-check", "--json", job.prompt]


def _variables(job: Job) -> dict[str, str]:
    return {"CODEX_HOME": str(job.home / ".codex"), "GATEWAY_KEY": KEY}


def _said(output: str) -> str:
    """The last message of the events that were printed."""
    items = [event.get("item") or {} for event in map(json.loads, output.splitlines())]
    return next(str(item["text"]) for item in reversed(items) if item.get("type") == "agent_message")


PROGRAMS = tuple(
    Program(
        name=name,
        protocol="openai-responses",
        room="node",
        package="@openai/codex",
        command=_command,
        variables=_variables,
        prepare=partial(_prepare, websocket=websocket),
        said=_said,
        seconds=90,
        socket=websocket,
    )
    for name, websocket in (("codex", False), ("codex-websocket", True))
)
