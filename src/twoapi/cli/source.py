"""Where the settings come from: a file, or what is found on this machine."""

import os
from pathlib import Path

import msgspec

from twoapi.cli.probe import probe
from twoapi.config import Settings, discover, load
from twoapi.config.load import DEFAULT_FILE
from twoapi.config.values import Address


class Source:
    """The named file, else ./twoapi.yaml if it exists, else discovery; decided once. `address` replaces `listen`."""

    def __init__(self, file: Path | None, address: Address | None = None) -> None:
        if file is None and Path(DEFAULT_FILE).exists():
            file = Path(DEFAULT_FILE)
        self.file = file
        self._address = address

    def read(self) -> Settings:
        """The settings as they are now; raises ConfigError."""
        if self.file is None:
            return discover(os.environ, probe, self._address)
        settings = load(self.file, os.environ)
        return settings if self._address is None else msgspec.structs.replace(settings, listen=self._address)
