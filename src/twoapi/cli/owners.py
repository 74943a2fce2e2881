"""Whose service a protocol is: the provider that is meant when only the protocol was named."""

from collections.abc import Mapping

import click

from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Provider

OWNERS: Mapping[str, str] = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
}

protocol_type = click.Choice(list(OWNERS))
upstream_type = click.Choice(list(UPSTREAM_CODECS))


def provider_for(protocol: str, name: str | None = None) -> Provider:
    """The named provider, else the owner of the protocol; fails when it does not speak it."""
    catalog = load_catalog()
    wanted = name or OWNERS.get(protocol)
    if wanted is None:  # a vendor's own dialect
        wanted = next((one.name for one in catalog.values() if next(iter(one.protocols), "") == protocol), protocol)
    found = catalog.get(wanted)
    if found is None:
        known = ", ".join(sorted(catalog))
        raise click.BadParameter(f"no provider {wanted!r} in the catalogue; known: {known}", param_hint="--provider")
    if protocol not in found.protocols:
        spoken = ", ".join(found.protocols) or "no protocol: it answers within the gateway"
        raise click.BadParameter(f"{found.name} does not speak {protocol}; it speaks {spoken}", param_hint="--provider")
    return found
