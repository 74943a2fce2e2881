"""The AI SDK over each of its providers."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("aisdk-chat", "@ai-sdk/openai", "openai-chat", "aisdk.mjs", "chat"),
    scripted("aisdk-responses", "@ai-sdk/openai", "openai-responses", "aisdk.mjs", "responses"),
    scripted("aisdk-anthropic", "@ai-sdk/anthropic", "anthropic-messages", "aisdk.mjs", "anthropic"),
    scripted("aisdk-google", "@ai-sdk/google", "gemini", "aisdk.mjs", "google"),
)
