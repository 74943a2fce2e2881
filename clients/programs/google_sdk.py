"""Google's libraries, in Python and JavaScript."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("genai-py-afc", "gemini", "genai_afc.py"),
    scripted("genai-py-chat", "gemini", "genai_chat.py"),
    scripted("genai-js-stream", "gemini", "genai_stream.mjs"),
)
