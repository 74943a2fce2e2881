"""Anthropic's libraries, in Python and JavaScript."""

from clients.programs.scripted import scripted

PROGRAMS = (
    scripted("anthropic-py-stream", "anthropic", "anthropic-messages", "anthropic_stream.py"),
    scripted("anthropic-py-runner", "anthropic", "anthropic-messages", "anthropic_runner.py"),
    scripted("anthropic-js-stream", "@anthropic-ai/sdk", "anthropic-messages", "anthropic_stream.mjs"),
    scripted("anthropic-js-runner", "@anthropic-ai/sdk", "anthropic-messages", "anthropic_runner.mjs"),
)
