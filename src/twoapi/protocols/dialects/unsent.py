"""What a request says that a vendor's dialect has no member for: one Loss for each, or a refusal."""

from collections.abc import Callable
from operator import attrgetter

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Fault, FaultError, Loss, LossKind, Output, ReasoningConfig, Request, Sampling, State

# Name for Request.where -> where the value is.
_SAMPLING = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
_REASONING = ("reasoning.effort", "reasoning.budget", "reasoning.mode")
_OUTPUT = (
    "output.schema",
    "output.name",
    "output.description",
    "output.strict",
    "output.verbosity",
    "output.audio",
    "output.prediction",
)
_REST = ("cache_auto", "user_id", "metadata", "tier", "safety", "parallel", "state.store", "state.background")
_VALUES: dict[str, Callable[[Request], object]] = {
    **{name: attrgetter("sampling." + name) for name in _SAMPLING},
    **{name: attrgetter(name) for name in (*_REASONING, *_OUTPUT, *_REST)},
}
# What only helps, or says how to show what there is: without it the answer is the same.
_HARMLESS: dict[str, tuple[Callable[[Request], object], str]] = {
    "cache_key": (attrgetter("cache_key"), "a cache key only helps routing"),
    "reasoning.show": (attrgetter("reasoning.show"), "what reasoning is shown is not chosen here"),
    "reasoning.detail": (attrgetter("reasoning.detail"), "how detailed reasoning is told is not chosen here"),
}
_HELD = ("previous", "conversation", "cached")
_NOTHING = (Sampling(), ReasoningConfig(), Output(), State())
_parts = attrgetter("sampling", "reasoning", "output", "state")
_rest = attrgetter("cache_key", "cache_auto", "user_id", "metadata", "tier", "safety", "parallel")
_NO_REST = (None,) * 7


def report_unsent(request: Request, target: str, losses: list[Loss], sent: frozenset[str]) -> None:
    """Reports all members but those named in `sent`, by their names for Request.where, and all extras.

    Raises FaultError for what cannot be left out: several answers, and a conversation that some server keeps.
    """
    losses += [Loss(pointer, "dropped", target, "no such field here") for pointer in request.extras]
    if _parts(request) == _NOTHING and _rest(request) == _NO_REST:
        return
    _refuse_held(request)
    for name, value_of in _VALUES.items():
        if name in sent:
            continue
        value = value_of(request)
        if value is False:
            losses.append(Loss(request.where(name), "info", target, f"{name} is never so here"))
        elif value is not None and value != {}:
            losses.append(Loss(request.where(name), "dropped", target, f"{name} has no place here"))
    for name, (value_of, why) in _HARMLESS.items():
        if name not in sent and value_of(request) is not None:
            losses.append(Loss(request.where(name), "info", target, why))
    _report_form(request, target, losses, sent)


def _report_form(request: Request, target: str, losses: list[Loss], sent: frozenset[str]) -> None:
    output = request.output
    if output.format in ("json_object", "json_schema") and "output.format" not in sent:
        detail = "the form of the answer cannot be prescribed"
        losses.append(Loss(request.where(form_field(request)), "unsupported", target, detail))
    if output.modalities is not None:
        kind: LossKind = "info" if output.modalities == ["text"] else "dropped"
        losses.append(Loss(request.where("output.modalities"), kind, target, "answers are text"))


def without_own(request: Request, names: tuple[str, ...]) -> tuple[Request, dict[str, Raw]]:
    """The request without the members of these names, and these: the vendor's own, which its clients write beside those
    of another protocol.
    """
    own = {name: request.extras["/" + name] for name in names if "/" + name in request.extras}
    if not own:
        return request, own
    rest = {pointer: value for pointer, value in request.extras.items() if pointer[1:] not in own}
    return replace(request, extras=rest), own


def form_field(request: Request) -> str:
    """What tells the form of the answer: where there is a schema, clients need not name the form, too."""
    return "output.format" if request.output.schema is None else "output.schema"


def _refuse_held(request: Request) -> None:
    asked, state = request.sampling.n, request.state
    if asked is not None and asked > 1:
        raise refusal("the target gives one answer per request", request.where("n"))
    if state.thread is not None:
        raise refusal("the target keeps no threads", request.where("thread"), "thread_unsupported_request")
    for name in _HELD:
        if getattr(state, name) is not None:
            raise refusal("the target keeps no conversations", request.where(f"state.{name}"))


def refusal(message: str, pointer: str, code: str | None = None) -> FaultError:
    """What is raised when a request cannot be carried; `pointer` into the client's body."""
    return FaultError(Fault("invalid_request", message, code=code, param=pointer or None))
