"""Rows D1-D16: results of tools, images, documents, sound, and instructions."""

import pytest
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_MSG,
    USER,
    chat_call,
    event,
    function_tool,
)

from twoapi.ir import FaultError

PDF = "JVBERi0xLjQ="
PNG = "iVBORw0KGgo="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
IMAGE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
OK = {"type": "text", "text": "look"}
TOOLS = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


def asks(*content: dict) -> dict:
    return {"messages": [{"role": "user", "content": list(content)}]}


def answered(*content: dict) -> dict:
    """A call of `a`, `b` ... for each result."""
    calls = [
        {"type": "tool_use", "id": result["tool_use_id"], "name": "f", "input": {}}
        for result in content
        if result["type"] == "tool_result"
    ]
    return {
        "messages": [USER, {"role": "assistant", "content": calls}, {"role": "user", "content": list(content)}],
        "tools": TOOLS,
    }


def result(call_id: str, *content: dict, **fields) -> dict:
    return {"type": "tool_result", "tool_use_id": call_id, "content": list(content), **fields}


def refused_at(pair, extra: dict, **capabilities) -> str | None:
    with pytest.raises(FaultError) as raised:
        pair.fields(extra, **capabilities)
    assert raised.value.fault.kind == "invalid_request"
    assert raised.value.fault.http_status == 400
    return raised.value.fault.param


DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "the text"},
    "title": "T",
    "context": "C",
    "citations": {"enabled": True},
}
SEARCH_RESULT = {
    "type": "search_result",
    "source": "https://e.example",
    "title": "S",
    "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
}


def test_d01_text_documents_and_search_results_reach_a_chat_upstream():
    fields, losses = MSG_TO_CHAT.fields(asks(DOCUMENT, SEARCH_RESULT, OK))
    texts = ["T\nC\n\nthe text", "S\nhttps://e.example\n\none\n\ntwo", "look"]
    assert fields == asks(*({"type": "text", "text": text} for text in texts))
    assert losses == [
        ("/messages/0/content/0/citations", "unsupported"),
        ("/messages/0/content/0", "emulated"),
        ("/messages/0/content/1", "emulated"),
    ]


def test_d02_no_block_of_the_clients_protocol_stands_raw_in_the_upstreams():
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "p"}
    blocks = {"type": "document", "source": {"type": "content", "content": [OK, IMAGE]}}
    fields, losses = MSG_TO_CHAT.fields(asks(pdf, blocks, IMAGE))
    file = {"filename": "p", "file_data": f"data:application/pdf;base64,{PDF}"}
    assert fields == asks({"type": "file", "file": file}, OK, IMAGE_URL, IMAGE_URL)
    assert losses == [("/messages/0/content/1", "emulated")]
    # What this upstream cannot read at all is refused, by its place.
    by_url = {"type": "document", "source": {"type": "url", "url": "https://e.example/a.pdf"}}
    assert refused_at(MSG_TO_CHAT, asks(OK, by_url)) == "/messages/0/content/1"
    by_id = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    assert refused_at(MSG_TO_CHAT, asks(by_id)) == "/messages/0/content/0"


def test_d03_a_failed_tool_is_marked_as_failed():
    fields, losses = MSG_TO_CHAT.fields(answered(result("a", {"type": "text", "text": "no such file"}, is_error=True)))
    assert fields["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": "[tool error] no such file"}
    assert losses == [("/messages/2/content/0/is_error", "emulated")]
    fields, losses = MSG_TO_CHAT.fields(answered(result("a", is_error=True)))
    assert fields["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": "[tool error] "}
    # is_error of false says the same as none at all.
    assert MSG_TO_CHAT.fields(answered(result("a", OK, is_error=False)))[1] == []


def test_d04_an_image_of_a_result_goes_behind_it_without_sentences_of_ours():
    fields, losses = MSG_TO_CHAT.fields(answered(result("a", OK, IMAGE)))
    assert fields["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": "look"},
        {"role": "user", "content": [{"type": "text", "text": "[tool result a]"}, IMAGE_URL]},
    ]
    assert losses == [("/messages/2/content/0/content/1", "emulated")]


def test_d05_nothing_stands_between_the_results_of_one_turn():
    both = answered(result("a", IMAGE), result("b", OK, IMAGE), {"type": "text", "text": "go on"})
    fields, losses = MSG_TO_CHAT.fields(both)
    assert fields["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "tool", "tool_call_id": "b", "content": "look"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "[tool result a]"},
                IMAGE_URL,
                {"type": "text", "text": "[tool result b]"},
                IMAGE_URL,
                {"type": "text", "text": "go on"},
            ],
        },
    ]
    assert losses == [("/messages/2/content/0/content/0", "emulated"), ("/messages/2/content/1/content/1", "emulated")]


def test_d06_a_pdf_is_sent_without_the_prefix_of_its_data_url():
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    fields, losses = CHAT_TO_MSG.fields(asks({"type": "file", "file": file}))
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert fields == asks({"type": "document", "source": source, "title": "a.pdf"})
    assert losses == []


