"""Pictures in OpenAI's shape, which most servers share."""

from fnmatch import fnmatchcase

from msgspec import Raw

from twoapi.ir import Loss, plain
from twoapi.protocols import data_urls
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Face, Reach, Shape
from twoapi.protocols.operations.images.model import Made, Picture, Pictures
from twoapi.protocols.operations.members import Members, broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

NAME = "openai"
# Models that always answer with base64, and refuse to be asked for it.
_BASE64_ALONE = ("gpt-image-*", "chatgpt-image-*")
# The sizes of models: square, across, upright.
_SIZES = (
    ("dall-e-3*", ("1024x1024", "1792x1024", "1024x1792")),
    ("*", ("1024x1024", "1536x1024", "1024x1536")),
)


def decode(incoming: Incoming) -> Pictures:
    """What a client of this shape asks."""
    members = Members(incoming.body)
    model, prompt = members.text("model"), members.raw("prompt")
    if model is None or prompt is None or json.first_byte(prompt) != 34:
        raise refuse("model and prompt are required", "/model" if model is None else "/prompt")
    if members.flag("stream"):
        raise refuse("this upstream makes pictures whole; leave `stream` out", "/stream")
    asked = Pictures(shape=NAME, model=model, prompt=prompt, count=members.count("n"), own=json.fields(incoming.body))
    size = members.text("size")
    asked.size_at = "/size"
    if size not in (None, "auto"):
        asked.width, asked.height = _pixels(size or "")
    form = members.text("output_format")
    asked.mime, asked.mime_at = (None if form is None else f"image/{form}"), "/output_format"
    asked.compression = members.count("output_compression")
    asked.as_url = members.text("response_format") == "url"
    asked.extras = members.rest()
    return asked


def _pixels(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    if not (width.isascii() and width.isdecimal() and height.isascii() and height.isdecimal() and len(size) < 20):
        raise refuse("must be auto, or a width and a height such as 1024x1024", "/size")
    if not int(width) or not int(height):
        raise refuse("must not be empty", "/size")
    return int(width), int(height)


def encode(asked: Pictures, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    place = json_bodies.place(path, model)
    if asked.shape == NAME:
        return Outgoing(place, json.encode({**asked.own, "model": model}))
    members: dict[str, object] = {"model": model, "prompt": asked.prompt}
    if asked.count is not None:
        members["n"] = asked.count
    if asked.width and asked.height:
        members["size"] = _size(asked, model, losses)
    if asked.mime is not None:
        members["output_format"] = asked.mime.removeprefix("image/")
    if asked.compression is not None:
        members["output_compression"] = asked.compression
    if not any(fnmatchcase(model, pattern) for pattern in _BASE64_ALONE):
        members["response_format"] = "b64_json"
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in asked.extras]
    return Outgoing(place, json.encode(members))


def _size(asked: Pictures, model: str, losses: list[Loss]) -> str:
    square, across, upright = next(sizes for pattern, sizes in _SIZES if fnmatchcase(model, pattern))
    if asked.width == asked.height:
        return square
    size = across if asked.width > asked.height else upright
    losses.append(Loss(asked.size_at, "approximated", NAME, f"sent as {size}"))
    return size


def read(body: bytes, asked: Pictures) -> Made:
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "data")
    made = Made(shape=NAME, pictures=[])
    form = json.string(members.pop("output_format", json.EMPTY))
    mime = f"image/{form}" if form else asked.mime or "image/png"
    try:
        for number, one in enumerate(map(json.fields, json.items(members.pop("data")))):
            made.pictures.append(_picture(one, mime))
            made.said |= {f"/data/{number}/{json.escape(name)}": value for name, value in one.items() if value}
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no pictures in `data`") from None
    created = members.pop("created", None)
    found = json.decode(created) if created is not None and json.first_byte(created) in b"0123456789" else None
    made.created = found if type(found) is int else None
    said = members.pop("usage", None)
    made.usage = None if said is None else json_bodies.usage(said)
    made.said |= {f"/{json.escape(name)}": value for name, value in members.items()}
    return made


def _picture(one: dict[str, Raw], mime: str) -> Picture:
    """Takes what is known of an element; raises KeyError when there is no picture in it."""
    data, url = _text(one, "b64_json"), _text(one, "url")
    if data is None and url is None:
        raise KeyError("b64_json")
    return Picture(data, mime, url, _text(one, "revised_prompt"))


def _text(one: dict[str, Raw], name: str) -> Raw | None:
    """A string of an object, which has it no more; None for null, too."""
    value = one.pop(name, None)
    return value if value is not None and json.first_byte(value) == 34 else None


def write(answer: Made, asked: Pictures, losses: list[Loss]) -> bytes:
    """The answer for a client of this shape."""
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in answer.said]
    losses += [Loss(pointer, "dropped", NAME, why) for pointer, why in answer.withheld.items()]
    if answer.created is None:
        losses.append(Loss("/created", "synthesized", NAME, "the upstream told no time; sent as 0"))
    document: dict[str, object] = {
        "created": answer.created or 0,
        "data": [_written(picture, asked) for picture in answer.pictures],
    }
    forms = {picture.mime.removeprefix("image/") for picture in answer.pictures}
    if len(forms) == 1:
        document["output_format"] = forms.pop()
    if answer.usage is not None and answer.usage.raw is not None:
        document["usage"] = answer.usage.raw
    return json.encode(document)


def _written(picture: Picture, asked: Pictures) -> dict[str, object]:
    one: dict[str, object] = {}
    if picture.data is None:
        one["url"] = picture.url
    elif asked.as_url:
        one["url"] = data_urls.encode_url(plain(picture.data), picture.mime)
    else:
        one["b64_json"] = picture.data
    if picture.prompt is not None:
        one["revised_prompt"] = picture.prompt
    return one


SHAPE = Shape(
    name=NAME,
    native=json_bodies.relayed("data"),
    face=Face(decode=decode, write=write),
    reach=Reach(encode=encode, read=read),
)
