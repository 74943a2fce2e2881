"""What is seen between a program and the gateway, and how an upstream behaves."""

import http.client

from clients.manners import MANNERS
from clients.tap import Tap

from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, json_reply, sse_reply

FRAMES = b'event: a\ndata: {"x":1}\n\nevent: b\ndata: {"y":"z"}\n\ndata: [DONE]\n\n'


def test_every_byte_passes_and_every_status_is_seen() -> None:
    with FakeUpstream() as fake, Tap(fake.port) as tap:
        fake.reply(json_reply({"a": "é"}), json_reply({"b": 2}, 404), sse_reply(FRAMES))
        connection = http.client.HTTPConnection("127.0.0.1", tap.port, timeout=10)
        heard = []
        for _ in range(3):
            connection.request("POST", "/v1/chat/completions", b'{"q": 1}')
            heard.append(connection.getresponse().read())
        connection.close()
    assert heard == ['{"a": "é"}'.encode(), b'{"b": 2}', FRAMES]
    assert tap.statuses == [200, 404, 200]
    assert tap.transcript().count(b'{"q": 1}') == 3


def altered(manner: str, reply: Reply, number: int = 0) -> Reply:
    return MANNERS[manner].alter(reply, number)


def test_a_bare_stream_holds_the_same_data_in_another_dress() -> None:
    body = altered("bare", sse_reply(FRAMES)).body
    assert body == b': comment\r\n\r\ndata:{"x":1}\r\n\r\ndata:{"y":"z"}\r\n\r\n'
    whole = json_reply({"a": 1})
    assert altered("bare", whole).body == whole.body


def test_streams_of_other_framings_behave_badly_too() -> None:
    lines = sse_reply(FRAMES).having(content_type="application/x-ndjson")
    assert altered("bare", lines) == lines.having(framing="close")
    assert altered("short", lines).pieces == lines.pieces[:2]
    assert altered("short", json_reply({"a": 1})) == json_reply({"a": 1})


def test_only_the_first_answer_breaks() -> None:
    stream, whole = sse_reply(FRAMES), json_reply({"a": 1})
    assert altered("cut", whole).faults.cut_at == len(whole.body) // 2
    assert altered("short", stream).pieces == stream.pieces[:2]
    for manner in ("cut", "short"):
        assert altered(manner, stream, 1) == stream
    assert {name for name, manner in MANNERS.items() if manner.breaks} == {"cut", "short"}


def test_answers_are_numbered_as_they_are_given() -> None:
    with FakeUpstream() as fake:
        fake.handler = MANNERS["short"].handler(lambda _request: sse_reply(FRAMES))
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=10)
        heard = []
        for _ in range(2):
            connection.request("POST", "/v1/chat/completions", b"{}")
            heard.append(connection.getresponse().read())
        connection.close()
    assert heard == [FRAMES.removesuffix(b"data: [DONE]\n\n"), FRAMES]
