"""Turns that a client gives back frame by frame are one turn to other protocols."""

from twoapi.ir import Message, Opaque, Origin, Reasoning, Request, Text, ToolCall
from twoapi.protocols.pieces import said_at_once

SEALED = (Opaque("thought_signature", "c2ln", Origin("gemini")),)


def request(*messages: Message, protocol: str = "gemini") -> Request:
    return Request(protocol=protocol, model="m", messages=list(messages))


def said(number: int, *parts: Text | Reasoning | ToolCall) -> Message:
    for index, part in enumerate(parts):
        part.at = f"/parts/{index}"
    return Message("assistant", list(parts), f"/contents/{number}")


ASKED = Message("user", [Text(text="hi", at="/parts/0")], "/contents/0")


def test_pieces_of_a_thought_and_of_a_text_are_put_together() -> None:
    (asked, turn) = said_at_once(
        request(
            ASKED,
            said(1, Reasoning(text="Let ", form="summary")),
            said(2, Reasoning(text="me.", form="summary", opaque=SEALED)),
            said(3, Text(text="Loo")),
            said(4, Text(text="king.")),
            said(5, ToolCall(id="1", name="a"), ToolCall(id="2", name="b")),
            said(6, Text(text="")),
        )
    ).messages

    assert asked is ASKED
    assert turn == Message(
        "assistant",
        [
            Reasoning(text="Let me.", form="summary", opaque=SEALED, at="/contents/1/parts/0"),
            Text(text="Looking.", at="/contents/3/parts/0"),
            ToolCall(id="1", name="a", at="/contents/5/parts/0"),
            ToolCall(id="2", name="b", at="/contents/5/parts/1"),
        ],
        "",
    )


def test_what_is_sealed_or_was_said_in_one_message_stays_apart() -> None:
    parts = [Text(text="a"), Text(text="b", opaque=SEALED), Text(text="c")]
    (turn,) = said_at_once(request(said(0, *parts[:2]), said(1, *parts[2:]))).messages
    assert [(part.text, part.opaque) for part in turn.parts if isinstance(part, Text)] == [
        ("a", ()),
        ("b", SEALED),
        ("c", ()),
    ]


def test_a_turn_of_nothing_is_still_a_turn() -> None:
    (turn,) = said_at_once(request(said(0, Text(text="")), said(1, Text(text="")))).messages
    assert [part.text for part in turn.parts if isinstance(part, Text)] == [""]


def test_whole_turns_and_other_protocols_stay_as_they_are() -> None:
    whole = request(said(0, Text(text="a")), ASKED, said(2, Text(text="b")))
    assert said_at_once(whole) is whole
    chat = request(said(0, Text(text="a")), said(1, Text(text="b")), protocol="openai-chat")
    assert said_at_once(chat) is chat
