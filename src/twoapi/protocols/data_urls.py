"""Data URLs (RFC 2397), in which some protocols carry media."""

import base64
from urllib.parse import unquote_to_bytes

from twoapi.ir import Base64, Url


def decode_url(url: str) -> tuple[Base64 | Url, str | None]:
    """The source that a URL means, and its media type when it is a data URL."""
    if url[:5].lower() != "data:":
        return Url(url), None
    head, comma, data = url[5:].partition(",")
    if not comma:
        return Url(url), None
    mime, *parameters = head.split(";")
    if not (parameters and parameters[-1].strip().lower() == "base64"):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    elif "%" in data:
        data = unquote_to_bytes(data).decode("latin-1")
    return Base64(data), mime.strip().lower() or "text/plain"


def encode_url(data: str, mime: str) -> str:
    """The data URL of base64 text."""
    return f"data:{mime};base64,{data}"
