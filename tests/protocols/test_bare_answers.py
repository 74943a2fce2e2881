"""An answer that is but text is written at once, as the long way would write it."""

import json

import pytest
from hypothesis import given

from twoapi.ir import Candidate, Loss, Message, Request, Response, StopReason, Text, Usage
from twoapi.protocols.bare_answers import bare_text
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.registry import CODECS
from twoapi.testing.strategies.values import texts

CONTEXT = AnswerContext(
    Request(protocol="openai-chat", model="m", messages=[Message("user", [Text(text="hi")])]), 1_700_000_000, "x"
)


def answered(text: str, detail: str | None) -> Response:
    """An answer whose end is explained or not: the long way or the short one."""
    candidate = Candidate(0, [Text(text=text)], StopReason(kind="stop", raw="stop", detail=detail))
    assert (bare_text(candidate) is None) is (detail is not None)
    return Response(
        protocol="openai-chat", id="u", model="m", candidates=[candidate], usage=Usage(input=3, output=2, cache_read=1)
    )


@pytest.mark.parametrize("name", ["openai-responses", "gemini"])
@given(text=texts)
def test_the_short_way_writes_what_the_long_one_does(name: str, text: str) -> None:
    short: list[Loss] = []
    long: list[Loss] = []
    at_once = CODECS[name].encode_response(answered(text, None), CONTEXT, short)
    explained = CODECS[name].encode_response(answered(text, "why"), CONTEXT, long)
    assert at_once == explained.replace(b'"finishMessage":"why",', b"", 1)
    assert short == long
    assert json.dumps(text) in json.dumps(json.loads(at_once))
