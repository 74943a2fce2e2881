"""The model behind the gateway: it has the file written by whatever tool the program offers."""

import json
from dataclasses import replace
from typing import Any

from clients.job import CONTENT, Job
from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_requests import ScriptedRequest
from twoapi.testing.scripted_turn import Call, Tokens, Turn, instance
from twoapi.testing.strict import Refusal

Json = Any  # a parsed JSON document

REASONING = "Let me think: one file is to be written."
SIGNATURE = "c2lnbmF0dXJlLTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm"
TOKENS = Tokens(input=1100, cached=400, written=0, output=51, reasoning=13)

_PATHS = ("file_path", "path", "filePath", "absolute_path")
_CONTENTS = ("content", "contents", "text")
_COMMANDS = ("cmd", "command")
_MOST_CALLS = 8


class JobModel(ScriptedModel):
    """A handler for FakeUpstream: calls a tool that writes the job's file, waits for the result, says the final text.

    A request that does not speak of the job, such as one for a title, gets a short text. What was asked is kept for
    requests that only say what follows an earlier answer. `shown`: over Chat Completions the reasoning is shown, which
    services do that take it back; OpenAI's does neither. `refusals` are the requests that the model itself refused.
    """

    def __init__(self, job: Job, *, shown: bool = False) -> None:
        told = "reasoning_content" if shown else None
        super().__init__(Scenario(reasoning=REASONING, signature=SIGNATURE, tokens=TOKENS, reasoning_field=told))
        self.job = job
        self.results: list[str] = []
        self.refusals: list[Refusal] = []
        self.state_came_back = False
        self._calls = 0
        self._last = Turn()
        self._kept: dict[str, Json] = {}

    def __call__(self, request: Received) -> Reply:
        """The answer to a request of any protocol."""
        self._look_for_state(request)
        if request.method != "POST":
            return super().__call__(request)
        body = self._whole(request.json())
        reply = super().__call__(replace(request, body=json.dumps(body).encode()))
        self._keep(body)
        return reply

    def _look_for_state(self, request: Received) -> None:
        self.state_came_back = self.state_came_back or SIGNATURE.encode() in request.body

    def turn(self, seen: ScriptedRequest) -> Turn:
        """What comes next: the call, the final text, or something beside the job."""
        turn = Turn(reasoning=REASONING, signature=SIGNATURE, tokens=TOKENS, number=next(self._numbers))
        self._last = self._following(turn, seen)
        return self._last

    def _following(self, turn: Turn, seen: ScriptedRequest) -> Turn:
        tools, results = seen.tools(), seen.results()[1]
        if self.job.mark not in seen.asked() or not tools:
            return replace(turn, text="A file is written.")
        if results:
            self.results = results
            return replace(turn, text=self.job.final if all(results) else "A result is empty.")
        self._calls += 1
        if self._calls > _MOST_CALLS:
            return replace(turn, text="No result comes back.")
        call = self._writing(tools, seen.id_prefix)
        return replace(turn, text="I will write the file.", calls=(call,), stop="tool_use")

    # --- What is kept for a request that only says what follows an earlier answer ---

    def _whole(self, body: Json) -> Json:
        """The request with all that it refers to."""
        thread = body.get("thread") or {}
        earlier = thread.get("previous_message_id") or body.get("previous_response_id")
        if earlier is None:
            return body
        kept = self._kept[earlier]
        member = "messages" if "messages" in kept else "input"
        return {**kept, **body, member: kept[member] + body[member]}

    def _keep(self, body: Json) -> None:
        calls = self._last.calls
        if "messages" in body:
            blocks = [{"type": "tool_use", "id": call.id, "name": call.name, "input": {}} for call in calls]
            said = [{"role": "assistant", "content": blocks}]
            self._kept[f"msg_S{self._last.number:04d}"] = {**body, "messages": body["messages"] + said}
        elif "input" in body:
            given = body["input"]
            items = [{"role": "user", "content": given}] if isinstance(given, str) else given
            items += [{"type": "function_call", "call_id": call.id, "name": call.name} for call in calls]
            self._kept[f"resp_S{self._last.number:04d}"] = {**body, "input": items}

    # --- The call ---

    def _writing(self, tools: list[Json], prefix: str) -> Call:
        """A call of the best tool there is: one that writes a file, else one that runs a command."""
        stamp = f"{prefix}{self._calls:02d}{self.job.mark}0123456789abcdef"
        for arguments in (self._file_arguments, self._command_arguments):
            for tool in tools:
                made = arguments(tool)
                if made is not None:
                    return Call(id=stamp, name=tool["name"], body=json.dumps(made, ensure_ascii=False))
        names = ", ".join(tool["name"] for tool in tools)
        raise LookupError(f"no tool that writes a file among {names}")

    def _file_arguments(self, tool: Json) -> Json:
        return self._filled(tool, {_PATHS: str(self.job.file), _CONTENTS: CONTENT})

    def _command_arguments(self, tool: Json) -> Json:
        return self._filled(tool, {_COMMANDS: self.job.command})

    def _filled(self, tool: Json, wanted: dict[tuple[str, ...], str]) -> Json:
        """Arguments with these texts under one of their names; None when the schema lacks one, or asks for others."""
        properties = tool["schema"].get("properties") or {}
        arguments: dict[str, Json] = {}
        for names, value in wanted.items():
            name = next((one for one in names if one in properties), None)
            if name is None:
                return None
            arguments[name] = value
        required = tool["schema"].get("required") or []
        if len(wanted) > 1 and len(required) > len(wanted):
            return None  # a tool that replaces a text by another
        return arguments | {name: instance(properties[name]) for name in required if name not in arguments}
