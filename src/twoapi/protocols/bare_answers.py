"""The answer that most answers are, which encoders write at once."""

from twoapi.ir import Candidate, Text


def bare_text(candidate: Candidate) -> str | None:
    """The text of a candidate that is nothing but one and ended by itself; None for any other."""
    parts, stop = candidate.parts, candidate.stop
    if len(parts) != 1 or type(text := parts[0]) is not Text:
        return None
    if stop is not None and (stop.kind != "stop" or stop.sequence or stop.details or stop.detail):
        return None
    if text.citations or text.logprobs or text.opaque or type(words := text.text) is not str:
        return None
    return words
