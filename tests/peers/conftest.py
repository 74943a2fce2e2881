"""The gateway between two fake upstreams, as the gateway's own tests have it."""

from tests.gateway.conftest import bench, running

__all__ = ["bench", "running"]
