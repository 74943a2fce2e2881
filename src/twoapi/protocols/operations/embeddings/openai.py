"""Embeddings in OpenAI's shape, which most servers share."""

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Face, Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings, Input, Piece, Purpose, Settings
from twoapi.protocols.operations.embeddings.vectors import in_format, only_floats, sort
from twoapi.protocols.operations.members import Members, broken, elements, refuse, with_extras
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

NAME = "openai"
# OpenAI has no such member; of the servers that share its shape several do, with these words.
_PURPOSES: dict[str, Purpose] = {
    "query": "query",
    "search_query": "query",
    "document": "document",
    "passage": "document",
    "search_document": "document",
    "classification": "classification",
    "clustering": "clustering",
}
_NO_USAGE = {"prompt_tokens": 0, "total_tokens": 0}


def decode(incoming: Incoming) -> Embeddings:
    """What a client of this shape asks."""
    members = Members(incoming.body)
    model = members.text("model")
    given = members.raw("input")
    if model is None or given is None:
        raise refuse("model and input are required", "/model" if model is None else "/input")
    settings = Settings()
    settings.dimensions, settings.dimensions_at = members.count("dimensions"), "/dimensions"
    form = members.text("encoding_format")
    if form not in (None, "float", "base64"):
        raise refuse("must be float or base64", "/encoding_format")
    user = members.raw("user")
    extras = members.rest()
    settings.purpose = _PURPOSES.get(json.string(extras.get("/input_type", json.EMPTY)))
    settings.purpose_at = "/input_type"
    found, plain = _inputs(given, settings)
    return Embeddings(
        shape=NAME,
        model=model,
        inputs=found,
        formats=(form or "float",),
        formats_at="" if form is None else "/encoding_format",
        plain=plain,
        user=user,
        extras=extras,
    )


def _inputs(given: Raw, settings: Settings) -> tuple[list[Input], bool]:
    """The inputs, and whether the one stood by itself."""
    if json.first_byte(given) == 34:
        return [Input([Piece("text", given, "/input")], settings, "/input")], True
    found = elements(given, "/input")
    if not found:
        raise refuse("must not be empty", "/input")
    if all(json.first_byte(one) in b"-0123456789" for one in found):
        return [Input([Piece("tokens", at="/input", raw=given)], settings, "/input")], True
    return [_input(one, settings, f"/input/{number}") for number, one in enumerate(found)], False


def _input(one: Raw, settings: Settings, at: str) -> Input:
    kind = json.first_byte(one)
    if kind == 34:
        piece = Piece("text", one, at)
    elif kind == 91:
        piece = Piece("tokens", at=at, raw=one)
    elif kind == 123:
        piece = _object(one, at)
    else:
        raise refuse("must be a string or a list of token ids", at)
    return Input([piece], settings, at)


def _object(one: Raw, at: str) -> Piece:
    """An input as some servers of this shape take it: {"text": ...} or {"image": ...}."""
    members = json.fields(one)
    if set(members) == {"text"} and json.first_byte(members["text"]) == 34:
        return Piece("text", members["text"], f"{at}/text", one)
    if set(members) == {"image"} and json.first_byte(members["image"]) == 34:
        return Piece("image", members["image"], f"{at}/image", one)
    return Piece("other", at=at, raw=one)


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    same = asked.shape == NAME
    settings = inputs.common(asked, NAME, losses)
    found = [_sent(one, losses, same=same) for one in asked.inputs]
    members: dict[str, object] = {"model": model, "input": found[0] if same and asked.plain else found}
    if settings.dimensions is not None:
        members["dimensions"] = settings.dimensions
    if asked.formats == ("base64",) or (same and asked.formats_at):
        members["encoding_format"] = asked.formats[0]
    if asked.user is not None:
        members["user"] = asked.user
    if same:
        return Outgoing(json_bodies.place(path, model), with_extras(members, asked.extras))
    only_floats(asked, NAME, losses)
    inputs.report_all(asked, settings, NAME, losses)
    return Outgoing(json_bodies.place(path, model), json.encode(members))


def _sent(one: Input, losses: list[Loss], *, same: bool) -> object:
    raw = one.pieces[0].raw
    return raw if same and raw is not None else inputs.text_of(one, NAME, losses)


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "data")
    try:
        data = [json.fields(one) for one in json.items(members["data"])]
        found = [(_index(one), one["embedding"]) for one in data]
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no vectors in `data`") from None
    vectors = sort(found, len(asked.inputs))
    form = "base64" if vectors and json.first_byte(vectors[0]) == 34 else "float"
    said = members.get("usage")
    return Embedded(
        vectors={form: vectors},
        shape=NAME,
        model=json.string(members.get("model", json.EMPTY)) or None,
        usage=None if said is None else json_bodies.usage(said),
    )


def _index(one: dict[str, Raw]) -> int | None:
    said = one.get("index")
    found = None if said is None else json.decode(said)
    return found if type(found) is int else None


def write(answer: Embedded, asked: Embeddings, losses: list[Loss]) -> bytes:
    """The answer for a client of this shape."""
    vectors = in_format(answer, asked.formats[0])
    usage: object = _NO_USAGE
    if answer.usage is None or answer.usage.input is None:
        # The SDKs of clients demand numbers.
        losses.append(Loss("/usage", "synthesized", NAME, "the upstream told no usage; sent as zeros"))
    else:
        usage = {"prompt_tokens": answer.usage.total_input, "total_tokens": answer.usage.total_input}
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    data = [{"object": "embedding", "index": number, "embedding": one} for number, one in enumerate(vectors)]
    return json.encode({"object": "list", "data": data, "model": answer.model or asked.model, "usage": usage})


SHAPE = Shape(
    name=NAME,
    native=json_bodies.relayed("data"),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
