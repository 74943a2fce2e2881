"""Settings: the schema of `twoapi.yaml`, its loader, and what is found when there is no file."""

from twoapi.config.check import unenforced
from twoapi.config.discover import discover
from twoapi.config.load import ConfigError, load, parse
from twoapi.config.schema import json_schema
from twoapi.config.settings import Settings

__all__ = ["ConfigError", "Settings", "discover", "json_schema", "load", "parse", "unenforced"]
