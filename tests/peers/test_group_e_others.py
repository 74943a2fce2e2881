"""Rows E2, E3, E9, E11, E12 and E15 once more: state of Responses and of Gemini."""

import json

import pytest
from tests.gateway.wire import ALIASES
from tests.peers.pairs import (
    CHAT_TO_GEM,
    CHAT_TO_MSG,
    GEM_TO_CHAT,
    GEM_TO_MSG,
    MSG_TO_GEM,
    MSG_TO_RESP,
    USER,
    Json,
    chat_call,
    deltas,
    function_tool,
)
from tests.peers.vendors import (
    function_call,
    gemini_answer,
    gemini_call,
    gemini_frame,
    gemini_result,
    gemini_tool,
    response,
)

from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.testing.replies import json_reply, sse_reply

EMPTY = {"type": "object", "properties": {}}
SIGNATURE = "U0lH"
SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
NATIVE_TOOL = {"name": "f", "input_schema": EMPTY}
REASONED = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "hm"}],
    "encrypted_content": "BLOB",
}


def results(*ids: str) -> Json:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": one, "content": "ok"} for one in ids]}


def chat_loop(*ids: str) -> Json:
    """A chat history with calls that nobody signed."""
    answers = [{"role": "tool", "tool_call_id": one, "content": "ok"} for one in ids]
    called = {"role": "assistant", "content": None, "tool_calls": [chat_call(one, "f") for one in ids]}
    return {"messages": [USER, called, *answers], "tools": [function_tool("f", EMPTY)]}


def test_e02_a_signature_of_gemini_never_reaches_another_vendor():
    contents = [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [gemini_call("f", {}, "a", thoughtSignature=SIGNATURE)]},
        {"role": "user", "parts": [gemini_result("f", {"output": "x"}, "a")]},
    ]
    for pair in (GEM_TO_MSG, GEM_TO_CHAT):
        sent, losses = pair.request({"contents": contents, "tools": [gemini_tool("f", EMPTY)]})
        assert SIGNATURE not in json.dumps(sent)
        assert ("/contents/1/parts/0", "reasoning_foreign") in losses


def test_e03_no_signature_is_made_for_gemini_but_the_word_that_its_vendor_has_for_none():
    sent, losses = CHAT_TO_GEM.request({"model": "m", **chat_loop("a")})
    assert sent["contents"][1]["parts"][0]["thoughtSignature"] == SKIP
    assert losses == [("/messages/1/tool_calls/0", "synthesized")]
    sent, losses = CHAT_TO_GEM.request({"model": "m", **chat_loop("a")}, thought_signatures=False)
    assert "thoughtSignature" not in json.dumps(sent)
    assert losses == []


def test_e09_encrypted_reasoning_goes_back_under_no_id_of_ours():
    asked: dict[str, Json] = {"model": "m", "max_tokens": 99, "messages": [USER], "tools": [NATIVE_TOOL]}
    answer = response(REASONED, function_call("c1", id="fc_1", status="completed"))
    said = MSG_TO_RESP.whole(answer, asked)[0]["content"]
    assert "BLOB" not in json.dumps(said)
    asked["messages"] += [{"role": "assistant", "content": said}, results("c1")]

    sent, losses = MSG_TO_RESP.request(asked)

    (reasoning,) = [item for item in sent["input"] if item["type"] == "reasoning"]
    assert reasoning["encrypted_content"] == "BLOB"
    assert reasoning["summary"] == REASONED["summary"]
    assert reasoning.get("id") in (None, "rs_1")  # its own or none: any other does not match the blob
    assert [item.get("id") for item in sent["input"] if item["type"] == "function_call"] in ([None], ["fc_1"])
    assert losses == []


