"""Lists of canonical events: legal ones with interleaved parts, and broken ones."""

import itertools

from hypothesis import strategies as st

from twoapi.ir import (
    Attach,
    Citation,
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Opaque,
    Origin,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Start,
    StopReason,
    Text,
    TokenLogprob,
    ToolCall,
    UrlSource,
    Usage,
    UsageUpdate,
)
from twoapi.testing.strategies.values import argument_texts, names, pieces, texts, urls

_counts = st.one_of(st.none(), st.integers(0, 1000))
usages = st.builds(
    Usage,
    input=_counts,
    cache_read=_counts,
    cache_write=_counts,
    output=_counts,
    reasoning=_counts,
)
stops = st.one_of(
    st.sampled_from(
        [
            StopReason(kind="stop"),
            StopReason(kind="tool_use"),
            StopReason(kind="max_tokens"),
            StopReason(kind="context_window"),
            StopReason(kind="content_filter"),
            StopReason(kind="recitation"),
            StopReason(kind="refusal"),
            StopReason(kind="pause"),
            StopReason(kind="compaction"),
            StopReason(kind="other", raw="odd"),
        ]
    ),
    st.builds(lambda text: StopReason(kind="stop_sequence", sequence=text), texts),
)
faults = st.builds(
    lambda kind, message: Fault(kind=kind, message=message, whose="upstream"),
    st.sampled_from(["upstream_error", "overloaded", "rate_limited", "timeout", "content_filtered"]),
    texts,
)


@st.composite
def _part(draw: st.DrawFn, number: int) -> tuple[Part, str, list[Attach]]:
    """The header of a part, its body, and what is attached to it."""
    kind = draw(st.sampled_from(("text", "text", "reasoning", "call", "call", "custom", "refusal")))
    attached: list[Attach] = []
    if kind == "text":
        body = draw(texts)
        if draw(st.integers(0, 3)) == 0:
            attached.append(Attach(0, number, Citation(UrlSource(draw(urls), "T"), None, None, "q")))
        if draw(st.integers(0, 4)) == 0:
            attached.append(Attach(0, number, [TokenLogprob("x", -0.5, [120])]))
        return Text(), body, attached
    if kind == "reasoning":
        origin = draw(st.sampled_from(("anthropic-messages", "openai-chat", "gemini")))
        if draw(st.booleans()):
            attached.append(Attach(0, number, Opaque("signature", "c2ln", Origin(origin))))
        return Reasoning(), draw(texts), attached
    if kind == "call":
        return ToolCall(id=f"call_{number}", name=draw(names)), draw(argument_texts), []
    if kind == "custom":
        return ToolCall(id=f"call_{number}", name=draw(names), kind="custom"), draw(texts), []
    return Refusal(), draw(texts), []


@st.composite
def legal_events(draw: st.DrawFn, *, interleaved: bool = True, failing: bool = True) -> list[Event]:
    """A complete list of events of one candidate, as a decoder may give it."""
    tracks: list[list[Event]] = []
    for number in range(draw(st.integers(0, 4))):
        header, body, attached = draw(_part(number))
        deltas: list[Event] = [Delta(0, number, piece) for piece in draw(pieces(body))] if body else []
        tracks.append([*deltas, *attached, PartEnd(0, number)])
        tracks[-1].insert(0, PartStart(0, number, header))
    events: list[Event] = [Start(id=draw(names), model="m", usage=draw(st.one_of(st.none(), usages)))]
    events += draw(_woven(tracks)) if interleaved else [event for track in tracks for event in track]
    if draw(st.booleans()):
        events.insert(draw(st.integers(1, len(events))), KeepAlive())
    if draw(st.booleans()):
        events.append(UsageUpdate(draw(usages)))
    if failing and draw(st.integers(0, 5)) == 0:
        return [*events[: draw(st.integers(1, len(events)))], Failed(draw(faults))]
    events.append(Finish(0, draw(stops)))
    if draw(st.booleans()):
        events.append(UsageUpdate(draw(usages)))
    return [*events, End()]


@st.composite
def _woven(draw: st.DrawFn, tracks: list[list[Event]]) -> list[Event]:
    """Parts that are open at the same time; they start in order."""
    order = draw(st.permutations([index for index, track in enumerate(tracks) for _ in track]))
    woven: list[Event] = []
    started = 0
    left = [list(track) for track in tracks]
    for wanted in order:
        index = wanted
        while started < index:  # a part cannot start before the one in front of it
            if left[started]:
                woven.append(left[started].pop(0))
            started += 1
        if left[index]:
            woven.append(left[index].pop(0))
            started = max(started, index + 1)
    return woven + [event for track in left for event in track]


@st.composite
def mangled_events(draw: st.DrawFn) -> list[Event]:
    """Events that no decoder should give: cut off, doubled, out of order, of several candidates, without an end."""
    events = draw(legal_events())
    for _ in range(draw(st.integers(1, 4))):
        if events:
            at = draw(st.integers(0, len(events) - 1))
            events = draw(st.sampled_from(_MANGLERS))(draw, events, at)
    return events


def _dropped(_: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return events[:at] + events[at + 1 :]


def _doubled(_: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return [*events[:at], events[at], *events[at:]]


def _swapped(draw: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    other = draw(st.integers(0, len(events) - 1))
    swapped = list(events)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return swapped


def _cut(_: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return events[:at]


def _failed(draw: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return [*events[:at], Failed(draw(faults)), *events[at:]]


def _restarted(_: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return [*events[:at], Start(id="again", model="m2"), *events[at:]]


def _joined(draw: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    second: list[Event] = [PartStart(1, 0, Text()), Delta(1, 0, draw(texts)), PartEnd(1, 0)]
    return [*events[:at], *second, *events[at:]]


def _finished(draw: st.DrawFn, events: list[Event], at: int) -> list[Event]:
    return [*events[:at], Finish(draw(st.integers(0, 1)), draw(stops)), *events[at:]]


_MANGLERS = [_dropped, _doubled, _swapped, _cut, _failed, _restarted, _joined, _finished]


@st.composite
def batched(draw: st.DrawFn, events: list[Event]) -> list[list[Event]]:
    """The events as they may be handed over: some at once, some alone, sometimes none."""
    marks = draw(st.lists(st.integers(0, len(events)), max_size=4))
    edges = [0, *sorted(marks), len(events)]
    return [events[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def recut(draw: st.DrawFn, events: list[Event]) -> list[Event]:
    """The same events with other deltas: neighbours joined, or one cut in two."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if not isinstance(event, Delta):
            found.append(event)
        elif isinstance(last, Delta) and _place(last) == _place(event) and draw(st.booleans()):
            found[-1] = Delta(event.candidate, event.part, last.text + event.text, event.field)
        else:
            at = draw(st.integers(0, len(event.text)))
            halves = [event.text[:at], event.text[at:]] if draw(st.booleans()) else [event.text]
            found += [Delta(event.candidate, event.part, half, event.field) for half in halves]
    return found


def _place(delta: Delta) -> tuple[int, int, str]:
    return delta.candidate, delta.part, delta.field
