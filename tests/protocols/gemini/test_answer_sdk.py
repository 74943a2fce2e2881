"""What the vendor's own SDK reads of answers that are written here."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from twoapi.ir import (
    Candidate,
    Citation,
    Event,
    Failed,
    Fault,
    Message,
    Opaque,
    Origin,
    Reasoning,
    Request,
    Response,
    StopReason,
    Text,
    ToolCall,
    UrlSource,
    Usage,
)
from twoapi.ir.assemble import unfold
from twoapi.protocols.base import AnswerContext, ModelEntry
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.sealing import PLAIN, from_base64
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, sse_reply

genai = pytest.importorskip("google.genai")

CODEC = Gemini()
SIGNED = (Opaque("signature", "EqQB+/sig==", Origin("anthropic-messages")),)
RESPONSE = Response(
    protocol="anthropic-messages",
    id="msg_1",
    model="claude-opus-5",
    candidates=[
        Candidate(
            0,
            [
                Reasoning(text="Let me see.", opaque=SIGNED),
                Text(text="北京 is cold.", citations=[Citation(UrlSource("https://w.example", "W"), 0, 2)]),
                ToolCall(id="toolu_1", name="get_weather", arguments='{"city": "北京", "days": 12345678901234567890}'),
                ToolCall(id="toolu_2", name="now", arguments=""),
            ],
            StopReason(kind="tool_use"),
        )
    ],
    usage=Usage(input=10, cache_read=4, output=7, reasoning=3),
)


def context() -> AnswerContext:
    request = Request(protocol="gemini", model="m", messages=[Message("user", [Text(text="hi")])], stream=True)
    return AnswerContext(request, 0, "id-1")


def whole(response: Response) -> bytes:
    return CODEC.encode_response(response, context(), [])


def frames(events: list[Event]) -> list[bytes]:
    encoder = CODEC.stream_encoder(context(), [])
    pieces = [piece for event in events for piece in (encoder.feed([event]), encoder.keep_alive())]
    return [CODEC.silence, *filter(None, pieces), encoder.close()]


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def client(upstream: FakeUpstream) -> Iterator[Any]:
    options = genai.types.HttpOptions(base_url=upstream.base_url("gemini"))
    with genai.Client(api_key="k", http_options=options) as made:
        yield made


def is_carrier(signature: bytes) -> bool:
    """What comes back after the SDK has decoded it and encoded it in its own alphabet."""
    carrier = from_base64(base64.urlsafe_b64encode(signature).decode().rstrip("="))
    return carrier is not None and PLAIN.open(carrier) == SIGNED


def check_answer(parts: list[Any]) -> None:
    assert "".join(part.text for part in parts if part.thought) == "Let me see."
    assert "".join(part.text for part in parts if part.text and not part.thought) == "北京 is cold."
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.id, call.name, call.args) for call in calls] == [
        ("toolu_1", "get_weather", {"city": "北京", "days": 12345678901234567890}),
        ("toolu_2", "now", {}),
    ]
    signed = [part for part in parts if part.thought_signature]
    assert [bool(part.thought) for part in signed] == [True, False]
    assert all(is_carrier(part.thought_signature) for part in signed)
    assert signed[1].function_call.id == "toolu_1"


def check_usage(usage: Any) -> None:
    assert usage.prompt_token_count == 14
    assert usage.cached_content_token_count == 4
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (7, 3, 24)


def test_a_whole_answer(upstream: FakeUpstream, client: Any) -> None:
    upstream.reply(Reply(pieces=(whole(RESPONSE),)))
    answer = client.models.generate_content(model="m", contents="hi")
    candidate = answer.candidates[0]
    check_answer(candidate.content.parts)
    check_usage(answer.usage_metadata)
    assert candidate.finish_reason == "STOP"
    support = candidate.grounding_metadata.grounding_supports[0]
    assert (support.segment.start_index, support.segment.end_index, support.segment.text) == (None, 6, "北京")
    assert candidate.grounding_metadata.grounding_chunks[0].web.uri == "https://w.example"
    assert (answer.model_version, answer.response_id) == ("claude-opus-5", "id-1")


def test_a_streamed_answer(upstream: FakeUpstream, client: Any) -> None:
    upstream.reply(sse_reply(frames(list(unfold(RESPONSE)))))
    chunks = list(client.models.generate_content_stream(model="m", contents="hi"))
    check_answer([part for chunk in chunks for part in chunk.candidates[0].content.parts])
    check_usage(chunks[-1].usage_metadata)
    assert [chunk.candidates[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["STOP"]
    assert chunks[-1].candidates[0].grounding_metadata.grounding_supports[0].segment.end_index == 6


def test_a_chat_remembers_a_streamed_answer(upstream: FakeUpstream, client: Any) -> None:
    upstream.reply(sse_reply(frames(list(unfold(RESPONSE)))))
    chat = client.chats.create(model="m")
    list(chat.send_message_stream("hi"))
    turns = [content for content in chat.get_history(curated=True) if content.role == "model"]
    check_answer([part for content in turns for part in content.parts])


def test_an_error_in_the_middle_is_raised(upstream: FakeUpstream, client: Any) -> None:
    broken = [*list(unfold(RESPONSE))[:3], Failed(Fault("overloaded", "too much", retry_after=3.0))]
    upstream.reply(sse_reply(frames(broken)))
    with pytest.raises(genai.errors.ServerError, match="too much") as caught:
        list(client.models.generate_content_stream(model="m", contents="hi"))
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")


def test_an_error_answer_is_raised(upstream: FakeUpstream, client: Any) -> None:
    status, headers, body = CODEC.encode_fault(Fault("rate_limited", "slow down", retry_after=12.2), "req_1")
    named = tuple((name.decode(), value.decode()) for name, value in headers)
    upstream.reply(Reply(status=status, headers=named, pieces=(body,)))
    with pytest.raises(genai.errors.ClientError, match="slow down") as caught:
        client.models.generate_content(model="m", contents="hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert caught.value.details["error"]["details"][0]["retryDelay"] == "13s"


def test_the_model_list(upstream: FakeUpstream, client: Any) -> None:
    upstream.reply(Reply(pieces=(CODEC.encode_models([ModelEntry("gpt-6", 0, "o"), ModelEntry("c/d", 0, "o")]),)))
    models = list(client.models.list())
    assert [model.name for model in models] == ["models/gpt-6", "models/c/d"]
    assert models[0].supported_actions == ["generateContent", "streamGenerateContent", "countTokens"]
