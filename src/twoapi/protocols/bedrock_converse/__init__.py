"""Amazon Bedrock Converse: the dialect of an upstream."""

from twoapi.protocols.bedrock_converse.codec import BedrockConverse

__all__ = ["BedrockConverse"]
