"""The demo upstream: legal, deterministic, within the limits that the request sets."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.schema_check import problems

from twoapi.ir import (
    CacheMark,
    Candidate,
    Delta,
    Event,
    Failed,
    Fault,
    Grammar,
    Message,
    Output,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Request,
    Response,
    Sampling,
    Schema,
    StopReason,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.providers.demo import answer

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer"},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}


def user(text: str, **more: Any) -> Message:
    return Message("user", [Text(text=text, **more)])


def ask(*messages: Message, **more: Any) -> Request:
    return Request(protocol="openai-chat", model="demo", messages=list(messages), **more)


def schema(document: Any) -> Schema:
    return Schema(msgspec.Raw(msgspec.json.encode(document)))


def weather(name: str = "weather") -> Tool:
    return Tool(name=name, schema=schema(WEATHER))


def respond(request: Request) -> Response:
    return fold(answer(request, 1000))


def only(request: Request) -> Candidate:
    (candidate,) = respond(request).candidates
    return candidate


def text_of(request: Request) -> str:
    (part,) = only(request).parts
    assert isinstance(part, Text)
    assert isinstance(part.text, str)
    return part.text


def calls_of(request: Request) -> list[ToolCall]:
    return [part for part in only(request).parts if isinstance(part, ToolCall)]


def test_it_says_what_it_is_and_repeats_the_user() -> None:
    response = respond(ask(user("older"), Message("assistant", [Text(text="x")]), user("Hello there!")))
    assert response.model == "demo"
    assert response.created == 1000
    assert response.candidates == [
        Candidate(
            0,
            [Text(text="This is the twoapi demo, not a model. You said: Hello there!")],
            StopReason(kind="stop"),
        )
    ]
    assert response.usage == Usage(input=4, output=12)


def test_the_text_comes_word_by_word() -> None:
    deltas = [event.text for event in answer(ask(user("Hi you")), 0) if isinstance(event, Delta)]
    assert deltas[:3] == ["This ", "is ", "the "]
    assert deltas[-2:] == ["Hi ", "you"]


def test_text_that_is_still_json_is_read() -> None:
    request = ask(Message("user", [Text(text=msgspec.Raw(b'"Z\\u00fcrich"'))]))
    assert text_of(request) == "This is the twoapi demo, not a model. You said: Zürich"


def test_text_that_is_broken_json_is_the_clients_mistake() -> None:
    (event,) = answer(ask(Message("user", [Text(text=msgspec.Raw(b'"\\x"'))])), 0)
    assert isinstance(event, Failed)
    assert (event.fault.kind, event.fault.whose) == ("invalid_request", "client")


def test_reasoning_comes_first_when_it_is_asked_for() -> None:
    for config in (ReasoningConfig(effort="low"), ReasoningConfig(mode="adaptive"), ReasoningConfig(budget=1024)):
        response = respond(ask(user("hi"), reasoning=config))
        (candidate,) = response.candidates
        assert [type(part) for part in candidate.parts] == [Reasoning, Text]
        assert response.usage == Usage(input=1, output=11, reasoning=14)
    for config in (ReasoningConfig(), ReasoningConfig(effort="none"), ReasoningConfig(mode="off", budget=1024)):
        assert [type(part) for part in only(ask(user("hi"), reasoning=config)).parts] == [Text]


def test_it_calls_the_first_tool_with_arguments_that_fit() -> None:
    candidate = only(ask(user("weather?"), tools=[weather(), weather("other")]))
    (call,) = candidate.parts
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments, call.kind) == ("weather", '{"city":"demo","unit":"C"}', "function")
    assert candidate.stop == StopReason(kind="tool_use")


def test_it_calls_the_tool_that_is_named() -> None:
    choice = ToolChoice(mode="named", names=["other"], kinds=["function"])
    assert [
        call.name for call in calls_of(ask(user("x"), tools=[weather(), weather("other")], tool_choice=choice))
    ] == ["other"]


def test_it_keeps_to_the_tools_that_are_allowed() -> None:
    choice = ToolChoice(mode="auto", names=["b"], kinds=["function"], allowed=True)
    assert [call.name for call in calls_of(ask(user("x"), tools=[weather("a"), weather("b")], tool_choice=choice))] == [
        "b"
    ]


def test_it_calls_none_when_none_may_be_called() -> None:
    tools = [weather()]
    assert calls_of(ask(user("x"), tools=tools, tool_choice=ToolChoice(mode="none"))) == []
    assert calls_of(ask(user("x"), tools=[Tool(kind="server", name="web_search")])) == []


def test_it_makes_two_calls_at_once_when_asked_to() -> None:
    calls = calls_of(ask(user("both in parallel"), tools=[weather("a"), weather("b")]))
    assert [call.name for call in calls] == ["a", "b"]
    assert len({call.id for call in calls}) == 2
    assert [call.name for call in calls_of(ask(user("parallel"), tools=[weather("a")]))] == ["a", "a"]
    assert len(calls_of(ask(user("parallel"), tools=[weather("a")], parallel=False))) == 1


def test_a_custom_tool_gets_text() -> None:
    tool = Tool(kind="custom", name="patch", grammar=Grammar("text"))
    (call,) = calls_of(ask(user("apply this"), tools=[tool]))
    assert (call.name, call.kind, call.arguments) == ("patch", "custom", "apply this")


def test_a_tool_without_parameters_gets_an_empty_object() -> None:
    (call,) = calls_of(ask(user("now?"), tools=[Tool(name="now")]))
    assert call.arguments == "{}"


def test_call_ids_are_legal_everywhere_and_differ_between_turns() -> None:
    first = calls_of(ask(user("one"), tools=[weather()]))[0].id
    second = calls_of(ask(user("two"), tools=[weather()]))[0].id
    assert first != second
    assert all(len(call_id) <= 40 and call_id.replace("_", "").isalnum() for call_id in (first, second))


def test_a_tools_result_is_quoted() -> None:
    turns = [
        user("weather?"),
        Message("assistant", [ToolCall(id="c1", name="weather", arguments="{}")]),
        Message("tool", [ToolResult(call_id="c1", content=[Text(text="12 degrees")])]),
        Message("tool", [ToolResult(call_id="c2", content=[Text(text="rain")])]),
    ]
    request = ask(*turns, tools=[weather()])
    assert text_of(request) == "This is the twoapi demo, not a model. The tool said: '12 degrees'; 'rain'."
    assert only(request).stop == StopReason(kind="stop")


def test_an_answer_in_json_fits_its_schema() -> None:
    output = Output(format="json_schema", schema=schema(WEATHER))
    document = msgspec.json.decode(text_of(ask(user("x"), output=output)))
    assert problems(document, WEATHER) == []


def test_an_answer_in_json_without_a_schema_is_an_object() -> None:
    text = text_of(ask(user('say "x"'), output=Output(format="json_object")))
    assert msgspec.json.decode(text) == {"demo": True, "you_said": 'say "x"'}


def test_the_limit_of_tokens_is_kept() -> None:
    response = respond(ask(user("hi"), sampling=Sampling(max_tokens=3)))
    assert response.candidates == [Candidate(0, [Text(text="This is the ")], StopReason(kind="max_tokens"))]
    assert response.usage == Usage(input=1, output=3)


def test_no_tokens_give_no_answer() -> None:
    assert respond(ask(user("hi"), sampling=Sampling(max_tokens=0))).candidates == [
        Candidate(0, [], StopReason(kind="max_tokens"))
    ]


def test_a_call_that_is_cut_off_says_so() -> None:
    tool = Tool(kind="custom", name="t", grammar=Grammar("text"))
    candidate = only(ask(user("one two three"), tools=[tool], sampling=Sampling(max_tokens=2)))
    (call,) = candidate.parts
    assert isinstance(call, ToolCall)
    assert (call.arguments, call.complete, candidate.stop) == ("one two ", False, StopReason(kind="max_tokens"))


def test_reasoning_counts_within_the_limit() -> None:
    candidate = only(ask(user("hi"), reasoning=ReasoningConfig(effort="high"), sampling=Sampling(max_tokens=4)))
    assert candidate.parts == [Reasoning(text="The demo thinks: it ")]
    assert candidate.stop == StopReason(kind="max_tokens")


def test_the_first_stop_sequence_ends_the_text() -> None:
    request = ask(user("a b c d"), sampling=Sampling(stop=["c", "", "b", "nowhere"]))
    assert only(request).parts == [Text(text="This is the twoapi demo, not a model. You said: a ")]
    assert only(request).stop == StopReason(kind="stop_sequence", sequence="b")


def test_n_answers_are_n_candidates_that_are_paid_for() -> None:
    response = respond(ask(user("hi"), sampling=Sampling(n=3)))
    assert [candidate.index for candidate in response.candidates] == [0, 1, 2]
    assert response.usage == Usage(input=1, output=33)


@pytest.mark.parametrize("count", [0, -1, 129, 10**12])
def test_more_answers_than_anyone_needs_are_refused(count: int) -> None:
    fault = Fault("invalid_request", "demo: n must be from 1 to 128", param="/n")
    assert answer(ask(user("hi"), sampling=Sampling(n=count)), 0) == [Failed(fault)]


def test_what_a_cache_mark_covers_is_read_from_the_cache() -> None:
    messages = [user("one two three", cache=CacheMark()), user("four")]
    assert respond(ask(*messages)).usage == Usage(input=1, cache_read=3, output=11)
    assert respond(ask(user("one two"), cache_auto=CacheMark(ttl=300))).usage == Usage(input=0, cache_read=2, output=12)


def test_it_refuses_when_asked_to() -> None:
    candidate = only(ask(user("please demo:refuse this"), tools=[weather()]))
    assert candidate.parts == [Refusal(text="This is the twoapi demo. It refuses, as you asked it to.")]
    assert candidate.stop == StopReason(kind="refusal")


@pytest.mark.parametrize(
    ("status", "kind", "shown"),
    [
        (429, "rate_limited", 429),
        (529, "overloaded", 529),
        (500, "upstream_error", 500),
        (418, "invalid_request", 418),
        (401, "unauthenticated", 401),
        (200, "invalid_request", 400),
    ],
)
def test_it_fails_as_it_is_asked_to(status: int, kind: Any, shown: int) -> None:
    fault = Fault(kind, f"demo: you asked for the error {status}", whose="upstream", status=shown, code="demo_error")
    assert answer(ask(user(f"demo:error {status}")), 0) == [Failed(fault)]


def test_a_long_question_is_repeated_in_part() -> None:
    text = text_of(ask(user("word " * 100_000)))
    assert len(text) < 2100
    assert text.endswith(" ...")


words = st.text(st.sampled_from("ab \n.é"), max_size=30)
contents = st.one_of(words, st.sampled_from(["parallel", "demo:refuse", "demo:error 503", "stop here"]))
cached = st.one_of(st.none(), st.just(CacheMark()))
user_turns = st.builds(lambda text, cache: user(text, cache=cache), contents, cached)
results = st.builds(lambda text: Message("user", [ToolResult(call_id="c", content=[Text(text=text)])]), words)
other_turns = st.builds(
    lambda role, text: Message(role, [Text(text=text)]), st.sampled_from(["system", "assistant"]), words
)
tools = st.sampled_from(
    [
        weather(),
        Tool(name="bare"),
        Tool(kind="custom", name="free"),
        Tool(kind="server", name="search"),
        Tool(name="any", schema=Schema(msgspec.Raw(b"true"))),
    ]
)
requests = st.builds(
    Request,
    protocol=st.just("openai-chat"),
    model=st.just("demo"),
    messages=st.lists(st.one_of(user_turns, results, other_turns), max_size=5),
    tools=st.lists(tools, max_size=3),
    tool_choice=st.sampled_from(
        [
            None,
            ToolChoice(mode="auto"),
            ToolChoice(mode="none"),
            ToolChoice(mode="required"),
            ToolChoice(mode="named", names=["weather"]),
        ]
    ),
    parallel=st.sampled_from([None, True, False]),
    sampling=st.builds(
        Sampling,
        max_tokens=st.one_of(st.none(), st.integers(0, 30)),
        n=st.sampled_from([None, 1, 2, 200]),
        stop=st.one_of(st.none(), st.lists(words, max_size=3)),
    ),
    reasoning=st.builds(ReasoningConfig, effort=st.sampled_from([None, "none", "low"])),
    output=st.sampled_from(
        [Output(), Output(format="json_object"), Output(format="json_schema", schema=schema(WEATHER))]
    ),
)


@given(requests)
def test_every_answer_is_legal_and_always_the_same(request: Request) -> None:
    events: list[Event] = answer(request, 7)
    assert violations(events) == []
    assert answer(msgspec.structs.replace(request, messages=list(request.messages)), 7) == events


@given(requests)
def test_every_answer_keeps_to_its_limits_and_counts_them(request: Request) -> None:
    response = respond(request)
    if response.fault is not None:
        return
    assert response.usage is not None
    count = len(response.candidates)
    assert count == (request.sampling.n or 1)
    if request.sampling.max_tokens is not None:
        assert response.usage.total_output <= request.sampling.max_tokens * count
    deltas = [event for event in answer(request, 7) if isinstance(event, Delta)]
    assert response.usage.total_output == len(deltas)


@given(requests)
def test_every_complete_call_fits_the_schema_of_its_tool(request: Request) -> None:
    declared = {tool.name: tool for tool in request.tools}
    for candidate in respond(request).candidates:
        for part in candidate.parts:
            if isinstance(part, ToolCall) and part.complete and part.kind == "function":
                found = declared[part.name].schema
                document = True if found is None else msgspec.json.decode(found.raw)
                assert problems(msgspec.json.decode(part.arguments), document) == []
