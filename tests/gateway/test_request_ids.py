"""Every answer names its request: for the operator, and where the client's SDK looks."""

import pytest
from tests.gateway.wire import ALIASES

from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import error_reply

HEADERS = dict.fromkeys(ALIASES, "x-request-id") | {"anthropic-messages": "request-id"}


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_an_answer_without_an_id_of_its_own_gets_ours(running, pair, streaming):
    client, upstream = pair
    running.one.reply(stream(upstream, "hi") if streaming else whole(upstream))
    answer = running.ask(client, ALIASES[upstream], stream=streaming)
    assert answer.headers["twoapi-request-id"].startswith("req_")
    assert answer.headers[HEADERS[client]] == answer.headers["twoapi-request-id"]


def test_the_upstreams_id_stands_where_its_own_clients_look(running, pair):
    client, upstream = pair
    running.one.reply(whole(upstream).having(headers=((HEADERS[upstream], "req_theirs"),)))
    answer = running.ask(client, ALIASES[upstream])
    assert answer.headers[HEADERS[upstream]] == "req_theirs"
    assert HEADERS[client] in answer.headers
    assert answer.headers["twoapi-request-id"] != "req_theirs"


def test_an_error_names_its_request_too(running, pair):
    client, upstream = pair
    running.one.reply(error_reply(upstream, 400, "no"))
    answer = running.ask(client, ALIASES[upstream])
    assert answer.status == 400
    assert answer.headers[HEADERS[client]] == answer.headers["twoapi-request-id"]


def test_a_refusal_before_any_attempt_names_its_request(running):
    for client, path in (("openai-chat", "/v1/nowhere"), ("anthropic-messages", "/anthropic/nowhere")):
        answer = running.post(client, {}, path=path)
        assert answer.status == 404
        assert answer.headers[HEADERS[client]] == answer.headers["twoapi-request-id"]
