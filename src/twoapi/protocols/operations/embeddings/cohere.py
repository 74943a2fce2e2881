"""Embeddings in the shape of Cohere's v2, and as Bedrock takes it for the same vendor's models."""

from msgspec import Raw

from twoapi.ir import JsonText, Loss
from twoapi.protocols.base import Inspection
from twoapi.protocols.operations import cohere_answers, json_bodies
from twoapi.protocols.operations.base import Face, Native, Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import (
    Embedded,
    Embeddings,
    Input,
    Piece,
    Purpose,
    Settings,
    Truncation,
)
from twoapi.protocols.operations.embeddings.vectors import in_format, only_floats, sort
from twoapi.protocols.operations.members import Members, broken, refuse, with_extras
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

NAME = "cohere"
FORMATS = ("float", "int8", "uint8", "binary", "ubinary", "base64")
_WORDS: dict[Purpose, str] = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
    "image": "image",
}
_NEAR: dict[Purpose, str] = {
    "question_answering": "search_query",
    "fact_verification": "search_query",
    "code_query": "search_query",
    "similarity": "clustering",
}
_PURPOSES = {word: purpose for purpose, word in _WORDS.items()}
_TRUNCATIONS: dict[str, Truncation] = {"NONE": "none", "START": "start", "END": "end"}
_COUNTER = b"x-amzn-bedrock-input-token-count"
_FORMS = ("texts", "images", "inputs")


def decode(incoming: Incoming) -> Embeddings:
    """What a client of this shape asks."""
    members = Members(incoming.body)
    model = members.text("model")
    word = members.text("input_type")
    if model is None or word is None:
        raise refuse("model and input_type are required", "/model" if model is None else "/input_type")
    settings = Settings(_PURPOSES.get(word), "/input_type", members.count("output_dimension"), "/output_dimension")
    formats = members.names("embedding_types")
    unknown = [form for form in formats or () if form not in FORMATS]
    if unknown:
        raise refuse(f"{unknown[0]!r} is no embedding type; known: {', '.join(FORMATS)}", "/embedding_types")
    truncate = members.text("truncate")
    if truncate is not None and truncate not in _TRUNCATIONS:
        raise refuse("must be NONE, START or END", "/truncate")
    form, found = _inputs(members, settings)
    max_tokens = members.count("max_tokens")
    extras = members.rest()
    if settings.purpose is None:
        extras["/input_type"] = Raw(json.encode(word))
    return Embeddings(
        shape=NAME,
        model=model,
        inputs=found,
        formats=tuple(formats or ("float",)),
        formats_at="/embedding_types" if formats else "",
        form=form,
        truncate=None if truncate is None else _TRUNCATIONS[truncate],
        truncate_at="/truncate",
        max_tokens=max_tokens,
        max_tokens_at="/max_tokens",
        extras=extras,
    )


def _inputs(members: Members, settings: Settings) -> tuple[str, list[Input]]:
    """The member that holds the inputs, and they."""
    given = {name: found for name in _FORMS if (found := members.elements(name))}
    if len(given) != 1:
        raise refuse("one of texts, images and inputs is required", "/texts")
    ((form, found),) = given.items()
    return form, [_input(one, form, f"/{form}/{number}", settings) for number, one in enumerate(found)]


def _input(one: Raw, form: str, at: str, settings: Settings) -> Input:
    if form == "inputs":
        inner = Members(one, at)
        parts = inner.elements("content") or []
        if not parts or inner.rest():
            raise refuse("must be an object with a list `content`", at)
        return Input([_piece(part, f"{at}/content/{n}") for n, part in enumerate(parts)], settings, at)
    if json.first_byte(one) != 34:
        raise refuse("must be a string", at)
    return Input([Piece("text" if form == "texts" else "image", one, at, one)], settings, at)


def _piece(part: Raw, at: str) -> Piece:
    members = Members(part, at)
    kind = members.text("type")
    if kind == "text":
        text = members.raw("text")
        if text is not None and json.first_byte(text) == 34 and not members.rest():
            return Piece("text", text, f"{at}/text", part)
    elif kind == "image_url":
        inner = members.raw("image_url")
        url = None if inner is None or json.first_byte(inner) != 123 else json.fields(inner).get("url")
        if url is not None and json.first_byte(url) == 34 and not members.rest():
            return Piece("image", url, f"{at}/image_url/url", part)
    return Piece("other", at=at, raw=part)


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    members = _members(asked, losses)
    return _outgoing(asked, {"model": model, **members}, json_bodies.place(path, model), losses)


