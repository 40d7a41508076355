"""What all that reaches for the network has in common: time limits, several candidates, errors that say where."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from threading import Thread
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from concurrent.futures import Future
    from typing import Final, ParamSpec, TypeVar

    from multiaddr_py import Multiaddr

    T = TypeVar("T")
    P = ParamSpec("P")

_LONGEST: Final = 1e9
"""Seconds that stand for any longer time, infinity included: Python's own waiting takes ten times as many at most."""
_LEAST_SHARE: Final = 2.0  # seconds: less would cut off a candidate that is slow but alive
BACKLOG_PAUSE: Final = 0.01
"""Seconds between attempts to connect to a Unix socket whose backlog is full: no system says when that is over."""

_NUMBERS: Final = {
    TimeoutError: errno.ETIMEDOUT,
    ConnectionAbortedError: errno.ECONNABORTED,
    ConnectionResetError: errno.ECONNRESET,
}
"""What `socket` and asyncio raise without a number."""


@contextmanager
def located(address: Multiaddr) -> Iterator[None]:
    """Let an `OSError` say at which address it happened: that becomes its `filename`."""
    try:
        yield
    except OSError as error:
        number = _NUMBERS.get(type(error))
        if error.errno is None and number is not None:
            raise OSError(number, os.strerror(number), str(address)) from error
        if error.errno is None:  # another one of Python's own, like "AF_UNIX path too long"
            raise OSError(errno.EINVAL, str(error), str(address)) from error
        if not isinstance(error.filename, str):  # bytes: what was done to the file of a Unix socket
            error.filename = str(address)
            if error.filename not in str(error):  # an error of TLS says nothing of it
                error.add_note(f"at {error.filename}")
        raise


NOT_THIS_MACHINE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What is wrong with an address that nobody can listen at here, while another one of the same name may do."""


class Failures:
    """What went wrong at candidates that were tried one after the other."""

    def __init__(self, numbers: Container[int | None] | None = None) -> None:
        """Let the next candidate be tried after an error with one of these numbers, or after any."""
        self._numbers = numbers
        self._errors: list[OSError] = []

    @contextmanager
    def at(self, address: Multiaddr) -> Iterator[None]:
        """Keep an `OSError`, and let the next candidate be tried."""
        try:
            with located(address):
                yield
        except OSError as error:
            if self._numbers is not None and error.errno not in self._numbers:
                raise
            self._errors.append(error)

    def error(self) -> OSError:
        """Return what was wrong with the first candidate; what was with the others is in its notes."""
        first, *others = self._errors
        self._errors.clear()  # they refer to frames that refer to this
        for other in others:
            first.add_note(f"also {other}")
        return first


class Deadline:
    """A moment that several steps share, or none."""

    def __init__(self, timeout: float | None, *, clock: Callable[[], float] = monotonic) -> None:
        if not (timeout is None or isinstance(timeout, (int, float))):
            raise TypeError(f"a timeout is a number of seconds or None, not {type(timeout).__name__}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"a timeout is a number of seconds over 0 or None, not {timeout!r}")
        self._clock = clock
        self._moment = None if timeout is None else clock() + min(timeout, _LONGEST)

    def left(self) -> float | None:
        """Return the seconds that are left, None for any number; raise `TimeoutError` where there are none."""
        if self._moment is None:
            return None
        left = self._moment - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def share(self, candidates: int) -> float | None:
        """Return the seconds for the first of some candidates, so that one that is silent leaves some to the others."""
        left = self.left()
        return None if left is None else max(left / candidates, min(left, _LEAST_SHARE))


def within(timeout: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what cannot be interrupted; raise `TimeoutError` when it takes longer, and leave it to end by itself."""
    if timeout is None:
        return function(*args, **kwargs)
    from concurrent.futures import Future  # late: it imports `logging`, which takes longer than all of this package

    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(function(*args, **kwargs))
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=work, daemon=True).start()  # a daemon does not keep the program from ending
    return outcome.result(timeout)
