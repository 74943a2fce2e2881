"""What compatible servers take otherwise than the vendor: one function for each declared deviation of the body.

Each looks at its capability, changes the body or adds members to it, and reports what the server cannot be told.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

from msgspec import Raw

from twoapi.ir import Loss, LossKind, Request
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.encode_reasoning import Members
from twoapi.protocols.openai_chat.name import NAME

# What a server without any deviation has: one comparison for each request.
DECLARED = (
    "tool_choices",
    "required_word",
    "temperatures",
    "greedy_flag",
    "seed_field",
    "user_field",
    "tiers",
    "refused_members",
    "formats",
    "added_members",
    "tool_stream",
    "prefill_mark",
    "beta_path",
    "content_lists",
    "null_content",
    "result_names",
    "user_after_tools",
    "alternating",
)
deviations = attrgetter(*DECLARED)
USUAL = deviations(Capabilities())

# Members of the body whose field of the model has another name.
_FIELDS = {
    "max_completion_tokens": "max_tokens",
    "tools": "tools",
    "parallel_tool_calls": "parallel",
    "reasoning_effort": "reasoning.effort",
    "response_format": "output.format",
    "verbosity": "output.verbosity",
    "modalities": "output.modalities",
    "audio": "output.audio",
    "prediction": "output.prediction",
    "prompt_cache_key": "cache_key",
    "prompt_cache_options": "cache_auto",
    "safety_identifier": "user_id",
    "user": "user_id",
    "service_tier": "tier",
    "store": "state.store",
    "web_search_options": "tools",
}


class _Mending:
    """One body and what is said of it."""

    __slots__ = ("body", "capabilities", "losses", "members", "request")

    def __init__(
        self, request: Request, body: out.Body, members: Members, capabilities: Capabilities, losses: list[Loss]
    ) -> None:
        self.request = request
        self.body = body
        self.members = members
        self.capabilities = capabilities
        self.losses = losses

    def lose(self, field: str, kind: LossKind, detail: str) -> None:
        self.losses.append(Loss(self.request.where(field), kind, NAME, detail))


def mend_request(
    request: Request, body: out.Body, members: Members, capabilities: Capabilities, losses: list[Loss]
) -> str | None:
    """Puts the body into the form that this server takes; `members` get what the vendor's body does not have. The path
    to send it to, where it is not the usual one.
    """
    mending = _Mending(request, body, members, capabilities, losses)
    for mend in _MENDS:
        mend(mending)
    return _path(mending)


def _refused(mending: _Mending) -> None:
    """`refused_members`."""
    for name in mending.capabilities.refused_members:
        value = getattr(mending.body, name, None)
        if value is not None:
            setattr(mending.body, name, None)
            if name not in ("store", "stream_options") or value is True:  # what is left out says the same
                mending.lose(_FIELDS.get(name, name), "dropped", f"{name} is not taken here")
        elif mending.members.pop(name, None) is not None:
            mending.lose(_FIELDS.get(name, name), "dropped", f"{name} is not taken here")


def _temperature(mending: _Mending) -> None:
    """`temperatures` and `greedy_flag`."""
    body, (least, most) = mending.body, mending.capabilities.temperatures
    temperature = body.temperature
    if temperature is None:
        return
    flag = mending.capabilities.greedy_flag
    if temperature == 0 and flag is not None:
        body.temperature = None
        mending.members[flag] = False
        return
    body.temperature = min(max(temperature, least), most)
    if body.temperature != temperature:
        mending.lose("temperature", "clamped", f"from {least:g} to {most:g}")


def _seed(mending: _Mending) -> None:
    """`seed_field`."""
    field, seed = mending.capabilities.seed_field, mending.body.seed
    if seed is not None and field != "seed":
        mending.body.seed = None
        mending.members[field] = seed


def _user(mending: _Mending) -> None:
    """`user_field` and `user_length`."""
    field, body = mending.capabilities.user_field, mending.body
    user = body.safety_identifier if body.user is None else body.user
    if user is None or field == "safety_identifier":
        return
    body.safety_identifier = body.user = None
    least, most = mending.capabilities.user_length
    if field is not None and not least <= len(user) <= most:
        mending.lose("user_id", "dropped", f"an id of {least} to {most} characters")
    elif field is None:
        mending.lose("user_id", "dropped", "no place for the end user's id")
    elif field == "user":
        body.user = user
    else:
        mending.members[field] = user


def _tier(mending: _Mending) -> None:
    """`tiers`; a client of this protocol may say the server's own words."""
    tiers, tier = mending.capabilities.tiers, mending.body.service_tier
    if tiers is None or tier is None or tier in {word for _, word in tiers}:
        return
    mending.body.service_tier = dict(tiers).get(tier)
    if mending.body.service_tier is None:
        mending.lose("tier", "dropped", "no such service tier")


