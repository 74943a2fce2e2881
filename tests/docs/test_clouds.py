"""What the documentation says of clouds."""

import re
from pathlib import Path

import pytest

from twoapi.config import parse
from twoapi.providers.catalog import load_catalog

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")
CLOUDS = PAGE.partition("## Clouds\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", CLOUDS, re.MULTILINE)


def test_the_example_is_good() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", CLOUDS, re.MULTILINE | re.DOTALL)
    environ = {"AWS_BEARER_TOKEN_BEDROCK": "a", "AZURE_OPENAI_API_KEY": "b"}
    settings = parse(example, "twoapi.yaml", environ)
    assert {upstream.provider for upstream in settings.upstreams.values()} <= {name for name, _ in ROWS}


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_each_row_tells_the_options_and_their_defaults(name: str, options: str) -> None:
    known = load_catalog()[name].options
    assert re.findall(r"`([a-z_]+)`", options.replace("is `global`", "")) == [
        *(one for one, option in known.items() if option.default is None),
        *(one for one, option in known.items() if option.default is not None),
    ]
    defaults = {option.default for option in known.values()} - {None}
    assert ("is `global`" in options) == (defaults == {"global"})


def test_every_cloud_of_another_vendors_models_is_told() -> None:
    clouds = {
        name
        for name, provider in load_catalog().items()
        if provider.like is not None and any(endpoint.mount is not None for endpoint in provider.protocols.values())
    }
    assert clouds <= {name for name, _ in ROWS}
