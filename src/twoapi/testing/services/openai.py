"""OpenAI's services: embeddings, moderations, completions, pictures and speech; and rerank, which others serve so."""

import json
from collections.abc import Callable, Mapping

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, json_reply, openai_error, sse_reply
from twoapi.testing.services import forms
from twoapi.testing.services.refusal import Json, Kinds, RefusedError, members, one_of, texts
from twoapi.testing.services.truth import packed, ranking, tokens, vector

SOUND = bytes(range(256)) * 64
PICTURE = "iVBORw0KGgo="


def embeddings(body: Json) -> Reply:
    """POST /embeddings."""
    members(
        body,
        {"model": str, "input": (str, list)},
        {"dimensions": int, "encoding_format": str, "user": str},
    )
    form = one_of(body.get("encoding_format", "float"), "float", "base64")
    given = [body["input"]] if isinstance(body["input"], str) else texts(body["input"], "input")
    vectors = [vector(text, body.get("dimensions")) for text in given]
    data = [
        {"object": "embedding", "index": number, "embedding": packed(one) if form == "base64" else one}
        for number, one in enumerate(vectors)
    ]
    count = tokens(*given)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return json_reply({"object": "list", "data": data, "model": body["model"], "usage": usage})


def moderations(body: Json) -> Reply:
    """POST /moderations."""
    members(body, {"input": (str, list)}, {"model": str})
    given = [body["input"]] if isinstance(body["input"], str) else body["input"]
    results = [{"flagged": "bad" in str(one), **_CATEGORIES} for one in given]
    return json_reply({"id": "modr-1", "model": body.get("model", "omni-moderation-latest"), "results": results})


_NAMES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm"),
    *("self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
_CATEGORIES: dict[str, Json] = {
    "categories": dict.fromkeys(_NAMES, False),
    "category_scores": dict.fromkeys(_NAMES, 0.25),
    "category_applied_input_types": {name: ["text"] for name in _NAMES},
}


def completions(body: Json) -> Reply:
    """POST /completions: the prompt goes on with its own words."""
    known: Kinds = {"max_tokens": int, "temperature": (int, float), "stream": bool, "stream_options": dict, "n": int}
    members(body, {"model": str, "prompt": (str, list)}, {**known, "stop": (str, list), "echo": bool, "suffix": str})
    prompt = body["prompt"] if isinstance(body["prompt"], str) else texts(body["prompt"], "prompt")[0]
    said = [f" {word}" for word in prompt.split()]
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
    usage = {"prompt_tokens": len(said), "completion_tokens": len(said), "total_tokens": 2 * len(said)}
    if not body.get("stream"):
        choice = {"text": "".join(said), "index": 0, "logprobs": None, "finish_reason": "stop"}
        return json_reply({**head, "choices": [choice], "usage": usage})
    choices = [{"text": word, "index": 0, "logprobs": None, "finish_reason": None} for word in said]
    chunks: list[Json] = [{**head, "choices": [one]} for one in choices]
    chunks.append({**head, "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]})
    if body.get("stream_options", {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": usage})
    return sse_reply([*(f"data: {json.dumps(one)}\n\n".encode() for one in chunks), b"data: [DONE]\n\n"])


def images(body: Json) -> Reply:
    """POST /images/generations."""
    known = {"n": int, "size": str, "quality": str, "stream": bool, "partial_images": int, "background": str}
    members(body, {"prompt": str}, {**known, "model": str, "output_format": str, "user": str})
    usage = {
        "input_tokens": tokens(body["prompt"]),
        "output_tokens": 272,
        "total_tokens": tokens(body["prompt"]) + 272,
        "input_tokens_details": {"text_tokens": tokens(body["prompt"]), "image_tokens": 0},
    }
    if not body.get("stream"):
        pictures = [{"b64_json": PICTURE}] * body.get("n", 1)
        return json_reply({"created": 1, "data": pictures, "usage": usage})
    rest = {
        "b64_json": PICTURE,
        "created_at": 1,
        "size": "1024x1024",
        "quality": "high",
        "background": "opaque",
        "output_format": "png",
    }
    events = [
        {"type": "image_generation.partial_image", "partial_image_index": 0, **rest},
        {"type": "image_generation.completed", **rest, "usage": usage},
    ]
    return sse_reply([f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events])


def speech(body: Json) -> Reply:
    """POST /audio/speech: sound in pieces, or events."""
    known: Kinds = {"response_format": str, "speed": (int, float), "instructions": str, "stream_format": str}
    members(body, {"model": str, "input": str, "voice": (str, dict)}, known)
    if body.get("stream_format") == "sse":
        usage = {"input_tokens": tokens(body["input"]), "output_tokens": 9, "total_tokens": tokens(body["input"]) + 9}
        events: list[Json] = [
            {"type": "speech.audio.delta", "audio": "AAAA"},
            {"type": "speech.audio.done", "usage": usage},
        ]
        return sse_reply([f"data: {json.dumps(one)}\n\n".encode() for one in events])
    kind = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}[body.get("response_format", "mp3")]
    pieces = tuple(SOUND[at : at + 1024] for at in range(0, len(SOUND), 1024))
    return Reply(content_type=kind, pieces=pieces, framing="chunked")


def rerank(body: Json) -> Reply:
    """POST /rerank, as Jina and its like serve it: with the documents unless told not to."""
    known = {"top_n": int, "return_documents": bool}
    members(body, {"model": str, "query": str, "documents": list}, known)
    documents = [one["text"] if isinstance(one, dict) else one for one in body["documents"]]
    results: list[Json] = [
        {"index": number, "relevance_score": score}
        for number, score in ranking(body["query"], documents, body.get("top_n"))
    ]
    if body.get("return_documents", True):
        results = [{**one, "document": {"text": documents[one["index"]]}} for one in results]
    count = tokens(body["query"], *documents)
    return json_reply({"model": body["model"], "usage": {"total_tokens": count}, "results": results})


PATHS: Mapping[str, Callable[[Json], Reply]] = {
    "/v1/embeddings": embeddings,
    "/v1/moderations": moderations,
    "/v1/completions": completions,
    "/v1/images/generations": images,
    "/v1/audio/speech": speech,
    "/v1/rerank": rerank,
}


def answer(request: Received) -> Reply:
    """The reply to a request, or OpenAI's error."""
    if request.headers.get("authorization") != "Bearer upstream-key":
        return json_reply(openai_error(401, "wrong key"), 401)
    try:
        if request.path in forms.PATHS:
            return forms.PATHS[request.path](forms.form_of(request))
        return PATHS[request.path](request.json())
    except RefusedError as refused:
        return json_reply(openai_error(refused.status, refused.message), refused.status)
    except KeyError:
        return json_reply(openai_error(404, f"no such path: {request.path}"), 404)
