"""Parts of an answer as the output items that a client of this protocol is given, whole and streamed."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Base64,
    Citation,
    Loss,
    LossKind,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    SearchSource,
    ServerTool,
    Text,
    TokenLogprob,
    ToolCall,
    Unknown,
    UrlSource,
    plain,
)
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.encode_items import encode_logprobs, is_own, own_state, written_reasoning
from twoapi.protocols.openai_responses.items import mint_id
from twoapi.protocols.openai_responses.name import NAME
from twoapi.wire import json

MAX_CALL_ID = 64
Annotation = wire.UrlCitation | wire.FileCitation | Raw


class _Picture(msgspec.Struct, kw_only=True, tag_field="type", tag="image_generation_call"):
    id: str
    status: str
    result: str


def in_message(part: Part) -> bool:
    """True for a part that stands in the content of a message."""
    return isinstance(part, Text | Refusal) or (isinstance(part, Unknown) and "/content/" in part.at)


def joins(before: Part, part: Part) -> bool:
    """True when a part goes into the item of the one before it."""
    if in_message(part):
        return in_message(before) and before.item == part.item
    return isinstance(part, Reasoning) and isinstance(before, Reasoning) and _one_item(before, part)


def _one_item(before: Part, part: Part) -> bool:
    return part.item is not None and before.item == part.item


def runs(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts that make one item each, in order."""
    run: list[Part] = []
    for part in parts:
        if run and not joins(run[-1], part):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


