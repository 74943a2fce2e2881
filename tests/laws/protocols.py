"""What the tests of laws share: the protocols and their pairs, and how many examples a law gets."""

from itertools import permutations, product

import pytest
from hypothesis import settings

from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS

ALL = list(CODECS.values())


def _name(codec: Codec) -> str:
    return codec.name


each = pytest.mark.parametrize("codec", ALL, ids=_name)
across = pytest.mark.parametrize(("codec", "other"), list(permutations(ALL, 2)), ids=_name)
every_pair = pytest.mark.parametrize(("codec", "other"), list(product(ALL, ALL)), ids=_name)

_EXAMPLES = settings().max_examples  # of the profile, see tests/conftest.py: those of L8 and L19
half = settings(max_examples=_EXAMPLES // 2)
few = settings(max_examples=_EXAMPLES // 3)
fewest = settings(max_examples=_EXAMPLES // 10)


def others(codec: Codec) -> list[Codec]:
    """The protocols that a request or an answer of this one crosses to."""
    return [other for other in ALL if other is not codec]
