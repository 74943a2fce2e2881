"""Embeddings in Gemini's shape: the model and the method are in the path, every input has settings of its own."""

from msgspec import Raw

from twoapi.ir import FaultError, Loss, Usage, plain
from twoapi.protocols import data_urls
from twoapi.protocols.base import Inspection, Peek
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Face, Native, Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings, Input, Piece, Purpose, Settings
from twoapi.protocols.operations.embeddings.vectors import in_format, only_floats, sort
from twoapi.protocols.operations.gemini_paths import name_of, place, target
from twoapi.protocols.operations.members import Members, broken, refuse, with_extras
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

NAME = "gemini"
ONE, MANY = "embedContent", "batchEmbedContents"
WORDS: dict[Purpose, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "question_answering": "QUESTION_ANSWERING",
    "fact_verification": "FACT_VERIFICATION",
    "code_query": "CODE_RETRIEVAL_QUERY",
}
_PURPOSES = {word: purpose for purpose, word in WORDS.items()}


def peek(incoming: Incoming) -> Peek:
    """The model, which is in the path."""
    return Peek(target(incoming.path)[1], stream=False)


def relay(incoming: Incoming, peek: Peek, model: str, path: str) -> Outgoing:
    """The client's own body; where it names the model once more, by the upstream's name."""
    version, _, method = target(incoming.path)
    body = incoming.body
    if model != peek.model and b'"model"' in body:
        body = _renamed(body, model)
    return Outgoing(place(path, model, version, method), body)


def _renamed(body: bytes, model: str) -> bytes:
    name = json.encode(name_of(model))
    try:
        members = json.fields(body)
        if "requests" not in members:
            return json.replace_member(body, members, "model", name) if "model" in members else body
        requests = []
        for one in json.items(members["requests"]):
            inner = json.fields(one)
            named = "model" in inner
            requests.append(Raw(json.replace_member(bytes(one), inner, "model", name)) if named else one)
        return json.replace_member(body, members, "requests", bytes(inputs.listed(requests)))
    except WireError as error:
        raise refuse(error.message, None) from None


def decode(incoming: Incoming) -> Embeddings:
    """What a client of this shape asks, for one input or for many."""
    _, model, method = target(incoming.path)
    members = Members(incoming.body, spellings=True)
    extras: dict[str, Raw] = {}
    if method == ONE:
        found = [_input(members, extras)]
    else:
        where = members.where("requests")
        requests = members.elements("requests") or []
        if not requests:
            raise refuse("must not be empty", "/requests")
        found = [
            _input(Members(one, f"{where}/{number}", spellings=True), extras) for number, one in enumerate(requests)
        ]
        extras |= members.rest()
    return Embeddings(shape=NAME, model=model, inputs=found, plain=method == ONE, extras=extras)


def _input(request: Members, extras: dict[str, Raw]) -> Input:
    request.raw("model")  # the path has said it
    settings = Settings()
    settings.purpose_at = request.where("taskType")
    word = request.text("taskType")
    settings.purpose = _PURPOSES.get(word or "")
    if word is not None and settings.purpose is None:
        extras[settings.purpose_at] = Raw(json.encode(word))
    settings.title_at = request.where("title")
    settings.title = request.text("title")
    settings.dimensions_at = request.where("outputDimensionality")
    settings.dimensions = request.count("outputDimensionality")
    where = request.where("content")
    given = request.raw("content")
    if given is None:
        raise refuse("content is required", where)
    content = Members(given, where, spellings=True)
    parts_at = content.where("parts")
    pieces = [_piece(part, f"{parts_at}/{number}") for number, part in enumerate(content.elements("parts") or [])]
    if not pieces:
        raise refuse("must not be empty", parts_at)
    role = content.text("role")
    extras |= content.rest()
    extras |= request.rest()
    return Input(pieces, settings, where, role)


