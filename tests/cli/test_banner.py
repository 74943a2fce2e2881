"""What `serve` says: every line of it must be true, and work when pasted."""

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from twoapi import __version__
from twoapi.cli.banner import Facts, Found, Missing, banner, facts, paste_lines, reachable_url
from twoapi.config import discover, parse
from twoapi.config.values import Address
from twoapi.gateway.snapshot import Snapshot
from twoapi.testing.running_gateway import RunningGateway


def discovered(environ: dict[str, str], probed: dict[str, tuple[str, ...]]) -> Facts:
    settings = discover(environ, lambda urls: probed)
    return facts(settings, Snapshot(settings).model_names(), None, 8000, environ)


def test_what_was_found_and_why_the_rest_was_not():
    told = discovered(
        {"ANTHROPIC_AUTH_TOKEN": "sk-1", "OPENAI_BASE_URL": "http://lab.example/v1", "OPENAI_API_KEY": "sk-2"},
        {"http://127.0.0.1:11434/v1": ("qwen3",)},
    )
    assert told.upstreams == [
        Found("anthropic", "anthropic", "anthropic-messages at https://api.anthropic.com (ANTHROPIC_AUTH_TOKEN)"),
        Found("openai", "openai", "openai-chat at http://lab.example/v1 (OPENAI_API_KEY)"),
        Found("ollama", "ollama", "ollama at http://127.0.0.1:11434, openai-chat at http://127.0.0.1:11434/v1"),
        Found("demo", "demo", "built in: deterministic answers to try things out with; a demo, not a model"),
    ]
    assert Missing("mistral", "no key in", "MISTRAL_API_KEY") in told.missing
    assert Missing("lmstudio", "nothing answers at", "http://127.0.0.1:1234/v1") in told.missing
    assert Missing("vllm", "our own address", "http://127.0.0.1:8000/v1") in told.missing
    assert {one.name for one in told.missing}.isdisjoint(one.name for one in told.upstreams)
    assert (told.key, told.example_model, told.config) == ("any", "demo", None)


def test_a_configured_start_names_its_file_and_no_missing_providers():
    text = """
listen: 0.0.0.0:8000
upstreams:
  lab: {provider: anthropic-compatible, base_url: "http://lab.example/x", credentials: [sk-1]}
models: {smart: lab/large}
keys: [sk-client-0123456789]
"""
    settings = parse(text, "some.yaml", {"ANTHROPIC_API_KEY": "sk-2"})
    told = facts(settings, Snapshot(settings).model_names(), Path("some.yaml"), 8000, {"ANTHROPIC_API_KEY": "sk-2"})
    assert told == Facts(
        version=__version__,
        url="http://127.0.0.1:8000",
        config="some.yaml",
        upstreams=[Found("lab", "anthropic-compatible", "anthropic-messages at http://lab.example/x")],
        missing=[],
        others=0,
        models=["smart"],
        key="$TWOAPI_KEY",
        example_model="smart",
    )
    shown = banner(told)
    assert shown.startswith(f"twoapi {__version__} listens on http://127.0.0.1:8000  (some.yaml)\n")
    assert "sk-" not in shown


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:81"),
        (":80", "http://127.0.0.1:81"),
        ("[::1]:80", "http://[::1]:81"),
        ("host.example:80", "http://host.example:81"),
    ],
)
def test_the_url_is_one_that_a_client_can_use(address, url):
    assert reachable_url(Address(address), 81) == url


KEY = "sk-client-0123456789"


@pytest.fixture(scope="module")
def keyed() -> Iterator[tuple[list[str], dict[str, str]]]:
    """The lines of the banner for a running gateway that wants a key, and the environment for them."""
    yield from pasted(f"[{KEY}]", "$TWOAPI_KEY")


@pytest.fixture(scope="module")
def unlocked() -> Iterator[tuple[list[str], dict[str, str]]]:
    """The same for one that wants none."""
    yield from pasted("open", "any")


def pasted(keys: str, key: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    text = f"listen: 127.0.0.1:0\nupstreams: {{demo: {{provider: demo}}}}\nkeys: {keys}"
    with RunningGateway(parse(text, "test.yaml", {})) as gateway:
        lines = paste_lines(gateway.url, key, "demo").splitlines()[1:]
        folder = str(Path(sys.executable).parent)
        yield lines, {**os.environ, "TWOAPI_KEY": KEY, "PATH": folder + os.pathsep + os.environ["PATH"]}


def paste(line: str, environ: dict[str, str]) -> str:
    return subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", range(4), ids=["curl chat", "curl messages", "openai", "anthropic"])
def test_a_pasted_line_works_with_a_key(keyed, number):
    lines, environ = keyed
    assert "This is the twoapi demo, not a model. You said: Hello" in paste(lines[number], environ)


@pytest.mark.parametrize("number", range(2), ids=["curl chat", "curl messages"])
def test_a_pasted_line_works_without_a_key(unlocked, number):
    lines, environ = unlocked
    assert "This is the twoapi demo, not a model. You said: Hello" in paste(lines[number], environ)


def test_the_line_for_claude_code_sets_what_the_sdk_reads(keyed):
    lines, environ = keyed
    assert lines[4].endswith(" claude")
    ask = (
        "import anthropic, os; "
        "print(anthropic.Anthropic().messages.create(model=os.environ['ANTHROPIC_MODEL'], max_tokens=100, "
        "messages=[{'role': 'user', 'content': 'Hello'}]).content[0].text)"
    )
    said = paste(lines[4].removesuffix("claude") + f'python3 -c "{ask}"', environ)
    assert said == "This is the twoapi demo, not a model. You said: Hello\n"


@pytest.mark.parametrize("scene", ["keyed", "unlocked"])
def test_the_line_for_codex_says_what_its_configuration_would(scene, request):
    lines, environ = request.getfixturevalue(scene)
    assigned = lines[5].partition("codex ")[0].split()
    words = shlex.split(lines[5].partition("codex ")[2])
    assert words[::2] == ["-c", "-c", "-m"]
    name, _, chosen = words[1].partition("=")
    told = tomllib.loads(f'{name} = "{chosen}"\n{words[3]}\n')
    provider = told["model_providers"]["twoapi"]
    assert (told["model_provider"], words[5], provider["wire_api"]) == ("twoapi", "demo", "responses")
    environ = {**environ, **dict(one.split("=") for one in assigned)}
    client = openai.OpenAI(base_url=provider["base_url"], api_key=environ[provider["env_key"]], max_retries=0)
    said = client.responses.create(model=words[5], input="Hello").output_text
    assert said == "This is the twoapi demo, not a model. You said: Hello"


def test_the_line_for_gemini_cli_sets_what_the_sdk_reads(keyed):
    lines, environ = keyed
    assert lines[6].endswith(" gemini -m demo")
    ask = (
        "import google.genai; client = google.genai.Client(); "
        "print(client.models.generate_content(model='demo', contents='Hello').text)"
    )
    said = paste(lines[6].removesuffix("gemini -m demo") + f'python3 -W ignore -c "{ask}"', environ)
    assert said == "This is the twoapi demo, not a model. You said: Hello\n"


@pytest.mark.parametrize("scene", ["keyed", "unlocked"])
def test_the_line_for_our_own_chat_works(scene, request):
    lines, environ = request.getfixturevalue(scene)
    line = lines[7].replace("twoapi chat", f"{sys.executable} -m twoapi chat") + " --once Hello"
    assert paste(line, environ) == "This is the twoapi demo, not a model. You said: Hello\n"
