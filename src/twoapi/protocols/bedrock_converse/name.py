"""The protocol's name."""

NAME = "bedrock-converse"
