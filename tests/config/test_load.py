"""What a configuration means once it is read."""

from pathlib import Path

import msgspec
import pytest

from twoapi.config import ConfigError, Settings, load, parse
from twoapi.config.settings import (
    CandidateSettings,
    CredentialSettings,
    KeySettings,
    Limits,
    ModelSettings,
    Timeouts,
    TimeoutSettings,
    UpstreamSettings,
)
from twoapi.config.values import Address, BaseUrl, Duration, Size
from twoapi.providers.model import Auth, Overrides
from twoapi.wire.secret import Secret

WHOLE = """
listen: 0.0.0.0:9000
store: postgresql://u:secret@db/twoapi
shared: redis://cache:6379
on_loss: reject
upstreams:
  claude:
    provider: anthropic
    credentials:
      - ${ANTHROPIC_API_KEY}
      - {key: "${env:SECOND:-sk-b}", weight: 2, concurrency: 10, rpm: 50, tpm: 400000}
  lab:
    provider: openai-compatible
    base_url: http://127.0.0.1:11434/v1/
    models: [qwen3, "llama-*"]
    headers: {x-team: blue}
    auth: {scheme: header, header: api-key}
    capabilities: {images: false, max_output: 4096, thinking: [enabled]}
    timeouts: {idle: 1m}
    ca: /etc/ca.pem
models:
  gpt-4.1-mini: claude/claude-3-5-sonnet
  pair: [claude/a, lab/b]
  smart:
    candidates: [claude/claude-opus-5-5, {model: lab/qwen3, weight: 3}]
    strategy: weighted
    timeouts: {connect: 500ms, first_byte: 30s, idle: 0, total: 1.5h}
    retries: 0
    on_loss: allow
keys:
  - ${CLIENT_KEY}
  - {key: k2, name: ci, models: [smart, "lab/*"], on_loss: allow}
limits: {body: 1MiB, header: 4096, streams: 10}
timeouts: {connect: 3s}
"""


def test_every_setting_arrives_typed() -> None:
    settings = parse(WHOLE, "twoapi.yaml", {"ANTHROPIC_API_KEY": "sk-a", "CLIENT_KEY": "${not expanded again}"})
    assert settings == Settings(
        listen=Address("0.0.0.0:9000"),
        store=Secret("postgresql://u:secret@db/twoapi"),
        shared=Secret("redis://cache:6379"),
        on_loss="reject",
        upstreams={
            "claude": UpstreamSettings(
                provider="anthropic",
                credentials=(
                    CredentialSettings(key=Secret("sk-a")),
                    CredentialSettings(key=Secret("sk-b"), weight=2, concurrency=10, rpm=50, tpm=400_000),
                ),
            ),
            "lab": UpstreamSettings(
                provider="openai-compatible",
                base_url=BaseUrl("http://127.0.0.1:11434/v1"),
                models=("qwen3", "llama-*"),
                headers={"x-team": Secret("blue")},
                auth=Auth(scheme="header", header="api-key"),
                capabilities=Overrides(images=False, max_output=4096, thinking=("enabled",)),
                timeouts=TimeoutSettings(idle=Duration(60)),
                ca="/etc/ca.pem",
            ),
        },
        models={
            "gpt-4.1-mini": ModelSettings(candidates=(CandidateSettings(model="claude/claude-3-5-sonnet"),)),
            "pair": ModelSettings(candidates=(CandidateSettings(model="claude/a"), CandidateSettings(model="lab/b"))),
            "smart": ModelSettings(
                candidates=(
                    CandidateSettings(model="claude/claude-opus-5-5"),
                    CandidateSettings(model="lab/qwen3", weight=3),
                ),
                strategy="weighted",
                timeouts=TimeoutSettings(
                    connect=Duration(0.5), first_byte=Duration(30), idle=Duration(0), total=Duration(5400)
                ),
                retries=0,
                on_loss="allow",
            ),
        },
        keys=(
            KeySettings(key=Secret("${not expanded again}")),
            KeySettings(key=Secret("k2"), name="ci", models=("smart", "lab/*"), on_loss="allow"),
        ),
        limits=Limits(body=Size(2**20), header=Size(4096), streams=10),
        timeouts=TimeoutSettings(connect=Duration(3)),
    )


def test_an_empty_file_means_the_defaults() -> None:
    assert parse("", "twoapi.yaml", {}) == Settings()
    assert parse("# nothing yet\n", "twoapi.yaml", {}) == Settings()


