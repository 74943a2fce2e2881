"""The events of a stream as they are read: one struct for all, since servers leave out whatever they please."""

from typing import Any

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class StreamEvent(msgspec.Struct, kw_only=True):
    """Any event. Members that tell a place or hold text are of any type: what is wrong in one is passed over."""

    type: str | None = None
    item_id: Any = None
    output_index: Any = None
    content_index: Any = None
    summary_index: Any = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    logprobs: Raw = EMPTY
    annotation: Raw = EMPTY
    part: Raw = EMPTY
    item: Raw = EMPTY
    response: Raw = EMPTY
    error: Raw = EMPTY


class TextDelta(msgspec.Struct, kw_only=True, tag_field="type", tag="response.output_text.delta", gc=False):
    """More of a text, as nearly all events are."""

    delta: str
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    logprobs: Raw = EMPTY


class ItemHead(msgspec.Struct, kw_only=True):
    """What an item says of itself before it has any content."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    phase: str | None = None


class PartHead(msgspec.Struct, kw_only=True):
    """The type of a part, and what a finished one has beside its text."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: Raw = EMPTY
    logprobs: Raw = EMPTY
