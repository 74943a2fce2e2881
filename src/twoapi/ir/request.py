"""A request, whatever protocol it came in."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir.parts import CacheMark, Part

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Message(msgspec.Struct, gc=False):
    """One turn as the sender cut it. `at` is its JSON pointer in the sender's payload ("/messages/3", "/system").

    Tool results are parts: a chat `tool` message is role "tool" with one ToolResult; an Anthropic user turn is role
    "user" with ToolResults among its parts. `plain_content` is True when the sender wrote a string, not a list.
    """

    role: Role
    parts: list[Part]
    at: str = ""
    name: str | None = None
    id: str | None = None
    phase: str | None = None
    plain_content: bool = False


class Schema(msgspec.Struct, frozen=True, gc=False):
    """A JSON Schema, verbatim. `dialect`: "jsonschema" (2020-12 and supersets) or "openapi" (Gemini's reduced form).

    `native`: what the sender wrote in a dialect of its own protocol, of which `raw` is the JSON Schema. `at`: a JSON
    pointer, for the schema of a tool relative to the tool's.
    """

    raw: Raw
    dialect: Literal["jsonschema", "openapi"] = "jsonschema"
    native: Raw | None = None
    at: str = ""


class Grammar(msgspec.Struct, frozen=True, gc=False):
    """The grammar of a custom tool's free text; `syntax` "text" means any text."""

    syntax: Literal["text", "lark", "regex"]
    definition: str = ""


class Tool(msgspec.Struct, kw_only=True, gc=False):
    """A tool that the model may call.

    kind: "function" (JSON arguments), "custom" (free text), "server" (the vendor runs it), "client_defined" (the
    vendor defines it, the client runs it). For the last two `raw` is the whole declaration in `protocol` and `type`
    its wire type. `schema` None means no parameters were declared.
    """

    kind: Literal["function", "custom", "server", "client_defined"] = "function"
    name: str = ""
    namespace: str | None = None
    description: str | Raw | None = None
    schema: Schema | None = None
    output_schema: Schema | None = None
    strict: bool | None = None
    grammar: Grammar | None = None
    examples: list[Raw] = msgspec.field(default_factory=list)
    deferred: bool | None = None
    eager_streaming: bool | None = None
    callers: list[str] | None = None
    cache: CacheMark | None = None
    protocol: str = ""
    type: str = ""
    raw: Raw | None = None
    at: str = ""


class ToolChoice(msgspec.Struct, kw_only=True, gc=False):
    """Which tools the model may or must call. `names`: of mode "named" (one), or the allowed subset (`allowed` True).

    `kinds` runs beside `names`: "function", "custom" or "server" (then the name is the one of the Tool).
    """

    mode: Literal["none", "auto", "required", "named"]
    names: list[str] = msgspec.field(default_factory=list)
    kinds: list[str] = msgspec.field(default_factory=list)
    allowed: bool = False


class Sampling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How tokens are drawn. None always means: not said. `logprobs` True asks for them, `top_logprobs` for how many."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Raw | None = None


class ReasoningConfig(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How much the model reasons and what of it is shown.

    `mode`: "manual" (with `budget` in tokens), "adaptive", "between_tools", "off". `show`: "none" (sealed state only),
    "summary", "full"; "updates" is Anthropic's beta form. `sealed`: the client asks for the sealed state too.
    """

    effort: Effort | None = None
    budget: int | None = None
    mode: Literal["manual", "adaptive", "between_tools", "off"] | None = None
    show: Literal["none", "summary", "full", "updates"] | None = None
    detail: str | None = None
    sealed: bool | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the answer must look like."""

    format: Literal["text", "json_object", "json_schema"] | None = None
    schema: Schema | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    audio: Raw | None = None
    prediction: Raw | None = None


class State(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Conversation state that the server is asked to keep or to go on from.

    `thread` is Anthropic's message thread: "create", or "continue" with `previous`. `cached` is the name of content
    that only Gemini's service holds, which stands before the messages.
    """

    store: bool | None = None
    previous: str | None = None
    conversation: str | None = None
    background: bool | None = None
    thread: Literal["create", "continue"] | None = None
    cached: str | None = None


# What a request that says nothing of these has: nothing is missed by who looks for these very objects.
NO_SAMPLING, NO_REASONING, NO_OUTPUT, NO_STATE = Sampling(), ReasoningConfig(), Output(), State()


class Request(msgspec.Struct, kw_only=True, gc=False):
    """A request as the client meant it.

    `protocol` is the protocol it was decoded from, `api_version` and `betas` that protocol's own version marks.
    `extras`: JSON pointer in the client's body -> verbatim value, of every field that this model does not hold, known
    to the protocol or not. An encoder of the same protocol writes them back, any other reports each as a Loss.
    `stream_array`: a Gemini client wants its stream as one JSON array, not as server-sent events.
    `paths`: field of this model ("seed", "reasoning.effort") -> its JSON pointer in the client's body; see `where`.
    """

    protocol: str
    model: str
    messages: list[Message]
    api_version: str | None = None
    betas: list[str] = msgspec.field(default_factory=list)
    tools: list[Tool] = msgspec.field(default_factory=list)
    tool_choice: ToolChoice | None = None
    parallel: bool | None = None
    sampling: Sampling = NO_SAMPLING
    reasoning: ReasoningConfig = NO_REASONING
    output: Output = NO_OUTPUT
    state: State = NO_STATE
    cache_key: str | None = None
    cache_auto: CacheMark | None = None
    user_id: str | None = None
    metadata: dict[str, str] | None = None
    tier: str | None = None
    safety: Raw | None = None
    stream: bool = False
    include_usage: bool | None = None
    legacy_functions: bool = False
    stream_array: bool = False
    extras: dict[str, Raw] = msgspec.field(default_factory=dict)
    paths: Mapping[str, str] = msgspec.field(default_factory=dict)

    def where(self, name: str) -> str:
        """The JSON pointer of a field of this model in the client's body: where("seed") -> "/seed"."""
        return self.paths.get(name) or "/" + name
