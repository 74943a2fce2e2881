"""The protocol's name."""

NAME = "cohere"
