"""What OpenAI's Responses refuses of options."""

from functools import partial

from twoapi.testing.rules.pieces import OBJECT, assistant, said, user
from twoapi.testing.rules.rule import CHAT, GEMINI, GONE, MESSAGES, RESPONSES, Rule

PARAMETERS = "Responses API"
OBSERVED = "seen in errors"
STRUCTURED = "structured outputs"
ITEMS = "input items"

_rule = partial(Rule, target=RESPONSES, client=CHAT)
_HI = {"role": "user", "content": "hi"}

RULES = (
    _rule(
        name="one-answer",
        says="there is one answer to a request",
        source=PARAMETERS,
        asks={"n": 2},
        refused="/n",
        breaks={"n": 2},
    ),
    _rule(
        name="no-stop",
        says="there are no stop strings",
        source=PARAMETERS,
        asks={"stop": ["x"]},
        losses=(("dropped", "/stop"),),
        sends={"/stop": GONE},
        breaks={"stop": ["x"]},
    ),
    _rule(
        name="no-seed",
        says="there is no seed",
        source=PARAMETERS,
        asks={"seed": 1},
        losses=(("dropped", "/seed"),),
        sends={"/seed": GONE},
        breaks={"seed": 1},
    ),
    _rule(
        name="no-penalties",
        says="there are no penalties",
        source=PARAMETERS,
        asks={"presence_penalty": 1, "frequency_penalty": 1},
        losses=(("dropped", "/presence_penalty"), ("dropped", "/frequency_penalty")),
        sends={"/presence_penalty": GONE, "/frequency_penalty": GONE},
        breaks={"presence_penalty": 1},
    ),
    _rule(
        name="no-bias",
        says="there is no bias of tokens",
        source=PARAMETERS,
        asks={"logit_bias": {"1": 2}},
        losses=(("dropped", "/logit_bias"),),
        sends={"/logit_bias": GONE},
        breaks={"logit_bias": {}},
    ),
    _rule(
        name="no-top-k",
        says="there is no top_k",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"top_k": 5},
        losses=(("dropped", "/top_k"),),
        sends={"/top_k": GONE},
        breaks={"top_k": 5},
    ),
    _rule(
        name="logprobs-are-included",
        says="log probabilities are asked for among what to include",
        source=PARAMETERS,
        asks={"logprobs": True, "top_logprobs": 2},
        sends={
            "/include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
            "/top_logprobs": 2,
            "/logprobs": GONE,
        },
        breaks={"logprobs": True},
    ),
    _rule(
        name="top-logprobs-need-logprobs",
        says="top_logprobs needs log probabilities",
        source=PARAMETERS,
        client=GEMINI,
        asks={"generationConfig": {"logprobs": 3}},
        losses=(("dropped", "/generationConfig/logprobs"),),
        sends={"/top_logprobs": GONE},
    ),
    _rule(
        name="at-least-16-tokens",
        says="at least 16 tokens are made",
        source=OBSERVED,
        asks={"max_completion_tokens": 5},
        losses=(("clamped", "/max_completion_tokens"),),
        sends={"/max_output_tokens": 16},
        breaks={"max_output_tokens": 5},
    ),
    _rule(
        name="max-tokens-of-model",
        says="a model has an output limit",
        source=PARAMETERS,
        asks={"max_completion_tokens": 50000},
        capabilities={"max_output": 16384},
        losses=(("clamped", "/max_completion_tokens"),),
        sends={"/max_output_tokens": 16384},
    ),
    _rule(
        name="model-without-sampling",
        says="reasoning models take no sampling parameters",
        source=PARAMETERS,
        asks={"temperature": 0.5, "top_p": 0.5},
        capabilities={"sampling": False},
        losses=(("dropped", "/temperature"), ("dropped", "/top_p")),
        sends={"/temperature": GONE, "/top_p": GONE},
    ),
    _rule(
        name="sixteen-pairs-of-metadata",
        says="metadata has at most 16 pairs",
        source=PARAMETERS,
        client=GEMINI,
        asks={"labels": {f"k{n}": "v" for n in range(17)}},
        losses=(("dropped", "/labels/k16"),),
        sends={
            "/metadata": {
                "k0": "v",
                "k1": "v",
                "k2": "v",
                "k3": "v",
                "k4": "v",
                "k5": "v",
                "k6": "v",
                "k7": "v",
                "k8": "v",
                "k9": "v",
                "k10": "v",
                "k11": "v",
                "k12": "v",
                "k13": "v",
                "k14": "v",
                "k15": "v",
            }
        },
        breaks={"metadata": {f"k{n}": "v" for n in range(17)}},
    ),
    _rule(
        name="user-id",
        says="a safety identifier has at most 128 characters",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"metadata": {"user_id": "u" * 200}},
        losses=(("dropped", "/metadata/user_id"),),
        sends={"/safety_identifier": GONE},
        breaks={"safety_identifier": "u" * 200},
    ),
    _rule(
        name="no-prediction",
        says="there is no predicted output",
        source=PARAMETERS,
        asks={"prediction": {"type": "content", "content": "x"}},
        losses=(("dropped", "/prediction"),),
        sends={"/prediction": GONE},
        breaks={"prediction": {}},
    ),
    _rule(
        name="modalities",
        says="answers are text",
        source=PARAMETERS,
        asks={"modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}},
        losses=(("unsupported", "/modalities"), ("dropped", "/audio")),
        sends={"/modalities": GONE, "/audio": GONE},
        breaks={"modalities": ["audio"]},
    ),
    _rule(
        name="schema-name",
        says="names of schemas have letters, digits, _ and -",
        source=STRUCTURED,
        asks={"response_format": {"type": "json_schema", "json_schema": {"name": "x y", "schema": OBJECT}}},
        losses=(("approximated", "/response_format/json_schema/name"),),
        sends={"/text/format/name": "x_y"},
        breaks={"text": {"format": {"type": "json_schema", "name": "x y", "schema": {}}}},
    ),
    _rule(
        name="schema-strict",
        says="a strict schema is closed and requires everything",
        source=STRUCTURED,
        asks={
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "x",
                    "strict": True,
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
            }
        },
        losses=(("approximated", "/response_format/json_schema/strict"),),
        sends={"/text/format/strict": False},
        breaks={
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "x",
                    "strict": True,
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                }
            }
        },
    ),
    _rule(
        name="schema-is-needed",
        says="an answer by schema has a schema",
        source=STRUCTURED,
        asks={"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        losses=(("synthesized", "/response_format"),),
        sends={"/text/format/schema": {"type": "object", "properties": {}}},
        breaks={"text": {"format": {"type": "json_schema", "name": "x"}}},
    ),
    _rule(
        name="model-without-effort",
        says="models that do not reason take no reasoning parameters",
        source=PARAMETERS,
        asks={"reasoning_effort": "high"},
        capabilities={"effort": False},
        losses=(("dropped", "/reasoning_effort"),),
        sends={"/reasoning": GONE, "/include": GONE},
    ),
    _rule(
        name="no-reasoning-between-tools",
        says="reasoning between tools alone cannot be asked for",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"thinking": {"type": "between_tools"}},
        losses=(("unsupported", "/thinking/type"),),
        sends={"/reasoning": GONE},
    ),
    _rule(
        name="no-budget",
        says="reasoning has an effort, not a budget",
        source=PARAMETERS,
        client=MESSAGES,
        asks={"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 4096}},
        losses=(("approximated", "/thinking/budget_tokens"),),
        sends={"/reasoning/effort": "medium"},
    ),
    _rule(
        name="reasoning-without-seal",
        says="a reasoning item has an id or sealed content of this vendor's",
        source=ITEMS,
        client=MESSAGES,
        asks={
            "messages": [
                user(),
                assistant([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, said()]),
                user(),
            ]
        },
        losses=(("reasoning_foreign", "/messages/1/content/0"),),
        sends={
            "/input": [
                {"type": "message", "role": "user", "content": "hi"},
                {"type": "message", "role": "assistant", "content": "hi"},
                {"type": "message", "role": "user", "content": "hi"},
            ]
        },
        breaks={"input": [_HI, {"type": "reasoning", "summary": []}]},
    ),
)
