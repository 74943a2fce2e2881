"""Fakes of the vendors whose dialect no client speaks, each written from that vendor's reference alone.

A module offers STAGED; here they are by the name of their protocol.
"""

from collections.abc import Mapping

from twoapi.testing.vendors import bedrock_converse, cohere, dashscope, hunyuan, ollama, qianfan_v1, spark, spark_socket
from twoapi.testing.vendors.staged import Staged

VENDORS: Mapping[str, Staged] = {
    staged.vendor.protocol: staged
    for staged in (
        bedrock_converse.STAGED,
        cohere.STAGED,
        dashscope.STAGED,
        hunyuan.STAGED,
        spark.STAGED,
        spark_socket.STAGED,
        ollama.STAGED,
        qianfan_v1.STAGED,
    )
}

__all__ = ["VENDORS", "Staged"]
