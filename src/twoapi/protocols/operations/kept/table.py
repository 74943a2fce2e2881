"""Every face, by the protocol of the clients that ask."""

from collections.abc import Mapping

from twoapi.protocols.operations.kept import anthropic, gemini, openai
from twoapi.protocols.operations.kept.base import Face

FACES: Mapping[str, Face] = {face.protocol: face for face in (openai.FACE, anthropic.FACE, gemini.FACE)}
