"""Pictures as Google's Imagen makes them, by :predict; on Vertex AI and in the Gemini API."""

from fractions import Fraction
from math import log

from msgspec import Raw

from twoapi.ir import Fault, FaultError, Loss, plain
from twoapi.protocols.base import Inspection, Peek
from twoapi.protocols.operations import gemini_paths, json_bodies
from twoapi.protocols.operations.base import Face, Native, Reach, Shape
from twoapi.protocols.operations.gemini_paths import target
from twoapi.protocols.operations.images.model import Made, Picture, Pictures
from twoapi.protocols.operations.members import Members, broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

NAME = "imagen"
METHOD = "predict"
_RATIOS = {"1:1": (1, 1), "3:4": (3, 4), "4:3": (4, 3), "9:16": (9, 16), "16:9": (16, 9)}
_USUAL = (1024, 1024)  # pixels of a square picture, when no size is asked for
_FILES = ("image/png", "image/jpeg")
_KNOWN = frozenset(("bytesBase64Encoded", "mimeType", "prompt", "raiFilteredReason"))


def peek(incoming: Incoming) -> Peek:
    """The model, which is in the path."""
    return Peek(target(incoming.path)[1], stream=False)


def relay(incoming: Incoming, peek: Peek, model: str, path: str) -> Outgoing:  # noqa: ARG001  as all shapes do it
    """The client's own body."""
    version, _, method = target(incoming.path)
    return Outgoing(gemini_paths.place(path, model, version, method), incoming.body)


def inspect(body: bytes) -> Inspection:
    """The hidden error of an answer that is relayed."""
    try:
        members = _answer(body)
    except FaultError as error:
        return Inspection(fault=error.fault)
    listed = members.get("predictions", json.EMPTY)
    return Inspection() if json.is_null(listed) or json.first_byte(listed) == 91 else Inspection(fault=_unread().fault)


def decode(incoming: Incoming) -> Pictures:
    """What a client of this shape asks."""
    _, model, _ = target(incoming.path)
    members = Members(incoming.body)
    instances = members.elements("instances") or []
    if len(instances) != 1:
        raise refuse("one prompt makes pictures; send one instance", "/instances")
    instance = Members(instances[0], "/instances/0")
    prompt = instance.raw("prompt")
    if prompt is None or json.first_byte(prompt) != 34:
        message = "a text is required: pictures are made here; embeddings are asked for by :batchEmbedContents"
        raise refuse(message, "/instances/0/prompt")
    asked = Pictures(shape=NAME, model=model, prompt=prompt, own=json.fields(incoming.body))
    extras = instance.rest()
    given = members.raw("parameters")
    if given is not None:
        extras |= _parameters(Members(given, "/parameters"), asked)
    asked.extras = extras | members.rest()
    return asked


def _parameters(parameters: Members, asked: Pictures) -> dict[str, Raw]:
    """Takes what is known; the rest, by its pointers."""
    asked.count = parameters.count("sampleCount")
    ratio = parameters.text("aspectRatio")
    if ratio is not None:
        asked.size_at = "/parameters/aspectRatio"
        asked.width, asked.height = _RATIOS.get(ratio, (0, 0))
        if not asked.width:
            raise refuse(f"must be one of {', '.join(_RATIOS)}", asked.size_at)
    given, extras = parameters.raw("outputOptions"), {}
    if given is not None:
        output = Members(given, "/parameters/outputOptions")
        asked.mime, asked.mime_at = output.text("mimeType"), "/parameters/outputOptions/mimeType"
        asked.compression = output.count("compressionQuality")
        extras = output.rest()
    return extras | parameters.rest()


def encode(asked: Pictures, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    place = gemini_paths.place(path, model, "", METHOD)
    if asked.shape == NAME:
        return Outgoing(place, json.encode(asked.own))
    parameters: dict[str, object] = {}
    if asked.count is not None:
        parameters["sampleCount"] = asked.count
    if asked.width and asked.height:
        ratio = _nearest(asked.width, asked.height)
        parameters["aspectRatio"] = ratio
        if (asked.width, asked.height) != _USUAL:
            losses.append(Loss(asked.size_at, "approximated", NAME, f"sent as the aspect ratio {ratio}"))
    output = _output(asked, losses)
    if output:
        parameters["outputOptions"] = output
    if asked.as_url:
        losses.append(Loss("/response_format", "emulated", NAME, "the URLs hold the pictures themselves"))
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in asked.extras]
    body: dict[str, object] = {"instances": [{"prompt": asked.prompt}]}
    if parameters:
        body["parameters"] = parameters
    return Outgoing(place, json.encode(body))


