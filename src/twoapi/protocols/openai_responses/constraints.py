"""What this vendor's model takes beside the conversation: sampling, reasoning, the form of the answer, state."""

from operator import attrgetter

from msgspec import Raw

from twoapi.ir import Loss, LossKind, Output, ReasoningConfig, Request, State
from twoapi.ir.request import Effort
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_limits import Limits, effort_of_budget
from twoapi.protocols.openai_responses import schema_request as wire
from twoapi.protocols.openai_responses.decode_request import LOGPROBS, SEALED
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.protocols.strict_schemas import conforms

MIN_OUTPUT = 16  # tokens; the vendor refuses a lower limit
MAX_USER = 128  # characters
_ANY_OBJECT = Raw(b'{"type":"object","properties":{}}')
_TIERS = {
    "auto": "auto",
    "default": "default",
    "standard": "default",
    "standard_only": "default",
    "flex": "flex",
    "scale": "scale",
    "priority": "priority",
    "fast": "fast",
}
_UNKNOWN_HERE = (
    ("top_k", "no top_k here"),
    ("presence_penalty", "no penalties here"),
    ("frequency_penalty", "no penalties here"),
    ("seed", "no seed here"),
    ("stop", "no stop strings here"),
    ("logit_bias", "no bias of tokens here"),
)


# What a request has that says nothing of these: one comparison passes all their rules by.
_NO_STATE, _NO_REASONING, _NO_OUTPUT = State(), ReasoningConfig(), Output()
_unknown_here = attrgetter(*(name for name, _ in _UNKNOWN_HERE))
_ALL_KNOWN = (None,) * len(_UNKNOWN_HERE)
_rest = attrgetter("metadata", "cache_key", "user_id", "tier", "safety", "cache_auto")
_NO_REST = (None,) * 6


