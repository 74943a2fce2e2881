"""Connections to upstreams: a pool for each, calls that can be cancelled and paused, answers told to a sink.

Pool is the fast path; proxied.ProxiedPool has the same face for upstreams that are reached through a proxy.
"""

from twoapi.transport.call import Call, Sink
from twoapi.transport.connection import Limits
from twoapi.transport.dial import tls_context
from twoapi.transport.endpoint import Endpoint, close_head, header_line, open_head, request_head
from twoapi.transport.errors import FailureKind, TransportError
from twoapi.transport.pool import Pool

__all__ = [
    "Call",
    "Endpoint",
    "FailureKind",
    "Limits",
    "Pool",
    "Sink",
    "TransportError",
    "close_head",
    "header_line",
    "open_head",
    "request_head",
    "tls_context",
]
