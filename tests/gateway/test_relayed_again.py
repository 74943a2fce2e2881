"""What was done with the last request of a client protocol is a guess for the next one, never its fate."""

import pytest
from tests.gateway.wire import ALIASES, PROTOCOLS, path

from twoapi.testing.canned import request_body, whole


@pytest.mark.parametrize("client", PROTOCOLS)
def test_a_request_that_mentions_a_converted_model_is_relayed_as_it_is(running, client):
    asked = request_body(client, ALIASES[client])
    for converted in PROTOCOLS:
        if converted == client:
            continue
        running.one.reply(whole(converted), whole(client))
        assert running.ask(client, ALIASES[converted]).status == 200
        body = asked | {"note": ALIASES[converted]}  # no member of this protocol: only a relay carries it
        answer = running.post(client, body, path=path(client, ALIASES[client]))
        assert answer.headers["twoapi-losses"] == "relay"
        assert running.one.requests[-1].json() == body | ({"model": "m-1"} if "model" in body else {})
