"""What stands behind the gateway: the four vendors whose protocols clients speak, and services of other kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

from twoapi.conformance import Vendor
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.vendors import VENDORS, Staged
from twoapi.testing.vendors.platforms import PLATFORMS

_KEY = "upstream-key"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service: the provider whose rules hold, and a model that it has. `settings` is what else stands under the
    upstream, in YAML's flow style. `vendor`: the fake that plays it, where it is not one of the four.
    """

    protocol: str
    provider: str
    model: str
    key: str = _KEY
    settings: str = f"credentials: [{_KEY}]"
    vendor: Vendor | None = None

    def config(self, fake: FakeUpstream, alias: str) -> str:
        """The part of a configuration with which `alias` is answered by this service, played by the fake."""
        base = fake.base_url(self.protocol) if self.vendor is None else fake.root + self.vendor.base
        return (
            f"upstreams:\n  up: {{provider: {self.provider}, protocols: {{{self.protocol}: '{base}'}},"
            f" {self.settings}}}\n"
            f"models: {{{alias}: 'up/{self.model}'}}\n"
        )


def _played(staged: Staged) -> Service:
    return Service(
        protocol=staged.vendor.protocol,
        provider=staged.provider,
        model=staged.model,
        key="sk-vendor",
        settings=staged.settings,
        vendor=staged.vendor,
    )


# The kinds that clients speak too; what runs by default.
KINDS: Mapping[str, Service] = {
    "openai-chat": Service(protocol="openai-chat", provider="openai", model="gpt-5.1"),
    "openai-responses": Service(protocol="openai-responses", provider="openai", model="gpt-5.1"),
    "anthropic-messages": Service(protocol="anthropic-messages", provider="anthropic", model="claude-sonnet-4-5"),
    "gemini": Service(protocol="gemini", provider="gemini", model="gemini-3-pro-preview"),
}
# Dialects that no client speaks.
DIALECTS: Mapping[str, Service] = {
    name: _played(VENDORS[name]) for name in ("bedrock-converse", "cohere", "ollama", "dashscope")
}
# Platforms that serve another vendor's protocol at paths of their own.
MOUNTED: Mapping[str, Service] = {
    PLATFORMS[name].provider: _played(PLATFORMS[name]) for name in ("bedrock", "claude on vertex", "vertex")
}
UPSTREAMS: Mapping[str, Service] = {**KINDS, **DIALECTS, **MOUNTED}