class ItemEncoder:
    """Makes the items of one answer. `protocol` is the upstream's."""

    __slots__ = ("_context", "_losses", "_namespaces", "_reported", "own", "protocol")

    def __init__(self, protocol: str, context: AnswerContext, losses: list[Loss]) -> None:
        self.protocol = protocol
        self.own = protocol == NAME
        self._context = context
        self._losses = losses
        self._reported: set[tuple[str, str]] = set()
        self._namespaces: dict[str, tuple[str, str]] | None = None

    def lose(self, path: str, kind: LossKind, detail: str) -> None:
        """Reports a loss, once."""
        if (path, detail) not in self._reported:
            self._reported.add((path, detail))
            self._losses.append(Loss(path, kind, NAME, detail))

    # --- ids and names

    def item_id(self, kind: str, part: Part | None, index: int) -> str:
        """The upstream's own id of an item of this protocol, else one of ours."""
        if self.own and part is not None and part.item is not None and part.item.id:
            return part.item.id
        return mint_id(kind, f"{self._context.id}_{index}")

    def call_id(self, call: ToolCall) -> str:
        """The id by which a call's result will name it."""
        return call.id if self.own else encode_call_id(call.id, MAX_CALL_ID)

    def name(self, call: ToolCall) -> tuple[str, str | None]:
        """The name of the tool in its namespace, which upstreams of other protocols do not know."""
        if call.namespace is not None or self.own:
            return call.name, call.namespace
        if self._namespaces is None:
            self._namespaces = self._find_namespaces()
        return self._namespaces.get(call.name, (call.name, None))

    def _find_namespaces(self) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        plain_names = {tool.name for tool in self._context.request.tools if not tool.namespace}
        for tool in self._context.request.tools:
            if tool.namespace:
                place = (tool.name, tool.namespace)
                found.setdefault(f"{tool.namespace}__{tool.name}", place)
                if tool.name not in plain_names:
                    found.setdefault(tool.name, place)
        return found

    # --- items

    def encode(self, run: list[Part], index: int, *, cut: bool) -> list[wire.WrittenItem]:
        """The items of a run, the first with this number. `cut`: the answer was cut off in its last part."""
        first = run[0]
        if in_message(first):
            carriers: list[wire.WrittenItem] = []
            for part in run:
                carriers += self.carriers(part.opaque, part, index + len(carriers))
            status = "incomplete" if cut else "completed"
            message = self.message(run, self.item_id("message", first, index + len(carriers)), status)
            return [*carriers, message]
        if isinstance(first, Reasoning):
            if self.is_empty(first):
                return []
            return [self.reasoning(run, self.reasoning_id(first, index))]
        if isinstance(first, ToolCall):
            carriers = self.carriers(first.opaque, first, index)
            return [*carriers, self.call(first, index + len(carriers), cut=cut)]
        whole = self.whole(first, index)
        return [] if whole is None else [whole]

    def is_empty(self, part: Reasoning) -> bool:
        """True for reasoning of another protocol that says nothing and has no state."""
        return not self.own and not part.opaque and not plain(part.text)

    def message(self, parts: Sequence[Part], item_id: str, status: str) -> wire.WrittenMessage:
        """A message."""
        mark = parts[-1].item if self.own else None
        phase = None if mark is None else mark.phase
        return wire.WrittenMessage(
            id=item_id,
            status=(mark.status if mark is not None else None) or status,
            role="assistant",
            content=[self.content(part) for part in parts],
            phase=phase,
        )

    def content(self, part: Part) -> wire.WrittenPart:
        """A part of a message."""
        if isinstance(part, Text):
            text = plain(part.text)
            return wire.WrittenText(
                text=text,
                annotations=self.annotations(part.citations, len(text), part.at),
                logprobs=encode_logprobs(part.logprobs or []),
            )
        if isinstance(part, Refusal):
            if part.logprobs is not None:
                self.lose(part.at, "dropped", "log probabilities of a refusal")
            return wire.WrittenRefusal(refusal=part.text)
        return part.raw if isinstance(part, Unknown) else wire.WrittenRefusal(refusal="")

    def annotations(self, citations: Sequence[Citation], length: int, at: str) -> list[Annotation]:
        """What a text of this length rests on, as far as this protocol can say it."""
        return [found for citation in citations if (found := self.annotation(citation, length, at)) is not None]

    def annotation(self, citation: Citation, length: int, at: str) -> Annotation | None:
        """One annotation; None, reported, when what is cited has neither a URL nor a file id."""
        if citation.raw is not None and self.own:
            return citation.raw
        source = citation.source
        start = 0 if citation.start is None else citation.start
        end = length if citation.end is None else citation.end
        if isinstance(source, UrlSource):
            return wire.UrlCitation(start_index=start, end_index=end, url=source.url, title=source.title or "")
        if isinstance(source, SearchSource):
            if source.source.startswith(("http://", "https://")):
                return wire.UrlCitation(start_index=start, end_index=end, url=source.source, title=source.title or "")
        elif source.file_id is not None and self.own:
            return wire.FileCitation(index=start, file_id=source.file_id, filename=source.title or "")
        self.lose(at, "dropped", "a citation without a URL")
        return None

    def reasoning_id(self, part: Reasoning, index: int) -> str:
        """The id of the item of this reasoning."""
        kind = "compaction" if own_state([part], "compaction") is not None else "reasoning"
        return self.item_id(kind, part, index)

    def reasoning(self, parts: list[Part], item_id: str) -> wire.WrittenItem:
        """Reasoning: the upstream's own item again, or a summary with a carrier of what only the upstream can read."""
        if self.own:
            compacted = own_state(parts, "compaction")
            if compacted is not None:
                return wire.WrittenCompaction(id=item_id, encrypted_content=compacted)
            written = written_reasoning(parts, own_state(parts, "encrypted_reasoning"), item_id)
            # A part of a stream that ended before its item does not know the item's end.
            written.status = None if parts[-1].item is None else parts[-1].item.status
            return written
        texts = [text for part in parts if isinstance(part, Reasoning) and (text := plain(part.text))]
        state = [opaque for part in parts for opaque in part.opaque]
        return wire.WrittenReasoning(
            id=item_id,
            summary=[wire.WrittenSummary(text=text) for text in texts],
            encrypted_content=self.sealed(tuple(state), parts[0].at),
        )

    @property
    def seals(self) -> bool:
        """True when the client brings sealed state back itself."""
        request = self._context.request
        return bool(request.reasoning.sealed) or request.state.store is False

    def sealed(self, state: tuple[Opaque, ...], at: str) -> str | None:
        """A carrier of state; None when the client did not ask for such."""
        if self.seals:
            return self._context.sealer.seal(state, self.protocol)
        if state and not self._context.kept:
            self.lose(at, "info", "sealed reasoning was not asked for")
        return None

    def carriers(self, state: Sequence[Opaque], part: Part, index: int) -> list[wire.WrittenItem]:
        """An item for the state of a text or a call, which have no place for it; none when the gateway remembers it."""
        foreign = tuple(opaque for opaque in state if opaque.data and not (self.own and is_own(opaque, opaque.kind)))
        if not foreign or self._context.kept:
            return []
        if not self.seals:
            self.lose(part.at, "reasoning_foreign", "sealed state has no place here")
            return []
        carrier = self._context.sealer.seal(foreign, self.protocol)
        item_id = mint_id("reasoning", f"{self._context.id}_{index}")
        return [wire.WrittenReasoning(id=item_id, summary=[], encrypted_content=carrier)]

    def call(self, call: ToolCall, index: int, *, cut: bool) -> wire.WrittenCall | wire.WrittenCustomCall:
        """A call, whole or as far as it came."""
        status: str | None = "completed"
        if not call.complete or (cut and call.kind == "function" and not json.is_object(call.arguments)):
            status = "incomplete"
        if self.own and call.item is not None:
            status = call.item.status
        name, namespace = self.name(call)
        if call.kind == "custom":
            return wire.WrittenCustomCall(
                id=self.item_id("custom_tool_call", call, index),
                status=status,
                call_id=self.call_id(call),
                name=name,
                input=call.arguments,
                namespace=namespace,
            )
        return wire.WrittenCall(
            id=self.item_id("function_call", call, index),
            status=status,
            call_id=self.call_id(call),
            name=name,
            arguments=call.arguments or ("" if self.own else "{}"),
            namespace=namespace,
        )

    def whole(self, part: Part, index: int) -> Raw | None:
        """An item that the upstream of this protocol made, verbatim, and a picture as the tool that paints gives it;
        None, reported, for anything else.
        """
        if isinstance(part, ServerTool | Unknown) and part.protocol == NAME:
            return part.raw
        if isinstance(part, Media) and part.kind == "image" and isinstance(part.source, Base64) and part.source.data:
            self.lose(part.at, "emulated", "a picture is shown as the result of a tool")
            item_id = mint_id("image_generation_call", f"{self._context.id}_{index}")
            return Raw(json.encode(_Picture(id=item_id, status="completed", result=part.source.data)))
        self.lose(part.at, "dropped", f"no place for {type(part).__name__} in an answer")
        return None


def delta_logprobs(tokens: list[TokenLogprob]) -> list[dict[str, object]]:
    """Log probabilities as events of a stream have them: without bytes."""
    return [
        {
            "token": item.token,
            "logprob": item.logprob,
            "top_logprobs": [{"token": top.token, "logprob": top.logprob} for top in item.top],
        }
        for item in tokens
    ]
