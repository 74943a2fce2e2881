"""Scenes of plain conversation: chat, settings, system prompts, several turns."""

from twoapi.conformance.asked import Asked
from twoapi.conformance.places import Key
from twoapi.conformance.reply import Reply, Used
from twoapi.conformance.scenes.scene import MOVED, Scene, Sight, Want, costs, only, says, setting, stops, tells

_HELLO = 'Grüße an 你好 🚀: sag "hi"\n\u2028\\Ende'
_ANSWER = 'Hallo 世界 🚀, gern.\n\tFertig \u2028 \\ "ja".'

CHAT = Scene(
    feature="chat",
    name="chat",
    bodies={
        "openai-chat": {"messages": [{"role": "user", "content": _HELLO}], "max_completion_tokens": 3210},
        "openai-responses": {"input": _HELLO, "max_output_tokens": 3210, "store": False},
        "anthropic-messages": {"messages": [{"role": "user", "content": _HELLO}], "max_tokens": 3210},
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": _HELLO}]}],
            "generationConfig": {"maxOutputTokens": 3210},
        },
    },
    wants=(says("user text", "user", _HELLO), only("user", _HELLO), only("system"), setting("max_tokens", 3210)),
    reply=Reply(text=_ANSWER, used=Used(input=61, output=17)),
    hears=(
        tells(_ANSWER),
        stops("stop"),
        costs("input", 61, Key("prompt_tokens"), Key("input_tokens"), Key("promptTokenCount")),
        costs("output", 17, Key("completion_tokens"), Key("output_tokens"), Key("candidatesTokenCount")),
    ),
)

_GO = "Name a colour."
SETTINGS = Scene(
    feature="chat",
    name="settings",
    common=False,
    bodies={
        "openai-chat": {
            "messages": [{"role": "user", "content": _GO}],
            "max_completion_tokens": 3211,
            "temperature": 0.25,
            "top_p": 0.75,
            "stop": ["END-7"],
            "seed": 7919,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.625,
            "verbosity": "low",
            "safety_identifier": "person-5a1",
            "metadata": {"team": "blue-3f"},
        },
        "openai-responses": {
            "input": [{"role": "user", "content": _GO}],
            "max_output_tokens": 3211,
            "temperature": 0.25,
            "top_p": 0.75,
            "text": {"verbosity": "low"},
            "safety_identifier": "person-5a1",
            "metadata": {"team": "blue-3f"},
            "store": False,
        },
        "anthropic-messages": {
            "messages": [{"role": "user", "content": _GO}],
            "max_tokens": 3211,
            "temperature": 0.25,
            "top_k": 37,
            "stop_sequences": ["END-7"],
            "metadata": {"user_id": "person-5a1"},
        },
        "gemini": {
            "contents": [{"role": "user", "parts": [{"text": _GO}]}],
            "generationConfig": {
                "maxOutputTokens": 3211,
                "temperature": 0.25,
                "topP": 0.75,
                "topK": 37,
                "stopSequences": ["END-7"],
                "seed": 7919,
                "presencePenalty": 0.5,
                "frequencyPenalty": 0.625,
            },
        },
    },
    wants=(
        setting("temperature", 0.25),
        setting("top_p", 0.75),
        setting("top_k", 37),
        setting("stop", ["END-7"], "END-7"),
        setting("seed", 7919),
        setting("presence_penalty", 0.5),
        setting("frequency_penalty", 0.625),
        setting("verbosity", "low", Key("verbosity")),
        setting("user", "person-5a1"),
        setting("metadata", {"team": "blue-3f"}, "blue-3f"),
    ),
    hears=(tells("Done."),),
)

_FIRST, _SECOND, _LATER = "Answer in French only.", "Be brief, rule-2.", "From now on answer in Latin."


def _later(asked: Asked) -> Sight:
    """The later instruction stands behind the assistant's turn; elsewhere it was moved."""
    found = [(n, piece) for n, piece in enumerate(asked.pieces) if _LATER in piece.text]
    if not found:
        return False
    number, piece = found[0]
    if piece.role != "system":
        return f"{MOVED} into a turn of the {piece.role}"
    return any(one.role == "assistant" for one in asked.pieces[:number]) or f"{MOVED} to the beginning"


