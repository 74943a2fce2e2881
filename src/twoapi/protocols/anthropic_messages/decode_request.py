"""A client's request to the canonical model."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages.decode_blocks import cache_mark, decode_blocks
from twoapi.protocols.anthropic_messages.lenient import loosen
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.json import EMPTY, NO_TEXT, decode, decoder, encode, fields, first_byte

PATHS = {
    "max_tokens": "/max_tokens",
    "stop": "/stop_sequences",
    "reasoning": "/thinking",
    "reasoning.effort": "/output_config/effort",
    "reasoning.budget": "/thinking/budget_tokens",
    "reasoning.mode": "/thinking/type",
    "reasoning.show": "/thinking/display",
    "output": "/output_config/format",
    "output.format": "/output_config/format",
    "output.schema": "/output_config/format/schema",
    "output.name": "/output_config/format",
    "parallel": "/tool_choice/disable_parallel_tool_use",
    "user_id": "/metadata/user_id",
    "tier": "/service_tier",
    "cache_auto": "/cache_control",
    "thread": "/thread",
    "state.thread": "/thread",
    "state.previous": "/thread/previous_message_id",
}

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(schema.MessagesRequest).decode
_decode_beta = msgspec.json.Decoder(schema.BetaRequest).decode
_decode_checked = decoder(schema.BetaRequest)
_MODES = {"enabled": "manual", "adaptive": "adaptive", "between_tools": "between_tools", "disabled": "off"}
_SHOWN = {"summarized": "summary", "omitted": "none", "updates": "updates"}
_EFFORTS = {"low", "medium", "high", "xhigh", "max"}
_ROLES = frozenset(("user", "assistant", "system"))
_Message, _Text, _Tool, _Schema = ir.Message, ir.Text, ir.Tool, ir.Schema
_TextBlock = schema.TextBlock
_CHOICES = {"auto": "auto", "any": "required", "tool": "named", "none": "none"}
_INPUT = "/input_schema"
# The pointers that nearly all messages and tools have, spelled once.
_MESSAGES_AT = tuple(f"/messages/{i}" for i in range(1024))
_TOOLS_AT = tuple(f"/tools/{i}" for i in range(1024))


def refuse(error: WireError) -> ir.FaultError:
    """What the client is told about a body that cannot be read."""
    return ir.FaultError(ir.Fault("invalid_request", error.message, param=error.pointer or None))


def decode_request(incoming: Incoming) -> ir.Request:
    """The whole request; raises FaultError."""
    extras: dict[str, Raw] = {}
    headers, body = incoming.headers, incoming.body
    betas = headers.get(b"anthropic-beta")
    wire: schema.MessagesRequest
    try:
        try:
            if betas is None:
                wire = _decode_strict(body)
            else:
                wire = _decode_beta(body)
                _collect_extras(wire, extras)
        except _BAD:
            loose, extras = loosen(body, schema.BetaRequest)
            wire = _decode_checked(loose)
            _collect_extras(wire, extras)
        return _request(wire, headers.get(b"anthropic-version"), betas, extras)
    except WireError as error:
        raise refuse(error) from None
    except UnicodeDecodeError:
        raise refuse(WireError("the body is not UTF-8")) from None


def _collect_extras(wire: schema.BetaRequest, extras: dict[str, Raw]) -> None:
    for name in schema.UNMODELLED:
        value = getattr(wire, name)
        if value is not EMPTY:
            extras[f"/{name}"] = value


def _request(
    wire: schema.MessagesRequest, version: bytes | None, betas: bytes | None, extras: dict[str, Raw]
) -> ir.Request:
    request = ir.Request(
        protocol=NAME,
        model=wire.model,
        messages=_messages(wire, extras),
        api_version=None if version is None else version.decode("latin-1"),
        betas=[] if betas is None else [b for beta in betas.decode("latin-1").split(",") if (b := beta.strip())],
        tools=[] if wire.tools is None else _tools(wire.tools),
        sampling=ir.Sampling(
            max_tokens=wire.max_tokens,
            temperature=wire.temperature,
            top_p=wire.top_p,
            top_k=wire.top_k,
            stop=wire.stop_sequences,
        ),
        tier=wire.service_tier,
        stream=wire.stream is True,
        extras=extras,
        paths=PATHS,
    )
    if wire.tool_choice is not None:
        _put_choice(request, wire.tool_choice)
    if wire.thinking is not None:
        _put_thinking(request, wire.thinking)
    if wire.output_config is not None:
        _put_output(request, wire.output_config)
    if wire.metadata is not None:
        request.user_id = wire.metadata.user_id
    if wire.cache_control is not None:
        request.cache_auto = cache_mark(wire.cache_control)
    if wire.thread is not None:
        _put_thread(request, wire.thread)
    return request


def _messages(wire: schema.MessagesRequest, extras: dict[str, Raw]) -> list[ir.Message]:
    messages: list[ir.Message] = []
    parts: list[ir.Part]
    system, wires = wire.system, wire.messages
    if type(system) is str:
        messages.append(ir.Message("system", [ir.Text(text=system)], "/system", plain_content=True))
    elif system:
        parts = decode_blocks(system, "/system", "", extras)  # type: ignore[arg-type]  # it is no str
        messages.append(_Message("system", parts, "/system"))
    places = _MESSAGES_AT if len(wires) <= 1024 else [f"/messages/{i}" for i in range(len(wires))]
    number = 0
    for message in wires:
        at, role, content = places[number], message.role, message.content
        number += 1
        if role not in _ROLES:
            raise WireError(f"unknown role {role!r}", f"{at}/role")
        if type(content) is str:
            parts = [_Text(text=content, at="/content")]
            messages.append(_Message(role, parts, at, plain_content=True))  # type: ignore[arg-type]  # checked
            continue
        # Nearly all messages are one bare text: it is made here, without a call.
        if (
            len(content) == 1
            and type(block := content[0]) is _TextBlock
            and block.cache_control is None
            and not block.citations
        ):
            text = block.text
            if not text < NO_TEXT:
                raise WireError("expected a string", f"{at}/content/0/text")
            parts = [_Text(text=text, at="/content/0")]
        else:
            parts = decode_blocks(content, at, "/content", extras)  # type: ignore[arg-type]  # it is no str
        messages.append(_Message(role, parts, at))  # type: ignore[arg-type]  # checked
    return messages


def _tools(wires: list[schema.Tool]) -> list[ir.Tool]:
    tools: list[ir.Tool] = []
    places = _TOOLS_AT if len(wires) <= 1024 else [f"/tools/{i}" for i in range(len(wires))]
    for i, wire in enumerate(wires):
        at, name, said, parameters = places[i], wire.name, wire.description, wire.input_schema
        if wire.opaque is not EMPTY:
            tools.append(_vendor_tool(wire.opaque, at))
            continue
        if not name:
            raise WireError("a tool needs a name", f"{at}/name")
        tool = _Tool(
            name=name,
            description=said if said is not EMPTY and said < NO_TEXT else None,
            schema=None if parameters is EMPTY else _Schema(parameters, at=_INPUT),
            protocol=NAME,
            at=at,
        )
        if (
            wire.type is not None
            or wire.strict is not None
            or wire.input_examples is not None
            or wire.cache_control is not None
            or wire.defer_loading is not None
            or wire.allowed_callers is not None
            or wire.eager_input_streaming is not None
        ):
            tool = _put_rest(tool, wire)
        tools.append(tool)
    return tools


def _put_rest(tool: ir.Tool, wire: schema.Tool) -> ir.Tool:
    """The tool with what few have."""
    if wire.type not in (None, "custom"):
        return _vendor_tool(Raw(_again(wire)), tool.at)
    tool.type = wire.type or ""
    tool.strict, tool.examples, tool.deferred = wire.strict, wire.input_examples or [], wire.defer_loading
    tool.callers, tool.eager_streaming = wire.allowed_callers, wire.eager_input_streaming
    tool.cache = cache_mark(wire.cache_control)
    return tool


# Tools of the vendor's own that the client runs; the service runs all others.
_CLIENT_RUN = ("bash_", "text_editor_", "memory_", "computer_", "browser_")


def _vendor_tool(raw: Raw, at: str) -> ir.Tool:
    members = fields(raw)
    name, kind = members.get("name"), str(decode(members["type"]))
    return ir.Tool(
        kind="client_defined" if kind.startswith(_CLIENT_RUN) else "server",
        name="" if name is None or first_byte(name) != 34 else decode(name),
        protocol=NAME,
        type=kind,
        raw=raw,
        at=at,
    )


def _again(wire: msgspec.Struct) -> bytes:
    """A struct as the JSON it came from, without what was absent."""
    given = ((name, getattr(wire, name)) for name in wire.__struct_fields__)
    return encode(
        {
            name: Raw(_again(value)) if isinstance(value, msgspec.Struct) else value
            for name, value in given
            if value is not None and value is not EMPTY
        }
    )


def _put_choice(request: ir.Request, wire: schema.ToolChoice) -> None:
    mode = _CHOICES.get(wire.type)
    if mode is None:
        request.extras["/tool_choice"] = Raw(_again(wire))
        return
    if mode == "named" and not wire.name:
        raise WireError("a tool choice of type tool needs a name", "/tool_choice/name")
    named = [wire.name] if mode == "named" and wire.name else []
    request.tool_choice = ir.ToolChoice(mode=mode, names=named, kinds=["function"] * len(named))  # type: ignore[arg-type]  # of the table
    if wire.disable_parallel_tool_use is not None:
        request.parallel = not wire.disable_parallel_tool_use


def _put_thinking(request: ir.Request, wire: schema.Thinking) -> None:
    mode = _MODES.get(wire.type)
    show = None if wire.display is None else _SHOWN.get(wire.display)
    if mode is None or (wire.display is not None and show is None):
        request.extras["/thinking"] = Raw(_again(wire))
    if mode is not None:
        request.reasoning = msgspec.structs.replace(request.reasoning, mode=mode, budget=wire.budget_tokens, show=show)


def _put_output(request: ir.Request, wire: schema.OutputConfig) -> None:
    if wire.effort in _EFFORTS:
        request.reasoning = msgspec.structs.replace(request.reasoning, effort=wire.effort)
    elif wire.effort is not None:
        request.extras["/output_config/effort"] = Raw(encode(wire.effort))
    form = wire.format
    if form is not None:
        if form.type == "json_schema" and form.schema is not EMPTY:
            request.output = ir.Output(format="json_schema", schema=ir.Schema(form.schema))
        else:
            request.extras["/output_config/format"] = Raw(_again(form))
    if wire.task_budget is not EMPTY:
        request.extras["/output_config/task_budget"] = wire.task_budget


def _put_thread(request: ir.Request, wire: schema.Thread) -> None:
    if wire.type not in ("create", "continue"):
        request.extras["/thread"] = Raw(_again(wire))
        return
    request.state = ir.State(thread=wire.type, previous=wire.previous_message_id)  # type: ignore[arg-type]  # checked
