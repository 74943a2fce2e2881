"""The names of the two dialects."""

HTTP = "spark"
SOCKET = "spark-socket"
