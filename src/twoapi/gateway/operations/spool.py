"""A temporary file for a form that must be read to its end before it is known where it goes."""

import contextlib
import tempfile
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TypeVar

from twoapi.ir import Fault, FaultError

T = TypeVar("T")
_THREAD = ThreadPoolExecutor(1, "twoapi-spool")  # it starts with the first form that needs it


class Spool:
    """Bytes on disk, without a name, gone with this object's `close`. Things are done one after the other, in another
    thread; the callbacks come in the loop, and not after `close`.
    """

    __slots__ = ("_file", "_is_closed", "_loop", "size")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.size = 0
        self._loop = loop
        self._file: IO[bytes] | None = None
        self._is_closed = False

    def write(self, data: bytes, then: Callable[[], None], fail: Callable[[FaultError], None]) -> None:
        """Adds these; then `then` is called."""
        self.size += len(data)

        def work() -> None:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0, prefix="twoapi-")  # noqa: SIM115  closed by `close`
            self._file.seek(0, 2)
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]

        self._do(work, lambda _: then(), fail)

    def read(self, at: int, count: int, then: Callable[[bytes], None], fail: Callable[[FaultError], None]) -> None:
        """`then` is called with at most so many bytes from there."""

        def work() -> bytes:
            file = self._file
            if file is None:
                return b""
            file.seek(at)
            return file.read(count)

        self._do(work, then, fail)

    def close(self) -> None:
        """Removes it, after what is being done."""
        if not self._is_closed:
            self._is_closed = True
            _THREAD.submit(self._remove)

    def _remove(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _do(self, work: Callable[[], T], then: Callable[[T], None], fail: Callable[[FaultError], None]) -> None:
        def done(future: "Future[T]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(told, future)

        def told(future: "Future[T]") -> None:
            if self._is_closed:
                return
            error = future.exception()
            if error is None:
                then(future.result())
            else:
                message = f"the upload cannot be stored while it comes in: {error}"
                fail(FaultError(Fault("overloaded", message, whose="gateway")))

        _THREAD.submit(work).add_done_callback(done)
