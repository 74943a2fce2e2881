"""LangChain over each of its packages."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("langchain-chat", "langchain-openai", "openai-chat", "langchain_chat.py"),
    scripted("langchain-responses", "langchain-openai", "openai-responses", "langchain_responses.py"),
    scripted("langchain-anthropic", "langchain-anthropic", "anthropic-messages", "langchain_anthropic_messages.py"),
    scripted("langchain-google", "langchain-google-genai", "gemini", "langchain_google.py"),
)
