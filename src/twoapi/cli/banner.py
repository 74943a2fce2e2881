"""What `twoapi serve` says when it is ready: the address, the upstreams, and lines to paste."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from twoapi import __version__
from twoapi.cli.output import columns
from twoapi.config.settings import Settings
from twoapi.config.values import Address
from twoapi.policy.route import base_urls
from twoapi.providers.catalog import Catalog, load_catalog
from twoapi.providers.model import Provider

_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with, not bound
# Whose keys people look for first; there are many more.
_ASKED_FOR = (
    *("openai", "anthropic", "gemini", "openrouter", "deepseek", "dashscope"),
    *("moonshot", "zhipu", "mistral", "groq", "xai"),
)
_SHOWN_MODELS = 8
_WIDTH = 110
_ANY_KEY = "any"


class Found(msgspec.Struct, frozen=True):
    """An upstream that is served, and where it comes from."""

    name: str
    provider: str
    about: str


class Missing(msgspec.Struct, frozen=True):
    """A provider that is not served: `why`, and `what` (a variable, an address) would have to be there."""

    name: str
    why: Literal["no key in", "nothing answers at", "our own address"]
    what: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a start amounts to. `key` is what a client must present, for the lines to paste."""

    version: str
    url: str
    config: str | None
    upstreams: list[Found]
    missing: list[Missing]
    others: int  # providers that are not told of
    models: list[str]
    key: str
    example_model: str


def facts(
    settings: Settings, models: list[tuple[str, str]], file: Path | None, port: int, environ: Mapping[str, str]
) -> Facts:
    """Everything worth telling about a start; no secret in it."""
    catalog = load_catalog(Path(settings.catalog) if settings.catalog else None)
    names = [name for name, _ in models]
    missing = _missing(settings, catalog, port) if file is None else []
    return Facts(
        version=__version__,
        url=reachable_url(settings.listen, port),
        config=None if file is None else str(file),
        upstreams=_found(settings, catalog, environ if file is None else {}),
        missing=missing,
        others=len(catalog) - len(missing) - len(settings.upstreams) if missing else 0,
        models=names,
        key=_ANY_KEY if settings.keys == "open" else "$TWOAPI_KEY",
        example_model=_example(names, catalog),
    )


def reachable_url(address: Address, port: int) -> str:
    """The URL at which a client on this machine reaches the gateway."""
    host = "127.0.0.1" if address.host in _EVERYWHERE else address.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def banner(told: Facts) -> str:
    """The same for people."""
    source = told.config or "no twoapi.yaml here, so this is what was found"
    parts = [
        f"twoapi {told.version} listens on {told.url}  ({source})",
        "upstreams\n" + columns([(one.name, one.about) for one in told.upstreams]),
    ]
    if told.missing:
        more = f"\n  and {told.others} more providers: docs/providers.md has their variables"
        parts.append("not found\n" + _grouped(told.missing) + more)
    parts += [_models(told.models), paste_lines(told.url, told.key, told.example_model)]
    return "\n\n".join(parts)


