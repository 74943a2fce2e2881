"""What the shapes of embedding requests share: inputs as texts, settings for all, and what must be reported."""

from msgspec import Raw

from twoapi.ir import JsonText, Loss, plain
from twoapi.protocols.operations.embeddings.model import Embeddings, Input, Purpose, Settings
from twoapi.protocols.operations.members import refuse


def texts(asked: Embeddings, target: str, losses: list[Loss]) -> list[JsonText]:
    """Every input as one text, for a shape that takes nothing else; raises FaultError for another kind of input."""
    return [text_of(one, target, losses) for one in asked.inputs]


def text_of(one: Input, target: str, losses: list[Loss]) -> JsonText:
    """An input as one text; its parts become lines."""
    for piece in one.pieces:
        if piece.kind != "text":
            what = {"tokens": "token ids", "image": "images"}.get(piece.kind, "this kind of input")
            raise refuse(f"{target} takes no {what} here; send texts", piece.at)
    if one.role not in (None, "user"):
        losses.append(Loss(f"{one.at}/role", "dropped", target, "an input has no role"))
    if len(one.pieces) == 1:
        return one.pieces[0].text
    losses.append(Loss(one.at, "emulated", target, "one input of several parts is sent as lines of one text"))
    return "\n".join([plain(piece.text) for piece in one.pieces])


def common(asked: Embeddings, target: str, losses: list[Loss]) -> Settings:
    """The settings for all inputs, for a shape that says them once: the first's; inputs that differ are reported."""
    first = asked.inputs[0].settings
    for one in asked.inputs[1:]:
        other = one.settings
        if other.purpose != first.purpose:
            at = one.at if other.purpose is None else other.purpose_at
            losses.append(Loss(at, "approximated", target, "one purpose for all inputs: the first's"))
    return common_size(asked, target, losses)


def common_size(asked: Embeddings, target: str, losses: list[Loss]) -> Settings:
    """The same, for a shape that has all but the size for each input."""
    first = asked.inputs[0].settings
    for one in asked.inputs[1:]:
        other = one.settings
        if other.dimensions != first.dimensions:
            at = one.at if other.dimensions is None else other.dimensions_at
            losses.append(Loss(at, "approximated", target, "one size for all inputs: the first's"))
    return first


def report_titles(asked: Embeddings, target: str, losses: list[Loss]) -> None:
    """Titles, which only one shape has."""
    losses += [
        Loss(settings.title_at, "dropped", target, "an input has no title here")
        for settings in {id(one.settings): one.settings for one in asked.inputs}.values()
        if settings.title is not None
    ]


def report_rest(asked: Embeddings, target: str, losses: list[Loss]) -> None:
    """What only the vendor of the client's shape knows, and who the user is. What was understood as a purpose all the
    same is told where that is.
    """
    understood = {one.settings.purpose_at for one in asked.inputs if one.settings.purpose is not None}
    if asked.user is not None:
        losses.append(Loss("/user", "dropped", target, "no such field here"))
    losses += [
        Loss(pointer, "dropped", target, "no such field here") for pointer in asked.extras if pointer not in understood
    ]


def report_truncation(asked: Embeddings, target: str, losses: list[Loss]) -> None:
    """What to do with inputs that are too long, for a shape that cannot say it."""
    if asked.truncate is not None:
        losses.append(Loss(asked.truncate_at, "dropped", target, "it decides itself what to do with long inputs"))
    if asked.max_tokens is not None:
        losses.append(Loss(asked.max_tokens_at, "dropped", target, "no such limit here"))


def report_purpose(settings: Settings, target: str, losses: list[Loss]) -> None:
    """What the vectors are for, for a shape that cannot say it."""
    if settings.purpose is not None:
        losses.append(Loss(settings.purpose_at, "dropped", target, "it makes one kind of vectors for all purposes"))


def report_all(asked: Embeddings, settings: Settings, target: str, losses: list[Loss]) -> None:
    """All of these, for a shape that has inputs and their size and nothing else."""
    report_purpose(settings, target, losses)
    report_titles(asked, target, losses)
    report_truncation(asked, target, losses)
    report_rest(asked, target, losses)


def nearest(
    settings: Settings, words: dict[Purpose, str], near: dict[Purpose, str], target: str, losses: list[Loss]
) -> str | None:
    """The shape's word for the purpose, or the nearest that it has; None when none was said or none is near."""
    purpose = settings.purpose
    if purpose is None:
        return None
    word = words.get(purpose)
    if word is None and (word := near.get(purpose)) is not None:
        losses.append(Loss(settings.purpose_at, "approximated", target, f"sent as {word}"))
    elif word is None:
        losses.append(Loss(settings.purpose_at, "dropped", target, "no such purpose here"))
    return word


def listed(values: list[Raw]) -> Raw:
    """Values as one JSON list."""
    return Raw(b"[" + b",".join([bytes(value) for value in values]) + b"]")
