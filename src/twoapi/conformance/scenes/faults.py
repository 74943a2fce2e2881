"""Scenes of failure: errors before and in an answer, and answers that are not complete."""

from twoapi.conformance.reply import Fault, Reply
from twoapi.conformance.scenes.answers import bodies
from twoapi.conformance.scenes.scene import MODES, Scene

_LONG = Reply(text="The tower was built for the fair of 1889, and it has stood there ever since, in all weathers.")


def _scene(feature: str, name: str, fault: Fault, modes: tuple[str, ...] = MODES) -> Scene:
    return Scene(feature=feature, name=name, bodies=bodies(), reply=_LONG, fault=fault, modes=modes)


SCENES = (
    _scene("truncation", "the connection breaks", Fault(where="cut")),
    _scene("truncation", "the answer stops short", Fault(where="short")),
    _scene("errors", "error in the stream", Fault(where="within", message="conformance: overload-77"), ("stream",)),
    _scene("errors", "400", Fault(where="before", status=400, message="conformance: the prompt is too long-77")),
    _scene("errors", "401", Fault(where="before", status=401, message="conformance: bad key")),
    _scene("errors", "429", Fault(where="before", status=429, message="conformance: slow down-77", retry_after="7")),
    _scene("errors", "500", Fault(where="before", status=500, message="conformance: broken")),
)
