"""Tokens are asked for once, early enough, again when they are refused, and not again when that is of no use."""

import asyncio
import json
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from tests.providers.tokens.service_account import document, opened

from twoapi.providers.tokens.source import RefusedError, Source, Token
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.replies import Faults, Gate, Reply, json_reply
from twoapi.transport.tokens import Tokens

SECRETS = ("s3cret", "federated-jwt", "tok-")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Lab:
    """Tokens before a token server."""

    def __init__(self, server: FakeUpstream) -> None:
        self.server = server
        self.clock = Clock()
        self.tokens = Tokens(asyncio.get_running_loop(), clock=self.clock, now=lambda: 1.8e9 + self.clock())

    def source(self, **parts: str) -> Source:
        url = f"http://127.0.0.1:{self.server.port}/{{tenant_id}}/token"
        said = {"tenant_id": "ten", "client_id": "cid", "client_secret": "s3cret", "token_url": url}
        return Source("entra", {**said, **parts}, "upstreams.a.credentials.0")

    async def get(self, source: Source) -> Token:
        """As an exchange does it: asks, and asks again when it is called."""
        while True:
            again = asyncio.Event()
            token = self.tokens.get(source, again.set)
            if token is not None:
                return token
            await again.wait()

    async def settled(self, count: int) -> None:
        """So many answers have come and are taken in."""
        await self.server.until(lambda server: len(server.requests) >= count)
        async with asyncio.timeout(10):
            while any(held.task is not None for held in self.tokens._held.values()):
                await asyncio.gather(*(held.task for held in self.tokens._held.values() if held.task is not None))


def lab(work: Callable[[Lab], Awaitable[None]], *replies: Reply) -> None:
    async def main() -> None:
        async with FakeUpstream() as server:
            server.reply(*replies)
            made = Lab(server)
            await work(made)
            await made.tokens.close()

    asyncio.run(main())


def given(name: str, seconds: int = 3600) -> Reply:
    return json_reply({"access_token": f"tok-{name}", "expires_in": seconds, "token_type": "Bearer"})


def gated(gate: Gate) -> Reply:
    return replace(given("a"), faults=Faults(gate=gate))


def refused(error: str) -> Reply:
    return json_reply({"error": error, "error_description": "the s3cret is wrong"}, 401)


def shown(token: Token) -> str:
    return token.parts["access_token"]


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        said = f"{record.getMessage()} {record.exc_info} {record.args!r}"
        assert not any(secret in said for secret in SECRETS), said


def test_fifty_who_wait_are_one_exchange() -> None:
    async def work(lab: Lab) -> None:
        gate = Gate()
        lab.server.reply(gated(gate))
        waiting = [asyncio.create_task(lab.get(lab.source())) for _ in range(50)]
        await gate.arrived()
        gate.open()
        assert {shown(token) for token in await asyncio.gather(*waiting)} == {"tok-a"}
        assert len(lab.server.requests) == 1
        assert shown(await lab.get(lab.source())) == "tok-a"
        assert len(lab.server.requests) == 1

    lab(work)


def test_each_credential_has_its_own() -> None:
    async def work(lab: Lab) -> None:
        tokens = await asyncio.gather(lab.get(lab.source()), lab.get(lab.source(client_id="other")))
        assert {shown(token) for token in tokens} == {"tok-a", "tok-b"}

    lab(work, given("a"), given("b"))


@pytest.mark.parametrize(
    ("lifetime", "quiet", "early"), [(3600, 3160, 3245), (600, 520, 545), (86_400, 76_000, 77_800)]
)
def test_it_is_renewed_before_its_end_while_the_old_one_serves(lifetime: int, quiet: int, early: int) -> None:
    """The last tenth of its time, a minute at least, and up to a fifth of that earlier."""

    async def work(lab: Lab) -> None:
        source = lab.source()
        await lab.get(source)
        lab.clock.seconds += quiet
        assert shown(await lab.get(source)) == "tok-a"
        assert not any(held.task for held in lab.tokens._held.values())
        lab.clock.seconds += early - quiet
        assert [shown(await lab.get(source)) for _ in range(3)] == ["tok-a"] * 3
        await lab.settled(2)
        assert shown(await lab.get(source)) == "tok-b"
        assert len(lab.server.requests) == 2

    lab(work, given("a", lifetime), given("b", lifetime))


def test_while_it_cannot_be_renewed_the_old_one_serves_to_its_end() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        await lab.get(source)
        lab.clock.seconds += 3300
        assert shown(await lab.get(source)) == "tok-a"
        await lab.settled(2)
        assert shown(await lab.get(source)) == "tok-a"  # and is not asked for at once again
        assert len(lab.server.requests) == 2
        lab.clock.seconds += 5
        assert shown(await lab.get(source)) == "tok-a"
        await lab.settled(3)
        assert shown(await lab.get(source)) == "tok-b"

    lab(work, given("a"), json_reply({}, 503), given("b"))


