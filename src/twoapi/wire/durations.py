"""Spans of time as servers spell them in headers and errors."""

import math
import re

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")


def number(text: str) -> float | None:
    """A finite number that is not negative; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def seconds(text: str) -> float | None:
    """The seconds of "6m0s", "7.66s", "120ms" or a bare number; None for anything else."""
    bare = number(text)
    if bare is not None:
        return bare
    found = _DURATION.findall(text)
    if not found or "".join(amount + unit for amount, unit in found) != text:
        return None
    return math.fsum(float(amount) * _UNITS[unit] for amount, unit in found)
