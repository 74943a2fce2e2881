"""`twoapi doctor`."""

import json
import resource
import socket
import threading
from collections.abc import Iterator

import pytest

from twoapi.cli.reach import examine_upstream
from twoapi.cli.surroundings import Finding, examine_files, examine_port
from twoapi.config import parse
from twoapi.config.settings import Limits
from twoapi.config.values import Address
from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.replies import error_reply, json_reply

MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "lab"}]}


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


def examine(upstream: str, *, online: bool = False) -> list[Finding]:
    settings = parse(f"upstreams: {{lab: {upstream}}}", "test.yaml", {})
    return list(examine_upstream(settings, "lab", online=online))


def compatible(url: str, more: str = "credentials: [sk-1]") -> str:
    return f"{{provider: openai-compatible, base_url: '{url}', {more}}}"


def test_a_sound_machine(run, tmp_path, fake):
    limits = "limits: {streams: 10, connections: 10}"
    text = f"listen: 127.0.0.1:0\n{limits}\nupstreams: {{lab: {compatible(fake.base_url())}}}"
    (tmp_path / "twoapi.yaml").write_text(text)
    result = run("doctor", "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["ok"]) == (0, True)
    assert [finding["check"] for finding in told["findings"]] == [
        "python",
        "libraries",
        "uvloop",
        "clock",
        "configuration",
        "listen",
        "open files",
        "upstream lab",
        "upstream lab",
    ]
    assert {finding["status"] for finding in told["findings"] if finding["check"] != "uvloop"} == {"ok"}
    assert fake.requests == []


def test_a_broken_configuration_is_a_failure_with_its_place(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text("listn: x\n")
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail  configuration  twoapi.yaml:1:1 listn: " in result.output
    assert result.output.endswith(" 1 fail\n")


def test_an_upstream_that_is_not_there_fails_the_examination(run, tmp_path):
    port = closed_port()
    (tmp_path / "twoapi.yaml").write_text(f"upstreams: {{lab: {compatible(f'http://127.0.0.1:{port}/v1')}}}")
    result = run("doctor", "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["ok"], told["findings"][-1]) == (
        1,
        False,
        {
            "check": "upstream lab",
            "status": "fail",
            "message": f"127.0.0.1:{port}: no connection: Connection refused",
            "mend": "is the server running, and does a firewall or a proxy stand in between? (`proxy:` sets one)",
        },
    )


def test_without_a_file_it_examines_what_is_found(run):
    result = run("doctor", "--json")
    configuration = next(one for one in json.loads(result.output)["findings"] if one["check"] == "configuration")
    assert configuration["message"] == "no twoapi.yaml: what is found on this machine"


def test_a_name_that_does_not_exist():
    findings = examine(compatible("http://no-such-host.invalid/v1"))
    assert (findings[1].status, findings[1].message.startswith("no-such-host.invalid: the name is not found")) == (
        "fail",
        True,
    )


def test_a_server_that_speaks_no_tls():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hang_up() -> None:
            listener.accept()[0].close()

        server = threading.Thread(target=hang_up)
        server.start()
        findings = examine(compatible(f"https://127.0.0.1:{port}/v1"))
        server.join()
    assert (findings[1].status, findings[1].message.startswith(f"127.0.0.1:{port}: TLS failed: ")) == ("fail", True)


def test_online_the_credential_is_tried(fake):
    fake.reply(json_reply(MODELS))
    findings = examine(compatible(fake.base_url()), online=True)
    assert findings == [
        Finding("upstream lab", "ok", "1 credential"),
        Finding("upstream lab", "ok", f"{fake.base_url()} is reachable"),
        Finding("upstream lab", "ok", f"{fake.base_url()}/models: the credential is accepted"),
    ]
    (request,) = fake.requests
    assert (request.method, request.path, request.headers["authorization"]) == ("GET", "/v1/models", "Bearer sk-1")


def test_online_with_the_headers_of_the_protocol(fake):
    fake.reply(json_reply({"data": []}))
    upstream = (
        f"{{provider: anthropic-compatible, base_url: '{fake.base_url('anthropic-messages')}', credentials: [k]}}"
    )
    assert examine(upstream, online=True)[-1].status == "ok"
    (request,) = fake.requests
    assert (request.path, request.headers["x-api-key"], request.headers["anthropic-version"]) == (
        "/v1/models",
        "k",
        "2023-06-01",
    )


@pytest.mark.parametrize(("status", "verdict"), [(401, "fail"), (403, "fail"), (404, "warn"), (500, "warn")])
def test_online_a_refusal_is_told_apart_from_a_server_without_a_list(fake, status, verdict):
    fake.reply(error_reply("openai-chat", status, "no"))
    finding = examine(compatible(fake.base_url()), online=True)[-1]
    assert (finding.status, finding.message) == (verdict, f"{fake.base_url()}/models: status {status}")


def test_online_clocks_that_differ_are_told(fake):
    fake.reply(json_reply(MODELS, headers={"date": "Sat, 01 Jan 2000 00:00:00 GMT"}))
    finding = examine(compatible(fake.base_url()), online=True)[-1]
    assert (finding.status, finding.mend) == ("warn", "set the clock (NTP)")


def test_no_credential_where_none_is_needed_is_fine_and_none_is_sent(fake):
    fake.reply(json_reply(MODELS))
    findings = examine(compatible(fake.base_url(), "models: [m]"), online=True)
    assert [finding.status for finding in findings] == ["ok", "ok", "ok"]
    assert findings[0].message == "no credential"
    assert "authorization" not in fake.requests[0].headers


def test_the_demo_needs_nothing():
    assert examine("{provider: demo}") == [Finding("upstream lab", "ok", "answers within the gateway")]


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(f"127.0.0.1:{taken.getsockname()[1]}")
        finding = examine_port(address)
    assert (finding.status, finding.message) == ("warn", f"{address} is taken")
    assert examine_port(address) == Finding("listen", "ok", f"{address} is free")


def test_limits_that_the_system_cannot_keep_are_told():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    beyond = 10**6 if hard == resource.RLIM_INFINITY else hard
    verdict = "ok" if hard == resource.RLIM_INFINITY else "warn"
    assert examine_files(Limits(streams=beyond)).status == verdict
    assert examine_files(Limits(streams=1, connections=1)).status == "ok"


def test_a_token_is_asked_for_and_shown(fake):
    fake.reply(json_reply({"access_token": "tok", "expires_in": 3600}), json_reply(MODELS))
    url = f"http://127.0.0.1:{fake.port}/token"
    parts = "parts: {tenant_id: t, client_id: c, client_secret: s3cret}"
    more = f"credentials: [{{auth: {{scheme: entra, token_url: '{url}'}}, {parts}}}]"
    found = examine(compatible(fake.base_url(), more), online=True)
    assert [finding.status for finding in found] == ["ok"] * 4
    assert found[1].message == "credentials.0: a token was given, for 3600 s"
    assert fake.requests[1].headers["authorization"] == "Bearer tok"


def test_a_token_that_is_refused_is_told_with_what_to_do(fake):
    fake.reply(json_reply({"error": "invalid_client", "error_description": "s3cret"}, 401))
    url = f"http://127.0.0.1:{fake.port}/token"
    parts = "parts: {tenant_id: t, client_id: c, client_secret: s3cret}"
    more = f"credentials: [{{auth: {{scheme: entra, token_url: '{url}'}}, {parts}}}]"
    found = examine(compatible(fake.base_url(), more), online=True)
    assert [finding.status for finding in found] == ["ok", "fail", "ok"]
    assert found[1].message == "credentials.0: the token server refuses this credential (invalid_client)"
    assert found[1].mend == "check the client and its secret, which may have expired or been replaced"
    assert "s3cret" not in repr(found)
    assert len(fake.requests) == 1


def test_a_signed_request_asks_for_the_models(fake):
    fake.reply(json_reply(MODELS))
    parts = "parts: {access_key_id: AKID, secret_access_key: s3cret, region: r}"
    more = f"credentials: [{{auth: {{scheme: sigv4, service: s}}, {parts}}}]"
    assert [finding.status for finding in examine(compatible(fake.base_url(), more), online=True)] == ["ok"] * 3
    assert fake.requests[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