def _output(asked: Pictures, losses: list[Loss]) -> dict[str, object]:
    """What the files are to be."""
    if asked.mime in _FILES:
        output: dict[str, object] = {"mimeType": asked.mime}
        if asked.compression is not None:
            output["compressionQuality"] = asked.compression
        return output
    if asked.mime is not None:
        losses.append(Loss(asked.mime_at, "dropped", NAME, f"no {asked.mime} here: pictures come as image/png"))
    if asked.compression is not None:
        losses.append(Loss("/output_compression", "dropped", NAME, "it goes with image/jpeg"))
    return {}


def _nearest(width: int, height: int) -> str:
    """The aspect ratio that is least different."""

    def distance(ratio: str) -> float:
        across, down = _RATIOS[ratio]
        return abs(log(Fraction(width, height) / Fraction(across, down)))

    return min(_RATIOS, key=distance)


def _answer(body: bytes) -> dict[str, Raw]:
    try:
        members = json.fields(body)
    except WireError:
        raise broken("the upstream's answer is not a JSON object") from None
    fault = json_bodies.hidden_fault(members, "gemini")
    if fault is not None:
        raise FaultError(fault)
    return members


def _unread() -> FaultError:
    return broken("the upstream's answer holds no pictures in `predictions`")


def read(body: bytes, asked: Pictures) -> Made:  # noqa: ARG001  as all shapes do it
    """An upstream's answer. One in which every picture was withheld raises FaultError."""
    members = _answer(body)
    made = Made(shape=NAME, pictures=[])
    listed = members.pop("predictions", json.EMPTY)
    try:
        found = [] if json.is_null(listed) else [json.fields(one) for one in json.items(listed)]
        for number, one in enumerate(found):
            _read_one(one, f"/predictions/{number}", made)
    except (WireError, KeyError):
        raise _unread() from None
    made.said |= {f"/{json.escape(name)}": value for name, value in members.items()}
    if not made.pictures:
        why = "; ".join(dict.fromkeys(made.withheld.values())) or "it made none, and says no reason"
        raise FaultError(Fault("content_filtered", f"the model gives no picture for this prompt: {why}"))
    return made


def _read_one(one: dict[str, Raw], at: str, made: Made) -> None:
    data = one.get("bytesBase64Encoded")
    if data is not None:
        if json.first_byte(data) != 34:
            raise KeyError(at)
        mime, prompt = json.string(one.get("mimeType", json.EMPTY)), one.get("prompt")
        made.pictures.append(Picture(data, mime or "image/png", prompt=prompt))
    reason = json.string(one.get("raiFilteredReason", json.EMPTY))
    if reason:
        made.withheld[f"{at}/raiFilteredReason"] = reason
    made.said |= {f"{at}/{json.escape(name)}": value for name, value in one.items() if name not in _KNOWN}


def write(answer: Made, asked: Pictures, losses: list[Loss]) -> bytes:  # noqa: ARG001  as all shapes do it
    """The answer for a client of this shape."""
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    if answer.usage is not None:
        losses.append(Loss("/usage", "dropped", NAME, "no such field here"))
    predictions = []
    for picture in answer.pictures:
        data, mime = _data(picture)
        one: dict[str, object] = {"mimeType": mime, "bytesBase64Encoded": data}
        if picture.prompt is not None:
            one["prompt"] = picture.prompt
        predictions.append(one)
    predictions += [{"raiFilteredReason": reason} for reason in answer.withheld.values()]
    return json.encode({"predictions": predictions})


def _data(picture: Picture) -> tuple[object, str]:
    """Base64 and type of a picture; raises FaultError for one that is elsewhere."""
    if picture.data is not None:
        return picture.data, picture.mime
    mime, comma, data = plain(picture.url or "").partition(";base64,")
    if not comma or not mime.startswith("data:"):
        raise broken("the upstream answers with the URL of a picture, and clients of this shape take none")
    return data, mime[5:]


SHAPE = Shape(
    name=NAME,
    native=Native(peek=peek, relay=relay, inspect=inspect),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
