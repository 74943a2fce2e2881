"""Google's libraries, in Python and JavaScript."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("genai-py-afc", "google-genai", "gemini", "genai_afc.py"),
    scripted("genai-py-chat", "google-genai", "gemini", "genai_chat.py"),
    scripted("genai-js-stream", "@google/genai", "gemini", "genai_stream.mjs"),
)