class Constraints:
    """Fills the rest of one body, and reports what the vendor has no place for."""

    __slots__ = ("_body", "_capabilities", "_limits", "_losses", "_request", "_same")

    def __init__(
        self, request: Request, capabilities: Capabilities, losses: list[Loss], body: wire.WrittenBody
    ) -> None:
        self._request = request
        self._capabilities = capabilities
        self._losses = losses
        self._body = body
        self._same = request.protocol == NAME
        self._limits = Limits(request, NAME, losses)

    def put(self) -> None:
        """Everything but the conversation and the tools; raises FaultError for what must be refused."""
        request, body = self._request, self._body
        if request.state != _NO_STATE:
            self._put_state()
        if body.store is None and not self._same:
            body.store = False  # the vendor keeps what is not said; our client did not ask for it
        self._put_sampling()
        if request.reasoning != _NO_REASONING or (self._same and request.extras):
            self._put_reasoning()
        if request.output != _NO_OUTPUT:
            self._put_output()
        self._put_include()
        if _rest(request) != _NO_REST:
            self._put_rest()
        if request.stream:
            body.stream = True

    def _put_state(self) -> None:
        state, body = self._request.state, self._body
        if state.thread is not None:
            raise refuse("threads cannot be kept by this upstream", "/thread", "thread_unsupported_request")
        if state.cached is not None:
            raise refuse("this upstream does not hold this content", self._request.where("state.cached"))
        body.previous_response_id = state.previous
        if state.conversation is not None:
            spelled = self._request.where("state.conversation").endswith("/id")
            body.conversation = wire.WrittenConversation(id=state.conversation) if spelled else state.conversation
        body.background = state.background
        body.store = state.store

    def _put_sampling(self) -> None:
        sampling, body = self._request.sampling, self._body
        body.max_output_tokens = sampling.max_tokens
        if sampling.max_tokens is not None and not self._same:
            body.max_output_tokens = self._limits.output(sampling.max_tokens, MIN_OUTPUT, self._capabilities)
        if self._capabilities.sampling:
            body.temperature, body.top_p = sampling.temperature, sampling.top_p
        else:
            for name in ("temperature", "top_p"):
                if getattr(sampling, name) is not None:
                    self._lose(name, "dropped", "this model takes no sampling parameters")
        body.top_logprobs = sampling.top_logprobs
        if sampling.top_logprobs is not None and not sampling.logprobs and not self._same:
            body.top_logprobs = None
            self._lose("top_logprobs", "dropped", "no number of logprobs without logprobs")
        if _unknown_here(sampling) != _ALL_KNOWN:
            for name, why in _UNKNOWN_HERE:
                if getattr(sampling, name) is not None:
                    self._lose(name, "dropped", why)
        if sampling.n is not None and sampling.n > 1:
            raise refuse("this upstream gives one answer per request", self._request.where("n"))

    def _put_reasoning(self) -> None:
        config = wire.WrittenReasoningConfig(effort=self._effort(), summary=self._summary())
        if config.effort is not None or config.summary is not None:
            if not self._capabilities.effort:
                field = "reasoning.effort" if config.effort is not None else "reasoning.show"
                self._lose(field, "dropped", "this model takes no reasoning parameters")
                return
            self._body.reasoning = config
        elif any(pointer.startswith("/reasoning/") for pointer in self._request.extras) and self._same:
            self._body.reasoning = config

    def _summary(self) -> str | None:
        """How the reasoning is shown; who switches it on in another protocol is shown it without a word."""
        reasoning = self._request.reasoning
        if reasoning.show is None:
            return None if self._same or reasoning.mode not in ("manual", "adaptive") else "auto"
        if reasoning.show == "none":
            self._lose("reasoning.show", "info", "no summary is asked for")
            return None
        if reasoning.show != "summary":
            self._lose("reasoning.show", "approximated", "reasoning is shown as a summary")
        return reasoning.detail or "auto"

    def _effort(self) -> Effort | None:
        """The effort that says the same as the client's budget or mode, as nearly as it can."""
        reasoning = self._request.reasoning
        effort, budget = reasoning.effort, reasoning.budget
        if reasoning.mode == "off":
            if effort not in (None, "none"):
                self._lose("reasoning.effort", "dropped", "effort none is sent: no reasoning")
            return "none"
        if budget is not None and budget >= 0:  # a negative one says: as much as the model likes
            if effort is None:
                effort = effort_of_budget(budget)
                self._lose("reasoning.budget", "approximated", f"sent as effort {effort}")
            else:
                self._lose("reasoning.budget", "dropped", "the effort says how much to reason")
        elif reasoning.mode == "between_tools":
            self._lose("reasoning.mode", "unsupported", "no reasoning between tools only")
        elif effort is None and reasoning.mode == "adaptive":
            self._lose("reasoning.mode", "approximated", "the model reasons as it does by default")
        return effort

    def _put_output(self) -> None:
        output = self._request.output
        form: wire.WrittenOutputFormat | None = None
        if output.format is not None:
            form = wire.WrittenOutputFormat(type=output.format)
            if output.format == "json_schema":
                self._put_schema(form)
        if form is not None or output.verbosity is not None:
            self._body.text = wire.WrittenTextConfig(format=form, verbosity=output.verbosity)
        if output.modalities is not None:
            kind: LossKind = "info" if output.modalities == ["text"] else "unsupported"
            self._lose("output.modalities", kind, "answers are text here")
        if output.audio is not None:
            self._lose("output.audio", "dropped", "answers are text here")
        if output.prediction is not None:
            self._lose("output.prediction", "dropped", "no predicted output here")

    def _put_schema(self, form: wire.WrittenOutputFormat) -> None:
        output = self._request.output
        strict = output.strict
        if not self._same:
            fits = output.schema is not None and conforms(output.schema)
            if strict and not fits:
                self._lose("output.strict", "approximated", "the schema is outside the strict subset")
            strict = fits if strict is None else strict and fits
            if output.schema is None:
                self._lose("output.format", "synthesized", "a schema, which the request does not have")
                form.schema = _ANY_OBJECT
        form.name = output.name if self._same else self._limits.schema_name()
        form.description = output.description
        if output.schema is not None:
            form.schema = output.schema.raw
        form.strict = strict

    def _put_include(self) -> None:
        """Sealed reasoning is asked for where nobody keeps it, or what the model thought would be gone next turn."""
        request = self._request
        include: list[str | Raw] = []
        reasons = self._capabilities.effort and (self._body.reasoning is None or self._body.reasoning.effort != "none")
        if request.reasoning.sealed or (not self._same and not request.state.store and reasons):
            include.append(SEALED)
        if request.sampling.logprobs:
            include.append(LOGPROBS)
        if include or request.reasoning.sealed is False:
            self._body.include = include

    def _put_rest(self) -> None:
        request, body = self._request, self._body
        body.metadata, body.prompt_cache_key = request.metadata, request.cache_key
        if request.metadata is not None and not self._same:
            body.metadata = self._limits.metadata(request.metadata)
        if request.user_id is not None:
            if self._same and request.where("user_id") == "/user":
                body.user = request.user_id
            elif len(request.user_id) > MAX_USER and not self._same:
                self._lose("user_id", "dropped", f"at most {MAX_USER} characters")
            else:
                body.safety_identifier = request.user_id
        if request.tier is not None:
            body.service_tier = request.tier if self._same else _TIERS.get(request.tier)
            if body.service_tier is None:
                self._lose("tier", "dropped", "no such service tier")
        if request.safety is not None:
            self._lose("safety", "dropped", "no safety settings")
        self._put_automatic_mark()

    def _put_automatic_mark(self) -> None:
        mark = self._request.cache_auto
        if mark is None:
            return
        if not self._capabilities.cache_marks:
            self._lose("cache_auto", "dropped", "no automatic cache marks")
            return
        ttl = None
        if mark.ttl is not None:
            ttl = "30m" if mark.ttl <= 1800 else "12h"
            if mark.ttl not in (1800, 43200):
                self._lose("cache_auto", "approximated", "the nearest cache lifetime that is not shorter")
        self._body.prompt_cache_options = wire.WrittenCacheOptions(mode="implicit", ttl=ttl)

    def _lose(self, field: str, kind: LossKind, detail: str) -> None:
        self._losses.append(Loss(self._request.where(field), kind, NAME, detail))
