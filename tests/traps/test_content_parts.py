"""Traps 51 to 63: images, documents, sound, search results, refusals."""

import pytest
from tests.traps.conversion import (
    CHAT,
    MESSAGES,
    assistant,
    chat_body,
    convert_request,
    in_chat,
    in_messages,
    messages_body,
    refused,
    text,
    user,
)


def to_chat(*blocks):
    """What becomes of a user turn of these blocks."""
    return convert_request(MESSAGES, CHAT, messages_body(user(list(blocks))))


def to_messages(*parts):
    """What becomes of a user message of these parts."""
    return convert_request(CHAT, MESSAGES, chat_body(user(list(parts)), max_tokens=50))


def chat_refusal(words, param="/messages/0/content/0"):
    error = {"message": words, "type": "invalid_request_error", "param": param, "code": None}
    return 400, {"error": error}


def messages_refusal(words):
    error = {"type": "invalid_request_error", "message": f"messages.0.content.0: {words}"}
    return 400, {"type": "error", "error": error, "request_id": "req_1"}


def document(source, **fields):
    return {"type": "document", "source": source, **fields}


def image_url(url, **fields):
    return {"type": "image_url", "image_url": {"url": url, **fields}}


def test_051_an_image_by_url_keeps_its_url():
    url = "https://a.org/x.png"

    assert to_chat({"type": "image", "source": {"type": "url", "url": url}}) == (in_chat(user([image_url(url)])), [])


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            "an image by file id cannot be sent to this upstream",
        ),
        (
            document({"type": "file", "file_id": "file_1"}),
            "a file of another service cannot be sent to this upstream",
        ),
    ],
    ids=["image", "document"],
)
def test_052_a_file_that_another_vendor_holds_is_refused(block, words):
    assert refused(MESSAGES, CHAT, messages_body(user([block]))) == messages_refusal(words)


def test_053_a_document_of_text_or_blocks_is_text_under_its_title():
    plain = {"type": "text", "media_type": "text/plain", "data": "the text"}
    blocks = {"type": "content", "content": [text("one"), text("two")]}

    assert to_chat(document(plain, title="T", context="from the web", citations={"enabled": True}), text("q")) == (
        in_chat(user([text("T\nfrom the web\n\nthe text"), text("q")])),
        [("/messages/0/content/0/citations", "unsupported"), ("/messages/0/content/0", "emulated")],
    )
    assert to_chat(document(blocks, title="T")) == (
        in_chat(user([text("T"), text("one"), text("two")])),
        [("/messages/0/content/0", "emulated")],
    )
    assert to_chat(document({"type": "content", "content": "plain"})) == (
        in_chat(user("plain")),
        [("/messages/0/content/0", "emulated")],
    )


def test_054_a_document_by_url_is_refused_and_never_called_an_image():
    body = messages_body(user([document({"type": "url", "url": "https://a.org/x.pdf"})]))

    status, error = refused(MESSAGES, CHAT, body)
    assert (status, "the target fetches no files" in error["error"]["message"]) == (400, True)


def test_055_a_search_result_is_text_with_its_title_and_source():
    found = {"type": "search_result", "source": "https://a.org", "title": "T", "content": [text("one"), text("two")]}

    assert to_chat(found) == (
        in_chat(user("T\nhttps://a.org\n\none\n\ntwo")),
        [("/messages/0/content/0", "emulated")],
    )


def test_056_sound_is_refused_where_the_target_does_not_hear():
    sound = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}

    assert refused(CHAT, MESSAGES, chat_body(user([sound]), max_tokens=50)) == chat_refusal(
        "audio input is not supported by the target"
    )


def test_057_a_file_id_of_another_vendor_is_never_sent_on():
    file = {"type": "file", "file": {"file_id": "file-1"}}

    assert refused(CHAT, MESSAGES, chat_body(user([file]), max_tokens=50)) == chat_refusal(
        "the target cannot read this file: it is held elsewhere, or of another kind"
    )


def test_060_what_a_vendors_own_tool_did_is_told_as_text():
    hit = {
        "type": "web_search_result",
        "url": "https://a.org",
        "title": "T",
        "encrypted_content": "SEALED",
        "page_age": None,
    }
    history = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "cats"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [hit]},
        text("Found."),
    ]
    body = messages_body(user("q"), assistant(history), user("more"))

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(user("q"), assistant('{"query": "cats"}\n\nT https://a.org\n\nFound.'), user("more")),
        [("/messages/1/content/0", "emulated"), ("/messages/1/content/1", "emulated")],
    )
    assert convert_request(MESSAGES, MESSAGES, body) == (body, [])


def test_061_an_image_by_url_is_sent_as_a_url_without_a_guessed_type():
    url = "https://a.org/x"

    assert to_messages(image_url(url, detail="high")) == (
        in_messages(user([{"type": "image", "source": {"type": "url", "url": url}}])),
        [("/messages/0/content/0", "dropped")],  # the detail, which is told by the place of its part
    )


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("data:image/png;charset=x;base64,aGk=", "aGk="),
        ("data:image/png;name=a%3Bb;base64,aGk=", "aGk="),
        ("DATA:IMAGE/PNG;BASE64,aGk=", "aGk="),
        ("data:image/png,%89PNG", "iVBORw=="),
    ],
)
def test_062_a_data_url_is_read_as_its_standard_says(url, data):
    source = {"type": "base64", "media_type": "image/png", "data": data}

    assert to_messages(image_url(url)) == (in_messages(user([{"type": "image", "source": source}])), [])


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (assistant([{"type": "refusal", "refusal": "no"}]), "/messages/1/content/0"),
        (assistant(None, refusal="no"), "/messages/1/refusal"),
    ],
    ids=["part", "member"],
)
def test_063_a_refusal_stays_a_refusal_and_is_text_only_where_there_is_none(said, path):
    body = chat_body(user("q"), said, user("ok"), max_tokens=50)

    assert convert_request(CHAT, CHAT, body) == (
        {**body, "messages": [user("q"), said, user("ok")]},
        [],
    )
    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(user("q"), assistant([text("no")]), user("ok")),
        [(path, "emulated")],
    )