@pytest.mark.parametrize("part", ["call", "thought"])
def test_e11_a_signature_comes_back_wherever_it_stood(running, part):
    thought = {"text": "hm", "thought": True}
    calls = [gemini_call("f", {"x": 1}, "a"), gemini_call("f", {"x": 2}, "b")]
    parts = [thought, *calls]
    at = 0 if part == "thought" else 1
    parts[at] = {**parts[at], "thoughtSignature": SIGNATURE}
    running.one.reply(json_reply(gemini_answer(*parts)), json_reply(gemini_answer("done")))
    body = {"model": ALIASES["gemini"], "max_tokens": 99, "messages": [USER], "tools": [NATIVE_TOOL]}
    said = running.post("anthropic-messages", body).json()["content"]
    body["messages"] = [USER, {"role": "assistant", "content": said}, results("a", "b")]

    assert running.post("anthropic-messages", body).status == 200

    sent = running.one.requests[-1].json()["contents"][1]["parts"]
    if part == "thought":  # a call beside it has the vendor's word for none, should that be lost one day
        assert sent == [parts[0], {**calls[0], "thoughtSignature": SKIP}, calls[1]]
    else:
        assert [one for one in sent if "functionCall" in one] == parts[1:]
    assert json.dumps(sent).count(SIGNATURE) == 1
    assert SEAL_PREFIX not in json.dumps(sent)


def test_e11_also_when_it_came_in_a_stream(running):
    signed = gemini_call("f", {"x": 1}, "a", thoughtSignature=SIGNATURE)
    frames = [gemini_frame(signed), gemini_frame(gemini_call("f", {"x": 2}, "b")), gemini_frame(finish="STOP")]
    running.one.reply(sse_reply(frames), json_reply(gemini_answer("done")))
    loop = chat_loop("a", "b")
    for call, x in zip(loop["messages"][1]["tool_calls"], (1, 2), strict=True):
        call["function"]["arguments"] = json.dumps({"x": x}, separators=(",", ":"))
    first = {**loop, "model": ALIASES["gemini"], "messages": [USER], "stream": True}
    assert running.post("openai-chat", first).status == 200

    assert running.post("openai-chat", {**loop, "model": ALIASES["gemini"]}).status == 200

    sent = running.one.requests[-1].json()["contents"][1]["parts"]
    assert sent == [signed, gemini_call("f", {"x": 2}, "b")]


def test_e12_a_placeholder_stands_on_the_first_call_alone_and_on_none_that_is_signed():
    sent, losses = CHAT_TO_GEM.request({"model": "m", **chat_loop("a", "b", "c")})
    signs = [part.get("thoughtSignature") for part in sent["contents"][1]["parts"]]
    assert signs == [SKIP, None, None]
    assert losses == [("/messages/1/tool_calls/0", "synthesized")]


def test_e15_a_thought_is_never_shown_as_the_answer():
    frames = gemini_frame({"text": "hmm", "thought": True}) + gemini_frame("x") + gemini_frame(finish="STOP")
    shown = [delta for delta, _ in deltas(CHAT_TO_GEM.stream(frames)[0])]
    assert "".join(delta.get("content") or "" for delta in shown) == "x"
    assert "".join(delta.get("reasoning_content") or "" for delta in shown) == "hmm"
    blocks = MSG_TO_GEM.whole(gemini_answer({"text": "hmm", "thought": True}, "x"))[0]["content"]
    assert [(block["type"], block.get("text")) for block in blocks] == [("thinking", None), ("text", "x")]
    # Nor is a thought of a Gemini client's history an answer for others.
    contents = [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "hmm", "thought": True}, {"text": "x"}]},
        {"role": "user", "parts": [{"text": "z"}]},
    ]
    said = GEM_TO_CHAT.request({"contents": contents})[0]["messages"][1]
    assert said == {"role": "assistant", "content": "x"}
    said = GEM_TO_MSG.request({"contents": contents})[0]["messages"][1]
    assert said["content"] == [{"type": "text", "text": "x"}]


def test_e15_thinking_of_an_anthropic_answer_is_a_thought_for_a_gemini_client():
    said = {"type": "thinking", "thinking": "hmm", "signature": "S"}
    answer: dict[str, Json] = {"type": "message", "role": "assistant", "content": [said, {"type": "text", "text": "x"}]}
    answer |= {"id": "msg_1", "model": "m-1", "stop_reason": "end_turn", "stop_sequence": None}
    answer["usage"] = {"input_tokens": 3, "output_tokens": 2}
    parts = GEM_TO_MSG.whole(answer)[0]["candidates"][0]["content"]["parts"]
    assert [part["text"] for part in parts if not part.get("thought")] == ["x"]
    assert [part["text"] for part in parts if part.get("thought") and part["text"]] == ["hmm"]
    assert CHAT_TO_MSG.whole(answer)[0]["choices"][0]["message"]["content"] == "x"