def test_words_of_yaml_1_1_are_text_and_numbers_stay_numbers() -> None:
    text = "upstreams: {no: {provider: demo, models: [off, 'yes', 1_000, 12:30]}}\nlimits: {streams: 0o17}"
    settings = parse(text, "twoapi.yaml", {})
    assert settings.upstreams == {"no": UpstreamSettings(provider="demo", models=("off", "yes", "1_000", "12:30"))}
    assert settings.limits.streams == 15


def test_a_reference_may_stand_for_a_number_a_size_and_a_word() -> None:
    text = "limits: {streams: '${N}', body: '${N}KiB'}\non_loss: ${LOSS}"
    settings = parse(text, "twoapi.yaml", {"N": "7", "LOSS": "reject"})
    assert (settings.limits.streams, settings.limits.body, settings.on_loss) == (7, 7168, "reject")


def test_two_dollars_are_no_reference() -> None:
    settings = parse("keys: ['a$${b}']", "twoapi.yaml", {})
    assert settings.keys == (KeySettings(key=Secret("a${b}")),)


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    settings = parse(f"keys: ['${{file:{tmp_path}/key}}', '${{cred:key}}!']", "twoapi.yaml", environ)
    assert settings.keys == (KeySettings(key=Secret("from a file")), KeySettings(key=Secret("from a file!")))


def test_a_systemd_credential_does_not_lead_out_of_its_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"takes the name of one credential"):
        parse("keys: ['${cred:../key}']", "twoapi.yaml", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_timeouts_are_said_once_and_refined_below() -> None:
    base = TimeoutSettings(connect=Duration(3)).over(Timeouts())
    assert base == Timeouts(connect=3.0, first_byte=300.0, idle=120.0, total=3600.0, keep_alive=15.0)
    assert TimeoutSettings(idle=Duration(0)).over(base) == msgspec.structs.replace(base, idle=0.0)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes("\ufeffon_loss: reject".encode())
    assert load(file, {}).on_loss == "reject"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml", {})
    assert str(caught.value) == f"{tmp_path}/none.yaml:1:1: cannot be read: No such file or directory"


def test_a_file_that_is_no_text_is_named_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(b"on_loss: allow\nstore: \xff")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value) == f"{file}:2:1: not UTF-8 text"


def test_an_own_catalogue_adds_providers(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\ntitle: Mine\nprotocols: {openai-chat: http://10.0.0.1/v1}\n")
    text = f"catalog: {tmp_path}\nupstreams: {{a: {{provider: mine, credentials: [k]}}}}"
    assert parse(text, "twoapi.yaml", {}).upstreams["a"].provider == "mine"


def test_a_mistake_in_an_own_catalogue_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\ntittle_: Mine\nprotocols: {openai-chat: {base_ur: x}}\n")
    with pytest.raises(ConfigError) as caught:
        parse(f"catalog: {tmp_path}", "twoapi.yaml", {})
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/mine.yaml:2:1 tittle_: unknown key; did you mean 'title'?",
        f"{tmp_path}/mine.yaml:3:27 protocols.openai-chat.base_ur: unknown key; did you mean 'base_url'?",
        f"{tmp_path}/mine.yaml:1:1: needs title",
    ]


def test_no_secret_is_in_what_settings_print() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-first", "CLIENT_KEY": "client-key"}
    settings = parse(WHOLE, "twoapi.yaml", environ)
    printed = f"{settings!r} {settings}"
    assert [word for word in ("sk-first", "sk-b", "client-key", "k2", "secret@", "blue") if word in printed] == []


def test_a_secret_prints_masked_and_gives_itself_only_when_asked() -> None:
    secret = Secret("sk-123")
    assert [repr(secret), str(secret), f"{secret}", f"{secret:>5}", "%s" % secret] == [  # noqa: UP031  also this way
        "Secret(***)",
        "***",
        "***",
        "  ***",
        "***",
    ]
    assert secret.reveal() == "sk-123"
    assert secret == Secret("sk-123") != Secret("sk-124")
    assert hash(secret) == hash(Secret("sk-123"))


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, True),
        ("127.1.2.3:0", "127.1.2.3", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::]:8000", "::", 8000, False),
        (":8000", "", 8000, False),
        ("0.0.0.0:8000", "0.0.0.0", 8000, False),
        ("gateway.example:8000", "gateway.example", 8000, False),
        ("localhost.example:8000", "localhost.example", 8000, False),
    ],
)
def test_an_address_knows_whether_others_can_reach_it(text: str, host: str, port: int, *, is_loopback: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, is_loopback)


@pytest.mark.parametrize("text", ["", "8000", "::1:8000", "a b:1", "h:65536", "h:-1", "h:x", "[::1]", "[x]y:1"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        Address.parse(text)
