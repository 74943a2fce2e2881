"""Log probabilities of tokens, both ways."""

import msgspec
from msgspec import Raw

from twoapi.ir import TokenLogprob
from twoapi.protocols.gemini import schema_answer as wire
from twoapi.wire.errors import WireError
from twoapi.wire.json import encode, fields, first_byte, items


class _Token(msgspec.Struct, rename="camel", gc=False):
    token: str = ""
    log_probability: float = 0.0


class _TopTokens(msgspec.Struct):
    candidates: list[_Token] = []


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] = []
    top_candidates: list[_TopTokens] = []


_decode = msgspec.json.Decoder(_Logprobs).decode
_decode_strict = msgspec.json.Decoder(wire.Logprobs).decode
_LIST = 91
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_logprobs(raw: Raw) -> list[TokenLogprob]:
    """The tokens; [] when there are none or when they cannot be read."""
    try:
        found = _decode(raw)
    except _BAD:
        return []
    tops = [
        tuple(TokenLogprob(top.token, top.log_probability) for top in step.candidates) for step in found.top_candidates
    ]
    return [
        TokenLogprob(one.token, one.log_probability, None, tops[i] if i < len(tops) else ())
        for i, one in enumerate(found.chosen_candidates)
    ]


def says_more(raw: Raw, tokens: list[TokenLogprob]) -> bool:
    """True when the tokens are not all that was told: the vendor adds the numbers of tokens."""
    try:
        return _decode_strict(raw) != write_logprobs(tokens)
    except _BAD:
        return True


def write_logprobs(tokens: list[TokenLogprob]) -> wire.Logprobs:
    """The vendor's object."""
    chosen = [wire.Token(one.token, one.logprob) for one in tokens]
    tops = [wire.TopTokens([wire.Token(top.token, top.logprob) for top in one.top]) for one in tokens]
    return wire.Logprobs(chosen, tops if any(one.top for one in tokens) else [])


def joined(pieces: list[Raw]) -> Raw | None:
    """The log probabilities of all frames as one object; None for none."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    lists: dict[str, list[Raw]] = {}
    others: dict[str, Raw] = {}
    for raw in pieces:
        try:
            for name, value in fields(raw).items():
                if first_byte(value) == _LIST:
                    lists.setdefault(name, []).extend(items(value))
                else:
                    others[name] = value
        except WireError:
            continue
    return Raw(encode({**others, **lists}))
