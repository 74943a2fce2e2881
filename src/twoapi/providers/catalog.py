"""All providers: the catalogue files of the package, and the operator's own."""

import re
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from twoapi.protocols.capabilities import Capabilities
from twoapi.providers.model import Auth, Endpoint, ModelFacts, Overrides, Provider, Variable
from twoapi.providers.services import Service
from twoapi.wire.fit import Broken, Fitter, Reader, partial_reader
from twoapi.wire.yaml import Place, Problem, compose

_SHIPPED = Path(__file__).parent / "catalog"
_WORDS = re.compile(r"\w+").findall

READERS: Mapping[type, Reader] = {Overrides: partial_reader(Capabilities, Overrides)}
SHORTHANDS: Mapping[type, str] = {
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
    """The providers by name, each read when it is asked for: a gateway needs few of them.

    `files`: where each is written. Looking a provider up raises CatalogError when its file cannot be used.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._read: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = self._alike(_read(self._files[name]))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def mentioning(self, words: Container[str]) -> list[Provider]:
        """The providers in whose files one of these words stands, such as the name of an environment variable."""
        files = self._files.items()
        return [self[name] for name, file in files if any(word in words for word in _WORDS(_text(file)))]

    def _alike(self, provider: Provider) -> Provider:
        """With what is known of the models of the one that it is like, under what it says itself."""
        if provider.like is None:
            return provider
        other = None if provider.like not in self._files else _read(self._files[provider.like])
        if other is None or other.like is not None:
            message = "no such provider in the catalogue" if other is None else f"{other.name} is itself like another"
            raise CatalogError([Problem(str(self._files[provider.name]), Place(1, 1), ("like",), message)])
        return msgspec.structs.replace(
            provider,
            capabilities=Overrides({**other.capabilities, **provider.capabilities}),
            models=(*map(_with_prefixes, other.models), *provider.models),
        )


def load_catalog(own: Path | None = None) -> Catalog:
    """The shipped providers and those of the operator's directory, which replace shipped ones of the same name.

    Raises CatalogError with all problems of the operator's files.
    """
    shipped = _shipped()
    if own is None:
        return shipped
    mine = _files(own)
    catalog = Catalog({**_files(_SHIPPED), **mine})
    problems: list[Problem] = []
    for name in mine:
        try:
            catalog[name]
        except CatalogError as error:
            problems += error.problems
    if problems:
        raise CatalogError(problems)
    return catalog


def parse_provider(text: str, file: str) -> Provider:
    """One catalogue file; raises CatalogError with every problem."""
    tree = compose(text, file)
    if isinstance(tree, Problem):
        raise CatalogError([tree])
    fitter = Fitter(file, READERS, SHORTHANDS)
    provider = fitter.fit(tree, Provider)
    if isinstance(provider, Broken) or fitter.problems:
        raise CatalogError(fitter.problems)
    return provider


@cache
def _shipped() -> Catalog:
    return Catalog(_files(_SHIPPED))


def _files(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def _with_prefixes(facts: ModelFacts) -> ModelFacts:
    """The facts for names with a prefix too, as in `us.anthropic.claude-x` and `google/gemini-x`."""
    patterns = (form + pattern for pattern in facts.match for form in ("", "*.", "*/"))
    return msgspec.structs.replace(facts, match=tuple(patterns))


def _read(file: Path) -> Provider:
    provider = parse_provider(_text(file), str(file))
    if provider.name != file.stem:
        message = f"the name must be that of the file: {file.stem}"
        raise CatalogError([Problem(str(file), Place(1, 1), ("name",), message)])
    return provider


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise CatalogError([Problem(str(file), Place(1, 1), (), f"cannot be read: {reason}")]) from None
