"""The parts of items that can hold a prompt-cache breakpoint, and how it is written."""

from twoapi.protocols.openai_cache_marks import Marked
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.name import NAME


def _mark(ttl: str | None) -> wire.CacheBreakpoint:
    return wire.CacheBreakpoint(mode="explicit", ttl=ttl)


MARKED = Marked(NAME, (wire.InputText, wire.InputImage, wire.InputFile), _mark)
