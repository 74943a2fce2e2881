"""The estimate of a request's tokens: near enough, the same every time, and never less for more."""

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import Base64, Media, Message, Opaque, Reasoning, Request, Text, Tool, ToolCall, ToolResult, Url
from twoapi.ir.request import Schema
from twoapi.policy.estimate import estimated_tokens
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws.subject import decoded
from twoapi.testing.strategies.chat_requests import chat_requests
from twoapi.testing.strategies.gemini_requests import gemini_requests
from twoapi.testing.strategies.messages_requests import messages_requests
from twoapi.testing.strategies.responses_requests import responses_requests
from twoapi.wire import json


def request(*parts, tools=()):
    return Request(protocol="openai-chat", model="m", messages=[Message("user", list(parts))], tools=list(tools))


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def jpeg(width, height):
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    return b"\xff\xd8" + app + b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)


def webp(width, height):
    small = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + small + bytes(9)


def webp_extended(width, height):
    return (
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    )


def webp_lossy(width, height):
    return b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)


def image(data):
    return Media(kind="image", source=Base64(base64.b64encode(data).decode()))


@pytest.mark.parametrize("make", [png, gif, jpeg, webp, webp_extended, webp_lossy])
def test_an_image_costs_what_its_size_says(make):
    empty = estimated_tokens(request())
    assert estimated_tokens(request(image(make(300, 500)))) - empty == 200
    assert estimated_tokens(request(image(make(9000, 8000)))) - empty == 1600
    assert estimated_tokens(request(image(make(2, 2)))) - empty == 1


@given(
    junk=st.binary(max_size=80), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF0000WEBPVP8L"])
)
def test_any_other_image_costs_between_one_and_a_full_one(junk, start):
    assert 1 <= estimated_tokens(request(image(start + junk))) - estimated_tokens(request()) <= 1600


def test_an_image_that_cannot_be_seen_costs_a_full_one():
    empty = estimated_tokens(request())
    for source in (Url("https://e.example/a.png"), Base64("no base64!")):
        assert estimated_tokens(request(Media(kind="image", source=source))) - empty == 1600


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 20, 180, 240),  # 200 by a tokenizer
        ("人工智能正在改变世界。" * 20, 150, 250),
        ("Привет, как дела? " * 20, 120, 200),
    ],
)
def test_texts_are_counted_nearly(text, least, most):
    assert least < estimated_tokens(request(Text(text=text))) < most


def test_the_spelling_of_a_text_does_not_matter():
    raw = json.fields(b'{"t": "\\u4e2d\\n\\u6587"}')["t"]
    assert estimated_tokens(request(Text(text=raw))) == estimated_tokens(request(Text(text="中\n文")))


MORE = [
    Text(text="more words"),
    Reasoning(text="thinking about it"),
    Reasoning(opaque=(Opaque("signature", "x" * 100),)),
    ToolCall(id="c", name="look", arguments='{"a": 1}'),
    ToolResult(call_id="c", content=[Text(text="a result")]),
    Media(kind="audio", source=Base64("A" * 4000)),
    Media(kind="file", source=Base64("A" * 4000), title="Report"),
    image(png(100, 100)),
]


REQUESTS = {
    "openai-chat": chat_requests,
    "openai-responses": responses_requests,
    "anthropic-messages": messages_requests,
    "gemini": gemini_requests,
}


@pytest.mark.parametrize("protocol", REQUESTS)
@given(data=st.data(), part=st.sampled_from(MORE))
def test_more_is_never_less(protocol, data, part):
    asked = decoded(CODECS[protocol], data.draw(REQUESTS[protocol]()))
    before = estimated_tokens(asked)
    assert before >= 1
    asked.messages.append(Message("user", [part]))
    grown = estimated_tokens(asked)
    assert grown > before
    asked.tools.append(Tool(name="look", schema=Schema(raw=json.fields(b'{"s": {"type": "object"}}')["s"])))
    assert estimated_tokens(asked) > grown
