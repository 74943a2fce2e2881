"""All providers: the catalogue files of the package, and the operator's own."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from twoapi.protocols.base import Capabilities
from twoapi.providers.model import Auth, Endpoint, ModelFacts, Overrides, Provider, Variable
from twoapi.providers.services import Service
from twoapi.wire.fit import Broken, Fitter, Reader, partial_reader
from twoapi.wire.yaml import Place, Problem, compose

_SHIPPED = Path(__file__).parent / "catalog"

READERS: Mapping[type, Reader] = {Overrides: partial_reader(Capabilities, Overrides)}
_SHORTHANDS: Mapping[type, str] = {
    Auth: "scheme",
    Endpoint: "base_url",
    Service: "shape",
    Variable: "name",
}


class CatalogError(Exception):
    """Catalogue files that cannot be used, with every problem and its place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Catalog(Mapping[str, Provider]):
    """The providers by name."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = dict(providers)

    def __getitem__(self, name: str) -> Provider:
        return self._providers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)


def load_catalog(own: Path | None = None) -> Catalog:
    """The shipped providers and those of the operator's directory, which replace shipped ones of the same name."""
    if own is None:
        return _shipped()
    return Catalog(_alike({**_files(), **_read(own)}, own))


def parse_provider(text: str, file: str) -> Provider:
    """One catalogue file; raises CatalogError with every problem."""
    tree = compose(text, file)
    if isinstance(tree, Problem):
        raise CatalogError([tree])
    fitter = Fitter(file, READERS, _SHORTHANDS)
    provider = fitter.fit(tree, Provider)
    if isinstance(provider, Broken) or fitter.problems:
        raise CatalogError(fitter.problems)
    return provider


@cache
def _shipped() -> Catalog:
    return Catalog(_alike(_files(), _SHIPPED))


@cache
def _files() -> Mapping[str, Provider]:
    return _read(_SHIPPED)


def _alike(providers: Mapping[str, Provider], folder: Path) -> Mapping[str, Provider]:
    """The same, those that are like another with what is known of that one's models under what they say themselves."""
    found = dict(providers)
    for name, provider in providers.items():
        if provider.like is None:
            continue
        other = providers.get(provider.like)
        if other is None or other.like is not None:
            message = "no such provider in the catalogue" if other is None else f"{other.name} is itself like another"
            raise CatalogError([Problem(str(folder / f"{name}.yaml"), Place(1, 1), ("like",), message)])
        found[name] = msgspec.structs.replace(
            provider,
            capabilities=Overrides({**other.capabilities, **provider.capabilities}),
            models=(*map(_with_prefixes, other.models), *provider.models),
        )
    return found


def _with_prefixes(facts: ModelFacts) -> ModelFacts:
    """The facts for names with a prefix too, as in `us.anthropic.claude-x` and `google/gemini-x`."""
    patterns = (form + pattern for pattern in facts.match for form in ("", "*.", "*/"))
    return msgspec.structs.replace(facts, match=tuple(patterns))


def _read(folder: Path) -> dict[str, Provider]:
    providers: dict[str, Provider] = {}
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            provider = parse_provider(file.read_text("utf-8"), str(file))
        except CatalogError as error:
            problems += error.problems
            continue
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            problems.append(Problem(str(file), Place(1, 1), (), f"cannot be read: {reason}"))
            continue
        if provider.name != file.stem:
            message = f"the name must be that of the file: {file.stem}"
            problems.append(Problem(str(file), Place(1, 1), ("name",), message))
        providers[provider.name] = provider
    if problems:
        raise CatalogError(problems)
    return providers