def _piece(part: Raw, at: str) -> Piece:
    members = Members(part, at, spellings=True)
    text = members.raw("text")
    if text is not None and json.first_byte(text) == 34 and not members.rest():
        return Piece("text", text, f"{at}/text", part)
    where = members.where("inlineData")
    inline = members.raw("inlineData")
    if inline is not None and json.first_byte(inline) == 123:
        media = Members(inline, where, spellings=True)
        mime, data = media.text("mimeType") or "", media.text("data") or ""
        if mime.startswith("image/") and not members.rest():
            return Piece("image", data_urls.encode_url(data, mime), where, part)
    return Piece("other", at=at, raw=part)


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape: always for many, unless the client of this shape asked for one."""
    same = asked.shape == NAME
    name = name_of(model)
    requests = [_request(one, name, losses, same=same) for one in asked.inputs]
    method = ONE if same and asked.plain else MANY
    document: dict[str, object] = requests[0] if method == ONE else {"requests": requests}
    if same:
        return Outgoing(place(path, model, "", method), with_extras(document, asked.extras))
    only_floats(asked, NAME, losses)
    inputs.report_truncation(asked, NAME, losses)
    inputs.report_rest(asked, NAME, losses)
    return Outgoing(place(path, model, "", method), json.encode(document))


def _request(one: Input, name: str, losses: list[Loss], *, same: bool) -> dict[str, object]:
    content: dict[str, object] = {
        "parts": [piece.raw if same and piece.raw is not None else _part(piece) for piece in one.pieces]
    }
    if one.role is not None:
        content["role"] = one.role
    settings = one.settings
    request: dict[str, object] = {"model": name, "content": content}
    word = inputs.nearest(settings, WORDS, {}, NAME, [] if _is_told(settings, losses) else losses)
    if word is not None:
        request["taskType"] = word
    if settings.title is not None:
        request["title"] = settings.title
    if settings.dimensions is not None:
        request["outputDimensionality"] = settings.dimensions
    return request


def _is_told(settings: Settings, losses: list[Loss]) -> bool:
    """True when what is lost of settings that several inputs share has been reported for one of them."""
    return any(loss.path == settings.purpose_at for loss in losses)


def _part(piece: Piece) -> dict[str, object]:
    if piece.kind == "text":
        return {"text": piece.text}
    mime, comma, data = plain(piece.text).partition(";base64,")
    if piece.kind != "image" or not comma or not mime.startswith("data:"):
        what = "only images that are data URLs" if piece.kind == "image" else "no token ids and no such inputs"
        raise refuse(f"{NAME} takes {what} here; send texts", piece.at)
    return {"inlineData": {"mimeType": mime[5:], "data": data}}


def _answer(body: bytes) -> dict[str, Raw]:
    """The members of an answer; raises FaultError."""
    try:
        members = json.fields(body)
    except WireError:
        raise broken("the upstream's answer is not a JSON object") from None
    fault = json_bodies.hidden_fault(members, NAME)
    if fault is not None:
        raise FaultError(fault)
    if "embeddings" not in members and "embedding" not in members:
        raise broken("the upstream's answer holds no embeddings")
    return members


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer to one input or to many."""
    members = _answer(body)
    try:
        listed = [members["embedding"]] if "embedding" in members else json.items(members["embeddings"])
        found = [json.fields(one) for one in listed]
        vectors = sort([(None, one["values"]) for one in found], len(asked.inputs))
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no vectors in `embeddings`") from None
    said = {
        f"/embeddings/{number}/{name}": value
        for number, one in enumerate(found)
        for name, value in one.items()
        if name not in ("values", "shape", "statistics")
    }
    return Embedded(vectors={"float": vectors}, shape=NAME, usage=_usage(members, found), said=said)


def _usage(members: dict[str, Raw], found: list[dict[str, Raw]]) -> Usage | None:
    """The tokens of all inputs; only some services tell them, for all at once or for each."""
    try:
        if "usageMetadata" in members:
            told = json.decode(members["usageMetadata"])
            return Usage(input=int(told["promptTokenCount"]), raw=members["usageMetadata"])
        counts = [json.decode(one["statistics"])["tokenCount"] for one in found]
        return Usage(input=int(sum(counts)))
    except (WireError, KeyError, TypeError, ValueError):
        return None


def inspect(body: bytes) -> Inspection:
    """Usage and hidden error of an answer that is relayed."""
    try:
        members = _answer(body)
        listed = json.items(members["embeddings"]) if "embeddings" in members else [members["embedding"]]
        return Inspection(usage=_usage(members, [json.fields(one) for one in listed]))
    except FaultError as error:
        return Inspection(fault=error.fault)
    except WireError:
        return Inspection(fault=broken("the upstream's answer holds no embeddings").fault)


def write(answer: Embedded, asked: Embeddings, losses: list[Loss]) -> bytes:
    """The answer for a client of this shape."""
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    vectors = [{"values": one} for one in in_format(answer, "float")]
    document: dict[str, object] = {"embedding": vectors[0]} if asked.plain else {"embeddings": vectors}
    if answer.usage is not None and answer.usage.input is not None:
        document["usageMetadata"] = {"promptTokenCount": answer.usage.input, "totalTokenCount": answer.usage.input}
    return json.encode(document)


SHAPE = Shape(
    name=NAME,
    native=Native(peek=peek, relay=relay, inspect=inspect),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
