"""Files of Unix sockets: they are replaced where nobody listens on them any more, and removed at the end."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from contextlib import contextmanager, suppress
from typing import NamedTuple

if sys.platform != "win32":  # where Python has no Unix sockets either
    import fcntl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class SocketFile(NamedTuple):
    """A file that a socket was bound to."""

    path: bytes
    device: int
    inode: int

    def remove(self) -> None:
        """Remove the file, unless it is gone or another socket's by now."""
        with suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                os.unlink(self.path)


def listen_at_path(sock: socket.socket, path: bytes, *, backlog: int | None, mode: int | None) -> SocketFile | None:
    """Bind a socket to a path and listen; return the file that there is to remove, if there is one.

    A socket file that nobody listens on is replaced. `OSError` says that somebody does, or that it is no socket.
    """
    if path.startswith(b"\0"):  # abstract: there is no file
        sock.bind(path)
        _listen(sock, backlog)
        return None
    with _locked(os.path.dirname(path) or b"."):
        try:
            sock.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_stale(path):
                raise
            os.unlink(path)
            sock.bind(path)
        found = os.lstat(path)
        file = SocketFile(path, found.st_dev, found.st_ino)
        try:
            if mode is not None:
                os.chmod(path, mode)  # nobody can connect before `listen`
            _listen(sock, backlog)
        except BaseException:
            file.remove()
            raise
        return file


def _listen(sock: socket.socket, backlog: int | None) -> None:
    if backlog is None:
        sock.listen()
    else:
        sock.listen(backlog)


@contextmanager
def _locked(directory: bytes) -> Iterator[None]:
    """Keep others that do the same out: of two, each would find the same file stale, and remove the other's new one."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_stale(path: bytes) -> bool:
    """Say whether a path is that of a socket that refuses connections."""
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:  # somebody is too busy to answer, or the file is gone
            pass
        return False
