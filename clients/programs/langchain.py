"""LangChain over each of its packages."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("langchain-chat", "openai-chat", "langchain_chat.py"),
    scripted("langchain-responses", "openai-responses", "langchain_responses.py"),
    scripted("langchain-anthropic", "anthropic-messages", "langchain_anthropic_messages.py"),
    scripted("langchain-google", "gemini", "langchain_google.py"),
)
