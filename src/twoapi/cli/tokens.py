"""Credentials as a request presents them, for those who send one at a time: tokens are asked for and waited for."""

import asyncio
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from twoapi.policy.credentials import Credential
from twoapi.providers.presenting import present
from twoapi.providers.signing.signable import Signable
from twoapi.providers.tokens.source import RefusedError, Source, Token
from twoapi.transport.tokens import Tokens

Given = dict[Source, Token | RefusedError]


def asked_for(credentials: Iterable[Credential]) -> Given:
    """What the sources of these credentials give, or why they do not; all are asked at once."""
    made = [credential.made for credential in credentials]
    sources = {one.source for one in made if one is not None and one.source is not None}
    return asyncio.run(_ask(sources)) if sources else {}


def is_refused(credential: Credential, given: Given) -> bool:
    """True when there is no token for it."""
    made = credential.made
    return made is not None and made.source is not None and isinstance(given[made.source], RefusedError)


def shown(
    credential: Credential, given: Given, method: str, url: str, headers: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """The URL and the headers of a request without a body, its credential presented.

    Raises RefusedError when there is nothing to present.
    """
    own = {name.decode("latin-1"): value.decode("latin-1") for name, value in credential.headers}
    made = credential.made
    headers = {**headers, **own}
    if made is None:
        return url, headers
    parts = made.parts
    if made.source is not None:
        token = given[made.source]
        if isinstance(token, RefusedError):
            raise token
        parts = {**parts, **token.parts}
    place = urlsplit(url)
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    try:
        added = present(made.style, Signable(method, place.netloc, path, headers, b""), parts, int(time.time()))
    except KeyError as error:
        raise RefusedError(f"it has no {error.args[0]}; say it among its parts") from None
    except ValueError as error:
        raise RefusedError(str(error)) from None
    if added.query:
        url += ("&" if place.query else "?") + added.query
    return url, {**headers, **{name.decode("latin-1"): value.decode("latin-1") for name, value in added.headers}}


async def _ask(sources: set[Source]) -> Given:
    tokens = Tokens(asyncio.get_running_loop())
    try:
        given = await asyncio.gather(*(_one(tokens, source) for source in sources), return_exceptions=True)
    finally:
        await tokens.close()
    found: Given = {}
    for source, one in zip(sources, given, strict=True):
        if isinstance(one, BaseException) and not isinstance(one, RefusedError):
            raise one
        found[source] = one
    return found


async def _one(tokens: Tokens, source: Source) -> Token:
    while True:
        again = asyncio.Event()
        token = tokens.get(source, again.set)
        if token is not None:
            return token
        await again.wait()
