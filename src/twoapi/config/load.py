"""`twoapi.yaml` to Settings: read, resolve references, check, and say everything that is wrong at once."""

from collections.abc import Mapping
from pathlib import Path

from twoapi.config.check import check
from twoapi.config.references import expander
from twoapi.config.settings import (
    CandidateSettings,
    CredentialSettings,
    KeySettings,
    ModelSettings,
    Settings,
)
from twoapi.config.values import Address, BaseUrl, Dollars, Duration, HostPattern, Size
from twoapi.providers.cards import load_table
from twoapi.providers.cards.table import TableError
from twoapi.providers.catalog import READERS, CatalogError, load_catalog
from twoapi.providers.model import Auth
from twoapi.providers.services import Service
from twoapi.wire.fit import Broken, Fitter, Reader, scalar_reader
from twoapi.wire.secret import Secret
from twoapi.wire.yaml import Path as Key
from twoapi.wire.yaml import Place, Problem, compose

DEFAULT_FILE = "twoapi.yaml"

SHORTHANDS: Mapping[type, str] = {
    Auth: "scheme",
    CandidateSettings: "model",
    CredentialSettings: "key",
    KeySettings: "key",
    ModelSettings: "candidates",
    Service: "shape",
}


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` has all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(path: Path | str | None, environ: Mapping[str, str]) -> Settings:
    """The settings of a file; of nothing but defaults when `path` is None and there is no twoapi.yaml here."""
    if path is None and not Path(DEFAULT_FILE).exists():
        return parse("", DEFAULT_FILE, environ)
    file = Path(path or DEFAULT_FILE)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(str(file), Place(1, 1), (), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(str(file), Place(line, 1), (), "not UTF-8 text")]) from None
    return parse(text, str(file), environ)


def parse(text: str, filename: str, environ: Mapping[str, str]) -> Settings:
    """The settings that a text says; raises ConfigError with every problem."""
    tree = compose(text, filename)
    if isinstance(tree, Problem):
        raise ConfigError([tree])
    fitter = Fitter(filename, _READERS, SHORTHANDS, expander(environ))
    settings = fitter.fit(tree, Settings)
    if isinstance(settings, Broken) or fitter.problems:
        raise ConfigError(sorted(fitter.problems, key=lambda problem: problem.place))
    try:
        catalog = load_catalog(None if settings.catalog is None else Path(settings.catalog))
    except CatalogError as error:
        raise ConfigError(error.problems) from None
    problems = [*check(settings, catalog, filename, fitter.places), *_table_problems(settings, filename, fitter.places)]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.place))
    return settings


def _table_problems(settings: Settings, filename: str, places: Mapping[Key, Place]) -> list[Problem]:
    if settings.model_table is None:
        return []
    try:
        load_table(Path(settings.model_table))
    except (OSError, TableError) as error:
        reason = (
            f"{settings.model_table} cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
        )
        path: Key = ("model_table",)
        message = f"{reason}; `twoapi models refresh` writes one"
        return [Problem(filename, places.get(path, Place(1, 1)), path, message)]
    return []


def _secret(text: str) -> Secret:
    if not text:
        raise ValueError("must not be empty")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("must be one line without control characters")
    return Secret(text)


_READERS: Mapping[type, Reader] = {
    **READERS,
    Address: scalar_reader(Address.parse, "host:port"),
    Dollars: scalar_reader(Dollars.parse, "a price, as in 2.5"),
    BaseUrl: scalar_reader(BaseUrl.parse, "a URL"),
    Duration: scalar_reader(Duration.parse, "a duration, as in 5s"),
    HostPattern: scalar_reader(HostPattern.parse, "a host"),
    Secret: scalar_reader(_secret, "a secret, as in ${OPENAI_API_KEY}"),
    Size: scalar_reader(Size.parse, "a size, as in 32MiB"),
}
