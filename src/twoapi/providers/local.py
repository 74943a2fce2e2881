"""Upstreams that live in this process, by the name that a catalogue file gives them."""

from collections.abc import Callable, Mapping

from twoapi.ir import Event, Request
from twoapi.providers.demo import answer

# A request and the time (seconds since the epoch) to the events of its answer.
Answerer = Callable[[Request, int], list[Event]]

ANSWERERS: Mapping[str, Answerer] = {"demo": answer}
