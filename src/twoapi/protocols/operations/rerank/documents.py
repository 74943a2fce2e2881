"""What the shapes of rerank requests share."""

from msgspec import Raw

from twoapi.ir import JsonText, Loss
from twoapi.protocols.operations.members import Members, broken, refuse
from twoapi.protocols.operations.rerank.model import Document, Rank, Rerank
from twoapi.wire import json
from twoapi.wire.errors import WireError


def decode(members: Members, shape: str) -> Rerank:
    """The members that all shapes have."""
    model, query = members.text("model"), members.raw("query")
    if model is None or query is None:
        raise refuse("model and query are required", "/model" if model is None else "/query")
    if json.first_byte(query) != 34:
        raise refuse("must be a string", "/query")
    found = members.elements("documents")
    if not found:
        raise refuse("must be a list that is not empty", "/documents")
    documents = [_document(one, f"/documents/{number}") for number, one in enumerate(found)]
    return Rerank(shape=shape, model=model, query=query, documents=documents, top_n=members.count("top_n"))


def _document(one: Raw, at: str) -> Document:
    kind = json.first_byte(one)
    if kind == 34:
        return Document(one, one, at)
    if kind != 123:
        raise refuse("must be a string, or an object with a text", at)
    members = json.fields(one)
    text = members.get("text")
    is_text = set(members) == {"text"} and text is not None and json.first_byte(text) == 34
    return Document(text if is_text else None, one, at)


def texts(asked: Rerank, target: str) -> list[JsonText]:
    """Every document as a text; raises FaultError for one that has none."""
    found = []
    for document in asked.documents:
        if document.text is None:
            raise refuse(f"{target} takes texts alone; send strings, or objects with a text", document.at)
        found.append(document.text)
    return found


def report_rest(asked: Rerank, target: str, losses: list[Loss]) -> None:
    """What only the vendor of the client's shape knows."""
    losses += [Loss(pointer, "dropped", target, "no such field here") for pointer in asked.extras]


def ranks(results: Raw, place: str, asked: Rerank) -> tuple[list[Rank], dict[str, Raw]]:
    """The results of an answer, and what else they tell by its pointer below `place`; raises FaultError."""
    found: list[Rank] = []
    said: dict[str, Raw] = {}
    try:
        for number, one in enumerate(json.items(results)):
            members = json.fields(one)
            index = json.decode(members.pop("index"))
            score = members.pop("relevance_score")
            if type(index) is not int or not 0 <= index < len(asked.documents) or not _is_number(score):
                raise broken("the upstream's results do not fit the documents")
            found.append(Rank(index, score))
            members.pop("document", None)
            said |= {f"{place}/{number}/{json.escape(name)}": value for name, value in members.items()}
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no results that can be read") from None
    return found, said


def _is_number(raw: Raw) -> bool:
    return json.first_byte(raw) in b"-0123456789"


def told(asked: Rerank, rank: Rank) -> object:
    """The document of a result as clients read it: {"text": ...}, or what they sent."""
    document = asked.documents[rank.index]
    return document.raw if document.text is None else {"text": document.text}
