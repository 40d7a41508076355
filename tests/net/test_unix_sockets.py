"""Sockets at paths: whose file is replaced, who may connect, and what is left at the end."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from apart import run_apart

from multiaddr_py import Component, Multiaddr
from multiaddr_py.net import Listener, connect, from_socket, listen

LINUX = sys.platform == "linux"
CROWD = 20


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path: that of a socket has a hundred bytes or so."""
    with TemporaryDirectory(prefix="maddr") as name:
        yield Path(name)


@pytest.fixture
def path(directory: Path) -> Path:
    return directory / "a.sock"


def address_of(path: Path) -> Multiaddr:
    return Multiaddr([Component("unix", os.fsencode(path))])


def leave_stale(path: Path) -> int:
    """Leave the file of a socket that is gone; return the file's number."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.fspath(path))
        sock.listen()
    return path.stat().st_ino


def is_reached(listener: Listener) -> bool:
    """Say whether a connection to a listener's address comes to that listener."""
    with connect(listener.address, timeout=10) as sock:
        accepted, peer = listener.accept()
        with accepted:
            sock.sendall(b"?")
            return accepted.recv(1) == b"?" and peer == Multiaddr()


# What is at the path


def test_a_file_is_there_as_long_as_the_listener(path: Path) -> None:
    with listen(address_of(path).encapsulate("/ws")) as listener:
        assert stat.S_ISSOCK(path.lstat().st_mode)
        assert listener.address == address_of(path).encapsulate("/ws")
        assert from_socket(listener.socket) == address_of(path)
        assert is_reached(listener)
    assert not path.exists()
    listener.close()
    assert listener.socket.fileno() == -1


def test_a_stale_file_is_replaced(path: Path) -> None:
    leave_stale(path)
    with listen(address_of(path)) as listener:
        assert is_reached(listener)
    assert not path.exists()


def test_a_second_listener_is_refused_and_the_first_unharmed(path: Path) -> None:
    with listen(address_of(path)) as listener:
        number = path.lstat().st_ino
        with pytest.raises(OSError) as caught:
            listen(address_of(path).encapsulate("/ws"))
        assert caught.value.errno == errno.EADDRINUSE
        assert caught.value.filename == str(address_of(path))
        assert path.lstat().st_ino == number
        probe, _ = listener.accept()  # it was asked whether it lives
        assert probe.recv(1) == b""
        probe.close()
        assert is_reached(listener)


@pytest.mark.skipif(not LINUX, reason="other systems refuse connections when the backlog is full")
def test_a_listener_that_is_too_busy_to_answer_is_not_taken_for_gone(path: Path) -> None:
    with listen(address_of(path), backlog=0) as listener, connect(listener.address):
        with pytest.raises(OSError) as caught:
            listen(address_of(path))
        assert caught.value.errno == errno.EADDRINUSE
        assert path.exists()


def test_a_socket_of_another_type_is_not_taken_for_gone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(os.fspath(path))
        with pytest.raises(OSError) as caught:
            listen(address_of(path))
        assert caught.value.errno == errno.EADDRINUSE
        assert stat.S_ISSOCK(path.lstat().st_mode)


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "link", "dangling link", "link to a stale socket"])
def test_what_is_no_socket_is_never_touched(kind: str, path: Path) -> None:
    target = path.with_name("target")
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        if kind == "link":
            target.write_text("precious")
        elif kind == "link to a stale socket":
            leave_stale(target)
        path.symlink_to(target)
    before = sorted((name, (path.parent / name).lstat()) for name in os.listdir(path.parent))
    with pytest.raises(OSError) as caught:
        listen(address_of(path))
    assert str(caught.value) == (
        f"[Errno {errno.EADDRINUSE}] Address already in use by what is no socket: {str(address_of(path))!r}"
    )
    assert sorted((name, (path.parent / name).lstat()) for name in os.listdir(path.parent)) == before


def test_a_file_that_took_the_place_is_not_removed(path: Path) -> None:
    with listen(address_of(path)):
        path.unlink()
        path.write_text("precious")
    assert path.read_text() == "precious"


def test_another_sockets_file_that_took_the_place_is_not_removed(path: Path) -> None:
    listener = listen(address_of(path))
    path.unlink()
    with listen(address_of(path)) as other:
        listener.close()
        assert is_reached(other)


def test_a_file_that_is_gone_already_is_no_fault(path: Path) -> None:
    with listen(address_of(path)):
        path.unlink()


def test_a_file_that_goes_while_it_is_looked_at_is_no_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server stops between this one's attempt to bind and its look at the file."""
    leave_stale(path)
    lstat = os.lstat

    def lstat_too_late(name: bytes) -> os.stat_result:
        monkeypatch.setattr(os, "lstat", lstat)
        path.unlink()
        return lstat(name)

    monkeypatch.setattr(os, "lstat", lstat_too_late)
    with listen(address_of(path)) as listener:
        assert is_reached(listener)


