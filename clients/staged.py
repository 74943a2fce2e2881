"""The model behind a vendor's fake: the same job in a dialect or at a platform that is not one of the four."""

import msgspec

from clients.job import Job
from clients.model import JobModel
from clients.upstreams import Service
from twoapi.conformance import Arrival
from twoapi.conformance.asked import Asked
from twoapi.conformance.reply import Called, Fault, Used
from twoapi.conformance.reply import Reply as Answer
from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Json, Reply, json_reply
from twoapi.testing.scripted_turn import Turn
from twoapi.testing.strict import Refusal


class AskedRequest:
    """A request that a vendor's fake has read, as the model reads it."""

    id_prefix = "call_"

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def tools(self) -> list[Json]:
        """The functions that may be called now."""
        offered = [] if self._asked.choice == "none" else self._asked.tools
        return [{"kind": "function", "name": one.name, "schema": one.schema or {}} for one in offered]

    def parallel(self) -> bool:
        """Several calls in one turn are always welcome."""
        return True

    def results(self) -> tuple[int, list[str]]:
        """How many calls there are, and their results; where a dialect has no ids, by their order."""
        calls, given = self._asked.of("call"), self._asked.of("result")
        if not any(one.id for one in given):
            return len(calls), [one.text for one in given]
        found = {one.id: one.text for one in given}
        return len(calls), [found.get(one.id, "") for one in calls]

    def asked(self) -> str:
        """All that users said in text."""
        return "\n".join(self._asked.texts("user"))


class StagedModel(JobModel):
    """A handler for FakeUpstream that speaks as the service's vendor does; `strict`: and refuses what that would."""

    def __init__(self, job: Job, service: Service, *, strict: bool) -> None:
        super().__init__(job)
        assert service.vendor is not None  # noqa: S101  what this model is for
        self._service, self._vendor, self._strict = service, service.vendor, strict

    def __call__(self, request: Received) -> Reply:
        """The answer to a request of the vendor's dialect."""
        self._look_for_state(request)
        vendor, below = self._vendor, request.path.removeprefix(self._vendor.base)
        if request.method != "POST" or below == request.path or not vendor.takes(below):
            return self._refuse(404, f"there is no {request.method} {request.path}")
        if not any(self._service.key in value for value in request.headers.values()):
            return self._refuse(401, "no valid key was given")
        try:
            arrival = Arrival(
                protocol=vendor.protocol,
                path=request.path,
                query=request.query,
                headers=request.headers,
                body=request.json(),
            )
            asked = vendor.read(arrival.body)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return self._refuse(400, f"the body cannot be read: {error!r}")
        for at, message in vendor.refuses(arrival) if self._strict else []:
            return self._refuse(400, message, at)
        said = vendor.say(self._answer(self.turn(AskedRequest(asked))), self._service.model)
        if not vendor.streams(arrival):
            return Reply(pieces=(msgspec.json.encode(said.body),))
        frames = (*said.head, *said.tail)
        return Reply(content_type=vendor.stream_type, pieces=frames, framing="chunked")

    def _answer(self, turn: Turn) -> Answer:
        tokens = turn.tokens
        return Answer(
            text=turn.text,
            reasoning=turn.reasoning,
            opaque=turn.signature if self._vendor.makes_state else "",
            calls=tuple(Called(id=call.id, name=call.name, arguments=call.body) for call in turn.calls),
            stop="tool_use" if turn.calls else "stop",
            used=Used(
                input=tokens.input + tokens.cached + tokens.written,
                cached=tokens.cached,
                written=tokens.written,
                output=tokens.output + tokens.reasoning,
                reasoning=tokens.reasoning,
            ),
        )

    def _refuse(self, status: int, message: str, at: str = "") -> Reply:
        self.refusals.append(Refusal(protocol=self._vendor.protocol, status=status, message=message, at=at))
        fault = Fault(where="before", status=status, message=f"{at}: {message}")
        return json_reply(self._vendor.fail(fault), self._vendor.status(fault), self._vendor.headers(fault))
