"""Recorded bytes after all kinds of accidents, against every decoder: protocol errors and no other, in linear time."""

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import pytest
from tests.laws.protocols import ALL, each

from twoapi.ir import FaultError
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Codec, Restore
from twoapi.testing import canned
from twoapi.testing.laws.bounds import work
from twoapi.testing.laws.subject import events_of, incoming
from twoapi.testing.mutations import grown, mutated, pieces

FIXTURES = Path(__file__).parents[1] / "fixtures"
NIGHTLY = os.environ.get("TWOAPI_HYPOTHESIS_PROFILE") == "nightly"
KINDS = ("request", "answer", "stream", "fault")
# Of each kind and decoder; 5 000 in all on every run, 200 000 at night, then of another seed each time.
CASES = (200_000 if NIGHTLY else 5_000) // (len(KINDS) * len(ALL))
SEED = random.SystemRandom().getrandbits(32) if NIGHTLY else 20261121
FOLDERS = {"openai-chat": "openai-chat", "openai-responses": "openai-responses", "anthropic-messages": "anthropic"}
WORDS = {"request": ("req.",), "answer": ("resp.", "fold."), "stream": (".sse",), "fault": ("error.",)}


@cache
def corpus(kind: str, protocol: str) -> list[bytes]:
    """What was recorded of a kind, in one protocol."""
    folder = FIXTURES / FOLDERS.get(protocol, protocol)
    files = [file for file in folder.iterdir() if any(word in file.name for word in WORDS[kind])]
    found = [file.read_bytes() for file in sorted(files) if (file.suffix == ".sse") == (kind == "stream")]
    if kind == "request":
        found += [body for place in (folder, FIXTURES / "clients") for body in captured(place, protocol)]
        found.append(json.dumps(canned.request_body(protocol, "m", stream=True)).encode())
    return found


def captured(place: Path, protocol: str) -> Iterator[bytes]:
    """The bodies of requests of real clients."""
    path = {"openai-chat": "/chat/completions", "anthropic-messages": "/messages"}.get(protocol, "")
    for file in sorted(place.glob("**/*.json")):
        document = json.loads(file.read_bytes())
        if isinstance(document, dict) and "body" in document and path in str(document.get("path", "")):
            yield json.dumps(document["body"], ensure_ascii=False).encode()


def request(codec: Codec, data: bytes, _: random.Random) -> None:
    try:
        codec.decode_request(incoming(codec, data))
    except FaultError as error:
        told = error.fault
    else:
        return
    assert told.whose == "client", told
    assert 400 <= told.http_status < 500, told


def answer(codec: Codec, data: bytes, _: random.Random) -> None:
    found = codec.inspect(data)
    if found.count is not None:
        found.count()
    with suppress(FaultError):
        codec.decode_response(data, Restore())


def stream(codec: Codec, data: bytes, chance: random.Random) -> None:
    events = events_of(codec, pieces(chance, data))
    assert violations(events) == []


def fault(codec: Codec, data: bytes, chance: random.Random) -> None:
    status = chance.choice((400, 401, 404, 413, 429, 500, 503, 529))
    found = codec.decode_fault(status, {b"retry-after": chance.choice((b"1", b"-5", b"x", b"1e999", b""))}, data)
    assert 400 <= found.http_status < 600, found
    codec.encode_fault(found, "req_1")


DECODERS: dict[str, Callable[[Codec, bytes, random.Random], None]] = {
    "request": request,
    "answer": answer,
    "stream": stream,
    "fault": fault,
}


def drawn(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311  a case must come again


def cases(codec: Codec, kind: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Mutated bytes, most of the decoder's own protocol and kind; the name is the seed that draws them again."""
    own, foreign = corpus(kind, codec.name), [data for other in ALL for data in corpus(kind, other.name)]
    for number in range(count):
        name = f"{SEED}-{codec.name}-{kind}-{number}"
        chance = drawn(name)
        yield name, mutated(chance, own if chance.random() < 0.8 else foreign)


@each
@pytest.mark.parametrize("kind", KINDS)
def test_l20_bytes_that_suffered_raise_nothing_but_protocol_errors(codec: Codec, kind: str) -> None:
    for name, data in cases(codec, kind, CASES):
        try:
            DECODERS[kind](codec, data, drawn(name))
        except Exception as error:
            error.add_note(f"case {name}: {data[:4000]!r}")
            raise


@each
@pytest.mark.parametrize("kind", KINDS)
def test_l20_bytes_that_suffered_are_read_in_linear_time(codec: Codec, kind: str) -> None:
    for name, data in cases(codec, kind, CASES // 20):
        sizes = [grown(data, times) for times in (1, 2, 4)]
        if len(sizes[-1]) > 4_000_000:
            continue
        DECODERS[kind](codec, sizes[0], drawn(name))  # what is only done the first time
        one, two, four = (work(partial(DECODERS[kind], codec, size, drawn(name))) for size in sizes)
        # Work that grows with the square costs four times as much for a byte of the longest as for one of the shortest.
        lengths = [max(len(size), 1) for size in sizes]
        dearest = max(one / lengths[0], two / lengths[1])
        assert four <= 2.6 * dearest * lengths[2] + 300, f"case {name}: {one}, {two}, {four} calls, {lengths} bytes"


def test_the_corpus_has_every_kind_of_every_protocol() -> None:
    assert all(corpus(kind, codec.name) for kind in KINDS for codec in ALL)