# Whose turn it is


def test_of_many_threads_that_find_a_stale_file_one_wins(directory: Path) -> None:
    barrier = threading.Barrier(CROWD)

    def start(path: Path) -> Listener | int | None:
        barrier.wait()
        try:
            return listen(address_of(path))
        except OSError as error:
            return error.errno

    with ThreadPoolExecutor(CROWD) as pool:
        for number in range(10):
            path = directory / str(number)
            leave_stale(path)
            outcomes = list(pool.map(start, [path] * CROWD))
            (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Listener)]
            assert outcomes.count(errno.EADDRINUSE) == CROWD - 1
            with winner:
                turn_away(winner)
                assert is_reached(winner)


def turn_away(listener: Listener) -> None:
    """Accept the connections of those that asked whether a listener lives, and are gone."""
    listener.socket.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
    listener.socket.setblocking(True)


def start_many_processes() -> None:
    with TemporaryDirectory(prefix="maddr") as name:
        path = Path(name, "a.sock")
        leave_stale(path)
        starting, start = os.pipe()
        outcomes, outcome = os.pipe()
        children = []
        for _ in range(CROWD):
            child = os.fork()
            if not child:
                os.close(start)
                os.read(starting, 1)  # until the parent closes the other end
                try:
                    listener = listen(address_of(path))
                except OSError as error:
                    os.write(outcome, b"l" if error.errno == errno.EADDRINUSE else b"?")
                    os._exit(0)
                os.write(outcome, b"w")
                while True:  # until the parent ends it
                    accepted, _ = listener.accept()
                    with accepted, suppress(BrokenPipeError):  # some only ask whether it lives
                        accepted.send(str(os.getpid()).encode())
            children.append(child)
        os.close(start)
        os.close(starting)
        seen = b"".join(os.read(outcomes, 1) for _ in range(CROWD))
        try:
            assert sorted(seen) == sorted(b"w" + b"l" * (CROWD - 1)), seen
            with connect(address_of(path), timeout=10) as sock:
                assert int(sock.recv(20)) in children
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        os.close(outcomes)
        os.close(outcome)


def test_of_many_processes_that_find_a_stale_file_one_wins() -> None:
    run_apart(start_many_processes)


def test_who_holds_the_directorys_lock_keeps_no_server_from_starting(directory: Path) -> None:
    """Whoever may read a directory can lock it; then no file there is replaced, but servers start."""
    stale, free = directory / "stale", directory / "free"
    leave_stale(stale)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with ThreadPoolExecutor() as pool:  # both wait a second
            refused = pool.submit(listen, address_of(stale))
            with pool.submit(listen, address_of(free)).result() as listener:
                assert is_reached(listener)
            error = refused.exception()
        assert isinstance(error, OSError)
        assert error.errno == errno.EADDRINUSE
    finally:
        os.close(descriptor)
    with listen(address_of(stale)) as listener:
        assert is_reached(listener)


def test_a_file_system_without_locks_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with listen(address_of(path)) as listener:
        assert is_reached(listener)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every directory")
def test_a_directory_that_can_only_be_written_to_will_do(path: Path) -> None:
    path.parent.chmod(0o300)
    try:
        with listen(address_of(path)) as listener:
            assert is_reached(listener)
    finally:
        path.parent.chmod(0o700)


def test_without_the_directory_the_address_is_named(directory: Path) -> None:
    address = address_of(directory / "none" / "a.sock")
    with pytest.raises(FileNotFoundError) as caught:
        listen(address)
    assert str(caught.value) == f"[Errno 2] No such file or directory: {str(address)!r}"


