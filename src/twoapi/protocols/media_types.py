"""The types of media that does not say its own."""

# How base64 of such files begins.
_STARTS = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi0", "application/pdf"),
)


def begun_type(data: str) -> str | None:
    """The type of base64 by what it begins with; None when that says nothing."""
    return next((mime for start, mime in _STARTS if data.startswith(start)), None)