def test_d07_a_document_of_an_office_is_refused_by_its_place_and_a_text_is_sent_as_one():
    mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    file = {"filename": "a.docx", "file_data": f"data:{mime};base64,UEsDBA=="}
    assert refused_at(CHAT_TO_MSG, asks(OK, {"type": "file", "file": file})) == "/messages/0/content/1"
    text = {"filename": "a.csv", "file_data": "data:text/csv;base64,YSxi"}
    fields, losses = CHAT_TO_MSG.fields(asks({"type": "file", "file": text}))
    source = {"type": "text", "media_type": "text/plain", "data": "a,b"}
    assert fields == asks({"type": "document", "source": source, "title": "a.csv"})
    assert losses == [("/messages/0/content/0", "approximated")]


@pytest.mark.parametrize("pair", [CHAT_TO_MSG, CHAT_TO_CHAT], ids=["chat>msg", "chat>chat"])
def test_d08_a_file_whose_source_is_unknown_never_goes_on_without_it(pair):
    part = {"type": "file", "file": {"file_url": "https://e.example/a.pdf"}}
    assert refused_at(pair, asks(OK, part)) == "/messages/0/content/1"
    if pair is CHAT_TO_MSG:
        assert refused_at(pair, asks({"type": "file", "file": {"file_id": "file-1"}})) == "/messages/0/content/0"


@pytest.mark.parametrize("url", ["gs://bucket/a.png", "https://e.example/a.png", "HTTP://e.example/a"])
def test_d09_an_image_of_any_address_goes_on(url):
    fields, losses = CHAT_TO_MSG.fields(asks({"type": "image_url", "image_url": {"url": url}}))
    assert fields == asks({"type": "image", "source": {"type": "url", "url": url}})
    assert losses == []
    assert MSG_TO_CHAT.fields(fields)[0] == asks({"type": "image_url", "image_url": {"url": url}})


def test_d10_an_image_in_a_result_stays_in_it_where_results_hold_images():
    tool = {"role": "tool", "tool_call_id": "a", "content": [OK, IMAGE_URL]}
    calls = {"role": "assistant", "content": None, "tool_calls": [chat_call("a", "f")]}
    asked = {"messages": [USER, calls, tool], "tools": [function_tool("f")]}
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields == answered(result("a", OK, IMAGE))
    assert losses == []
    native = answered(result("a", OK, IMAGE))
    assert MSG_TO_MSG.fields(native) == (native, [])


def test_d12_what_has_no_place_is_refused_or_reported_and_a_file_keeps_its_name():
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    assert refused_at(CHAT_TO_MSG, asks(OK, sound)) == "/messages/0/content/1"
    detailed = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
    fields, losses = CHAT_TO_MSG.fields({"messages": [{"role": "user", "name": "ann", "content": [detailed, OK]}]})
    assert fields == asks(IMAGE, OK)
    assert losses == [("/messages/0/name", "dropped"), ("/messages/0/content/0", "dropped")]
    named = {"type": "file", "file": {"filename": "n.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    assert CHAT_TO_MSG.fields(asks(named))[0]["messages"][0]["content"][0]["title"] == "n.pdf"


def test_d13_images_and_documents_cross_whole():
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "p"}
    file = {"type": "file", "file": {"filename": "p", "file_data": f"data:application/pdf;base64,{PDF}"}}
    assert CHAT_TO_MSG.fields(asks(IMAGE_URL, file, OK)) == (asks(IMAGE, pdf, OK), [])
    assert MSG_TO_CHAT.fields(asks(IMAGE, pdf, OK)) == (asks(IMAGE_URL, file, OK), [])
    # An upstream that takes none refuses here, before it costs anything.
    assert refused_at(CHAT_TO_MSG, asks(OK, IMAGE_URL), images=False) == "/messages/0/content/1"
    assert refused_at(MSG_TO_CHAT, asks(OK, pdf), documents=False) == "/messages/0/content/1"


def test_d15_blocks_of_instructions_stay_apart():
    system = [event("text", text="SYS1"), event("text", text="SYS2")]
    fields, losses = MSG_TO_CHAT.fields({"system": system})
    assert fields == {"messages": [{"role": "system", "content": system}, USER]}
    assert losses == []
    messages = [{"role": "system", "content": "SYS1"}, {"role": "developer", "content": "SYS2"}, USER]
    fields, losses = CHAT_TO_MSG.fields({"messages": messages})
    assert fields == {"system": system}
    assert losses == []


def test_d16_a_later_instruction_keeps_its_place_or_its_move_is_reported():
    turns = [USER, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    messages = [{"role": "system", "content": "S"}, *turns, {"role": "system", "content": "now brief"}]
    fields, losses = CHAT_TO_MSG.fields({"messages": messages})
    assert fields == {"system": "S", "messages": messages[1:]}
    assert losses == []
    fields, losses = CHAT_TO_MSG.fields({"messages": messages}, system_in_place=False)
    assert fields == {"system": [event("text", text="S"), event("text", text="now brief")], "messages": turns}
    assert losses == [("/messages/4", "moved")]
