"""Rows D1, D5, D9, D10, D15 and D16 once more: what a Gemini or Responses upstream gets of documents and images."""

from tests.peers.pairs import CHAT_TO_GEM, CHAT_TO_RESP, MSG_TO_GEM, MSG_TO_RESP, USER, Json, Pair

from twoapi.testing.canned import request_body

TEXT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "the text"}, "title": "T"}
FOUND = {
    "type": "search_result",
    "source": "https://a.org",
    "title": "S",
    "content": [{"type": "text", "text": "one"}],
}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TOOLS = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


def sent(pair: Pair, *messages: Json, **fields: Json) -> tuple[Json, list[tuple[str, str]]]:
    """The turns that the upstream gets."""
    body, losses = pair.request({**request_body(pair.client.name, "m"), "messages": list(messages), **fields})
    return body["contents"] if "contents" in body else body["input"], losses


def test_d01_text_documents_and_search_results_reach_every_upstream():
    asked = {"role": "user", "content": [TEXT, FOUND]}
    contents, losses = sent(MSG_TO_GEM, asked)
    assert contents[0]["parts"] == [
        {"text": "T"},
        {"inlineData": {"mimeType": "text/plain", "data": "dGhlIHRleHQ="}},
        {"text": "S\nhttps://a.org\n\none"},
    ]
    assert losses == [("/messages/0/content/0", "emulated"), ("/messages/0/content/1", "emulated")]
    items, losses = sent(MSG_TO_RESP, asked)
    words = [part.get("text", "") for part in items[0]["content"]]
    assert "S\nhttps://a.org\n\none" in words
    assert {path for path, _ in losses} == {"/messages/0/content/0", "/messages/0/content/1"}


def test_d05_no_image_stands_between_the_results_of_one_turn():
    used: list[Json] = [{"type": "tool_use", "id": call_id, "name": "f", "input": {}} for call_id in ("a", "b")]
    seen = [{"type": "text", "text": "see"}, IMAGE]
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": seen},
        {"type": "tool_result", "tool_use_id": "b", "content": "ok"},
    ]
    messages = [USER, {"role": "assistant", "content": used}, {"role": "user", "content": results}]
    asked = {"model": "m", "max_tokens": 9, "messages": messages, "tools": TOOLS}
    body, _ = MSG_TO_GEM.request(asked, result_media=False)
    parts = body["contents"][2]["parts"]
    assert [next(iter(part)) for part in parts] == ["functionResponse", "functionResponse", "inlineData"]
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    body, _ = MSG_TO_GEM.request(asked)
    first, second = body["contents"][2]["parts"]
    assert first["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]
    assert "parts" not in second["functionResponse"]


def test_d09_a_file_of_googles_store_goes_on_by_its_address():
    image = {"type": "image_url", "image_url": {"url": "gs://bucket/x.png"}}
    contents, losses = sent(CHAT_TO_GEM, {"role": "user", "content": [image]})
    assert contents[0]["parts"] == [{"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/x.png"}}]
    assert losses == []


def test_d10_an_image_in_a_result_stays_in_it_for_responses():
    used: list[Json] = [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]
    result = {"type": "tool_result", "tool_use_id": "a", "content": [IMAGE]}
    turns = [USER, {"role": "assistant", "content": used}, {"role": "user", "content": [result]}]
    items, losses = sent(MSG_TO_RESP, *turns, tools=TOOLS)
    (seen,) = items[2]["output"]
    assert (seen["type"], seen["image_url"]) == ("input_image", "data:image/png;base64,aGk=")
    assert losses == []


def test_d15_blocks_of_instructions_stay_apart_for_gemini():
    system = [{"type": "text", "text": "SYS1"}, {"type": "text", "text": "SYS2"}]
    body, losses = MSG_TO_GEM.request({**request_body("anthropic-messages", "m"), "system": system})
    assert body["systemInstruction"]["parts"] == [{"text": "SYS1"}, {"text": "SYS2"}]
    assert losses == []


def test_d16_a_later_instruction_keeps_its_place_for_responses_and_its_move_is_reported_for_gemini():
    messages = [USER, {"role": "system", "content": "rule"}, USER]
    items, losses = sent(CHAT_TO_RESP, *messages)
    assert [(item["role"], item["content"]) for item in items] == [("user", "hi"), ("system", "rule"), ("user", "hi")]
    assert losses == []
    body, losses = CHAT_TO_GEM.request({"model": "m", "messages": messages})
    assert body["systemInstruction"] == {"parts": [{"text": "rule"}]}
    assert [content["role"] for content in body["contents"]] == ["user", "user"]
    assert losses == [("/messages/1", "moved")]
