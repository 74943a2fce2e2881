"""Parts of whole answers to content blocks."""

from collections.abc import Sequence

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages import schema_out as out
from twoapi.protocols.anthropic_messages.citations import encode_citation, split_at_spans
from twoapi.protocols.anthropic_messages.envelope import native_redacted, native_signature
from twoapi.protocols.anthropic_messages.faults import upstream_fault
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.call_ids import encode_call_id
from twoapi.wire.json import is_object

Wire = dict[str, object]
Blocks = list[out.TextBlock | Raw | Wire]

MAX_CALL_ID = 64
CUT_OFF = frozenset(("max_tokens", "context_window"))  # reasons to stop that cut a call in the middle


def encode_parts(  # noqa: C901, PLR0912  a table of parts, written out for the commonest
    parts: Sequence[ir.Part], stop: ir.StopReason, protocol: str, context: AnswerContext, losses: list[ir.Loss]
) -> tuple[Blocks, bool, bool]:
    """The blocks, whether a tool is called, and whether the model refused in words."""
    blocks: Blocks = []
    called = refused = False
    for part in parts:
        if type(part) is ir.Text:
            if part.opaque:
                report_state(part, context, losses)
            if part.citations or part.logprobs is not None:
                _put_text(part, blocks, losses)
            else:
                blocks.append(out.TextBlock(part.text))
        elif type(part) is ir.Reasoning:
            if protocol == NAME or part.opaque or ir.plain(part.text):
                blocks.append(_reasoning(part, protocol, context))
        elif type(part) is ir.ToolCall:
            report_state(part, context, losses)
            call = encode_call(part, stop, losses)
            if call is not None:
                called = True
                blocks.append(call)
        elif type(part) is ir.Refusal:
            refused = True
            blocks.append(out.TextBlock(part.text))
        elif isinstance(part, ir.ServerTool | ir.Unknown) and part.protocol == NAME:
            blocks.append(part.raw)
        else:
            losses.append(ir.Loss(part.at, "dropped", NAME, f"{type(part).__name__} in an answer"))
    return blocks, called, refused


def _put_text(part: ir.Text, blocks: Blocks, losses: list[ir.Loss]) -> None:
    if part.logprobs is not None:
        losses.append(ir.Loss(part.at, "dropped", NAME, "log probabilities"))
    if not part.citations:
        blocks.append(out.TextBlock(part.text))
    elif all(citation.start is None and citation.end is None for citation in part.citations):
        cited = [encode_citation(citation) for citation in part.citations]
        blocks.append({"type": "text", "text": part.text, "citations": cited})
    else:
        for text, citations in split_at_spans(ir.plain(part.text), part.citations):
            block: Wire = {"type": "text", "text": text}
            if citations:
                block["citations"] = [encode_citation(citation) for citation in citations]
            blocks.append(block)


def _reasoning(part: ir.Reasoning, protocol: str, context: AnswerContext) -> Wire:
    redacted = native_redacted(part)
    if redacted is not None:
        return {"type": "redacted_thinking", "data": redacted}
    return {"type": "thinking", "thinking": part.text, "signature": signature_of(part, protocol, context)}


def signature_of(part: ir.Reasoning, protocol: str, context: AnswerContext) -> str:
    """The vendor's own signature, or a carrier of what another origin made."""
    signature = native_signature(part)
    if signature is not None:
        return signature
    return "" if protocol == NAME else context.sealer.seal(part.opaque, protocol)


def report_state(part: ir.Part, context: AnswerContext, losses: list[ir.Loss]) -> None:
    """Sealed state of a text or a call has no carrier here: without a gateway that remembers it, it is lost."""
    if part.opaque and not context.kept:
        losses.append(ir.Loss(part.at, "reasoning_foreign", NAME, "sealed state has no place here"))


def encode_call(part: ir.ToolCall, stop: ir.StopReason, losses: list[ir.Loss]) -> Wire | None:
    """A call; None when it was cut off by the output limit. Other broken arguments are the upstream's fault."""
    given: object
    if part.kind == "custom":
        given = {"input": part.arguments}
    elif not part.arguments:
        given = {}
    elif is_object(part.arguments):
        given = Raw(part.arguments)
    elif stop.kind in CUT_OFF:
        losses.append(ir.Loss(part.at, "dropped", NAME, "a tool call that was cut off"))
        return None
    else:
        raise ir.FaultError(broken_call())
    return {"type": "tool_use", "id": encode_call_id(part.id, MAX_CALL_ID), "name": part.name, "input": given}


def broken_call() -> ir.Fault:
    """Arguments that nothing cut off and that are still no JSON object."""
    return upstream_fault("the model wrote tool arguments that are not a JSON object", "invalid_tool_arguments")
