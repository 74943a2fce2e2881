"""Payloads that went wrong on their way: mutations of recorded bytes, drawn by a seeded generator, cheap and many."""

import copy
import json
import random
from collections.abc import Callable

from twoapi.testing.replies import Json

_VALUES: tuple[Json, ...] = (None, True, False, 0, -1, 7, 1.5, 1e308, 10**30, "", "x", "\ud83d", "tw1.x", [], {}, [[]])
_TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"null",
    b"-",
    b"1e999",
    b"data: ",
    b"data: [DONE]\n\n",
    b"\n\n",
    b"\r",
    b"event: error\n",
    b": \n",
    b"/*",
    b"NaN",
)
_MOST = 64 * 1024  # bytes of a mutated payload, but for those that are nested


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """One payload of the corpus after one to three accidents."""
    data = chance.choice(corpus)
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(_MUTATIONS)(chance, data, corpus)[:_MOST]
    return _nested(chance, data) if chance.random() < 0.02 else data


def _flipped(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for _times in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] if chance.random() < 0.7 else data[at:]


def _spliced(chance: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    other = chance.choice(corpus)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _repeated(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start, end = _slice(chance, data)
    return data[:end] + data[start:end] * chance.randint(1, 3) + data[end:]


def _removed(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start, end = _slice(chance, data)
    return data[:start] + data[end:]


def _slice(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 2, 8, 40, 200)))


def _interrupted(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_TOKENS) + data[at:]


def _edited(chance: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    """Members of a document, or of one frame of a stream, are gone, doubled, of another type, or elsewhere."""
    head, document, tail = _document(chance, data)
    if document is None:
        return _interrupted(chance, data, corpus)
    for _ in range(chance.randint(1, 3)):
        _edit(chance, document)
    return head + json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace") + tail


def _document(chance: random.Random, data: bytes) -> tuple[bytes, Json, bytes]:
    """What stands before a JSON document, the document, and what stands behind it; None when there is none."""
    lines = data.split(b"\n")
    starts = [index for index, line in enumerate(lines) if line.startswith(b"data: {")]
    if not starts:
        return b"", _parsed(data), b""
    at = chance.choice(starts)
    before, after = b"\n".join([*lines[:at], b"data: "]), b"\n".join([b"", *lines[at + 1 :]])
    return before, _parsed(lines[at][6:]), after


def _parsed(data: bytes) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _edit(chance: random.Random, document: Json) -> None:
    holders = _holders(document)
    if not holders:
        return
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    match chance.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = copy.deepcopy(chance.choice(_VALUES))
        case 2:
            other = chance.choice(holders)
            holder[key] = copy.deepcopy(other)
        case 3 if isinstance(holder, list):
            holder += [copy.deepcopy(holder[key]) for _ in range(chance.randint(1, 40))]
        case 3:
            holder[f"{key}_"] = copy.deepcopy(holder[key])
        case _:
            holder[key] = [holder[key]] if chance.random() < 0.5 else {str(key): holder[key]}


def _holders(document: Json) -> list[Json]:
    """Every object and list of a document that is not empty."""
    found, waiting = [], [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and value:
            found.append(value)
            waiting += value.values() if isinstance(value, dict) else value
    return found


def _nested(chance: random.Random, data: bytes) -> bytes:
    """The payload with something very deep in it, or in something very deep."""
    depth = chance.choice((150, 1000, 20_000))
    start, end = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"content":[', b"]}"), (b'[{"parts":', b"}]")))
    deep = start * depth + b"1" + end * depth
    spots = [at for at in (data.find(mark) for mark in (b'": "', b'":"', b'": [', b'": {', b'":[', b'":{')) if at >= 0]
    if not spots:
        return deep
    at = chance.choice(spots) + 2
    return data[:at] + deep + b"," + data[at:] if chance.random() < 0.2 else data[:at] + deep + b',"b":' + data[at:]


_MUTATIONS: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (
    _flipped,
    _cut,
    _spliced,
    _repeated,
    _removed,
    _interrupted,
    _edited,
    _edited,
    _edited,
    _edited,
)


def pieces(chance: random.Random, data: bytes) -> list[bytes]:
    """The bytes as they may arrive: at once, in a few pieces, or one by one."""
    if len(data) < 400 and chance.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    marks = sorted(chance.randint(0, len(data)) for _ in range(chance.randrange(4)))
    return [data[start:end] for start, end in zip([0, *marks], [*marks, len(data)], strict=True)]


def grown(data: bytes, times: int) -> bytes:
    """A payload with `times` as much in it: the elements of its longest list, or the frames of a stream, come again."""
    frames = data.split(b"\n\n")
    if len(frames) > 2:
        middle = len(frames) // 2
        return b"\n\n".join(frames[:middle] + frames[middle : middle + 1] * 16 * times + frames[middle + 1 :])
    document = _parsed(data)
    lists = [holder for holder in _holders(document) if isinstance(holder, list)]
    if not lists:
        return data
    longest = max(lists, key=lambda holder: len(json.dumps(holder)))
    longest *= 16 * times
    return json.dumps(document).encode()
