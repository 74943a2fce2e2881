"""A request for a completion as a request of the canonical model: the prompt is what a user says."""

from msgspec import Raw

from twoapi.ir import Message, Request, Text
from twoapi.ir.request import Sampling
from twoapi.protocols.operations.members import Members, elements, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming

NAME = "openai-completions"


class Prompted(Request, kw_only=True):
    """`echo`: the answer begins with the prompt."""

    echo: bool = False


def decode_request(incoming: Incoming) -> Prompted:
    """The whole request. What a chat has no place for stays in `extras`, where it is reported."""
    members = Members(incoming.body)
    model = members.text("model")
    if model is None:
        raise refuse("model is required", "/model")
    prompt, at = _prompt(members)
    echo = members.raw("echo")
    sampling = _sampling(members)
    stream = members.flag("stream") or False
    options = members.raw("stream_options")
    user = members.text("user")
    best_of = members.raw("best_of")
    extras = members.rest()
    echoes = echo is not None and bytes(echo) == b"true"
    if echo is not None and echoes and sampling.logprobs:
        echoes, extras["/echo"] = False, echo  # the prompt's log probabilities cannot be made up
    if best_of is not None and bytes(best_of) not in (b"1", str(sampling.n or 1).encode()):
        extras["/best_of"] = best_of
    return Prompted(
        protocol=NAME,
        model=model,
        messages=[Message("user", [Text(text=prompt, at=at)], at="", plain_content=True)],
        sampling=sampling,
        user_id=user,
        stream=stream,
        include_usage=_wants_usage(options),
        extras=extras,
        paths=_PATHS,
        echo=echoes,
    )


_PATHS = {
    **{f"sampling.{name}": f"/{name}" for name in Sampling.__struct_fields__},
    **{name: f"/{name}" for name in Sampling.__struct_fields__},
    "sampling.top_logprobs": "/logprobs",
    "top_logprobs": "/logprobs",
    "user_id": "/user",
    "include_usage": "/stream_options/include_usage",
}


def _prompt(members: Members) -> tuple[Raw, str]:
    """The one prompt, and where it stands; raises FaultError."""
    prompt = members.raw("prompt")
    if prompt is None:
        raise refuse("prompt is required", "/prompt")
    at = "/prompt"
    if json.first_byte(prompt) == 91:
        prompts = elements(prompt, at)
        if len(prompts) != 1 and not all(json.first_byte(one) in b"-0123456789" for one in prompts):
            raise refuse("this model takes one prompt at a time; send several requests", "/prompt")
        prompt, at = (prompts[0], "/prompt/0") if len(prompts) == 1 else (prompt, at)
    if json.first_byte(prompt) != 34:
        raise refuse("this model takes no token ids; send the prompt as a string", at)
    return prompt, at


def _sampling(members: Members) -> Sampling:
    logprobs = members.count("logprobs")
    return Sampling(
        max_tokens=members.count("max_tokens"),
        temperature=_number(members, "temperature"),
        top_p=_number(members, "top_p"),
        presence_penalty=_number(members, "presence_penalty"),
        frequency_penalty=_number(members, "frequency_penalty"),
        seed=_integer(members, "seed"),
        stop=_stop(members),
        n=members.count("n"),
        logprobs=None if logprobs is None else True,
        top_logprobs=logprobs,
        logit_bias=members.raw("logit_bias"),
    )


def _number(members: Members, name: str) -> float | None:
    given = members.raw(name)
    if given is None:
        return None
    try:
        found = json.decode(given)
    except WireError as error:
        raise refuse(error.message, f"/{name}") from None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise refuse("must be a number", f"/{name}")
    return found


def _integer(members: Members, name: str) -> int | None:
    found = _number(members, name)
    if found is not None and found % 1:
        raise refuse("must be a whole number", f"/{name}")
    return None if found is None else int(found)


def _stop(members: Members) -> list[str] | None:
    given = members.raw("stop")
    if given is None:
        return None
    try:
        found = json.decode(given)
    except WireError as error:
        raise refuse(error.message, "/stop") from None
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise refuse("must be a string or a list of strings", "/stop")
    return found


def _wants_usage(options: Raw | None) -> bool | None:
    if options is None:
        return None
    try:
        asked = json.fields(options).get("include_usage")
    except WireError as error:
        raise refuse(error.message, "/stream_options") from None
    return None if asked is None else bytes(asked) == b"true"