def paste_lines(url: str, key: str, model: str) -> str:
    """Lines that work as they stand: curl, the SDKs, Claude Code, Codex, Gemini CLI."""
    is_open = key == _ANY_KEY
    post = "-H 'content-type: application/json'" + ("" if is_open else f' -H "authorization: Bearer {key}"')
    body = f'{{"model": "{model}", "max_tokens": 100, "messages": [{{"role": "user", "content": "Hello"}}]}}'
    imports, secret = ("import", "'any'") if is_open else ("import os,", "os.environ['TWOAPI_KEY']")
    asked = f"model='{model}', max_tokens=100, messages=[{{'role': 'user', 'content': 'Hello'}}]"
    chat = f"openai.OpenAI(base_url='{url}/v1', api_key={secret}).chat.completions.create({asked})"
    messages = f"anthropic.Anthropic(base_url='{url}', api_key={secret}).messages.create({asked})"
    shell_key = key if is_open else f'"{key}"'
    agent = f"ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={shell_key} ANTHROPIC_MODEL={model}"
    provider = f'{{name="twoapi", base_url="{url}/v1", env_key="TWOAPI_KEY", wire_api="responses"}}'
    codex = f"codex -c model_provider=twoapi -c 'model_providers.twoapi={provider}' -m {model}"
    lines = [
        f"curl {url}/v1/chat/completions {post} -d '{body}'",
        f"curl {url}/v1/messages {post} -d '{body}'",
        f'python3 -c "{imports} openai; print({chat}.choices[0].message.content)"',
        f'python3 -c "{imports} anthropic; print({messages}.content[0].text)"',
        f"{agent} ANTHROPIC_DEFAULT_HAIKU_MODEL={model} claude",
        f"TWOAPI_KEY={key} {codex}" if is_open else codex,
        f"GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY={shell_key} gemini -m {model}",
        f"twoapi chat --base-url {url}" + ("" if is_open else f' --key "{key}"') + f" --model {model}",
    ]
    return "try it\n" + "\n".join("  " + line for line in lines)


def _found(settings: Settings, catalog: Mapping[str, Provider], environ: Mapping[str, str]) -> list[Found]:
    found = []
    for name, upstream in settings.upstreams.items():
        provider = catalog[upstream.provider or ""]
        found.append(Found(name, provider.name, _about(settings, name, provider, environ)))
    return found


def _about(settings: Settings, name: str, provider: Provider, environ: Mapping[str, str]) -> str:
    if provider.local is not None:
        return "built in: deterministic answers to try things out with; a demo, not a model"
    variable = next((name for variable in provider.env for name in variable.names if environ.get(name)), None)
    places = base_urls(settings.upstreams[name], provider)
    by_url: dict[str, list[str]] = {}
    for protocol, url in places.items():
        by_url.setdefault(url, []).append(protocol)
    spoken = ", ".join(f"{' and '.join(protocols)} at {url}" for url, protocols in by_url.items())
    return f"{spoken} ({variable})" if variable else spoken


def _missing(settings: Settings, catalog: Catalog, port: int) -> list[Missing]:
    """Of the providers that are asked for most, and of the servers that were looked for, what is not there."""
    missing = []
    looked_for = {provider.name: provider for provider in catalog.mentioning({"probe"}) if provider.probe}
    for name in (*_ASKED_FOR, *looked_for):
        provider = catalog[name]
        place = next((endpoint.base_url for endpoint in provider.protocols.values() if endpoint.base_url), None)
        if name in settings.upstreams or place is None:
            continue
        if provider.env:
            missing.append(Missing(name, "no key in", provider.env[0].names[0]))
        elif provider.probe:
            own = urlsplit(place).port == port
            missing.append(Missing(name, "our own address" if own else "nothing answers at", place))
    return missing


def _grouped(missing: list[Missing]) -> str:
    """One paragraph per reason."""
    by_why: dict[str, list[str]] = {}
    for one in missing:
        by_why.setdefault(one.why, []).append(f"{one.what} ({one.name})")
    return "\n".join(
        textwrap.fill(
            f"{why}: " + ", ".join(places),
            width=_WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for why, places in by_why.items()
    )


def _models(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_MODELS} more: GET /v1/models" if len(names) > _SHOWN_MODELS else ""
    return "models\n  " + (", ".join(names[:_SHOWN_MODELS]) + more if names else "none by name; ask for upstream/model")


def _example(names: list[str], catalog: Catalog) -> str:
    """The demo's model when it is served, else the first name that is known."""
    within = [provider for provider in catalog.mentioning({"local"}) if provider.local is not None]
    own = [model for provider in within for model in provider.serves]
    return next((model for model in own if model in names), names[0] if names else "UPSTREAM/MODEL")
