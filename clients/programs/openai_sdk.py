"""OpenAI's libraries, in Python and JavaScript."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("openai-py-chat", "openai", "openai-chat", "openai_chat.py"),
    scripted("openai-py-responses", "openai", "openai-responses", "openai_responses.py"),
    scripted("openai-py-stored", "openai", "openai-responses", "openai_stored.py"),
    scripted("openai-js-chat", "openai", "openai-chat", "openai_chat.mjs"),
    scripted("openai-js-responses", "openai", "openai-responses", "openai_responses.mjs"),
)
