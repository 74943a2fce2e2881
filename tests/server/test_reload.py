"""Reloading, without files and signals."""

import logging
import threading
from collections.abc import Iterator

import pytest

from twoapi.config import ConfigError, Settings, parse
from twoapi.server.reload import Reloader, Stamp, file_stamp
from twoapi.testing.running_gateway import RunningGateway


def settings(*aliases: str) -> Settings:
    models = "".join(f"  {alias}: demo/demo\n" for alias in aliases)
    return parse(f"listen: 127.0.0.1:0\nupstreams: {{demo: {{provider: demo}}}}\nmodels:\n{models}", "test.yaml", {})


class Scene:
    """A worker with a reloader whose source a test writes."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.stamp: Stamp = (1,)
        self.now: Settings | Exception = settings("one")
        self.reads = 0
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.reloader = Reloader(gateway.worker, self.read, lambda: self.stamp, self.stamp)

    def read(self) -> Settings:
        self.reads += 1
        self.reading.set()
        assert self.go_on.wait(20)
        if isinstance(self.now, Exception):
            raise self.now
        return self.now

    def look(self) -> None:
        """One look, done when this returns."""
        done = threading.Event()

        def call() -> None:
            self.reloader.look(0.0)
            done.set()

        self.gateway.worker.loop.call_soon_threadsafe(call)
        assert done.wait(20)

    def reload(self) -> None:
        self.gateway.worker.loop.call_soon_threadsafe(self.reloader.reload)

    def aliases(self) -> list[str]:
        return list(self.gateway.worker.snapshot.settings.models)

    def wait_for_aliases(self, *aliases: str) -> None:
        self.gateway.wait(lambda: self.aliases() == list(aliases))


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    caplog.set_level(logging.INFO, "twoapi.reload")
    with RunningGateway(settings("one")) as gateway:
        yield Scene(gateway)


def test_a_change_is_read_when_it_has_held_still(scene: Scene):
    scene.now, scene.stamp = settings("two"), (2,)
    scene.look()
    assert scene.reads == 0
    scene.stamp = (3,)
    scene.look()
    assert scene.reads == 0
    scene.look()
    scene.wait_for_aliases("two")
    assert scene.reads == 1


def test_an_unchanged_file_is_not_read(scene: Scene):
    for _ in range(5):
        scene.look()
    assert scene.reads == 0


def test_a_broken_file_is_read_once_and_changes_nothing(scene: Scene, caplog: pytest.LogCaptureFixture):
    with pytest.raises(ConfigError) as broken:
        parse("listn: x", "test.yaml", {})
    scene.now, scene.stamp = broken.value, (2,)
    for _ in range(2):
        scene.look()
    scene.gateway.wait(lambda: len(caplog.messages) == 1)
    for _ in range(3):
        scene.look()
    assert (scene.reads, scene.aliases()) == (1, ["one"])
    (message,) = caplog.messages
    assert message.startswith(
        "the configuration was not reloaded, the one before stays in force:\n  test.yaml:1:1 listn"
    )


def test_an_unforeseen_error_changes_nothing_and_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture):
    scene.now = RuntimeError("made up")
    scene.reload()
    scene.gateway.wait(lambda: len(caplog.messages) == 1)
    assert caplog.records[0].exc_info is not None
    scene.now = settings("two")
    scene.reload()
    scene.wait_for_aliases("two")


def test_a_reload_that_is_asked_for_during_another_follows_it(scene: Scene):
    scene.go_on.clear()
    scene.now = settings("two")
    scene.reload()
    assert scene.reading.wait(20)
    scene.reload()
    scene.reload()
    scene.now = settings("three")
    scene.gateway.wait(lambda: True)  # both calls have been made
    scene.go_on.set()
    scene.gateway.wait(lambda: scene.reads == 2)
    scene.wait_for_aliases("three")
    assert scene.reads == 2


def test_what_needs_a_new_start_is_said(scene: Scene, caplog: pytest.LogCaptureFixture):
    scene.now = parse("listen: 127.0.0.1:1\nshared: redis://127.0.0.1", "test.yaml", {})
    scene.reload()
    scene.wait_for_aliases()
    scene.gateway.wait(lambda: len(caplog.messages) == 3)
    assert caplog.messages == [
        "a changed listen comes into force when twoapi is started again",
        "a changed shared comes into force when twoapi is started again",
        "the configuration was reloaded: 0 upstreams, 0 aliases",
    ]


def test_the_same_settings_again_are_not_published(scene: Scene, caplog: pytest.LogCaptureFixture):
    before = scene.gateway.worker.snapshot
    scene.reload()
    scene.gateway.wait(lambda: len(caplog.messages) == 1)
    assert caplog.messages == ["the configuration was read again and says the same"]
    assert scene.gateway.worker.snapshot is before


def test_the_stamp_of_a_file_follows_it(tmp_path):
    file = tmp_path / "twoapi.yaml"
    stamps = [file_stamp(file)]
    for text in ("a", "ab"):
        file.write_text(text)
        stamps.append(file_stamp(file))
    file.unlink()
    stamps.append(file_stamp(file))
    assert (stamps[0], stamps[3], stamps[1] == stamps[2]) == (None, None, False)
