"""Files of Unix sockets: they are replaced where nobody listens on them any more, and removed at the end."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from time import sleep
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_TRIES: Final = 50
_PAUSE: Final = 0.005  # seconds


class SocketFile(NamedTuple):
    """A file that a socket was bound to."""

    path: bytes
    """From the root, since the working directory may change."""
    device: int
    inode: int
    process: int
    """Its maker. A child that was forked has the socket as well, but closes it while the maker still listens."""

    @classmethod
    def of(cls, path: bytes) -> SocketFile:
        """Return the file at a path to which this process has just bound a socket."""
        found = os.lstat(path)
        return cls(os.path.join(os.getcwdb(), path), found.st_dev, found.st_ino, os.getpid())

    def remove(self) -> None:
        """Remove the file, unless it is gone or another socket's by now.

        The socket still has to be open: once it is closed another one's file may get the same number.
        """
        with suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino, os.getpid()) == (self.device, self.inode, self.process):
                os.unlink(self.path)


@contextmanager
def bound_to_path(sock: socket.socket, path: bytes, *, mode: int | None) -> Iterator[SocketFile | None]:
    """Bind a socket to a path, for a body that has it listen; give the file that there is to remove, if there is one.

    A socket file that nobody listens on is replaced. An `OSError` with `EADDRINUSE` says that somebody does, or that
    the file is none of a socket.
    """
    if path.startswith(b"\0"):  # abstract: there is no file
        sock.bind(path)
        yield None
        return
    with _locked(os.path.dirname(path) or b".") as is_alone:
        try:
            sock.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if not _is_socket(path):
                raise OSError(errno.EADDRINUSE, f"{error.strerror} by what is no socket") from error
            if not (is_alone and _is_stale(path)):
                raise
            with suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(path)
        file = SocketFile.of(path)
        try:
            if mode is not None:
                os.chmod(path, mode)  # nobody can connect before the socket listens
            yield file
        except BaseException:
            file.remove()
            raise


@contextmanager
def _locked(directory: bytes) -> Iterator[bool]:
    """Keep others that do the same out: of two, each would find the same file stale, and remove the other's new one.

    False where that fails: a directory may be open for writing but not for reading, its file system may have no locks,
    and whoever may read it can hold its lock as long as he wants, which must not keep a server from starting,
    nor an event loop from turning for more than a quarter of a second.
    """
    with ExitStack() as opened:
        yield _lock(directory, opened)


def _lock(directory: bytes, opened: ExitStack) -> bool:
    import fcntl  # late: Windows has none, nor has Python Unix sockets there

    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)  # to open a FIFO would wait
        opened.callback(os.close, descriptor)
        for _ in range(_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sleep(_PAUSE)
            else:
                # Not left to closing: a child may have been forked meanwhile that has it open, too.
                opened.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
                return True
    return False


def _is_socket(path: bytes) -> bool:
    """Say whether a path is that of a socket, or of nothing any more."""
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True


def _is_stale(path: bytes) -> bool:
    """Say whether a socket's path is one that nobody listens on, or nothing any more."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except OSError:  # somebody is too busy to answer, or answers others only
        pass
    return False