def test_one_that_has_ended_is_waited_for() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        await lab.get(source)
        lab.clock.seconds += 3601
        assert shown(await lab.get(source)) == "tok-b"

    lab(work, given("a"), given("b"))


def test_a_refused_one_is_renewed_once_for_all_who_used_it() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        await lab.get(source)
        lab.clock.seconds += 100
        begun = sent = lab.clock()
        lab.clock.seconds += 1
        assert all(lab.tokens.renew(source, begun, sent) for _ in range(50))
        tokens = await asyncio.gather(*(lab.get(source) for _ in range(50)))
        assert {shown(token) for token in tokens} == {"tok-b"}
        assert len(lab.server.requests) == 2
        assert lab.tokens.renew(source, begun, sent)  # of one that comes late with the old one
        assert shown(await lab.get(source)) == "tok-b"
        assert not lab.tokens.renew(source, begun, lab.clock())  # the new one is refused as well
        assert len(lab.server.requests) == 2

    lab(work, given("a"), given("b"))


def test_one_that_is_refused_when_it_is_new_is_not_too_old() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        begun = lab.clock()
        await lab.get(source)
        assert not lab.tokens.renew(source, begun, lab.clock())
        lab.clock.seconds += 10
        assert not lab.tokens.renew(source, lab.clock(), lab.clock())
        lab.clock.seconds += 60
        assert lab.tokens.renew(source, lab.clock(), lab.clock())

    lab(work, given("a"))


def test_a_refused_credential_is_remembered_until_somebody_may_have_mended_it(caplog: pytest.LogCaptureFixture) -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        for _ in range(50):
            with pytest.raises(RefusedError, match=r"refuses this credential \(invalid_client\)"):
                await lab.get(source)
        assert len(lab.server.requests) == 1
        assert [
            record.getMessage().partition(":")[0] for record in caplog.records if record.name == "twoapi.tokens"
        ] == ["upstreams.a.credentials.0"]
        lab.tokens.forgive()
        assert shown(await lab.get(source)) == "tok-a"

    lab(work, refused("invalid_client"), given("a"))


def test_a_refused_credential_is_asked_for_again_after_some_minutes() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        with pytest.raises(RefusedError):
            await lab.get(source)
        lab.clock.seconds += 301
        assert shown(await lab.get(source)) == "tok-a"

    lab(work, refused("invalid_client"), given("a"))


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({}, 500),
        given("old", 0),
        Reply(status=200, pieces=(b"<html>",)),
        given("a\r\nhost: x"),
        given("\u00e9"),
    ],
)
def test_what_may_pass_is_tried_again_soon(reply: Reply) -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        for _ in range(5):
            with pytest.raises(RefusedError):
                await lab.get(source)
        assert len(lab.server.requests) == 1
        lab.clock.seconds += 1.5
        assert shown(await lab.get(source)) == "tok-a"

    lab(work, reply, given("a"))


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source(token_url=f"http://127.0.0.1:{closed_port()}/token")
        with pytest.raises(RefusedError, match="the token server cannot be reached"):
            await lab.get(source)

    lab(work)


def test_a_server_is_reached_by_the_upstreams_proxy() -> None:
    async def work(lab: Lab) -> None:
        parts = lab.source(token_url="http://127.0.0.1:9/token").parts
        source = Source("entra", parts, proxy=f"http://127.0.0.1:{lab.server.port}")
        assert shown(await lab.get(source)) == "tok-a"
        assert lab.server.requests[0].path == "http://127.0.0.1:9/token"

    lab(work, given("a"))


def test_a_server_of_an_unknown_authority_is_told_nothing() -> None:
    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(__file__).parent / "tls" / "server.pem")
        async with FakeUpstream(tls=context) as server:
            made = Lab(server)
            with pytest.raises(RefusedError, match=r"cannot be reached: .*certificate"):
                await made.get(made.source(token_url=f"https://127.0.0.1:{server.port}/token"))
            assert server.requests == []
            await made.tokens.close()

    asyncio.run(main())


def test_parts_that_are_files_are_read_for_each_exchange(tmp_path: Path) -> None:
    async def work(lab: Lab) -> None:
        file = tmp_path / "jwt"
        parts = {"tenant_id": "ten", "client_id": "cid", "federated_token_file": str(file)}
        source = Source("entra", {**parts, "token_url": lab.source().parts["token_url"]})
        with pytest.raises(RefusedError, match=r"federated_token_file .*jwt cannot be read: No such file or directory"):
            await lab.get(source)
        lab.clock.seconds += 2
        for name in ("one", "two"):
            file.write_text(f"federated-jwt-{name}\n", "utf-8")
            await lab.get(source)
            form = dict(parse_qsl(lab.server.requests[-1].body.decode()))
            assert form["client_assertion"] == f"federated-jwt-{name}"
            lab.clock.seconds += 3601

    lab(work, given("a"), given("b"))