def test_a_fifo_is_no_directory(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(NotADirectoryError):
        listen(address_of(path / "a.sock"))


def fork_and_start_again() -> None:
    """Fork while a directory is locked; the child keeps its descriptor."""
    with TemporaryDirectory(prefix="maddr") as name:
        path = Path(name, "a.sock")
        bind = socket.socket.bind
        children = []

        class Forking(socket.socket):
            def bind(self, address: Any) -> None:
                children.append(os.fork())
                if not children[-1]:
                    signal.pause()
                bind(self, address)

        with mock.patch.object(socket, "socket", Forking), listen(address_of(path)):
            pass
        leave_stale(path)
        try:
            with listen(address_of(path)) as listener:
                assert is_reached(listener)
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def test_a_child_does_not_keep_the_directory_locked() -> None:
    run_apart(fork_and_start_again)


def fork_and_close() -> None:
    with TemporaryDirectory(prefix="maddr") as name, listen(address_of(Path(name, "a.sock"))) as listener:
        child = os.fork()
        if not child:
            listener.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert is_reached(listener)


def test_a_child_does_not_remove_its_parents_file() -> None:
    run_apart(fork_and_close)


# Permissions


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", [None, 0o600, 0o660, 0o666, 0o777, 0])
@pytest.mark.parametrize("umask", [0, 0o022, 0o077], indirect=True)
def test_a_file_has_the_mode_that_is_asked_for(umask: int, mode: int | None, path: Path) -> None:
    with listen(address_of(path), mode=mode):
        assert stat.S_IMODE(path.lstat().st_mode) == (0o777 & ~umask if mode is None else mode)


def test_a_stale_files_mode_is_not_kept(path: Path) -> None:
    leave_stale(path)
    path.chmod(0o777)
    with listen(address_of(path), mode=0o600):
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600


def test_nobody_can_connect_before_the_mode_is_set(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chmod = os.chmod
    seen = []

    def look_and_chmod(name: bytes, mode: int) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            seen.append(sock.connect_ex(os.fsdecode(name)))
        chmod(name, mode)

    monkeypatch.setattr(os, "chmod", look_and_chmod)
    with listen(address_of(path), mode=0o600) as listener:
        assert seen == [errno.ECONNREFUSED]
        assert is_reached(listener)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to every socket")
def test_who_has_no_permission_is_kept_out(path: Path) -> None:
    with listen(address_of(path), mode=0) as listener:
        with pytest.raises(PermissionError) as caught:
            connect(listener.address)
        assert caught.value.filename == str(listener.address)
        with pytest.raises(OSError) as in_use:
            listen(listener.address)
        assert in_use.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("failure", [PermissionError(errno.EPERM, "no", b"/path"), KeyboardInterrupt()])
def test_where_the_mode_cannot_be_set_nothing_is_left(
    failure: BaseException, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chmod(name: bytes, mode: int) -> None:
        raise failure

    monkeypatch.setattr(os, "chmod", chmod)
    with pytest.raises(type(failure)) as caught:
        listen(address_of(path), mode=0o600)
    assert getattr(caught.value, "filename", str(address_of(path))) == str(address_of(path))
    assert not path.exists()
    gc.collect()  # a socket that is left open is a warning, which is an error


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/unix/%00abstract"])
def test_only_a_file_has_a_mode(address: str) -> None:
    with pytest.raises(ValueError, match=r"^only the file of a Unix socket has permissions$"):
        listen(address, mode=0o600)


# Paths


def test_a_relative_path_goes_by_the_working_directory(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "sub").mkdir()
    monkeypatch.chdir(directory)
    for text in ("/unix/a.sock", "/unix/sub%2Fa.sock", "/unix/.%2Fa.sock"):
        with listen(text) as listener:
            assert str(listener.address) == text
            assert from_socket(listener.socket) == Multiaddr(text)
            assert is_reached(listener)
        assert list(directory.glob("**/*.sock")) == []


def test_a_file_at_a_relative_path_is_removed_from_wherever_one_is(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    with listen("/unix/a.sock"):
        assert (directory / "a.sock").exists()
        monkeypatch.chdir("/")
    assert not (directory / "a.sock").exists()


@pytest.mark.skipif(not LINUX, reason="only Linux has abstract sockets")
def test_an_abstract_socket_has_no_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory)
    address = Multiaddr([Component("unix", b"\0maddr\0\xff" + os.urandom(8))])
    with listen(address.encapsulate("/http"), backlog=1) as listener:
        assert from_socket(listener.socket) == address
        assert listener.address == address.encapsulate("/http")
        assert is_reached(listener)
        with pytest.raises(OSError) as caught:
            listen(address)
        assert caught.value.errno == errno.EADDRINUSE
        assert os.listdir(directory) == []
    with pytest.raises(ConnectionRefusedError):
        connect(address)


def test_a_peer_with_a_name_is_known_by_it(path: Path) -> None:
    with listen(address_of(path)) as listener, socket.socket(socket.AF_UNIX) as sock:
        name = path.with_name("client")
        sock.bind(os.fspath(name))
        sock.connect(os.fspath(path))
        accepted, peer = listener.accept()
        with accepted:
            assert peer == from_socket(accepted, peer=True) == from_socket(sock) == address_of(name)


@pytest.mark.skipif(not LINUX, reason="other systems allow less")
def test_a_path_that_is_too_long_is_named() -> None:
    address = Multiaddr([Component("unix", b"x" * 108)])
    for attempt in (connect, listen):
        with pytest.raises(OSError) as caught:
            attempt(address)
        assert str(caught.value) == f"[Errno 22] AF_UNIX path too long: {str(address)!r}"
    assert not Path("x" * 108).exists()


@pytest.mark.skipif(not LINUX, reason="other systems allow less")
def test_the_longest_path_will_do(directory: Path) -> None:
    path = directory / ("x" * (107 - len(os.fspath(directory)) - 1))
    with listen(address_of(path)) as listener:
        assert from_socket(listener.socket) == address_of(path)
        assert is_reached(listener)
    assert os.listdir(directory) == []
