"""A vendor's fake, and the settings with which a gateway reaches it."""

from collections.abc import Callable

import msgspec

from twoapi.conformance import Upstream, Vendor


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """`provider` is its name in the catalogue, `model` one of the vendor's models, `settings` what else stands under
    the upstream, in YAML's flow style. `serves` plays the vendor.
    """

    vendor: Vendor
    provider: str
    model: str
    settings: str = "credentials: [sk-vendor]"
    serves: Callable[..., Upstream] = Upstream

    def config(self, url: str) -> str:
        """A configuration whose one model, `conf`, is answered by the vendor that listens below this URL."""
        base = url + self.vendor.base
        return (
            f"upstreams:\n  vendor: {{provider: {self.provider}, protocols: {{{self.vendor.protocol}: '{base}'}},"
            f" {self.settings}}}\n"
            f"models:\n  conf: {{candidates: ['vendor/{self.model}'], retries: 0}}\n"
        )
