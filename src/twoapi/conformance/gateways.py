"""How a gateway is told of the suite's upstreams: its configuration, and the headers that its clients need."""

from collections.abc import Callable, Mapping

import msgspec

from twoapi.conformance.protocols import MODELS

# Upstream protocol -> the base URL of the suite's upstream.
Bases = Mapping[str, str]


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that the suite knows how to set up.

    `config` is the text of its configuration for these upstreams; `headers` are what a client sends to have its request
    go to the upstream of a protocol. `models` names the model where the gateway has no names of its own for models.
    """

    config: Callable[[Bases], str]
    headers: Callable[[str, str], dict[str, str]] = lambda protocol, base: {}  # noqa: ARG005  none
    models: Callable[[str], str] = MODELS.__getitem__


# Real providers and models: what a gateway does depends on what it knows of them.
_PROVIDERS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
}
_VENDOR_MODELS = {
    "openai-chat": "gpt-5.1",
    "openai-responses": "gpt-5.1",
    "anthropic-messages": "claude-sonnet-4-5",
    "gemini": "gemini-3-pro-preview",
}


def _twoapi(bases: Bases) -> str:
    lines = ["upstreams:"]
    for protocol, base in bases.items():
        lines.append(f"  {MODELS[protocol]}-upstream:")
        lines += [f"    provider: {_PROVIDERS[protocol]}", f"    protocols: {{{protocol}: {base}}}"]
        lines.append("    credentials: [sk-conformance]")
    lines.append("models:")
    for protocol in bases:
        model = MODELS[protocol]
        lines.append(f"  {model}: {{candidates: [{model}-upstream/{_VENDOR_MODELS[protocol]}], retries: 0}}")
    return "\n".join(lines) + "\n"


_LITELLM = {
    "openai-chat": "openai",
    "openai-responses": "openai/responses",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
}


def _litellm(bases: Bases) -> str:
    lines = ["model_list:"]
    for protocol, base in bases.items():
        lines += [
            f"  - model_name: {MODELS[protocol]}",
            "    litellm_params:",
            f"      model: {_LITELLM[protocol]}/{_VENDOR_MODELS[protocol]}",
            f"      api_base: {base}/v1beta" if protocol == "gemini" else f"      api_base: {base}",
            "      api_key: sk-conformance",
        ]
        if protocol == "openai-chat":
            lines.append("      use_chat_completions_api: true")
    lines += [
        "litellm_settings:",
        "  drop_params: true",
        "  num_retries: 0",
        "  use_chat_completions_url_for_anthropic_messages: true",
        "  telemetry: false",
        "router_settings:",
        "  num_retries: 0",
        "  disable_cooldowns: true",
        "general_settings:",
        "  master_key: sk-conformance",
    ]
    return "\n".join(lines) + "\n"


_PORTKEY = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "google",
}


def _portkey_headers(protocol: str, base: str) -> dict[str, str]:
    version = {"anthropic-messages": "/v1", "gemini": "/v1beta"}.get(protocol, "")
    return {
        "x-portkey-provider": _PORTKEY[protocol],
        "x-portkey-custom-host": base + version,
        "authorization": "Bearer sk-conformance",
    }


def _portkey(bases: Bases) -> str:
    lines = ["# No configuration: these headers of each request say where it goes."]
    for protocol, base in bases.items():
        lines += [f"{protocol} {name}: {value}" for name, value in _portkey_headers(protocol, base).items()]
    return "\n".join(lines) + "\n"


_ROUTER = {
    "openai-chat": [],
    "anthropic-messages": ["Anthropic"],
    "gemini": ["gemini"],
    "openai-responses": ["openai-responses"],
}
_ROUTER_PATHS = {
    "openai-chat": "/chat/completions",
    "openai-responses": "/responses",
    "anthropic-messages": "/v1/messages",
    "gemini": "/v1beta/models/",
}


def _router(bases: Bases) -> str:
    providers = [
        {
            "name": MODELS[protocol],
            "api_base_url": base + _ROUTER_PATHS[protocol],
            "api_key": "sk-conformance",
            "models": ["conf"],
            "transformer": {"use": _ROUTER[protocol]},
        }
        for protocol, base in bases.items()
    ]
    config = {
        "LOG": False,
        "NON_INTERACTIVE_MODE": True,
        "Providers": providers,
        "Router": {"default": "conf-chat,conf"},
    }
    return msgspec.json.format(msgspec.json.encode(config), indent=2).decode() + "\n"


GATEWAYS: Mapping[str, Gateway] = {
    "twoapi": Gateway(config=_twoapi),
    "litellm": Gateway(config=_litellm),
    "portkey": Gateway(config=_portkey, headers=_portkey_headers),
    "claude-code-router": Gateway(config=_router, models=lambda protocol: f"{MODELS[protocol]},conf"),
}
