"""Google's embeddings: batchEmbedContents and embedContent of the Gemini API, predict of Vertex AI; and pictures."""

import re

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, gemini_error, json_reply
from twoapi.testing.services.refusal import Json, Kinds, RefusedError, members, one_of
from twoapi.testing.services.truth import tokens, vector

PICTURE = "iVBORw0KGgo="
TASKS = (
    *("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING"),
    *("QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"),
)
_PATH = re.compile(r"(.*)/models/([^/:]+):(embedContent|batchEmbedContents|predict)$")


def _camel(value: Json) -> Json:
    """The same with every name in camelCase: both spellings are taken, anywhere."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): _camel(one) for name, one in value.items()}


def _text(content: Json) -> str:
    members(content, {"parts": list}, {"role": str})
    if not content["parts"]:
        raise RefusedError("a content needs parts")
    return "".join(members(part, {"text": str}, {})["text"] for part in content["parts"])


def _embed(request: Json, model: str, *, named: bool) -> Json:
    needed = {"content": dict, **({"model": str} if named else {})}
    members(request, needed, {"model": str, "taskType": str, "title": str, "outputDimensionality": int})
    if request.get("model", f"models/{model}") != f"models/{model}":
        raise RefusedError("the model in the path and the model in the request must be the same")
    if "taskType" in request:
        one_of(request["taskType"], *TASKS)
    if "title" in request and request.get("taskType") != "RETRIEVAL_DOCUMENT":
        raise RefusedError("a title goes with RETRIEVAL_DOCUMENT only")
    return {"values": vector(_text(request["content"]), request.get("outputDimensionality"))}


def _predict(body: Json) -> Reply:
    members(body, {"instances": list}, {"parameters": dict})
    size = members(body.get("parameters", {}), {}, {"outputDimensionality": int, "autoTruncate": bool})
    predictions = []
    for one in body["instances"]:
        members(one, {"content": str}, {"task_type": str, "title": str})
        one_of(one.get("task_type", TASKS[0]), *TASKS)
        statistics = {"truncated": False, "token_count": tokens(one["content"])}
        values = vector(one["content"], size.get("outputDimensionality"))
        predictions.append({"embeddings": {"values": values, "statistics": statistics}})
    return json_reply({"predictions": predictions, "metadata": {"billableCharacterCount": 9}})


def _imagine(body: Json) -> Reply:
    """Pictures of Imagen; a prompt that has the word `forbidden` gives none, and one with `half` every other."""
    members(body, {"instances": list}, {"parameters": dict, "labels": dict})
    if len(body["instances"]) != 1:
        raise RefusedError("one instance")
    prompt = members(body["instances"][0], {"prompt": str}, {})["prompt"]
    known: Kinds = {"sampleCount": int, "aspectRatio": str, "negativePrompt": str, "seed": int, "outputOptions": dict}
    parameters = members(body.get("parameters", {}), {}, {**known, "includeRaiReason": bool, "sampleImageSize": str})
    one_of(parameters.get("aspectRatio", "1:1"), "1:1", "3:4", "4:3", "9:16", "16:9")
    output = members(parameters.get("outputOptions", {}), {}, {"mimeType": str, "compressionQuality": int})
    mime = one_of(output.get("mimeType", "image/png"), "image/png", "image/jpeg")
    predictions: list[Json] = []
    for number in range(parameters.get("sampleCount", 1)):
        if "forbidden" in prompt or ("half" in prompt and number % 2):
            predictions.append({"raiFilteredReason": "made-up reason"})
        else:
            predictions.append({"mimeType": mime, "bytesBase64Encoded": PICTURE, "prompt": f"{prompt}, in colour"})
    return json_reply({"predictions": predictions})


def answer(request: Received) -> Reply:
    """The reply to a request, or Google's error."""
    found = _PATH.fullmatch(request.path)
    if found is None:
        return json_reply(gemini_error(404, f"no such path: {request.path}"), 404)
    _, model, method = found.groups()
    if "upstream-key" not in (request.headers.get("x-goog-api-key"), request.headers.get("authorization", "")[7:]):
        return json_reply(gemini_error(401, "wrong key"), 401)
    try:
        if method == "predict":
            return (_imagine if "imagen" in model else _predict)(request.json())
        body = _camel(request.json())
        if method == "embedContent":
            return json_reply({"embedding": _embed(body, model, named=False)})
        members(body, {"requests": list}, {})
        return json_reply({"embeddings": [_embed(one, model, named=True) for one in body["requests"]]})
    except RefusedError as refused:
        return json_reply(gemini_error(refused.status, refused.message), refused.status)
