"""The traps of a running gateway use the one of the gateway's own tests."""

from tests.gateway.conftest import bench, running

__all__ = ["bench", "running"]
