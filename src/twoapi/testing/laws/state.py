"""Laws of state: sealed state comes back to its maker byte by byte through any client, and to nobody else."""

import base64
import json

from twoapi.gateway import kept_turns
from twoapi.gateway.kept_turns import History
from twoapi.ir import (
    Candidate,
    Loss,
    Message,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Request,
    Response,
    StopReason,
    Text,
    ToolCall,
)
from twoapi.ir.assemble import unfold
from twoapi.ir.request import ReasoningConfig
from twoapi.protocols.base import AnswerContext, Codec
from twoapi.protocols.envelopes import Envelopes, SealingKeys
from twoapi.protocols.opening import open_sealed
from twoapi.protocols.sealing import SEAL_PREFIX, SEAL_PREFIX_BASE64
from twoapi.testing.echoes import echo
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.replies import Json

NOW = 1_790_000_000
_TENANT = "tenant"
State = list[tuple[str, list[tuple[str, str]]]]  # of each part: its type, and kind and data of its state


class Vault:
    """The keys of a gateway, and what it keeps."""

    def __init__(self) -> None:
        self.keys = SealingKeys([b"the secret of a law"])
        self.kept: dict[str, bytes] = {}
        self.turns: dict[str, bytes] = {}

    def envelopes(self, origin: Origin | None = None) -> Envelopes:
        """Sealer and opener."""
        return Envelopes(self.keys, _TENANT, origin, keep=self.kept.__setitem__, kept=self.kept)

    def remember(self, request: Request, response: Response) -> None:
        """Keeps what a client may leave out."""
        parts = response.candidates[0].parts
        packed = kept_turns.pack(parts, response.protocol, self.envelopes())
        history = History().after_all(request.messages)
        self.turns |= dict.fromkeys(kept_turns.names_of_answer(self.keys, _TENANT, history, parts), packed)

    def restore(self, request: Request) -> list[Loss]:
        """Opens what a request brings back, and adds what was kept."""
        losses = open_sealed(request, self.envelopes())
        for name, message in kept_turns.names_of_turns(self.keys, _TENANT, request.messages):
            if name in self.turns:
                kept_turns.restore(message, self.turns[name], self.envelopes())
        return losses


def transport(client: Codec, upstream: Codec, parts: list[Part], *, remembered: bool, streamed: bool) -> None:
    """L11: an answer's state goes through the client and comes back to the upstream that made it, byte by byte.

    `remembered`: the gateway keeps what the client does not carry; else only state that it carries may be tried.
    """
    vault = Vault()
    request = decoded(client, _again(client, upstream, parts, vault, remembered=remembered, streamed=streamed))
    assert vault.restore(request) == []
    out, headers, losses = encoded(upstream, request)
    _no_carrier(out)
    assert [loss for loss in losses if loss.kind == "reasoning_foreign"] == []
    assert state_of(decoded(upstream, out, headers).messages) == state_of([Message("assistant", parts)])


def lost_carriers(client: Codec, upstream: Codec, parts: list[Part], damage: int) -> bool:
    """L11: with one carrier damaged the rest arrives, the loss is told, and nothing of a carrier goes out. False when
    the client carries nothing.
    """
    vault = Vault()
    body = _again(client, upstream, parts, vault, remembered=False, streamed=False)
    document = json.loads(body)
    carriers = list(_carriers(document, []))
    if not carriers:
        return False
    place = carriers[damage % len(carriers)]
    _spoil(document, place)
    request = decoded(client, json.dumps(document).encode())
    losses = vault.restore(request)
    assert {loss.kind for loss in losses} <= {"reasoning_foreign"}, losses
    out, headers, _ = encoded(upstream, request)
    _no_carrier(out)
    expected = [pair for _, pairs in state_of([Message("assistant", parts)]) for pair in pairs]
    found = [pair for _, pairs in state_of(decoded(upstream, out, headers).messages) for pair in pairs]
    assert all(pair in expected for pair in found)
    assert losses or found == expected, "state is lost in silence"  # some carriers are there twice
    return True


