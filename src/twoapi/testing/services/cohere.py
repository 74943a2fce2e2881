"""Cohere's v2 embed and rerank, and its embeddings as Amazon Bedrock serves them beside Titan's."""

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, json_reply
from twoapi.testing.services.refusal import Json, RefusedError, members, one_of, texts
from twoapi.testing.services.truth import packed, ranking, tokens, vector

_PURPOSES = ("search_document", "search_query", "classification", "clustering", "image")
_FORMATS = ("float", "int8", "uint8", "binary", "ubinary", "base64")
_EMBED = {
    "texts": list,
    "images": list,
    "inputs": list,
    "embedding_types": list,
    "output_dimension": int,
    "truncate": str,
    "max_tokens": int,
    "priority": int,
}


def _given(body: Json) -> list[str]:
    named = [name for name in ("texts", "images", "inputs") if name in body]
    if len(named) != 1:
        raise RefusedError("exactly one of texts, images and inputs")
    if named[0] == "inputs":
        return [_joined(members(one, {"content": list}, {})["content"]) for one in body["inputs"]]
    given = texts(body[named[0]], named[0])
    if named[0] == "images" and not all(one.startswith("data:image/") for one in given):
        raise RefusedError("images must be data URLs")
    return given


def _joined(content: list[Json]) -> str:
    words = []
    for part in content:
        if one_of(part.get("type"), "text", "image_url") == "text":
            words.append(members(part, {"type": str, "text": str}, {})["text"])
        else:
            words.append(members(part, {"type": str, "image_url": dict}, {})["image_url"]["url"])
    return "|".join(words)


def _vectors(body: Json, given: list[str]) -> Json:
    one_of(body["input_type"], *_PURPOSES)
    if "truncate" in body:
        one_of(body["truncate"], "NONE", "START", "END")
    found: Json = {}
    for form in body.get("embedding_types", ["float"]):
        one_of(form, *_FORMATS)
        numbers = [vector(text, body.get("output_dimension")) for text in given]
        if form == "float":
            found[form] = numbers
        else:
            found[form] = [packed(one) if form == "base64" else [int(x) for x in one] for one in numbers]
    return found


def _embed(body: Json) -> Reply:
    given = _given(members(body, {"model": str, "input_type": str}, _EMBED))
    billed = {"input_tokens": float(tokens(*given))}
    answer: Json = {"id": "emb-1", "embeddings": _vectors(body, given), "response_type": "embeddings_by_type"}
    if "texts" in body:
        answer["texts"] = given
    return json_reply({**answer, "meta": {"api_version": {"version": "2"}, "billed_units": billed}})


def _rerank(body: Json) -> Reply:
    known = {"top_n": int, "max_tokens_per_doc": int, "priority": int}
    members(body, {"model": str, "query": str, "documents": list}, known)
    results = [
        {"index": number, "relevance_score": score}
        for number, score in ranking(body["query"], texts(body["documents"], "documents"), body.get("top_n"))
    ]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1.0}}
    return json_reply({"id": "rer-1", "results": results, "meta": meta})


def answer(request: Received) -> Reply:
    """The reply to a request, or Cohere's error."""
    if request.headers.get("authorization") != "Bearer upstream-key":
        return json_reply({"message": "invalid api token"}, 401)
    try:
        if request.path == "/v2/embed":
            return _embed(request.json())
        if request.path == "/v2/rerank":
            return _rerank(request.json())
    except RefusedError as refused:
        return json_reply({"message": refused.message, "id": "err-1"}, refused.status)
    return json_reply({"message": f"no such path: {request.path}"}, 404)


def bedrock(request: Received) -> Reply:
    """The reply of Bedrock's InvokeModel, whose bodies are recalled, or its error."""
    model = request.path.removeprefix("/model/").removesuffix("/invoke")
    try:
        body = request.json()
        if "titan-embed" in model:
            members(body, {"inputText": str}, {"dimensions": int, "normalize": bool})
            numbers = vector(body["inputText"], body.get("dimensions"))
            return json_reply({"embedding": numbers, "inputTextTokenCount": tokens(body["inputText"])})
        if "cohere.embed" in model:
            given = _given(members(body, {"input_type": str}, _EMBED))
            typed = {"id": "emb-1", "embeddings": _vectors(body, given), "response_type": "embeddings_by_type"}
            return json_reply(typed, headers={"x-amzn-bedrock-input-token-count": str(tokens(*given))})
    except RefusedError as refused:
        return json_reply({"message": refused.message}, refused.status, {"x-amzn-errortype": "ValidationException"})
    return json_reply({"message": "no such model"}, 404, {"x-amzn-errortype": "ResourceNotFoundException"})
