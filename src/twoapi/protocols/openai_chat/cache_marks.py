"""The parts of messages that can hold a prompt-cache breakpoint, and how it is written."""

from twoapi.protocols.openai_cache_marks import Marked
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME

_PLAIN = wire.CacheBreakpoint(mode="explicit")  # never changed


def _mark(ttl: str | None) -> wire.CacheBreakpoint:
    return _PLAIN if ttl is None else wire.CacheBreakpoint(mode="explicit", ttl=ttl)


MARKED = Marked(NAME, (wire.TextPart, wire.ImagePart, wire.AudioPart, wire.FilePart), _mark)
