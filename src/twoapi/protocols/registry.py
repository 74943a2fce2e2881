"""Which protocols there are: one explicit table."""

from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec, SocketCodec, UpstreamCodec
from twoapi.protocols.bedrock_converse import BedrockConverse
from twoapi.protocols.cohere import Cohere
from twoapi.protocols.dashscope import DashScope
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.hunyuan import Hunyuan
from twoapi.protocols.ollama import Ollama
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.protocols.qianfan_v1 import QianfanV1
from twoapi.protocols.spark import Spark, SparkSocket

CODECS: dict[str, Codec] = {
    codec.name: codec for codec in (OpenAIChat(), OpenAIResponses(), AnthropicMessages(), Gemini())
}

# What upstreams speak: the same, and vendors' own dialects.
UPSTREAM_CODECS: dict[str, UpstreamCodec] = {
    **CODECS,
    DashScope.name: DashScope(),
    BedrockConverse.name: BedrockConverse(),
    Hunyuan.name: Hunyuan(),
    Spark.name: Spark(),
    SparkSocket.name: SparkSocket(),
    Cohere.name: Cohere(),
    Ollama.name: Ollama(),
    QianfanV1.name: QianfanV1(),
}

# Those that are spoken over a websocket.
SOCKET_CODECS: dict[str, SocketCodec] = {SparkSocket.name: SparkSocket()}


def codec_named(name: str) -> Codec:
    """The codec of a protocol; raises KeyError with the known names."""
    try:
        return CODECS[name]
    except KeyError:
        raise KeyError(f"unknown protocol {name!r}; known: {', '.join(sorted(CODECS))}") from None
