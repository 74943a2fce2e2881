"""Row I14: binary streams in the middle of which something goes wrong."""

import pytest
from tests.gateway.conftest import Bench
from tests.gateway.wire import path
from tests.peers.gateways import Asked, assert_broken, each_protocol, in_two_reads, text_of

from twoapi.config import parse
from twoapi.conformance.reply import Reply as Said
from twoapi.testing.canned import request_body
from twoapi.testing.eventstream import write_error, write_exception
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors import VENDORS
from twoapi.testing.vendors.platforms import PLATFORMS

# As its own dialect, and as a platform's frames around another vendor's events.
STAGED = {"converse": VENDORS["bedrock-converse"], "invoke": PLATFORMS["bedrock"]}


@pytest.fixture(scope="module", params=STAGED)
def aws(request):
    """A running gateway, its model `conf` behind a binary stream, and how that vendor speaks."""
    staged = STAGED[request.param]
    with (
        FakeUpstream() as fake,
        RunningGateway(parse(staged.config(f"http://127.0.0.1:{fake.port}"), "twoapi.yaml", {})) as gateway,
    ):
        yield Bench(gateway, fake, fake), staged


@each_protocol
@pytest.mark.parametrize("broken", ["exception", "error", "checksum"])
def test_i14_an_error_among_binary_frames_is_one_of_the_clients_protocol(aws, client, broken):
    running, staged = aws
    frames = staged.vendor.say(Said(text="alpha and beta."), staged.model).head
    told = {
        "exception": write_exception("modelStreamErrorException", {"message": "gone wrong"}),
        "error": write_error("InternalFailure", "gone wrong"),
        "checksum": frames[-1][:-1] + bytes((frames[-1][-1] ^ 1,)),
    }
    reply = Reply(content_type=staged.vendor.stream_type, pieces=(*frames, told[broken]), framing="chunked")
    asked = Asked(client, path(client, "conf", stream=True), request_body(client, "conf", stream=True))
    body = in_two_reads(running, asked, reply, len(frames), b"alpha")
    assert text_of(client, body) == "alpha and beta."
    assert_broken(client, body, "checksum" if broken == "checksum" else "gone wrong")
