"""Rerank in DashScope's own shape; upstreams only."""

from twoapi.ir import Loss
from twoapi.protocols.operations import dashscope_answers, json_bodies
from twoapi.protocols.operations.base import Reach, Shape
from twoapi.protocols.operations.rerank import documents
from twoapi.protocols.operations.rerank.model import Ranked, Rerank
from twoapi.wire import json
from twoapi.wire.http import Outgoing

NAME = "dashscope"


def encode(asked: Rerank, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape. Documents are not asked for: they are here."""
    parameters: dict[str, object] = {"return_documents": False}
    if asked.top_n is not None:
        parameters["top_n"] = asked.top_n
    if asked.max_tokens is not None:
        losses.append(Loss("/max_tokens_per_doc", "dropped", NAME, "no such limit here"))
    documents.report_rest(asked, NAME, losses)
    told = {"query": asked.query, "documents": documents.texts(asked, NAME)}
    body = {"model": model, "parameters": parameters, "input": told}
    return Outgoing(json_bodies.place(path, model), json.encode(body))


def read(body: bytes, asked: Rerank) -> Ranked:
    """An upstream's answer."""
    output, members = dashscope_answers.output(body, "results")
    found, said = documents.ranks(output["results"], "/output/results", asked)
    return Ranked(
        shape=NAME,
        ranks=found,
        id=json.string(members.get("request_id", json.EMPTY)) or None,
        usage=dashscope_answers.usage(members.get("usage", json.EMPTY)),
        said=said,
    )


SHAPE = Shape(name=NAME, reach=Reach(encode=encode, read=read))
