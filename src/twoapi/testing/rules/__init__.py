"""What the vendors refuse, as a table: each rule with the smallest request that would break it, and what is done."""

from twoapi.testing.rules import (
    chat_options,
    chat_turns,
    gemini_contents,
    gemini_options,
    gemini_schemas,
    messages_options,
    messages_tools,
    messages_turns,
    responses_items,
    responses_options,
)
from twoapi.testing.rules.rule import GONE, Kept, Rule, broken, keep

RULES: tuple[Rule, ...] = (
    *chat_options.RULES,
    *chat_turns.RULES,
    *responses_options.RULES,
    *responses_items.RULES,
    *messages_options.RULES,
    *messages_tools.RULES,
    *messages_turns.RULES,
    *gemini_contents.RULES,
    *gemini_schemas.RULES,
    *gemini_options.RULES,
)

__all__ = ["GONE", "RULES", "Kept", "Rule", "broken", "keep"]
