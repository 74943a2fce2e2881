"""`twoapi explain`."""

import json

CHAT = {
    "model": "gpt-5",
    "seed": 7,
    "max_tokens": 50,
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
}


def explain(run, body, *arguments, **more):
    return run("explain", "-", *arguments, stdin=json.dumps(body), **more)


def test_a_converted_request_and_its_losses(run):
    result = explain(
        run, CHAT, "--from", "openai-chat", "--to", "anthropic-messages", "--model", "claude-opus-5-5", "--json"
    )
    told = json.loads(result.output)
    (loss,) = told.pop("losses")
    assert (loss.pop("detail") > "", loss) == (
        True,
        {"path": "/seed", "kind": "dropped", "target": "anthropic-messages"},
    )
    assert (result.exit_code, told) == (
        0,
        {
            "method": "POST",
            "url": "https://api.anthropic.com/v1/messages",
            "headers": {
                "content-type": "application/json",
                "anthropic-version": told["headers"]["anthropic-version"],
                "x-api-key": "***",
            },
            "body": {
                "model": "claude-opus-5-5",
                "system": "Be kind.",
                "messages": [{"role": "user", "content": "Hello"}],
                "max_tokens": 50,
            },
            "relayed": False,
        },
    )


def test_for_people_the_losses_are_a_table(run):
    result = explain(run, CHAT, "--from", "openai-chat", "--to", "anthropic-messages")
    lines = result.output.splitlines()
    assert (result.exit_code, lines[0], lines[-2], lines[-1].split("  ")[1:3]) == (
        0,
        "POST https://api.anthropic.com/v1/messages",
        "1 loss",
        ["/seed", "dropped"],
    )


def test_between_equal_protocols_the_bytes_are_relayed(run):
    result = explain(run, CHAT, "--from", "openai-chat", "--to", "openai-chat", "--model", "other", "--json")
    told = json.loads(result.output)
    assert (told["body"], told["relayed"], told["losses"]) == ({**CHAT, "model": "other"}, True, [])


def test_a_request_without_losses_says_so(run):
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
    result = explain(run, body, "--from", "anthropic-messages", "--to", "openai-chat")
    assert result.output.splitlines()[-1] == "0 losses: everything in the request is carried"


def test_headers_of_the_client_count(run):
    body = {"model": "claude-sonnet-4-6", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
    header = ["--header", "anthropic-beta: some-beta-2026-01-01", "--header", "anthropic-version: 2023-06-01"]
    result = explain(run, body, "--from", "anthropic-messages", "--to", "anthropic-messages", *header, "--json")
    headers = json.loads(result.output)["headers"]
    assert headers == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "some-beta-2026-01-01",
        "x-api-key": "***",
    }


def test_the_capabilities_of_another_provider(run):
    result = explain(run, CHAT, "--from", "anthropic-messages", "--to", "openai-chat", "--provider", "ollama", "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["url"], told["body"]["max_tokens"]) == (
        0,
        "http://127.0.0.1:11434/v1/chat/completions",
        50,
    )


def test_a_wrong_request_is_refused_as_its_client_would_see_it(run):
    result = explain(
        run, {"model": "m", "messages": 5}, "--from", "openai-chat", "--to", "anthropic-messages", "--json"
    )
    told = json.loads(result.output)
    assert (result.exit_code, told["status"], told["error"]["error"]["type"], told["error"]["error"]["param"]) == (
        1,
        400,
        "invalid_request_error",
        "/messages",
    )


def test_the_refusal_for_people(run):
    result = run("explain", "-", "--from", "openai-chat", "--to", "anthropic-messages", stdin="not json")
    assert (result.exit_code, result.stderr.startswith("refused with status 400: ")) == (1, True)
    assert json.loads(result.stdout)["error"]["type"] == "invalid_request_error"


def test_a_provider_that_does_not_speak_the_protocol_is_wrong_usage(run):
    result = explain(run, CHAT, "--from", "openai-chat", "--to", "anthropic-messages", "--provider", "openai")
    assert (result.exit_code, "openai does not speak anthropic-messages; it speaks openai-chat" in result.output) == (
        2,
        True,
    )


def test_an_unknown_provider_is_wrong_usage(run):
    result = explain(run, CHAT, "--from", "openai-chat", "--to", "openai-chat", "--provider", "nobody")
    assert (result.exit_code, "no provider 'nobody' in the catalogue; known: " in result.output) == (2, True)


def test_a_header_without_a_value_is_wrong_usage(run):
    result = explain(run, CHAT, "--from", "openai-chat", "--to", "openai-chat", "--header", "nonsense")
    assert (result.exit_code, "'nonsense': expected name: value" in result.output) == (2, True)


def test_a_file_that_is_not_there_is_wrong_usage(run):
    assert run("explain", "nothing.json", "--from", "openai-chat", "--to", "openai-chat").exit_code == 2


def test_a_platform_gets_what_it_wants_where_it_wants_it(run):
    asked = ("--from", "openai-chat", "--to", "anthropic-messages", "--provider", "anthropic-vertex")
    told = json.loads(explain(run, {**CHAT, "stream": True}, *asked, "--model", "claude-opus-4-8", "--json").output)
    models = "https://{region.host}/v1/projects/{project}/locations/{region}/publishers/anthropic/models"
    assert told["url"] == f"{models}/claude-opus-4-8:streamRawPredict"
    assert told["headers"] == {"content-type": "application/json", "authorization": "***"}
    assert (told["body"]["anthropic_version"], told["body"]["stream"]) == ("2026-10-21", True)
    assert "model" not in told["body"]