def _choice(mending: _Mending) -> None:
    """`tool_choices` and `required_word`."""
    body, taken = mending.body, mending.capabilities.tool_choices
    choice = body.tool_choice
    if isinstance(choice, out.AllowedChoice) and "allowed" not in taken:
        _allow_only(mending, choice)
        choice = body.tool_choice
    if isinstance(choice, out.ToolName) and "named" not in taken:
        _send_only(mending, {_name(choice)})
        choice = body.tool_choice = "required"
        mending.lose("tool_choice", "emulated", "only the tool that must be called is sent")
    if choice == "none" and "none" not in taken:
        _send_only(mending, set())
        body.tool_choice = body.parallel_tool_calls = None
        mending.lose("tool_choice", "emulated", "the tools that must not be called are not sent")
    elif choice == "required" and "required" not in taken:
        body.tool_choice = choice = "auto"
        mending.lose("tool_choice", "unsupported", "that a tool must be called cannot be said here")
    if choice == "auto" and "auto" not in taken:
        body.tool_choice = None  # what is not said means this
    elif choice == "required":
        body.tool_choice = mending.capabilities.required_word


def _allow_only(mending: _Mending, choice: out.AllowedChoice) -> None:
    body, allowed = mending.body, choice.allowed_tools
    _send_only(mending, {_name(tool) for tool in allowed.tools})
    body.tool_choice = allowed.mode if body.tools else None
    mending.lose("tool_choice", "emulated", "only the allowed tools are sent")


def _send_only(mending: _Mending, names: set[str | None]) -> None:
    before = mending.body.tools or []
    kept = [tool for tool in before if _name(tool) in names]
    mending.body.tools = kept or None
    if len(kept) < len(before):
        mending.lose("tools", "emulated", "what must not be called is not sent")


def _name(tool: out.AnyTool | out.ToolName) -> str | None:
    if isinstance(tool, Raw):
        return None
    if isinstance(tool, out.FreeTool):
        return tool.custom.name
    named = tool.function if isinstance(tool, out.Tool) else tool.function or tool.custom
    return None if named is None else named.name


def _format(mending: _Mending) -> None:
    """`formats`: a schema that cannot be demanded is told in words."""
    body, taken = mending.body, mending.capabilities.formats
    form = body.response_format
    if form is None or form.type in taken:
        return
    wanted = form.json_schema
    schema = None if wanted is None else wanted.schema
    if form.type == "json_object" and "json_schema" in taken:
        # Any object, said by a schema.
        anything = out.JsonSchema(name="response", schema=Raw(b'{"type":"object"}'))
        body.response_format = out.ResponseFormat(type="json_schema", json_schema=anything)
        mending.lose("output.format", "emulated", "any JSON object is asked for by a schema")
        return
    body.response_format = out.ResponseFormat(type="json_object") if "json_object" in taken else None
    if form.type == "text":
        body.response_format = None  # what is not said means this
        return
    output = mending.request.output
    for field, value in (("name", output.name), ("description", output.description), ("strict", output.strict)):
        if value is not None:
            mending.lose("output." + field, "dropped", "no schema of the answer here")
    words = "Answer with one JSON object and nothing else."
    if schema is not None:
        words += " It must be valid under this JSON Schema:\n" + bytes(schema).decode("utf-8", "replace")
    body.messages.insert(_after_system(body.messages), out.Message(role="system", content=words))
    what = "output.schema" if schema is not None else "output.format"
    mending.lose(what, "emulated", "told to the model in words")


def _after_system(messages: Sequence[out.Said | out.Message | Raw]) -> int:
    return next(
        (i for i, one in enumerate(messages) if isinstance(one, Raw) or one.role not in ("system", "developer")),
        len(messages),
    )


def _stream_tools(mending: _Mending) -> None:
    """`tool_stream`."""
    if mending.capabilities.tool_stream and mending.body.stream and mending.body.tools:
        mending.members["tool_stream"] = True


def _added(mending: _Mending) -> None:
    """`added_members`; what the client says itself stays."""
    for name, value in mending.capabilities.added_members:
        if getattr(mending.body, name, None) is None and "/" + name not in mending.request.extras:
            mending.members.setdefault(name, Raw(value.encode()))


def _path(mending: _Mending) -> str | None:
    """`beta_path`."""
    path, body = mending.capabilities.beta_path, mending.body
    if path is None:
        return None
    mark = mending.capabilities.prefill_mark
    begun = bool(mark and body.messages and isinstance(body.messages[-1], Raw))  # only marking makes it raw
    strict = any(isinstance(tool, out.Tool) and tool.function.strict for tool in body.tools or ())
    return path if begun or strict else None


_MENDS: tuple[Callable[[_Mending], None], ...] = (
    _refused,
    _temperature,
    _seed,
    _user,
    _tier,
    _choice,
    _format,
    _stream_tools,
    _added,
)
