"""Rerank as Jina serves it, and with it vLLM, Infinity, Together, SiliconFlow, Xinference and others."""

from twoapi.ir import Loss
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Face, Reach, Shape
from twoapi.protocols.operations.members import Members, with_extras
from twoapi.protocols.operations.rerank import documents
from twoapi.protocols.operations.rerank.model import Ranked, Rerank
from twoapi.wire import json
from twoapi.wire.http import Incoming, Outgoing

NAME = "jina"


def decode(incoming: Incoming) -> Rerank:
    """What a client of this shape asks."""
    members = Members(incoming.body)
    asked = documents.decode(members, NAME)
    asked.tells_documents = members.flag("return_documents")
    asked.max_tokens = members.count("max_tokens_per_doc")
    asked.extras = members.rest()
    return asked


def encode(asked: Rerank, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape. Documents are not asked for: they are here."""
    members: dict[str, object] = {
        "model": model,
        "query": asked.query,
        "documents": [one.raw if one.text is None else one.text for one in asked.documents],
    }
    if asked.top_n is not None:
        members["top_n"] = asked.top_n
    if asked.shape == NAME:
        members["documents"] = [one.raw for one in asked.documents]
        if asked.tells_documents is not None:
            members["return_documents"] = asked.tells_documents
        if asked.max_tokens is not None:
            members["max_tokens_per_doc"] = asked.max_tokens
        return Outgoing(json_bodies.place(path, model), with_extras(members, asked.extras))
    members["return_documents"] = False
    if asked.max_tokens is not None:
        losses.append(Loss("/max_tokens_per_doc", "dropped", NAME, "no such limit here"))
    documents.report_rest(asked, NAME, losses)
    return Outgoing(json_bodies.place(path, model), json.encode(members))


def read(body: bytes, asked: Rerank) -> Ranked:
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "results")
    found, said = documents.ranks(members["results"], "/results", asked)
    usage = members.get("usage")
    return Ranked(
        shape=NAME,
        ranks=found,
        id=json.string(members.get("id", json.EMPTY)) or None,
        model=json.string(members.get("model", json.EMPTY)) or None,
        usage=None if usage is None else json_bodies.usage(usage),
        said=said,
    )


def write(answer: Ranked, asked: Rerank, losses: list[Loss]) -> bytes:
    """The answer for a client of this shape, with the documents unless it wants none."""
    results = []
    for rank in answer.ranks:
        result: dict[str, object] = {"index": rank.index, "relevance_score": rank.score}
        if asked.tells_documents is not False:
            result["document"] = documents.told(asked, rank)
        results.append(result)
    document: dict[str, object] = {"model": answer.model or asked.model, "results": results}
    if answer.id is not None:
        document["id"] = answer.id
    usage = answer.usage
    if usage is not None and usage.input is not None:
        document["usage"] = {"total_tokens": usage.input, "prompt_tokens": usage.input}
    if usage is not None and usage.server_tools:
        document["meta"] = {"billed_units": usage.server_tools}
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    return json.encode(document)


SHAPE = Shape(
    name=NAME,
    native=json_bodies.relayed("results"),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
