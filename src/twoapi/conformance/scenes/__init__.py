"""The scenes, in the order in which they are played: failures last, for a gateway may rest an upstream after one."""

from twoapi.conformance.scenes import answers, details, faults, media, reasoning, texts, tools
from twoapi.conformance.scenes.reasoning import REPLAY_HEARS, REPLAY_WANTS
from twoapi.conformance.scenes.scene import ALTERED, MODES, MOVED, Hear, Scene, Sight, Want

SCENES: tuple[Scene, ...] = (
    *texts.SCENES,
    *tools.SCENES,
    *media.SCENES,
    *reasoning.SCENES,
    *details.SCENES,
    *answers.SCENES,
    *faults.SCENES,
)

__all__ = ["ALTERED", "MODES", "MOVED", "REPLAY_HEARS", "REPLAY_WANTS", "SCENES", "Hear", "Scene", "Sight", "Want"]
