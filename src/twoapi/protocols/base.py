"""What a protocol package offers: both sides of one wire protocol, pure and without I/O."""

from typing import Protocol

import msgspec
from msgspec import Raw

from twoapi.ir import Event, Fault, Loss, Request, Response, Usage
from twoapi.protocols.sealing import PLAIN, Sealer
from twoapi.wire.http import Headers, Incoming, Outgoing


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream's endpoint and model take. The defaults are the protocol owner's own current service.

    Filled from the provider's catalogue file and the operator's configuration, once per snapshot.
    """

    api_version: str | None = None  # pin of the API version header (Anthropic); None: chosen per request
    max_tokens_field: str = "max_completion_tokens"  # chat: or "max_tokens"
    reasoning_field: str | None = None  # chat: where past reasoning is replayed ("reasoning_content"); None: nowhere
    developer_role: bool = True  # chat: False sends "system" for "developer"
    system_in_place: bool = True  # Anthropic: takes role "system" in mid-conversation
    threads: bool = True  # Anthropic: keeps threads of messages; False: the gateway does
    prefill: bool = True  # goes on from a last assistant message
    sampling: bool = True  # takes temperature, top_p, top_k at all (under an API version that has them)
    sampling_pair: bool = True  # takes temperature together with top_p
    thinking: tuple[str, ...] = ("enabled", "adaptive", "disabled")  # Anthropic, Cohere, Ollama: accepted
    effort: bool = True  # takes a reasoning effort
    images: bool = True
    audio: bool = True
    documents: bool = True
    strict_tools: bool = True
    web_search: bool = False
    max_output: int | None = None  # the model's output limit in tokens
    max_stop: int = 4  # chat: how many stop strings
    max_tool_name: int = 64
    max_call_id: int = 40  # chat: longest tool call id
    cache_marks: bool = True  # takes explicit prompt-cache breakpoints
    stream_usage: bool = True  # chat: takes stream_options.include_usage
    json_schemas: bool = True  # Gemini: takes JSON Schemas; False: only its reduced Schema
    call_ids: bool = True  # Gemini: takes ids of calls and results
    thinking_levels: tuple[str, ...] = ("minimal", "low", "medium", "high", "xhigh")  # Gemini, Ollama
    thinking_budget: tuple[int, int] | None = (0, 32768)  # Gemini: least and most tokens; None: takes no budget
    thought_signatures: bool = True  # Gemini: refuses a call of the history without one
    result_media: bool = True  # Gemini: takes images and files in results of tools
    url_media: bool = True  # fetches files from any URL, where its protocol takes URLs
    media_resolution: bool = True  # Gemini: takes a resolution for each part
    labels: bool = False  # Gemini: takes labels (Vertex)
    token_counts: bool = True  # counts the tokens of a request, where its protocol has that (chat has not)
    # chat: how compatible servers' requests deviate
    tool_choices: tuple[str, ...] = ("none", "auto", "required", "named", "allowed")  # the choices that it takes
    required_word: str = "required"  # the choice that demands a call, or "any"
    temperatures: tuple[float, float] = (0.0, 2.0)  # least and most
    greedy_flag: str | None = None  # a member that is false for temperature 0 ("do_sample")
    reasoning_members: tuple[str, ...] = ("reasoning_effort",)  # what says how much to reason; see encode_reasoning
    efforts: tuple[str, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")  # accepted words
    seed_field: str = "seed"  # or "random_seed"
    user_field: str | None = "safety_identifier"  # where the end user is told; None: nowhere
    user_length: tuple[int, int] = (0, 128)  # least and most characters of it
    top_k: bool = False  # takes top_k
    tiers: tuple[tuple[str, str], ...] | None = None  # its words for service tiers, by the vendor's; None: the same
    refused_members: tuple[str, ...] = ()  # members that it refuses, or does not look at; of Gemini's "store"
    formats: tuple[str, ...] = ("text", "json_object", "json_schema")  # accepted types of response_format
    added_members: tuple[tuple[str, str], ...] = ()  # members of every body, with their JSON
    tool_stream: bool = False  # streams arguments of tools only when asked to by a member of that name
    web_search_tool: bool = False  # its web search is declared as a tool of type web_search
    prefill_mark: str | None = None  # member of a last assistant message that is gone on from ("prefix")
    beta_path: str | None = None  # where alone it takes such a message, and strict tools
    content_lists: bool = True  # False: content that is text must be one string
    null_content: bool = True  # False: an assistant message of tool calls alone has the content ""
    call_id_length: int | None = None  # ids of calls are exactly so many letters and digits
    result_names: bool = False  # a result must name its tool
    user_after_tools: bool = True  # False: an assistant message stands between a result and the user
    alternating: bool = False  # after the system messages user and assistant take turns
    reasoning_details: bool = False  # entries of reasoning_details must come back as they were
    reasoning_filler: bool = False  # refuses calls of the history without reasoning
    passed_headers: tuple[str, ...] = ()  # of the client's request, in lower case
    # chat: and their answers
    relayed: bool = True  # False: its answers mislead clients of its own protocol, too, and are converted for them
    hidden_error: tuple[str, str, str] | None = None  # pointers to code and message of an error in a 200; (code, ok, _)
    failure_words: bool = False  # a finish reason may tell a failure, which a relay must look for
    usage_at: str | None = None  # pointer to the usage in a chunk, beside the usual places
    reasoning_apart: bool = False  # completion_tokens leave out the reasoning
    cost_at: str | None = None  # pointer, in the usage, to the price of the answer in US dollars
    source_members: tuple[str, ...] = ()  # members of the answer that list what it rests on
    think_tags: str | None = None  # reasoning stands in content: "paired", or "closing" where the opening tag may lack
    cumulative_details: bool = False  # reasoning_details of a stream repeat what was said before
    multimodal: bool = False  # DashScope: the model is served at the endpoint for media
    cumulative: bool = False  # DashScope: each frame of a stream repeats all that was said
    stream_only: bool = False  # DashScope: answers in streams only
    slug: str | None = None  # Qianfan v1: what stands for the model in the path; None: its name in lower case
    system_role: bool = True  # Spark: takes instructions in a role of their own; False: the user says them
    tools: bool = True  # chat, Spark: takes functions; False: past calls and results are text
    citations: bool = True  # Bedrock: takes documents and results to be cited, and what earlier answers cited
    video: bool = True  # Bedrock: takes films
    top_k_field: str | None = None  # Bedrock: pointer to top_k in the model's own fields ("/top_k"); None: nowhere
    stop_field: str | None = None  # Bedrock: pointer, in the model's own answer, to the stop string that matched
    context_size: int | None = None  # Ollama: tokens of context to ask for; None: as many as its server likes
    keep_alive: str | None = None  # Ollama: how long the model stays loaded ("5m"); None: as its server likes
    silent_truncation: bool = False  # Ollama: True lets its server cut a prompt that is too long without a word


USUAL = Capabilities()


class Restore(msgspec.Struct):
    """What encode_request changed and the answer must change back."""

    names: dict[str, str] = msgspec.field(default_factory=dict)  # tool name on the wire -> the client's
    custom: frozenset[str] = frozenset()  # client names of custom tools that went out as functions
    call_ids: dict[str, str] = msgspec.field(default_factory=dict)  # call id on the wire -> the client's
    capabilities: Capabilities = Capabilities()  # how this upstream's answers deviate is declared there
    stop: tuple[str, ...] = ()  # stop strings of an upstream that repeats them at the end of its answer


class Encoded(msgspec.Struct):
    """An upstream request and what its answer needs."""

    outgoing: Outgoing
    restore: Restore


class AnswerContext(msgspec.Struct):
    """What the encoder of an answer must know. `now` in seconds since the epoch; `id` is used when the upstream gave
    none, without the protocol's prefix. `sealer` makes the carriers of state that is another protocol's; `kept`: the
    gateway remembers the state of texts and tool calls itself, so that what has no carrier is not lost.
    """

    request: Request
    now: int
    id: str
    sealer: Sealer = PLAIN
    kept: bool = False


class Peek(msgspec.Struct):
    """What routing needs of a request, read without decoding the rest. `members`: the body's, verbatim. `array`: the
    client reads a stream as one JSON array.
    """

    model: str
    stream: bool
    members: dict[str, Raw] = msgspec.field(default_factory=dict)
    array: bool = False


class Inspection(msgspec.Struct):
    """What a relayed whole answer says of itself. `fault`: an error hidden in a 200."""

    usage: Usage | None = None
    fault: Fault | None = None


class ModelEntry(msgspec.Struct):
    """A model in a model list."""

    id: str
    created: int
    owner: str


class StreamDecoder(Protocol):
    """Bytes of an upstream's stream to events. Owns its framing. The list that all calls return together is legal
    under ir.grammar for any input: a truncated or broken stream ends in Failed, never in End.
    """

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete; after the terminal event always []."""
        ...

    def close(self) -> list[Event]:
        """The upstream's connection ended: the rest, Failed included when no end mark came."""
        ...


