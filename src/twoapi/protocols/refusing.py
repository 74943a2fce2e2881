"""What is told of requests that cannot be carried, and of answers that cannot be used."""

from twoapi.ir import Fault, FaultError


def refuse(message: str, pointer: str | None, code: str | None = None) -> FaultError:
    """The error of a request that is wrong, or that a protocol cannot carry; `pointer` into the client's body."""
    return FaultError(Fault("invalid_request", message, code=code, param=pointer, protocol=None))


def broken(message: str, code: str | None = None) -> Fault:
    """The fault of an upstream whose answer cannot be used."""
    return Fault("upstream_error", message, whose="upstream", code=code)
