"""The scenes say what they mean: their requests, and the answers to them, in each protocol."""

from typing import Any

import pytest

from twoapi.conformance import NAMES, SCENES, Upstream
from twoapi.conformance.asked import all_texts
from twoapi.conformance.hear import LISTENERS
from twoapi.conformance.judge import applies
from twoapi.conformance.reply import Reply
from twoapi.conformance.scenes import Scene
from twoapi.conformance.vendors import VENDORS
from twoapi.testing.strict import refusal_reasons

Json = Any
each_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
each_protocol = pytest.mark.parametrize("protocol", NAMES)
# Two settings together that Anthropic refuses and OpenAI takes, or the other way round, are in one scene.
CAREFUL = {"settings"}


@each_scene
def test_each_request_says_what_is_looked_for(scene: Scene):
    for protocol, body in scene.bodies.items():
        asked = VENDORS[protocol].read(body)
        asked.raw = all_texts(body)
        for want in scene.wants:
            if applies(body, want.at):
                assert want.see(asked) is True, f"{protocol}: {want.name}"


@each_scene
def test_each_leaf_is_in_the_request_of_some_client(scene: Scene):
    for want in scene.wants:
        assert any(applies(body, want.at) for body in scene.bodies.values()), want.name


@each_scene
def test_each_vendor_takes_the_requests_of_its_clients(scene: Scene):
    for protocol, body in scene.bodies.items():
        named = body if protocol == "gemini" else {"model": "conf", **body}
        assert refusal_reasons(protocol, named, {"anthropic-version": "2023-06-01"}) == []


@each_scene
def test_each_answer_says_what_is_listened_for_whole_and_streamed(scene: Scene):
    for protocol in scene.upstreams:
        spoken = VENDORS[protocol].say(scene.reply, "conf")
        whole = LISTENERS[protocol].whole(spoken.body)
        streamed = LISTENERS[protocol].stream(b"".join([*spoken.head, *spoken.tail]))
        for answer in (whole, streamed):
            assert (answer.problems, answer.ended, answer.error) == ([], True, None)
            for hear in scene.hears:
                if applies(spoken.body, hear.at):
                    assert hear.see(answer, protocol) is True, f"{protocol}: {hear.name}"


@each_protocol
def test_a_stream_without_its_tail_has_not_ended(protocol: str):
    spoken = VENDORS[protocol].say(Reply(text="It is a tower."), "conf")
    assert not LISTENERS[protocol].stream(b"".join(spoken.head)).ended


# --- The vendors' own SDKs take what the upstreams say ---

ASK: Json = [{"role": "user", "content": "hi"}]
SCENE = next(scene for scene in SCENES if scene.name == "two calls")


def test_openai_takes_the_completions(upstream: Upstream):
    import openai

    upstream.play(SCENE.reply)
    client = openai.OpenAI(base_url=upstream.base("openai-chat"), api_key="sk-any", max_retries=0)
    with client.chat.completions.stream(model="m", messages=ASK) as stream:
        streamed = stream.get_final_completion()
    whole = client.chat.completions.create(model="m", messages=ASK)
    for answer in (streamed, whole):
        message = answer.choices[0].message
        assert message.content == "I check both."
        assert [call.function.arguments for call in message.tool_calls] == [one.arguments for one in SCENE.reply.calls]


def test_openai_takes_the_responses(upstream: Upstream):
    import openai

    upstream.play(SCENE.reply)
    client = openai.OpenAI(base_url=upstream.base("openai-responses"), api_key="sk-any", max_retries=0)
    with client.responses.stream(model="m", input="hi") as stream:
        streamed = stream.get_final_response()
    whole = client.responses.create(model="m", input="hi")
    for answer in (streamed, whole):
        assert answer.output_text == "I check both."
        calls = [item.arguments for item in answer.output if item.type == "function_call"]
        assert calls == [one.arguments for one in SCENE.reply.calls]


def test_anthropic_takes_the_messages(upstream: Upstream):
    import anthropic

    upstream.play(SCENE.reply)
    client = anthropic.Anthropic(base_url=upstream.base("anthropic-messages"), api_key="sk-any", max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=ASK) as stream:
        streamed = stream.get_final_message()
    whole = client.messages.create(model="m", max_tokens=9, messages=ASK)
    for answer in (streamed, whole):
        assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
        assert answer.content[2].input == {"city": "Rome", "unit": "f"}


def test_google_takes_the_answers(upstream: Upstream):
    genai = pytest.importorskip("google.genai")
    upstream.play(SCENE.reply)
    client = genai.Client(api_key="any", http_options={"base_url": upstream.base("gemini")})
    whole = client.models.generate_content(model="m", contents="hi")
    streamed = list(client.models.generate_content_stream(model="m", contents="hi"))
    client.close()
    parts = [part for frame in streamed for part in frame.candidates[0].content.parts]
    assert "".join(part.text or "" for part in parts) == whole.text == "I check both."
    assert [call.args["city"] for call in whole.function_calls] == ["Paris", "Rome"]