class StreamEncoder(Protocol):
    """Events to the client's bytes. Every output is in the protocol's grammar for every list of events."""

    def feed(self, events: list[Event]) -> bytes:
        """The bytes of these events; b"" when nothing can be said yet. After the terminal event always b""."""
        ...

    def close(self) -> bytes:
        """What must still be said when no terminal event came: the protocol's own error ending; else b""."""
        ...

    def keep_alive(self) -> bytes:
        """A sign of life in the form that this protocol's clients tolerate; b"" when none is possible here."""
        ...


class StreamTap(Protocol):
    """Watches a relayed stream. It passes bytes on as they are but for what it must strip, and knows the end mark."""

    usage: Usage | None
    fault: Fault | None  # an error event of the upstream; before `committed` it is a reason to fall back
    committed: bool  # the first event that carries an answer has passed
    complete: bool  # the end mark has passed

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        ...

    def close(self) -> bytes:
        """The upstream's connection ended: b"" after an end mark, else held bytes and the protocol's error ending.

        When nothing was committed: b"", with `fault` set.
        """
        ...

    def fail(self, fault: Fault) -> bytes:
        """The protocol's error ending for a fault of the gateway; closes an unfinished frame first."""
        ...

    def keep_alive(self) -> bytes:
        """As StreamEncoder.keep_alive; b"" in the middle of a frame."""
        ...


