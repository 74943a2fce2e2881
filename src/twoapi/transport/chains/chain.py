"""What a chain is, and which there are."""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from twoapi.providers.tokens.source import RefusedError, Token


class Chain(Protocol):
    """One way to a vendor's credentials. It keeps what its library keeps, from one call to the next."""

    def token(self, *, anew: bool) -> Token:
        """What can be presented now. Blocks. `anew`: what was given before is refused. Raises RefusedError."""
        ...


def quiet(*names: str) -> None:
    """Keeps a library from logging requests, in whose bodies and headers secrets are."""
    for name in names:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.ERROR)


def refusal(library: str, error: Exception, mend: str) -> RefusedError:
    """What is told of a library's error: its class, as its words may repeat part of a credential."""
    return RefusedError(f"{library} gives no credential ({type(error).__name__}); {mend}")


def open_chain(kind: str, parts: Mapping[str, str]) -> Chain:
    """The chain of this name; raises RefusedError when its library is not there."""
    try:
        return CHAINS[kind](parts)
    except ImportError:
        mend = f"pip install 'twoapi[{kind}]'"
        raise RefusedError(f"its library is not there, or too old; {mend}", lasting=True) from None


def _aws(parts: Mapping[str, str]) -> Chain:
    from twoapi.transport.chains.aws import AwsChain  # noqa: PLC0415  an extra

    return AwsChain(parts)


def _azure(parts: Mapping[str, str]) -> Chain:
    from twoapi.transport.chains.azure import AzureChain  # noqa: PLC0415  an extra

    return AzureChain(parts)


def _google(parts: Mapping[str, str]) -> Chain:
    from twoapi.transport.chains.google import GoogleChain  # noqa: PLC0415  an extra

    return GoogleChain(parts)


# By the names that providers/schemes.py gives them, which are those of the extras too.
CHAINS: Mapping[str, Callable[[Mapping[str, str]], Chain]] = {"aws": _aws, "azure": _azure, "google": _google}