def test_a_service_account_asks_at_its_own_token_uri(tmp_path: Path) -> None:
    async def work(lab: Lab) -> None:
        file = tmp_path / "account.json"
        file.write_text(document(token_uri=f"http://127.0.0.1:{lab.server.port}/token"), "utf-8")
        source = Source("google-service-account", {"service_account_file": str(file)})
        assert shown(await lab.get(source)) == "tok-a"
        form = dict(parse_qsl(lab.server.requests[0].body.decode()))
        _, claims = opened(form["assertion"])
        assert claims["iat"] == int(1.8e9 + lab.clock())

    lab(work, given("a"))


def test_baidus_pair_signs_its_question_and_keeps_time() -> None:
    async def work(lab: Lab) -> None:
        url = f"http://127.0.0.1:{lab.server.port}/v1/BCE-BEARER/token"
        source = Source("baidu-iam", {"access_key_id": "iamAK", "secret_access_key": "s3cret", "token_url": url})
        assert shown(await lab.get(source)) == "tok-iam"
        asked = lab.server.requests[0]
        assert (asked.method, asked.path, asked.query) == ("GET", "/v1/BCE-BEARER/token", "expireInSeconds=43200")
        assert asked.headers["authorization"].startswith("bce-auth-v1/iamAK/2027-01-15T08:16:40Z/300/")
        lab.clock.seconds += 2000
        await lab.get(source)
        await lab.settled(2)
        assert len(lab.server.requests) == 2

    minted = {"token": "tok-iam", "expireTime": "2027-01-15T08:50:00Z"}  # 2000 seconds later
    lab(work, json_reply(minted), json_reply({**minted, "expireTime": "2027-01-15T20:00:00Z"}))


def test_a_close_ends_what_is_under_way() -> None:
    async def work(lab: Lab) -> None:
        gate = Gate()
        lab.server.reply(gated(gate))
        called: list[str] = []
        assert lab.tokens.get(lab.source(), lambda: called.append("x")) is None
        await gate.arrived()
        await lab.tokens.close()
        await lab.server.until(lambda server: bool(server.disconnects))
        assert called == []
        gate.open()

    lab(work)


def test_what_nobody_has_wanted_for_long_is_let_go() -> None:
    async def work(lab: Lab) -> None:
        source = lab.source()
        await lab.get(source)
        lab.clock.seconds += 3000
        lab.tokens.sweep()
        assert list(lab.tokens._held) == [source]
        lab.clock.seconds += 3000
        lab.tokens.sweep()
        assert not lab.tokens._held

    lab(work, given("a", 86_400))


class Server:
    """A token server whose tokens say when they end, and that refuses when it likes."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.clock = clock
        self.chance = chance
        self.asked: list[tuple[float, str]] = []  # when, and what it said

    def __call__(self, _: Received) -> Reply:
        said = self.chance.choice(("token", "token", "token", "short", "invalid_client", "busy"))
        self.asked.append((self.clock(), said))
        if said == "busy":
            return json_reply({}, 503)
        if said == "invalid_client":
            return refused(said)
        seconds = 90 if said == "short" else 3600
        return given(f"{self.clock() + seconds:.3f}", seconds)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_no_token_is_shown_after_its_end_and_no_refusal_is_hurried(seed: int) -> None:
    async def work(lab: Lab) -> None:
        chance = random.Random(seed)  # noqa: S311  no secret
        server = lab.server.handler = Server(lab.clock, chance)
        source, forgiven, shown_at_all = lab.source(), 0.0, 0
        for _ in range(150):
            lab.clock.seconds += chance.choice((0.0, 0.5, 5.0, 40.0, 100.0, 400.0, 1500.0, 3250.0, 4000.0))
            step, before = chance.choice(("get", "get", "get", "crowd", "renew", "forgive")), len(server.asked)
            if step == "forgive":
                lab.tokens.forgive()
                forgiven = lab.clock()
                continue
            if step == "renew":
                lab.tokens.renew(source, lab.clock(), lab.clock())
            asking = (lab.get(source) for _ in range(10 if step == "crowd" else 1))
            for token in await asyncio.gather(*asking, return_exceptions=True):
                if isinstance(token, Token):
                    shown_at_all += 1
                    assert float(shown(token).removeprefix("tok-")) > lab.clock()
                else:
                    assert isinstance(token, RefusedError)
            await lab.settled(0)
            assert len(server.asked) - before <= 1
        assert shown_at_all
        for (earlier, said), (later, _) in pairwise(server.asked):
            least = {"invalid_client": 300.0, "busy": 1.0}.get(said, 0.0)
            assert later - earlier >= least or earlier <= forgiven

    lab(work)


def test_sources_print_no_part() -> None:
    source = Source("entra", {"client_secret": "s3cret"}, "upstreams.a.credentials.0")
    assert "s3cret" not in f"{source} {source!r} {json.dumps(str([source]))}"
    assert source == Source("entra", {"client_secret": "s3cret"})
    assert source != Source("entra", {"client_secret": "other"}, "upstreams.a.credentials.0")
