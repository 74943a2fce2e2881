"""What Anthropic's Messages refuses of options."""

from functools import partial

from twoapi.testing.rules.pieces import (
    assistant,
    chat_call,
    chat_calls,
    chat_result,
    chat_tool,
    gemini_tool,
    messages_tool,
    said,
    tool_result,
    tool_use,
    user,
)
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

VERSIONS = "API versions"
MESSAGES_API = "Messages API"
THINKING = "extended thinking"
OBSERVED = "seen in errors"

_rule = partial(Rule, target=MESSAGES, client=CHAT)
_NEW = {"api_version": "2026-10-21"}

RULES = (
    _rule(
        name="temperature-is-gone",
        says="API version 2026-10-21 has no temperature",
        source=VERSIONS,
        asks={"temperature": 0.5},
        capabilities=_NEW,
        losses=(("dropped", "/temperature"),),
        sends={"/temperature": GONE},
        breaks={"anthropic-version": "2026-10-21", "temperature": 0.5},
    ),
    _rule(
        name="top-p-is-gone",
        says="API version 2026-10-21 has no top_p",
        source=VERSIONS,
        asks={"top_p": 0.5},
        capabilities=_NEW,
        losses=(("dropped", "/top_p"),),
        sends={"/top_p": GONE},
        breaks={"anthropic-version": "2026-10-21", "top_p": 0.5},
    ),
    _rule(
        name="top-k-is-gone",
        says="API version 2026-10-21 has no top_k",
        source=VERSIONS,
        client=MESSAGES,
        asks={"top_k": 5},
        capabilities=_NEW,
        losses=(("dropped", "/top_k"),),
        sends={"/top_k": GONE},
        breaks={"anthropic-version": "2026-10-21", "top_k": 5},
    ),
    _rule(
        name="temperature-at-most-1",
        says="temperature lies between 0 and 1",
        source=MESSAGES_API,
        asks={"temperature": 1.7},
        losses=(("clamped", "/temperature"),),
        sends={"/temperature": 1.0},
        breaks={"temperature": 1.7},
    ),
    _rule(
        name="temperature-excludes-top-p",
        says="models 4.1 to 4.6 take temperature or top_p, not both",
        source=VERSIONS,
        asks={"temperature": 0.5, "top_p": 0.5},
        capabilities={"sampling_pair": False},
        losses=(("dropped", "/top_p"),),
        sends={"/temperature": 0.5, "/top_p": GONE},
        breaks={"temperature": 0.5, "top_p": 0.5},
    ),
    _rule(
        name="model-without-sampling",
        says="models from 4.7 on take no sampling parameters",
        source=VERSIONS,
        asks={"temperature": 0.5, "top_p": 0.5},
        capabilities={"sampling": False},
        losses=(("dropped", "/temperature"), ("dropped", "/top_p")),
        sends={"/temperature": GONE, "/top_p": GONE},
    ),
    _rule(
        name="thinking-excludes-temperature",
        says="a model that thinks takes temperature 1 alone",
        source=THINKING,
        asks={"temperature": 0.5, "reasoning_effort": "high"},
        losses=(("dropped", "/temperature"),),
        sends={"/temperature": GONE, "/thinking": {"type": "adaptive"}},
        breaks={"temperature": 0.5, "thinking": {"type": "adaptive"}},
    ),
    _rule(
        name="thinking-excludes-low-top-p",
        says="a model that thinks takes a top_p of 0.95 and more",
        source=THINKING,
        asks={"top_p": 0.5, "reasoning_effort": "high"},
        losses=(("dropped", "/top_p"),),
        sends={"/top_p": GONE},
        breaks={"top_p": 0.5, "thinking": {"type": "adaptive"}},
    ),
    _rule(
        name="thinking-excludes-top-k",
        says="a model that thinks takes no top_k",
        source=THINKING,
        client=GEMINI,
        asks={"generationConfig": {"topK": 5, "thinkingConfig": {"thinkingLevel": "HIGH"}}},
        losses=(("dropped", "/generationConfig/topK"),),
        sends={"/top_k": GONE},
        breaks={"top_k": 5, "thinking": {"type": "adaptive"}},
    ),
    _rule(
        name="citations-of-users-are-gone",
        says="API version 2026-10-21 takes no citations on texts of users",
        source=VERSIONS,
        client=MESSAGES,
        asks={
            "anthropic-version": "2023-06-01",
            "messages": [
                user(
                    [
                        said(
                            citations=[
                                {
                                    "type": "char_location",
                                    "cited_text": "a",
                                    "document_index": 0,
                                    "document_title": None,
                                    "start_char_index": 0,
                                    "end_char_index": 1,
                                }
                            ]
                        )
                    ]
                )
            ],
        },
        capabilities=_NEW,
        losses=(("dropped", "/messages/0/content/0/citations"),),
        sends={"/messages/0/content/0/citations": GONE},
        breaks={
            "anthropic-version": "2026-10-21",
            "messages": [
                user(
                    [
                        said(
                            citations=[
                                {
                                    "type": "char_location",
                                    "cited_text": "a",
                                    "document_index": 0,
                                    "document_title": None,
                                    "start_char_index": 0,
                                    "end_char_index": 1,
                                }
                            ]
                        )
                    ]
                )
            ],
        },
    ),
    _rule(
        name="documents-of-the-model-are-gone",
        says="API version 2026-10-21 takes no documents in turns of the model",
        source=VERSIONS,
        client=MESSAGES,
        asks={
            "anthropic-version": "2023-06-01",
            "messages": [
                user(),
                assistant(
                    [said(), {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}]
                ),
                user(),
            ],
        },
        capabilities=_NEW,
        losses=(("dropped", "/messages/1/content/1"),),
        sends={"/messages/1/content": [{"type": "text", "text": "hi"}]},
        breaks={
            "anthropic-version": "2026-10-21",
            "messages": [
                user(),
                assistant([{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}]),
                user(),
            ],
        },
    ),
    _rule(
        name="budget-below-max-tokens",
        says="a thinking budget is less than max_tokens",
        source=THINKING,
        client=MESSAGES,
        asks={"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 4096}},
        losses=(("clamped", "/thinking/budget_tokens"),),
        sends={"/thinking": {"type": "enabled", "budget_tokens": 1999}},
        breaks={"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 4096}},
    ),
    _rule(
        name="budget-at-least-1024",
        says="a thinking budget has at least 1024 tokens",
        source=THINKING,
        client=GEMINI,
        asks={"generationConfig": {"maxOutputTokens": 5000, "thinkingConfig": {"thinkingBudget": 512}}},
        losses=(("clamped", "/generationConfig/thinkingConfig/thinkingBudget"),),
        sends={"/thinking": {"type": "enabled", "budget_tokens": 1024}},
        breaks={"max_tokens": 5000, "thinking": {"type": "enabled", "budget_tokens": 512}},
    ),
    _rule(
        name="no-room-for-thinking",
        says="max_tokens up to 1024 leave no room for a thinking budget",
        source=THINKING,
        client=GEMINI,
        asks={"generationConfig": {"maxOutputTokens": 500, "thinkingConfig": {"thinkingBudget": 2048}}},
        losses=(("dropped", "/generationConfig/thinkingConfig/thinkingBudget"),),
        sends={"/thinking": GONE},
        breaks={"max_tokens": 500, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    _rule(
        name="thinking-excludes-a-forced-tool",
        says="with a thinking budget no call can be forced",
        source=THINKING,
        client=GEMINI,
        asks={
            "tools": [gemini_tool()],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            "generationConfig": {"maxOutputTokens": 5000, "thinkingConfig": {"thinkingBudget": 2048}},
        },
        losses=(("approximated", "/toolConfig/functionCallingConfig"),),
        sends={"/tool_choice": {"type": "auto"}},
        breaks={
            "max_tokens": 5000,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [messages_tool()],
            "tool_choice": {"type": "any"},
        },
    ),
    _rule(
        name="thinking-excludes-a-named-tool",
        says="with a thinking budget no tool can be named",
        source=THINKING,
        client=MESSAGES,
        asks={
            "max_tokens": 5000,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [messages_tool()],
            "tool_choice": {"type": "tool", "name": "look"},
        },
        losses=(("approximated", "/tool_choice"),),
        sends={"/tool_choice": {"type": "auto"}},
        breaks={
            "max_tokens": 5000,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tools": [messages_tool()],
            "tool_choice": {"type": "tool", "name": "look"},
        },
    ),
    _rule(
        name="tool-loop-begins-with-its-thinking",
        says="a model that thinks wants its thinking before the calls that are answered",
        source=THINKING,
        asks={
            "reasoning_effort": "high",
            "tools": [chat_tool()],
            "messages": [user(), chat_calls(chat_call()), chat_result()],
        },
        losses=(("synthesized", "/reasoning_effort"),),
        sends={"/thinking": {"type": "disabled"}},
        breaks={
            "thinking": {"type": "adaptive"},
            "tools": [messages_tool()],
            "messages": [user(), assistant([tool_use()]), user([tool_result()])],
        },
    ),
    _rule(
        name="model-without-budgets",
        says="newer models take no thinking budget",
        source=THINKING,
        client=GEMINI,
        asks={"generationConfig": {"maxOutputTokens": 5000, "thinkingConfig": {"thinkingBudget": 2048}}},
        capabilities={"thinking": ("adaptive", "disabled")},
        losses=(("approximated", "/generationConfig/thinkingConfig/thinkingBudget"),),
        sends={"/thinking": {"type": "adaptive"}, "/output_config": {"effort": "low"}},
    ),
    _rule(
        name="model-without-adaptive-thinking",
        says="older models take only a thinking budget",
        source=THINKING,
        client=MESSAGES,
        asks={"max_tokens": 5000, "thinking": {"type": "adaptive"}},
        capabilities={"thinking": ("enabled", "disabled")},
        losses=(("approximated", "/thinking/type"),),
        sends={"/thinking": {"type": "enabled", "budget_tokens": 4999}},
    ),
    _rule(
        name="model-that-always-thinks",
        says="some models cannot be kept from thinking",
        source=THINKING,
        client=MESSAGES,
        asks={"thinking": {"type": "disabled"}},
        capabilities={"thinking": ("adaptive",)},
        losses=(("unsupported", "/thinking/type"),),
        sends={"/thinking": GONE},
    ),
    _rule(
        name="effort-none-of-a-model-that-always-thinks",
        says="some models take no effort that says: do not think",
        source=THINKING,
        asks={"reasoning_effort": "none"},
        capabilities={"thinking": ("adaptive",)},
        losses=(("unsupported", "/reasoning_effort"),),
        sends={"/thinking": GONE},
    ),
    _rule(
        name="model-without-thinking",
        says="the oldest models do not think",
        source=THINKING,
        asks={"reasoning_effort": "high"},
        capabilities={"thinking": (), "effort": False},
        losses=(("unsupported", "/reasoning_effort"),),
        sends={"/thinking": GONE, "/output_config": GONE},
    ),
    _rule(
        name="model-without-effort",
        says="older models take a budget instead of an effort",
        source=THINKING,
        asks={"max_completion_tokens": 20000, "reasoning_effort": "high"},
        capabilities={"thinking": ("enabled",), "effort": False},
        losses=(("approximated", "/reasoning_effort"),),
        sends={"/thinking": {"type": "enabled", "budget_tokens": 16384}, "/output_config": GONE},
    ),
    _rule(
        name="effort-has-no-minimal",
        says="efforts are low, medium, high, xhigh and max",
        source=MESSAGES_API,
        asks={"reasoning_effort": "minimal"},
        losses=(("approximated", "/reasoning_effort"),),
        sends={"/output_config": {"effort": "low"}},
    ),
    _rule(
        name="thinking-of-others-is-withheld",
        says="thinking has a signature of this vendor's",
        source=THINKING,
        client=RESPONSES,
        asks={
            "input": [
                user(),
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"},
                {"type": "message", "role": "assistant", "content": "ok"},
                user(),
            ]
        },
        losses=(("reasoning_foreign", "/input/1"),),
        sends={"/messages/1/content": [{"type": "text", "text": "ok"}]},
        breaks={"messages": [user(), assistant([{"type": "thinking", "thinking": "Hm.", "signature": ""}]), user()]},
    ),
    _rule(
        name="max-tokens-required",
        says="max_tokens is required",
        source=MESSAGES_API,
        asks={},
        capabilities={"max_output": None},
        losses=(("synthesized", "/max_completion_tokens"),),
        sends={"/max_tokens": 16384},
        breaks={"max_tokens": GONE},
    ),
    _rule(
        name="max-tokens-of-the-model",
        says="a model has an output limit",
        source=MESSAGES_API,
        asks={"max_completion_tokens": 9000},
        capabilities={"max_output": 8192},
        losses=(("clamped", "/max_completion_tokens"),),
        sends={"/max_tokens": 8192},
    ),
    _rule(
        name="one-answer",
        says="there is one answer to a request",
        source=MESSAGES_API,
        asks={"n": 2},
        refused="/n",
        breaks={"n": 2},
    ),
    _rule(
        name="stop-is-not-white-space",
        says="a stop sequence is not white space alone",
        source=OBSERVED,
        asks={"stop": ["\n", "END"]},
        losses=(("dropped", "/stop"),),
        sends={"/stop_sequences": ["END"]},
        breaks={"stop_sequences": ["\n"]},
    ),
    _rule(
        name="no-seed",
        says="there is no seed",
        source=MESSAGES_API,
        asks={"seed": 1},
        losses=(("dropped", "/seed"),),
        sends={"/seed": GONE},
        breaks={"seed": 1},
    ),
    _rule(
        name="no-penalties",
        says="there are no penalties",
        source=MESSAGES_API,
        asks={"presence_penalty": 1, "frequency_penalty": 1},
        losses=(("dropped", "/presence_penalty"), ("dropped", "/frequency_penalty")),
        sends={"/presence_penalty": GONE, "/frequency_penalty": GONE},
        breaks={"presence_penalty": 1},
    ),
    _rule(
        name="no-logprobs",
        says="there are no log probabilities",
        source=MESSAGES_API,
        asks={"logprobs": True, "top_logprobs": 2},
        losses=(("dropped", "/logprobs"), ("dropped", "/top_logprobs")),
        sends={"/logprobs": GONE, "/top_logprobs": GONE},
        breaks={"logprobs": True},
    ),
    _rule(
        name="no-bias",
        says="there is no bias of tokens",
        source=MESSAGES_API,
        asks={"logit_bias": {"1": 2}},
        losses=(("dropped", "/logit_bias"),),
        sends={"/logit_bias": GONE},
        breaks={"logit_bias": {}},
    ),
    _rule(
        name="no-metadata",
        says="metadata holds a user id alone",
        source=MESSAGES_API,
        asks={"metadata": {"a": "b"}},
        losses=(("dropped", "/metadata"),),
        sends={"/metadata": GONE},
        breaks={"metadata": {"a": "b"}},
    ),
    _rule(
        name="no-kept-responses",
        says="responses are not kept under an id",
        source=MESSAGES_API,
        client=RESPONSES,
        asks={"previous_response_id": "resp_1"},
        refused="/previous_response_id",
        breaks={"previous_response_id": "resp_1"},
    ),
    _rule(
        name="foreign-cached-content",
        says="content that another service holds is not here",
        source=MESSAGES_API,
        client=GEMINI,
        asks={"cachedContent": "cachedContents/1"},
        refused="/cachedContent",
    ),
    _rule(
        name="tiers",
        says="service tiers are auto and standard_only",
        source=MESSAGES_API,
        asks={"service_tier": "flex"},
        losses=(("unsupported", "/service_tier"),),
        sends={"/service_tier": GONE},
    ),
    _rule(
        name="json-without-schema",
        says="a JSON answer has a schema",
        source=MESSAGES_API,
        asks={"response_format": {"type": "json_object"}},
        losses=(("unsupported", "/response_format"),),
        sends={"/output_config": GONE},
        breaks={"output_config": {"format": {"type": "json_object"}}},
    ),
)