SYSTEM = Scene(
    feature="system",
    name="system",
    bodies={
        "openai-chat": {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": _FIRST}, {"type": "text", "text": _SECOND}]},
                {"role": "user", "content": "Hello, I am new."},
                {"role": "assistant", "content": "Bonjour !"},
                {"role": "user", "content": "And now?"},
                {"role": "system", "content": _LATER},
                {"role": "user", "content": "Go on, please."},
            ],
        },
        "openai-responses": {
            "instructions": f"{_FIRST}\n\n{_SECOND}",
            "input": [
                {"role": "user", "content": "Hello, I am new."},
                {"role": "assistant", "content": "Bonjour !"},
                {"role": "user", "content": "And now?"},
                {"role": "developer", "content": _LATER},
                {"role": "user", "content": "Go on, please."},
            ],
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "system": [{"type": "text", "text": _FIRST}, {"type": "text", "text": _SECOND}],
            "messages": [
                {"role": "user", "content": "Hello, I am new."},
                {"role": "assistant", "content": "Bonjour !"},
                {"role": "user", "content": "And now?"},
                {"role": "system", "content": _LATER},
                {"role": "user", "content": "Go on, please."},
            ],
        },
        "gemini": {
            "systemInstruction": {"parts": [{"text": _FIRST}, {"text": _SECOND}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Hello, I am new."}]},
                {"role": "model", "parts": [{"text": "Bonjour !"}]},
                {"role": "user", "parts": [{"text": "And now?"}]},
                {"role": "user", "parts": [{"text": "Go on, please."}]},
            ],
        },
    },
    wants=(
        says("first rule", "system", _FIRST),
        says("second rule", "system", _SECOND),
        Want(
            name="rules do not run together",
            see=lambda asked: f"{_FIRST}{_SECOND}" not in "".join(asked.texts("system")[:1]),
        ),
        Want(name="later rule", at=(_LATER,), see=_later),
        says("user text", "user", "Hello, I am new."),
        only("user", "Hello, I am new.", "And now?", "Go on, please."),
    ),
    hears=(tells("Done."),),
)

_TURNS = (
    "Turn one, part a.",
    "Turn one, part b.",
    "Reply number one.",
    "Turn two.",
    "Reply number two.",
    "Turn three.",
)


def _order(asked: Asked) -> Sight:
    said = "\n".join(piece.text for piece in asked.of("text"))
    found = [said.find(text) for text in _TURNS]
    return found == sorted(found) or "the turns are in another order"


MULTI_TURN = Scene(
    feature="multi-turn",
    name="multi-turn",
    bodies={
        "openai-chat": {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": text} for text in _TURNS[:2]]},
                {"role": "assistant", "content": _TURNS[2]},
                {"role": "user", "content": _TURNS[3]},
                {"role": "assistant", "content": [{"type": "text", "text": _TURNS[4]}]},
                {"role": "user", "content": _TURNS[5]},
            ],
        },
        "openai-responses": {
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": text} for text in _TURNS[:2]]},
                {"role": "assistant", "content": _TURNS[2]},
                {"type": "message", "role": "user", "content": _TURNS[3]},
                {
                    "type": "message",
                    "id": "msg_1",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": _TURNS[4], "annotations": []}],
                },
                {"role": "user", "content": _TURNS[5]},
            ],
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": text} for text in _TURNS[:2]]},
                {"role": "assistant", "content": _TURNS[2]},
                {"role": "user", "content": _TURNS[3]},
                {"role": "assistant", "content": [{"type": "text", "text": _TURNS[4]}]},
                {"role": "user", "content": _TURNS[5]},
            ],
        },
        "gemini": {
            "contents": [
                {"parts": [{"text": text} for text in _TURNS[:2]]},
                {"role": "model", "parts": [{"text": _TURNS[2]}]},
                {"role": "user", "parts": [{"text": _TURNS[3]}]},
                {"role": "model", "parts": [{"text": _TURNS[4]}]},
                {"role": "user", "parts": [{"text": _TURNS[5]}]},
            ],
        },
    },
    wants=(
        *(
            says(f"turn {n}", role, _TURNS[n])
            for n, role in enumerate(("user", "user", "assistant", "user", "assistant", "user"))
        ),
        only("user", _TURNS[0], _TURNS[1], _TURNS[3], _TURNS[5]),
        only("assistant", _TURNS[2], _TURNS[4]),
        Want(name="order of the turns", see=_order),
    ),
    hears=(tells("Done."),),
)

SCENES = (CHAT, SETTINGS, SYSTEM, MULTI_TURN)
