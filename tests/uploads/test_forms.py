"""Forms as they come in pieces: the same parts wherever they are cut, and edits that change nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.uploads.site import BOUNDARY, form

from twoapi.ir import FaultError
from twoapi.protocols.operations.forms import (
    Edit,
    FormScanner,
    Part,
    added,
    boundary_of,
    removed,
    replaced,
    text_of,
)

MARK = BOUNDARY.encode()
# What looks like the end of a part, nearly.
TRAPS = st.sampled_from(
    [b"\r\n--a-boundar", b"\r\n--a-boundaryx", b"\r\n", b"--a-boundar", b"\n--a-boundary\r\n", b"\r", b"-"]
)
MARKS = st.sampled_from([b"--a-boundary\r\n", b"\r\n\r\n", b"--"])
CONTENT = st.lists(TRAPS | st.binary(max_size=8), max_size=8).map(b"".join)
NAMES = st.sampled_from(["model", "file", "prompt", "timestamp_granularities[]", "x y"])
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n-"), max_size=12)
PARTS = st.lists(st.tuples(NAMES, VALUES | CONTENT), min_size=1, max_size=6)


def is_safe(parts: list[tuple[str, str | bytes]]) -> bool:
    """True when no content has, or makes, a delimiter."""
    body = form(*parts)
    return body.count(b"--" + MARK + b"\r\n") == len(parts) and body.count(b"--" + MARK + b"--") == 1


def scanned(body: bytes, step: int) -> FormScanner:
    scanner = FormScanner(MARK)
    for at in range(0, len(body), step):
        scanner.feed(body[at : at + step])
    return scanner


def shown(parts: list[Part]) -> list[tuple[object, ...]]:
    return [(part.name, part.is_file, part.begin, part.content, part.end, part.value) for part in parts]


@given(PARTS, st.integers(1, 60))
def test_the_parts_are_the_same_wherever_a_form_is_cut(parts: list[tuple[str, str | bytes]], step: int) -> None:
    if not is_safe(parts):
        return
    body = form(*parts)
    whole, cut = scanned(body, len(body)), scanned(body, step)
    whole.close()
    cut.close()
    assert shown(cut.parts) == shown(whole.parts)
    for part, (name, value) in zip(whole.parts, parts, strict=True):
        data = value if isinstance(value, bytes) else value.encode()
        assert (part.name, body[part.content : part.end]) == (name, data)
        assert part.is_file == isinstance(value, bytes)
        assert part.is_file or text_of(part) == value


@given(PARTS, st.data(), VALUES)
def test_an_edit_changes_one_part(parts: list[tuple[str, str | bytes]], data: st.DataObject, value: str) -> None:
    if not is_safe(parts):
        return
    body = form(*parts)
    number = data.draw(st.integers(0, len(parts) - 1))
    part = scanned(body, len(body)).parts[number]

    def edited(edit: Edit) -> bytes:
        found = edit.applied(body)
        assert len(found) == len(body) + edit.growth
        return found

    changed = [*parts[:number], (parts[number][0], value.encode() if part.is_file else value), *parts[number + 1 :]]
    assert edited(replaced(part, value)) == form(*changed)
    rest = parts[:number] + parts[number + 1 :]
    assert not rest or edited(removed(part)) == form(*rest)
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{value}\r\n'.encode()
    assert edited(added(MARK, "model", value)) == head + body


@given(
    st.lists(TRAPS | st.sampled_from([b"--a-boundary\r\n", b"\r\n\r\n", b"--"]) | st.binary(max_size=9)),
    st.integers(1, 40),
)
def test_whatever_comes_is_a_form_or_a_fault(pieces: list[bytes], step: int) -> None:
    body = b"".join(pieces)
    outcomes: list[object] = []
    for size in (step, max(1, len(body))):
        try:
            scanner = scanned(body, size)
            scanner.close()
            outcomes.append(shown(scanner.parts))
        except FaultError as error:
            outcomes.append(error.fault.message)
    assert outcomes[0] == outcomes[1]


def test_many_near_delimiters_take_no_time() -> None:
    body = form(("model", "m"), ("file", b"\r\n--a-boundaryx" * 300_000))
    assert len(scanned(body, 300_000).parts) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"--a-boundary\r\nContent-Disposition: form-data; name=x\r\n\r\n--a-boundary\r\n",
        b"--a-boundary\r\nA: b\r\n\r\nx",
        b"--a-boundary\r\nContent-Disposition: form-data\r\nContent-Disposition: form-data\r\n\r\nx",
        b"--a-boundary\r\nA: " + b"b" * 20_000,
        form(*[("x", "y")] * 1001),
    ],
)
def test_what_others_might_read_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(FaultError):
        scanned(body, 1000)


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data; charset=utf-8; Boundary="a b;c"', b"a b;c"),
        (b"multipart/form-data;boundary=abc ", b"abc"),
    ],
)
def test_boundaries(said: bytes, boundary: bytes) -> None:
    assert boundary_of({b"content-type": said}) == boundary


def test_names() -> None:
    named = b'CONTENT-DISPOSITION: form-data; Name="a \\"b\\""; filename*=x'
    (part,) = scanned(b"--a-boundary\r\ncontent-type: text/plain\r\n" + named + b"\r\n\r\n", 1000).parts
    assert (part.name, part.is_file) == ('a "b"', True)
