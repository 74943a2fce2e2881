"""The AI SDK over each of its providers."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("aisdk-chat", "openai-chat", "aisdk.mjs", "chat"),
    scripted("aisdk-responses", "openai-responses", "aisdk.mjs", "responses"),
    scripted("aisdk-anthropic", "anthropic-messages", "aisdk.mjs", "anthropic"),
    scripted("aisdk-google", "gemini", "aisdk.mjs", "google"),
)
