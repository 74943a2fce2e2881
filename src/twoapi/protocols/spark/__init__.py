"""iFlytek Spark, over HTTP and over a websocket."""

from twoapi.protocols.spark.codec import Spark, SparkSocket

__all__ = ["Spark", "SparkSocket"]
