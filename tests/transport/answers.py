"""Answers of an upstream as exact bytes, and what is to be made of each."""

import gzip
import zlib
from typing import Literal, NamedTuple

from twoapi.transport import FailureKind

Peer = Literal["aiohttp", "h11"]

PLAIN = b"the quick brown fox jumps over the lazy dog " * 40
GZIP = gzip.compress(PLAIN, mtime=0)
_raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = _raw.compress(PLAIN) + _raw.flush()


class Answer(NamedTuple):
    """`expected` is status and body, or how it fails. UNLIKE says where a peer differs."""

    name: str
    wire: bytes
    expected: tuple[int, bytes] | FailureKind
    closes: bool = False  # the server closes behind it
    method: str = "POST"
    reusable: bool = False  # the connection must serve a second request, else it must be closed


def head(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((first, *lines, b"", b""))


def sized(body: bytes, *lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return head(b"Content-Length: %d" % len(body), *lines, first=first) + body


CHUNKED = head(b"Transfer-Encoding: chunked")
UNTIL_CLOSE = head(b"Content-Type: text/plain")

ANSWERS = [
    # Whole answers.
    Answer("content-length", sized(b"hello"), (200, b"hello"), reusable=True),
    Answer("many headers", sized(b"hi", *(b"X-%d: %d" % (i, i) for i in range(60))), (200, b"hi"), reusable=True),
    Answer("repeated headers", sized(b"hi", b"Set-Cookie: a=1", b"Set-Cookie: b=2"), (200, b"hi"), reusable=True),
    Answer("padded values", sized(b"hi", b"A:   b  ", b"C:\td\t", b"E:"), (200, b"hi"), reusable=True),
    Answer("latin-1 value", sized(b"hi", b"A: \xe9t\xe9"), (200, b"hi"), reusable=True),
    Answer("zero length", sized(b""), (200, b""), reusable=True),
    Answer("error status", sized(b"busy", first=b"HTTP/1.1 529 Overloaded"), (529, b"busy"), reusable=True),
    Answer("no reason", sized(b"ok", first=b"HTTP/1.1 200 "), (200, b"ok"), reusable=True),
    Answer("no space after the status", sized(b"ok", first=b"HTTP/1.1 200"), (200, b"ok"), reusable=True),
    Answer("chunked", CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", (200, b"hello world"), reusable=True),
    Answer(
        "chunks of all kinds in turn",
        CHUNKED
        + b"".join(b"%x\r\n%b\r\n" % (n, b"\r" * (n - 1) + b"\n") for n in (1, 2, 9, 10, 300, 1023, 1024, 5000))
        + b"A\r\n0123456789\r\n0a;x=1\r\nabcdefghij\r\n002\r\nhi\r\n0\r\n\r\n",
        (
            200,
            b"".join(b"\r" * (n - 1) + b"\n" for n in (1, 2, 9, 10, 300, 1023, 1024, 5000)) + b"0123456789abcdefghijhi",
        ),
        reusable=True,
    ),
    Answer("empty chunked", CHUNKED + b"0\r\n\r\n", (200, b""), reusable=True),
    Answer("chunk size in capitals", CHUNKED + b"0A\r\n0123456789\r\n0\r\n\r\n", (200, b"0123456789"), reusable=True),
    Answer("chunk extensions", CHUNKED + b'2;a=b;c="d"\r\nhi\r\n0;last\r\n\r\n', (200, b"hi"), reusable=True),
    Answer("trailers", CHUNKED + b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n", (200, b"hi"), reusable=True),
    Answer(
        "chunked in capitals",
        head(b"TRANSFER-ENCODING: CHUNKED") + b"2\r\nhi\r\n0\r\n\r\n",
        (200, b"hi"),
        reusable=True,
    ),
    Answer("connection: close with length", sized(b"bye", b"Connection: close"), (200, b"bye")),
    Answer("HTTP/1.0 with length", sized(b"old", first=b"HTTP/1.0 200 OK"), (200, b"old")),
    Answer(
        "HTTP/1.0 keep-alive",
        sized(b"old", b"Connection: keep-alive", first=b"HTTP/1.0 200 OK"),
        (200, b"old"),
        reusable=True,
    ),
    Answer("until close", UNTIL_CLOSE + b"all of it", (200, b"all of it"), closes=True),
    Answer("until close, empty", UNTIL_CLOSE, (200, b""), closes=True),
    Answer("until close, HTTP/1.0", head(first=b"HTTP/1.0 200 OK") + b"old", (200, b"old"), closes=True),
    Answer("no content", head(first=b"HTTP/1.1 204 No Content"), (204, b""), reusable=True),
    Answer("not modified", head(b'ETag: "x"', first=b"HTTP/1.1 304 Not Modified"), (304, b""), reusable=True),
    Answer("not modified with length", head(b"Content-Length: 5", first=b"HTTP/1.1 304 Not Modified"), (304, b"")),
    Answer("HEAD with length", head(b"Content-Length: 5"), (200, b""), method="HEAD"),
    Answer("HEAD with chunks announced", CHUNKED, (200, b""), method="HEAD"),
    Answer("HEAD without length", UNTIL_CLOSE, (200, b""), method="HEAD"),
    # Interim answers.
    Answer("100 before", head(first=b"HTTP/1.1 100 Continue") + sized(b"go"), (200, b"go"), reusable=True),
    Answer(
        "103 and 102 before",
        head(b"Link: </a>", first=b"HTTP/1.1 103 Early Hints") + head(first=b"HTTP/1.1 102 P") + sized(b"go"),
        (200, b"go"),
        reusable=True,
    ),
    Answer("closed after 100", head(first=b"HTTP/1.1 100 Continue"), "closed", closes=True),
    Answer(
        "101",
        head(b"Connection: upgrade", b"Upgrade: x", first=b"HTTP/1.1 101 S") + b"raw",
        "protocol",
    ),
    Answer("100 with a length", head(b"Content-Length: 3", first=b"HTTP/1.1 100 C") + b"abc" + sized(b"x"), "protocol"),
    Answer(
        "status 099",
        sized(b"x", first=b"HTTP/1.1 099 Low"),
        "protocol",
    ),
    # Cut off.
    Answer("nothing", b"", "closed", closes=True),
    Answer("cut status line", b"HTTP/1.1 20", "closed", closes=True),
    Answer("cut head", b"HTTP/1.1 200 OK\r\nContent-Le", "closed", closes=True),
    Answer("short body", head(b"Content-Length: 10") + b"hello", "closed", closes=True),
    Answer("no body at all", head(b"Content-Length: 10"), "closed", closes=True),
    Answer("chunks cut in a chunk", CHUNKED + b"a\r\nhello", "closed", closes=True),
    Answer("chunks cut before the last", CHUNKED + b"5\r\nhello\r\n", "closed", closes=True),
    Answer("chunks cut in the last", CHUNKED + b"5\r\nhello\r\n0\r\n", "closed", closes=True),
    # Broken.
    Answer("not HTTP", b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "protocol", closes=True),
    Answer("HTTP/2", b"HTTP/2 200\r\ncontent-length: 0\r\n\r\n", "protocol", closes=True),
    Answer("bad status", sized(b"x", first=b"HTTP/1.1 2x0 OK"), "protocol", closes=True),
    Answer("bad chunk size", CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", "protocol", closes=True),
    Answer("negative chunk size", CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "protocol", closes=True),
    Answer("enormous chunk size", CHUNKED + b"f" * 20 + b"\r\nhello", "protocol", closes=True),
    Answer("chunk longer than said", CHUNKED + b"2\r\nhello\r\n0\r\n\r\n", "protocol", closes=True),
    Answer(
        "conflicting lengths", head(b"Content-Length: 5", b"Content-Length: 6") + b"hello!", "protocol", closes=True
    ),
    Answer(
        "the same length twice",
        head(b"Content-Length: 5", b"Content-Length: 5") + b"hello",
        "protocol",
    ),
    Answer(
        "two lengths in one",
        head(b"Content-Length: 5, 5") + b"hello",
        "protocol",
    ),
    Answer("negative length", head(b"Content-Length: -5") + b"hello", "protocol", closes=True),
    Answer("signed length", head(b"Content-Length: +5") + b"hello", "protocol", closes=True),
    Answer("empty length", head(b"Content-Length:") + b"hello", "protocol", closes=True),
    Answer(
        "length and chunked",
        head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n",
        "protocol",
        closes=True,
    ),
    Answer(
        "unknown transfer coding",
        head(b"Transfer-Encoding: gzip") + b"hello",
        "protocol",
        closes=True,
    ),
    Answer("coding behind chunked", head(b"Transfer-Encoding: chunked, gzip") + b"hi", "protocol", closes=True),
    Answer(
        "coding before chunked",
        head(b"Transfer-Encoding: gzip, chunked") + b"2\r\nhi\r\n0\r\n\r\n",
        "protocol",
    ),
    Answer(
        "folded header",
        sized(b"hi", b"A: b\r\n c"),
        "protocol",
        closes=True,
    ),
    Answer("space before the colon", sized(b"hi", b"A : b"), "protocol", closes=True),
    Answer("header without a colon", sized(b"hi", b"nothing"), "protocol", closes=True),
    Answer("empty header name", sized(b"hi", b": b"), "protocol", closes=True),
    Answer("NUL in a value", sized(b"hi", b"A: b\0c"), "protocol", closes=True),
    Answer(
        "bare line feeds",
        sized(b"hi").replace(b"\r\n", b"\n"),
        "protocol",
        closes=True,
    ),
    Answer("bare carriage return", sized(b"hi", b"A: b\rC: d"), "protocol", closes=True),
    Answer(
        "huge header",
        sized(b"hi", b"A: " + b"x" * 70_000),
        "too_large",
        closes=True,
    ),
    Answer(
        "huge head",
        sized(b"hi", *(b"X-%d: " % i + b"x" * 1000 for i in range(70))),
        "too_large",
        closes=True,
    ),
    # More than asked for.
    Answer("second answer", sized(b"one") + sized(b"two"), (200, b"one")),
    Answer(
        "garbage behind",
        sized(b"one") + b"garbage",
        (200, b"one"),
    ),
    Answer("half an answer behind", sized(b"one") + b"HTTP/1.1 2", (200, b"one")),
    Answer(
        "garbage behind close",
        sized(b"one", b"Connection: close") + b"garbage",
        (200, b"one"),
        closes=True,
    ),
    # Content codings.
    Answer("gzip", sized(GZIP, b"Content-Encoding: gzip"), (200, PLAIN), reusable=True),
    Answer("gzip in capitals", sized(GZIP, b"Content-Encoding: GZIP"), (200, PLAIN), reusable=True),
    Answer("deflate", sized(zlib.compress(PLAIN), b"Content-Encoding: deflate"), (200, PLAIN), reusable=True),
    Answer("raw deflate", sized(RAW_DEFLATE, b"Content-Encoding: deflate"), (200, PLAIN), reusable=True),
    Answer("identity", sized(PLAIN, b"Content-Encoding: identity"), (200, PLAIN), reusable=True),
    Answer(
        "chunked gzip",
        head(b"Transfer-Encoding: chunked", b"Content-Encoding: gzip")
        + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (20, GZIP[:20], len(GZIP) - 20, GZIP[20:]),
        (200, PLAIN),
        reusable=True,
    ),
    Answer("gzip until close", head(b"Content-Encoding: gzip") + GZIP, (200, PLAIN), closes=True),
    Answer(
        "two gzip streams",
        sized(GZIP + GZIP, b"Content-Encoding: gzip"),
        (200, PLAIN + PLAIN),
        reusable=True,
    ),
    Answer("empty gzip", sized(b"", b"Content-Encoding: gzip"), (200, b""), reusable=True),
    Answer(
        "cut gzip",
        sized(GZIP[:-9], b"Content-Encoding: gzip"),
        "protocol",
    ),
    Answer("not gzip", sized(PLAIN, b"Content-Encoding: gzip"), "protocol"),
    Answer(
        "unknown content coding",
        sized(PLAIN, b"Content-Encoding: squeeze"),
        "protocol",
    ),
    Answer(
        "two content codings",
        sized(GZIP, b"Content-Encoding: gzip, gzip"),
        "protocol",
    ),
]

BOTH: tuple[Peer, ...] = ("aiohttp", "h11")
UNLIKE: dict[str, tuple[tuple[Peer, ...], str]] = {
    # Stricter than the peer.
    "101": (("aiohttp",), "no upgrade was asked for"),
    "status 099": (("aiohttp",), "there are no statuses below 100"),
    "repeated headers": (("aiohttp", "h11"), "of a repeated header the last value is kept: no client is shown it"),
    "the same length twice": (("h11",), "a repeated length is refused even when it agrees"),
    "two lengths in one": (("h11",), "a repeated length is refused even when it agrees"),
    "length and chunked": (("h11",), "with two framings parties may disagree on where the answer ends"),
    "unknown transfer coding": (("aiohttp",), "coded bytes would be taken for the body"),
    "coding behind chunked": (("aiohttp",), "coded bytes would be taken for the body"),
    "coding before chunked": (("aiohttp",), "coded bytes would be taken for the body"),
    "folded header": (BOTH, "obsolete, and parties read it differently"),
    "bare line feeds": (BOTH, "parties read them differently"),
    "huge header": (("h11",), "the head has a limit"),
    "huge head": (BOTH, "the head as a whole has a limit"),
    "cut gzip": (("aiohttp",), "half an answer is no answer"),
    "unknown content coding": (BOTH, "coded bytes would be taken for the body"),
    "two content codings": (BOTH, "coded bytes would be taken for the body"),
    # More lenient.
    "garbage behind": (("aiohttp",), "the answer is whole; only its connection is not used again"),
    "garbage behind close": (("aiohttp",), "the answer is whole; its connection is closed anyway"),
    "two gzip streams": (("h11",), "streams may follow each other; the oracle reads the first"),
    # Spelt otherwise.
    "chunked in capitals": (("h11",), "it gives this value in lower case"),
}
