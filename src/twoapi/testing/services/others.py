"""DashScope's embeddings and rerank, Ollama's embeddings; and all of these services behind one address."""

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, json_reply
from twoapi.testing.services import cohere, google, openai
from twoapi.testing.services.refusal import Json, RefusedError, members, one_of, texts
from twoapi.testing.services.truth import ranking, tokens, vector

_EMBED = "/api/v1/services/embeddings/text-embedding/text-embedding"
_RERANK = "/api/v1/services/rerank/text-rerank/text-rerank"


def _dash_embed(body: Json) -> Json:
    members(body, {"model": str, "input": dict}, {"parameters": dict})
    given = texts(members(body["input"], {"texts": list}, {})["texts"], "texts")
    parameters = members(body.get("parameters", {}), {}, {"dimension": int, "text_type": str, "output_type": str})
    one_of(parameters.get("text_type", "document"), "query", "document")
    found = [
        {"text_index": number, "embedding": vector(text, parameters.get("dimension"))}
        for number, text in enumerate(given)
    ]
    found.reverse()  # their numbers tell which is whose
    return {"output": {"embeddings": found}, "usage": {"total_tokens": tokens(*given)}, "request_id": "r-1"}


def _dash_rerank(body: Json) -> Json:
    members(body, {"model": str, "input": dict}, {"parameters": dict})
    given = members(body["input"], {"query": str, "documents": list}, {})
    parameters = members(body.get("parameters", {}), {}, {"top_n": int, "return_documents": bool})
    documents = texts(given["documents"], "documents")
    results: list[Json] = [
        {"index": number, "relevance_score": score}
        for number, score in ranking(given["query"], documents, parameters.get("top_n"))
    ]
    if parameters.get("return_documents"):
        results = [{**one, "document": {"text": documents[one["index"]]}} for one in results]
    count = tokens(given["query"], *documents)
    return {"output": {"results": results}, "usage": {"total_tokens": count}, "request_id": "r-1"}


def dashscope(request: Received) -> Reply:
    """The reply to a request, or DashScope's error."""
    if request.headers.get("authorization") != "Bearer upstream-key":
        return json_reply({"code": "InvalidApiKey", "message": "wrong key", "request_id": "r-1"}, 401)
    try:
        if request.path == _EMBED:
            return json_reply(_dash_embed(request.json()))
        if request.path == _RERANK:
            return json_reply(_dash_rerank(request.json()))
    except RefusedError as refused:
        return json_reply({"code": "InvalidParameter", "message": refused.message, "request_id": "r-1"}, refused.status)
    return json_reply({"code": "InvalidURL", "message": "url error", "request_id": "r-1"}, 400)


def ollama(request: Received) -> Reply:
    """The reply of Ollama's /api/embed, or its error."""
    try:
        body = members(
            request.json(),
            {"model": str, "input": (str, list)},
            {"truncate": bool, "dimensions": int, "keep_alive": (str, int), "options": dict},
        )
        given = [body["input"]] if isinstance(body["input"], str) else texts(body["input"], "input")
    except RefusedError as refused:
        return json_reply({"error": refused.message}, refused.status)
    vectors = [vector(text, body.get("dimensions")) for text in given]
    return json_reply({"model": body["model"], "embeddings": vectors, "prompt_eval_count": tokens(*given)})


def everything(request: Received) -> Reply:
    """The reply of the vendor whose path it is."""
    path = request.path
    if path.startswith("/api/v1/services/"):
        return dashscope(request)
    if path == "/api/embed":
        return ollama(request)
    if path.startswith("/model/"):
        return cohere.bedrock(request)
    if path.startswith("/v2/"):
        return cohere.answer(request)
    return google.answer(request) if ":" in path else openai.answer(request)
