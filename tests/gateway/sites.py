"""Several gateways on one store, before two upstreams of every protocol."""

import http.client
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from twoapi.config import parse
from twoapi.gateway.state import State
from twoapi.store.sqlite import SqliteStore
from twoapi.testing.canned import PATHS
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.scripted_model import Scenario, ScriptedModel

SIGNATURE = "c2lnbmF0dXJlIG9mIHRoZSB2ZW5kb3I="
ANN, BOB = ({"authorization": f"Bearer key-of-{name}-0123456789"} for name in ("ann", "bob"))
KINDS = {
    "chat": ("openai-chat", "openai-compatible"),
    "messages": ("anthropic-messages", "anthropic-compatible"),
    "responses": ("openai-responses", "openai-responses-compatible"),
    "gemini": ("gemini", "gemini-compatible"),
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """Models by the kind of their upstream: `chat`, `messages` ... at `one`, `other-chat` ... at `two`."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self.path = path
        self.one, self.two = (stack.enter_context(FakeUpstream()) for _ in range(2))
        lines = ["listen: 127.0.0.1:0"]
        lines += ["keys: [{name: ann, key: key-of-ann-0123456789}, {name: bob, key: key-of-bob-0123456789}]"]
        lines += ["upstreams:"]
        models = ["models:"]
        for before, upstream in (("", self.one), ("other-", self.two)):
            for kind, (protocol, provider) in KINDS.items():
                url = upstream.base_url(protocol)
                lines.append(f'  {before}{kind}-up: {{provider: {provider}, base_url: "{url}", credentials: [key-a]}}')
                models.append(f"  {before}{kind}: {{candidates: [{before}{kind}-up/m-1], retries: 0}}")
        self.text = "\n".join([*lines, *models]) + "\n"
        self._stack = stack

    def gateway(self) -> RunningGateway:
        state = State(SqliteStore(str(self.path)))
        return self._stack.enter_context(RunningGateway(parse(self.text, "test.yaml", {}), state=state))

    def plays(self, **scenario: Any) -> None:
        for upstream in (self.one, self.two):
            upstream.handler = ScriptedModel(Scenario(**scenario))


def post(port: int, protocol: str, body: Any, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", PATHS[protocol], json.dumps(body), {"content-type": "application/json", **headers})
    response = connection.getresponse()
    answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return answer


def data_lines(answer: Answer) -> list[Any]:
    """The documents of a stream."""
    lines = [line[6:] for line in answer.body.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]