def encode_bedrock(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The same as Bedrock takes it: the model is in the path alone."""
    return _outgoing(asked, _members(asked, losses), json_bodies.place(path, model), losses)


def _outgoing(asked: Embeddings, members: dict[str, object], path: str, losses: list[Loss]) -> Outgoing:
    if asked.shape == NAME:
        return Outgoing(path, with_extras(members, asked.extras))
    inputs.report_titles(asked, NAME, losses)
    inputs.report_rest(asked, NAME, losses)
    return Outgoing(path, json.encode(members))


def _members(asked: Embeddings, losses: list[Loss]) -> dict[str, object]:
    same = asked.shape == NAME
    settings = inputs.common(asked, NAME, losses)
    form, found = _sent(asked, losses)
    members: dict[str, object] = {form: found}
    word = inputs.nearest(settings, _WORDS, _NEAR, NAME, losses)
    if word is None and not same:
        word = "image" if form == "images" else "search_document"
        losses.append(Loss("/input_type", "synthesized", NAME, f"it must know what the vectors are for: {word}"))
    if word is not None:
        members["input_type"] = word
    members["embedding_types"] = list(asked.formats) if same else ["float"]
    if same and not asked.formats_at:
        del members["embedding_types"]
    if not same:
        only_floats(asked, NAME, losses)
    if settings.dimensions is not None:
        members["output_dimension"] = settings.dimensions
    if asked.truncate is not None:
        members["truncate"] = asked.truncate.upper()
    if asked.max_tokens is not None:
        members["max_tokens"] = asked.max_tokens
    return members


def _sent(asked: Embeddings, losses: list[Loss]) -> tuple[str, list[object]]:
    """The member for the inputs, and they: as texts where all are, as images where all are, else as lists of parts."""
    if asked.shape == NAME:
        pieces = [[piece.raw for piece in one.pieces] for one in asked.inputs]
        return asked.form, [{"content": one} if asked.form == "inputs" else one[0] for one in pieces]
    kinds = {piece.kind for one in asked.inputs for piece in one.pieces}
    if kinds == {"text"}:
        return "texts", list(inputs.texts(asked, NAME, losses))
    if kinds == {"image"} and all(len(one.pieces) == 1 for one in asked.inputs):
        return "images", [one.pieces[0].text for one in asked.inputs]
    return "inputs", [{"content": [_part(piece) for piece in one.pieces]} for one in asked.inputs]


def _part(piece: Piece) -> dict[str, JsonText | dict[str, JsonText]]:
    if piece.kind == "text":
        return {"type": "text", "text": piece.text}
    if piece.kind == "image":
        return {"type": "image_url", "image_url": {"url": piece.text}}
    raise refuse(f"{NAME} takes no token ids and no such inputs here; send texts", piece.at)


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer: vectors by their types, or in a bare list of floats as on Bedrock."""
    members = cohere_answers.members_of(body, "embeddings")
    told = members["embeddings"]
    try:
        bare = json.first_byte(told) == 91
        typed = {"float": told} if bare else json.fields(told)
        vectors = {
            form: sort([(None, one) for one in json.items(listed)], len(asked.inputs))
            for form, listed in typed.items()
            if not json.is_null(listed) and form in FORMATS
        }
    except WireError:
        raise broken("the upstream's answer holds no vectors in `embeddings`") from None
    if not vectors:
        raise broken("the upstream's answer holds no vectors in `embeddings`")
    said = {} if bare else {f"/embeddings/{form}": value for form, value in typed.items() if form not in FORMATS}
    return Embedded(
        vectors=vectors,
        shape=NAME,
        id=json.string(members.get("id", json.EMPTY)) or None,
        usage=cohere_answers.usage(members.get("meta", json.EMPTY)),
        said=said,
    )


def inspect(body: bytes) -> Inspection:
    """Usage and hidden error of an answer that is relayed."""
    return cohere_answers.inspect(body, "embeddings")


def write(answer: Embedded, asked: Embeddings, losses: list[Loss]) -> bytes:
    """The answer for a client of this shape: of the formats it asked for, those that can be made."""
    made = [form for form in asked.formats if form in ("float", "base64") or form in answer.vectors]
    document: dict[str, object] = {
        "id": answer.id or "",
        "embeddings": {form: in_format(answer, form) for form in made},
        "response_type": "embeddings_by_type",
    }
    if asked.form == "texts":
        document["texts"] = [one.pieces[0].text for one in asked.inputs]
    document["meta"] = cohere_answers.meta(answer.usage)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    return json.encode(document)


SHAPE = Shape(
    name=NAME,
    native=Native(peek=json_bodies.peek_model, relay=json_bodies.relay, inspect=inspect),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
BEDROCK = Shape(name="bedrock-cohere", reach=Reach(encode=encode_bedrock, read=read, counter=_COUNTER))
