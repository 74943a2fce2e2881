"""Every path that a client of one of the four protocols may use, with and without a vendor's prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.front import KEY, PROTOCOLS, UPSTREAM_KEY

from twoapi.server.routes import PATHS, ROUTES, client_codec, route_for, with_deployment
from twoapi.testing.canned import request_body, stream, whole

MODEL = "demo"
# Every spelling of the path for an answer.
SPELLINGS = [
    *(("openai-chat", base + "/chat/completions") for base in ("/v1", "/openai/v1", "/openai")),
    ("openai-chat", "/openai/deployments/demo/chat/completions"),
    *(("openai-responses", base + "/responses") for base in ("/v1", "/openai/v1", "/openai")),
    *(("anthropic-messages", base + "/messages") for base in ("/v1", "/anthropic/v1", "/anthropic")),
    *(
        ("gemini", f"{base}/{name}:generateContent")
        for base in ("/v1", "/v1beta", "/v1alpha", "/gemini/v1", "/gemini/v1beta", "/gemini")
        for name in ("models/demo", "models/models/demo", "models%2Fdemo", "models/models%2Fdemo")
    ),
    ("gemini", "/v1beta1/publishers/google/models/demo:generateContent"),
    ("gemini", "/v1/projects/p/locations/l/publishers/google/models/demo:generateContent"),
    ("gemini", "/v1beta/models/demo%3AgenerateContent"),
]
# Where a request goes on, in the words of the upstream.
SENT = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "gemini": "/v1beta/models/m-1:generateContent",
}
TEXTS = {
    "openai-chat": lambda body: body["choices"][0]["message"]["content"],
    "openai-responses": lambda body: body["output"][-1]["content"][0]["text"],
    "anthropic-messages": lambda body: body["content"][0]["text"],
    "gemini": lambda body: body["candidates"][0]["content"]["parts"][0]["text"],
}


def path_of(protocol, model, *, streamed=False):
    if protocol == "gemini":
        return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if streamed else "generateContent")
    return next(path for name, path in SPELLINGS if name == protocol)


@pytest.mark.parametrize(("protocol", "path"), SPELLINGS)
def test_a_path_is_answered_in_its_protocol(front, protocol, path):
    answer = front.call("POST", path, request_body(protocol, MODEL))
    assert answer.status == 200, answer.body
    assert TEXTS[protocol](answer.json())


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", PROTOCOLS)
def test_every_client_reaches_every_upstream(front, client, upstream):
    front.upstream.reply(whole(upstream, "hello"), stream(upstream, "hel", "lo"))
    answer = front.call("POST", path_of(client, upstream), request_body(client, upstream))
    assert (answer.status, TEXTS[client](answer.json())) == (200, "hello")
    streamed = front.call("POST", path_of(client, upstream, streamed=True), request_body(client, upstream, stream=True))
    assert streamed.status == 200
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert b"lo" in streamed.body
    paths = [request.path for request in front.upstream.requests]
    assert paths == [SENT[upstream], SENT[upstream].replace(":generateContent", ":streamGenerateContent")]


@pytest.mark.parametrize("client", PROTOCOLS)
def test_an_upstream_of_several_protocols_is_spoken_to_in_the_clients(front, client):
    front.upstream.reply(whole(client))
    answer = front.call("POST", path_of(client, "every"), request_body(client, "every"))
    assert (answer.status, answer.headers["twoapi-losses"]) == (200, "relay")
    assert front.upstream.requests[0].path == SENT[client]


def test_the_credential_of_a_gemini_upstream_goes_in_its_header_and_no_key_in_the_query(front):
    front.upstream.reply(whole("gemini"), stream("gemini", "a"))
    path = f"/v1beta/models/gemini:generateContent?key={KEY}"
    assert front.call("POST", path, request_body("gemini", ""), key=None).status == 200
    path = f"/v1beta/models/gemini:streamGenerateContent?key={KEY}&alt=sse"
    assert front.call("POST", path, request_body("gemini", ""), key=None).status == 200
    whole_request, streamed = front.upstream.requests
    assert (whole_request.query, streamed.query) == ("", "alt=sse")
    for request in (whole_request, streamed):
        assert request.headers["x-goog-api-key"] == UPSTREAM_KEY
        assert "authorization" not in request.headers
        assert KEY not in repr(request)


@pytest.mark.parametrize(
    ("sent", "passed"), [("beta=true", "beta=true"), (f"beta=true&key={KEY}", "beta=true"), (f"key={KEY}", "")]
)
def test_of_a_query_only_what_is_the_protocols_own_goes_on(front, sent, passed):
    front.upstream.reply(whole("anthropic-messages"))
    body = request_body("anthropic-messages", "anthropic-messages")
    assert front.call("POST", f"/v1/messages?{sent}", body, key=None if "key=" in sent else KEY).status == 200
    assert front.upstream.requests[0].query == passed


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("google/tunedModels/mine", "/v1beta/tunedModels/mine:generateContent"),
        ("google/publishers/google/models/m", "/v1beta/publishers/google/models/m:generateContent"),
        ("google%2Fm%20n", "/v1beta/models/m%20n:generateContent"),
    ],
)
def test_a_models_name_may_hold_slashes(front, name, sent):
    front.upstream.reply(whole("gemini"))
    answer = front.call("POST", f"/v1/models/{name}:generateContent", request_body("gemini", ""))
    assert answer.status == 200, answer.body
    # A relay goes to the version that the client asked for.
    assert front.upstream.requests[0].path == sent.replace("/v1beta/", "/v1/")


ERROR_CODECS = [
    ("/v1/nothing", {}, "openai-chat"),
    ("/v1/nothing", {"anthropic-version": "2023-06-01"}, "anthropic-messages"),
    ("/v1/nothing", {"x-goog-api-key": KEY}, "gemini"),
    ("/v1beta/nothing", {}, "gemini"),
    ("/gemini/v1/models/x:embedContent", {}, "gemini"),
    ("/v1beta/models/x:embedContent", {}, "gemini"),
    ("/anthropic/nothing", {}, "anthropic-messages"),
    ("/v1/messages/drafts", {}, "anthropic-messages"),
    ("/v1/responses/a/b/c", {}, "openai-responses"),
    ("/openai/nothing", {}, "openai-chat"),
    ("/" + "a" * 5000, {}, "openai-chat"),
]


@pytest.mark.parametrize(("path", "headers", "protocol"), ERROR_CODECS)
def test_an_unknown_path_is_a_404_in_the_clients_format(front, path, headers, protocol):
    answer = front.call("POST", path, b"{}", headers)
    error = answer.json()["error"]
    assert answer.status == 404
    if protocol == "gemini":
        assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    elif protocol == "anthropic-messages":
        assert (answer.json()["type"], error["type"]) == ("error", "not_found_error")
    else:
        assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/", "/v1", "/openai", "/openai/v1/", "/anthropic", "/anthropic/", "/gemini"])
def test_a_probe_of_the_base_url_is_answered_without_a_key(front, path):
    assert front.call("GET", path, key=None).json()["name"] == "twoapi"
    probe = front.call("HEAD", path, key=None)
    assert (probe.status, probe.body) == (200, b"")


def test_a_wrong_method_is_told_the_right_ones(front):
    answer = front.call("PUT", "/v1/responses/resp_1", b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, DELETE")
    assert front.call("GET", "/v1/chat/completions").headers["allow"] == "POST"


@given(path=st.one_of(st.binary(max_size=60), st.sampled_from(sorted(ROUTES))), tail=st.binary(max_size=20))
def test_any_path_has_a_route_or_none(path, tail):
    route = route_for(path + tail)
    assert route is None or route.methods
    assert client_codec(path + tail, {}).name in PROTOCOLS


@pytest.mark.parametrize("path", PATHS)
def test_a_fixed_path_is_one_lookup(path):
    assert route_for(path) is ROUTES[path]


@pytest.mark.parametrize(
    "rest", ["", "/", "/demo", "/demo/", "/demo/responses", "/demo/models", "//chat", "/completions"]
)
def test_what_azure_does_not_have_below_a_deployment_is_not_there(rest):
    assert route_for(b"/openai/deployments" + rest.encode()) is None


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("x/chat/completions", b'{"model":"x", "n":1}', b'{"model":"x", "n":1}'),
        ("x/chat/completions", b'{"model":"y", "n":1}', b'{"model":"x", "n":1}'),
        ("a/b%20c/chat/completions", b'{"model": null}', b'{"model": "a/b c"}'),
        ("x/embeddings", b'{"input":"hi"}', b'{"input":"hi","model":"x"}'),
        ("x/chat/completions", b"[1]", b"[1]"),
        ("x/chat/completions", b"{", b"{"),
    ],
)
def test_a_deployment_is_the_model(path, body, expected):
    assert with_deployment("/openai/deployments/" + path, body) == expected


def test_a_deployment_is_asked_whatever_the_body_says(front):
    front.upstream.reply(whole("openai-chat", "hello"))
    body = request_body("openai-chat", "nobody")
    answer = front.call("POST", "/openai/deployments/openai-chat/chat/completions", body)
    assert (answer.status, TEXTS["openai-chat"](answer.json())) == (200, "hello")


def test_other_operations_stand_below_a_deployment_too():
    for name in (b"text-embedding-3-small", b"models", b"a/b"):
        found = route_for(b"/openai/deployments/" + name + b"/embeddings")
        assert found is not None
        assert (found.kind, found.operation) == ("operate", "embeddings")


def test_a_name_with_a_colon_is_no_method():
    route = route_for(b"/v1/models/qwen3:4b")
    assert route is not None
    assert route.kind == "models"