def withheld(client: Codec, upstream: Codec, other: Codec, parts: list[Part]) -> None:
    """State of one upstream goes to no other one, and that is told."""
    vault = Vault()
    request = decoded(client, _again(client, upstream, parts, vault, remembered=True, streamed=False))
    vault.restore(request)
    out, _, losses = encoded(other, request)
    _no_carrier(out)
    for _, pairs in state_of([Message("assistant", parts)]):
        for _, data in pairs:
            assert json.dumps(data)[1:-1].encode() not in out, "state of another origin goes out"
    assert any(loss.kind == "reasoning_foreign" for loss in losses)


def state_of(messages: list[Message]) -> State:
    """The state in the answers of a conversation, in order."""
    told: State = [
        (type(part).__name__, [(opaque.kind, opaque.data) for opaque in part.opaque if opaque.data])
        for message in messages
        if message.role == "assistant"
        for part in message.parts
    ]
    return [(name, pairs) for name, pairs in told if pairs]


def _again(
    client: Codec, upstream: Codec, parts: list[Part], vault: Vault, *, remembered: bool, streamed: bool
) -> bytes:
    """The next request of a client that was given these parts as an answer."""
    asked = Request(
        protocol=client.name,
        model="m",
        messages=[Message("user", [Text(text="hi")])],
        reasoning=ReasoningConfig(effort="high", sealed=True),
    )
    stop = StopReason(kind="tool_use" if any(isinstance(part, ToolCall) for part in parts) else "stop")
    response = Response(protocol=upstream.name, id="r-1", model="m", candidates=[Candidate(0, parts, stop)])
    context = AnswerContext(asked, NOW, "made", vault.envelopes(), kept=remembered)
    losses: list[Loss] = []
    if streamed:
        encoder = client.stream_encoder(context, losses)
        answer = encoder.feed(list(unfold(response))) + encoder.close()
    else:
        answer = client.encode_response(response, context, losses)
    assert [loss for loss in losses if loss.kind == "reasoning_foreign"] == []
    if remembered:
        vault.remember(asked, response)
    return echo(client.name, answer, streamed=streamed)


def _no_carrier(body: bytes) -> None:
    for mark in ("tw1.", base64.b64encode(b"tw1.").decode()[:5], SEAL_PREFIX_BASE64):
        assert mark.encode() not in body, "a carrier goes out"


def _carriers(document: Json, at: list[str | int]) -> list[list[str | int]]:
    """The places of carriers in a document."""
    if isinstance(document, str):
        return [at] if document.startswith((SEAL_PREFIX, SEAL_PREFIX_BASE64)) else []
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [place for key, value in inside for place in _carriers(value, [*at, key])]


def _spoil(document: Json, place: list[str | int]) -> None:
    *way, last = place
    for key in way:
        document = document[key]
    text = document[last]
    middle = (len(text) + len(SEAL_PREFIX_BASE64)) // 2
    document[last] = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


def opaque_parts(protocol: str, texts: list[str], state: list[str]) -> list[Part]:
    """An answer of an upstream, with its own kinds of state where its vendor puts them."""
    origin = Origin(protocol)
    pieces = iter(state)

    def sealed(kind: str) -> tuple[Opaque, ...]:
        return (Opaque(kind, next(pieces), origin),)  # type: ignore[arg-type]  # a kind

    thought, words, more, last = texts
    call = ToolCall(id="call_0123456789abcdef", name="f", arguments='{"a":1}')
    other = ToolCall(id="call_fedcba9876543210", name="g", arguments="{}")
    match protocol:
        case "anthropic-messages":
            first = [Reasoning(text=thought, opaque=sealed("signature")), Text(text=words)]
            again = [Reasoning(text="", form="hidden", opaque=sealed("redacted"))]
            return [*first, *again, Reasoning(text=more, opaque=sealed("signature")), call, other]
        case "openai-responses":
            first = [Reasoning(text=thought, form="summary", opaque=sealed("encrypted_reasoning")), Text(text=words)]
            return [*first, Reasoning(form="hidden", opaque=sealed("encrypted_reasoning")), call, other]
        case _:
            call.opaque = sealed("thought_signature")
            signed = Text(text=last, opaque=sealed("thought_signature"))
            return [Reasoning(text=thought), Text(text=words), signed, call, other]
