"""What every service here knows: the vector of a text, its relevance, its tokens."""

import base64
import struct
import zlib

SIZE = 8  # numbers in a vector unless another size is asked for


def vector(text: str, size: int | None = None) -> list[float]:
    """Numbers that a float32 holds exactly."""
    seed = zlib.crc32(text.encode())
    return [((seed >> (number % 24)) % 255 - 127) / 128 + number for number in range(size or SIZE)]


def packed(numbers: list[float]) -> str:
    """A vector as base64 of little-endian float32."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def tokens(*texts: str) -> int:
    """Words."""
    return sum(len(text.split()) for text in texts)


def relevance(query: str, document: str) -> float:
    """How many of a query's words a document has."""
    words = query.lower().split()
    return sum(word in document.lower().split() for word in words) / max(1, len(words))


def ranking(query: str, documents: list[str], most: int | None) -> list[tuple[int, float]]:
    """Numbers and relevances of the documents, the best first."""
    scored = [(number, relevance(query, document)) for number, document in enumerate(documents)]
    return sorted(scored, key=lambda one: (-one[1], one[0]))[:most]
