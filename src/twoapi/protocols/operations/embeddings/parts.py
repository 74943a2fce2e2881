"""Many inputs for a model that takes one at a time: a request for each, and their answers as one."""

from msgspec.structs import replace

from twoapi.ir import Usage
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings
from twoapi.protocols.operations.members import refuse

_MOST = 256  # requests for one; they go out one after another


def split(asked: Embeddings) -> list[Embeddings]:
    """A request for each input; raises FaultError for too many."""
    if len(asked.inputs) > _MOST:
        raise refuse(f"this model embeds one input at a time; send at most {_MOST}", asked.inputs[_MOST].at)
    return [replace(asked, inputs=[one]) for one in asked.inputs]


def join(answers: list[Embedded]) -> Embedded:
    """The answers to these, in their order."""
    first = answers[0]
    vectors = {form: [answer.vectors[form][0] for answer in answers] for form in first.vectors}
    counts = [None if answer.usage is None else answer.usage.input for answer in answers]
    known = [count for count in counts if count is not None]
    usage = Usage(input=sum(known)) if len(known) == len(counts) else None
    return replace(first, vectors=vectors, usage=usage)
