"""The protocol's name."""

NAME = "ollama"
