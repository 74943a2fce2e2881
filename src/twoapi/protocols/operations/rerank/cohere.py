"""Rerank in the shape of Cohere's v2."""

from twoapi.ir import Loss
from twoapi.protocols.base import Inspection
from twoapi.protocols.operations import cohere_answers, json_bodies
from twoapi.protocols.operations.base import Face, Native, Reach, Shape
from twoapi.protocols.operations.members import Members, with_extras
from twoapi.protocols.operations.rerank import documents
from twoapi.protocols.operations.rerank.model import Ranked, Rerank
from twoapi.wire import json
from twoapi.wire.http import Incoming, Outgoing

NAME = "cohere"


def decode(incoming: Incoming) -> Rerank:
    """What a client of this shape asks."""
    members = Members(incoming.body)
    asked = documents.decode(members, NAME)
    asked.tells_documents = False
    asked.max_tokens = members.count("max_tokens_per_doc")
    asked.extras = members.rest()
    return asked


def encode(asked: Rerank, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    members: dict[str, object] = {"model": model, "query": asked.query}
    if asked.top_n is not None:
        members["top_n"] = asked.top_n
    if asked.max_tokens is not None:
        members["max_tokens_per_doc"] = asked.max_tokens
    if asked.shape == NAME:
        members["documents"] = [one.raw for one in asked.documents]
        return Outgoing(json_bodies.place(path, model), with_extras(members, asked.extras))
    members["documents"] = documents.texts(asked, NAME)
    documents.report_rest(asked, NAME, losses)
    return Outgoing(json_bodies.place(path, model), json.encode(members))


def read(body: bytes, asked: Rerank) -> Ranked:
    """An upstream's answer."""
    members = cohere_answers.members_of(body, "results")
    found, said = documents.ranks(members["results"], "/results", asked)
    return Ranked(
        shape=NAME,
        ranks=found,
        id=json.string(members.get("id", json.EMPTY)) or None,
        usage=cohere_answers.usage(members.get("meta", json.EMPTY)),
        said=said,
    )


def inspect(body: bytes) -> Inspection:
    """Usage and hidden error of an answer that is relayed."""
    return cohere_answers.inspect(body, "results")


def write(answer: Ranked, asked: Rerank, losses: list[Loss]) -> bytes:  # noqa: ARG001  other shapes tell it
    """The answer for a client of this shape."""
    results = [{"index": rank.index, "relevance_score": rank.score} for rank in answer.ranks]
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    meta = cohere_answers.meta(answer.usage)
    return json.encode({**({"id": answer.id} if answer.id else {}), "results": results, "meta": meta})


SHAPE = Shape(
    name=NAME,
    native=Native(peek=json_bodies.peek_model, relay=json_bodies.relay, inspect=inspect),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
