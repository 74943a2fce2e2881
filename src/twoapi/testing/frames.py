"""A plain reading of a whole event stream, by the letter of the standard; the reference for the readers of `wire`."""

import re

_LINE_END = re.compile(r"\r\n|\r|\n")


def frames_of(stream: bytes) -> list[tuple[str, str]]:
    """The events of a stream that is all there: name ("" when it has none) and data.

    WHATWG HTML 9.2.6, but a last event without its blank line counts, as vendors' servers leave it out.
    """
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    found: list[tuple[str, str]] = []
    name, data = "", None
    for line in [*_LINE_END.split(text), ""]:
        if not line:
            if data:
                found.append((name, data))
            name, data = "", None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data = value if data is None else f"{data}\n{value}"
    return found