class UpstreamCodec(Protocol):
    """The side of a wire protocol that faces an upstream: all that a vendor's own dialect has, as no client speaks it.

    decode_response raises FaultError (whose="upstream") and nothing else; encode_request appends a Loss on the line
    that drops something, and raises FaultError when it must refuse. Stateless, as Codec is.
    """

    name: str

    def encode_request(self, request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
        """The upstream request for `model` (the upstream's own name of it)."""
        ...

    def decode_response(self, body: bytes, restore: Restore) -> Response:
        """The whole answer; raises FaultError (whose="upstream") for an error hidden in a 200 and for broken bodies."""
        ...

    def stream_decoder(self, restore: Restore) -> StreamDecoder:
        """A decoder for one streamed answer."""
        ...

    def decode_fault(self, status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
        """An error answer of the upstream, also when it is not in the protocol's format (HTML, empty)."""
        ...


class SocketCodec(UpstreamCodec, Protocol):
    """A dialect that is spoken over a websocket. The stream decoder gets each message on a line of its own."""

    def is_last(self, message: bytes) -> bool:
        """True for the message that ends an answer, well or not: then the connection is closed."""
        ...


class Codec(UpstreamCodec, Protocol):
    """One wire protocol, both sides. Stateless; per-answer state lives in the stream objects.

    Decoders raise FaultError (kind invalid_request, with a JSON pointer as `param`) on bad input and nothing else.
    Encoders append a Loss on the line that drops something, and raise FaultError when they must refuse.
    """

    seal: bytes  # the mark of carriers (see sealing); a request that holds it gives back foreign state: no relay
    request_id_header: bytes  # where this protocol's SDKs look for the id to tell support
    comments: bool  # its clients skip comments in a stream
    silence: bytes  # what keeps a stream's client awake before the stream has begun

    # server side: faces our client
    def guess_model(self, incoming: Incoming) -> str:
        """What the model probably is, by a quick look; "" when that does not tell. Never to be relied on."""
        ...

    def peek(self, incoming: Incoming) -> Peek:
        """Model and stream flag, without decoding the rest."""
        ...

    def decode_request(self, incoming: Incoming) -> Request:
        """The whole request."""
        ...

    def encode_response(self, response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
        """The whole answer as this protocol's JSON."""
        ...

    def stream_encoder(self, context: AnswerContext, losses: list[Loss]) -> StreamEncoder:
        """An encoder for one streamed answer; it goes on appending to `losses`."""
        ...

    def encode_fault(self, fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers of the protocol's own (retry-after ...), body."""
        ...

    def stream_fault(self, fault: Fault, peek: Peek) -> bytes:
        """The error ending of a stream that has not begun."""
        ...

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """A model list in this protocol's shape."""
        ...

    # both sides speak it: bytes go through
    def relay_request(self, incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
        """The client's own bytes for an upstream of the same protocol; only what must change is changed."""
        ...

    def inspect(self, body: bytes, capabilities: Capabilities = USUAL) -> Inspection:
        """Usage and hidden error of a whole answer that is relayed."""
        ...

    def stream_tap(self, incoming: Incoming, peek: Peek, capabilities: Capabilities = USUAL) -> StreamTap:
        """A tap for one relayed stream."""
        ...
