"""Times as vendors write them in words."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def seconds(created: str | None) -> int | None:
    """A time as whole seconds since the epoch; None for what is no time."""
    if created is None:
        return None
    try:
        time = datetime.fromisoformat(created)
        return ((time if time.tzinfo is not None else time.replace(tzinfo=UTC)) - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def timestamp(created: int) -> str:
    """Seconds since the epoch as such a time, in UTC."""
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
