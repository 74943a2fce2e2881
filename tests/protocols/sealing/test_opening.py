"""Carriers of a decoded request: opened in their places, lost with a report, given to nobody but their origin."""

from twoapi.ir import Message, Opaque, Origin, Reasoning, Request, Text, ToolCall
from twoapi.protocols.opening import carriers, open_sealed, withhold
from twoapi.protocols.sealing import PLAIN, SEAL_PREFIX

SIGNED = Opaque("signature", "s", Origin("up", "vendor", "m", "account"))
STAMP = Opaque("thought_signature", "t", Origin("up", "vendor", "m", "account"))
HIDDEN = Opaque("encrypted_reasoning", "e", Origin("up", "vendor", "m", "account"))


def asked(*parts) -> Request:
    said = [Message("user", [Text(text="q")], at="/messages/0"), Message("assistant", list(parts), at="/messages/1")]
    return Request(protocol="client", model="m", messages=said)


def closed(*opaques) -> Opaque:
    return Opaque("other", PLAIN.seal(opaques, "up"))


def state(request: Request) -> list[tuple[Opaque, ...]]:
    return [part.opaque for part in request.messages[1].parts]


def test_state_is_put_back_on_the_part_that_carried_it() -> None:
    native = Opaque("thought_signature", "n", Origin("client"))
    request = asked(Reasoning(opaque=(closed(SIGNED, HIDDEN),)), Text(opaque=(native, closed(STAMP))), ToolCall())
    assert list(carriers(request)) == [PLAIN.seal((SIGNED, HIDDEN), "up"), PLAIN.seal((STAMP,), "up")]
    assert open_sealed(request, PLAIN) == []
    assert state(request) == [(SIGNED, HIDDEN), (native, STAMP), ()]
    assert list(carriers(request)) == []


def test_state_of_reasoning_that_came_on_another_part_stands_on_reasoning_again() -> None:
    request = asked(ToolCall(id="1", opaque=(closed(SIGNED, STAMP),)), ToolCall(id="2", opaque=(closed(SIGNED),)))
    assert open_sealed(request, PLAIN) == []
    thought, *calls = request.messages[1].parts
    assert (type(thought), thought.opaque) == (Reasoning, (SIGNED,))
    assert [call.opaque for call in calls] == [(STAMP,), ()]
    both = asked(Reasoning(text="t", opaque=(closed(SIGNED),)), ToolCall(id="1", opaque=(closed(SIGNED),)))
    open_sealed(both, PLAIN)
    assert state(both) == [(SIGNED,), ()]


def test_a_damaged_carrier_is_reported_and_nothing_of_it_stays() -> None:
    bad = Opaque("other", SEAL_PREFIX + "AAAA")
    request = asked(Text(text="a", at="/content/0"), Reasoning(at="/content/1", opaque=(bad, closed(SIGNED))))
    losses = open_sealed(request, PLAIN)
    assert [(loss.path, loss.kind) for loss in losses] == [("/messages/1/content/1", "reasoning_foreign")]
    assert state(request)[1] == (Opaque("other", "", Origin("")), SIGNED)


def test_state_goes_to_its_provider_and_what_is_an_accounts_to_that_account() -> None:
    request = asked(Reasoning(opaque=(SIGNED, HIDDEN)), Text(text="a"))
    assert withhold(request, Origin("up", "vendor", "m", "account")) is request
    assert withhold(request, Origin("down", "vendor", "m", "account")) is request
    nobody = Origin("")
    elsewhere = state(withhold(request, Origin("up", "another", "m", "account")))[0]
    assert elsewhere == (Opaque("signature", "s", nobody), Opaque("encrypted_reasoning", "e", nobody))
    rotated = state(withhold(request, Origin("up", "vendor", "m2", "other")))[0]
    assert rotated == (SIGNED, Opaque("encrypted_reasoning", "e", nobody))
    assert state(request)[0] == (SIGNED, HIDDEN)  # another candidate may be its origin


def test_what_says_only_its_protocol_is_the_clients_own() -> None:
    native = Opaque("encrypted_reasoning", "e", Origin("up"))
    request = asked(Reasoning(opaque=(native, Opaque("signature", "s"))))
    assert withhold(request, Origin("up", "vendor", "m", "account")) is request
