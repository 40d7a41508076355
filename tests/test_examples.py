"""The examples, run as processes by the commands that their docstrings and their README show."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import multiaddr_py
from multiaddr_py.net import Endpoint, bind, connect, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends servers by signals")

EXAMPLES = Path(__file__).parents[1] / "examples"
ECHO = EXAMPLES / "echo.py"
PYTHON = [sys.executable, "-X", "dev", "-W", "error"]
# As a user has it, and the package that is tested, wherever that is.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
ENVIRONMENT |= {"PYTHONPATH": str(Path(multiaddr_py.__file__).parents[1])}
PATIENCE = 60  # seconds, after which a process that should have ended is killed


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


class Server(NamedTuple):
    process: subprocess.Popen[str]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def event(self) -> dict[str, object]:
        event = json.loads(self.line())
        assert isinstance(event, dict)
        return event

    def stop(self, number: int = signal.SIGINT) -> Done:
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate()
        return Done(self.process.returncode, stdout, stderr)


@contextmanager
def running(*command: str | Path, cwd: Path) -> Iterator[Server]:
    # A shell may have the tests ignore interrupts, and so what they start.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=cwd, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)
    finally:
        signal.signal(signal.SIGINT, ignored)
    with process:
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            yield Server(process)
        finally:
            timer.cancel()
            timer.join()
            process.kill()


@contextmanager
def serving(address: str, cwd: Path) -> Iterator[tuple[Server, str]]:
    """A server, and the first address that it listens at; it has to end well, and without a word on stderr."""
    with running(*PYTHON, ECHO, "serve", "--json", address, cwd=cwd) as server:
        event = server.event()
        assert event["event"] == "listening", event
        yield server, str(event["address"])
        if server.process.returncode is None:
            done = server.stop()
            assert (done.status, done.stderr) == (0, "")


def call(*arguments: str | Path, cwd: Path, given: bytes = b"") -> Done:
    done = subprocess.run(
        [*PYTHON, ECHO, "call", *arguments],
        cwd=cwd,
        input=given,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode())


def commands() -> list[str]:
    return re.findall(r"^    python examples/echo\.py (.*)$", ECHO.read_text(encoding="utf-8"), re.MULTILINE)


def why_not(address: str) -> str | None:
    """Return why this machine cannot serve at an address, None if it can."""
    try:
        for endpoint in Endpoint.from_multiaddr(address).resolve()[:1]:
            with socket.socket(endpoint.family, endpoint.type, endpoint.proto) as sock:
                if endpoint.path is None:
                    sock.bind(endpoint.sockaddr())
    except OSError as error:
        return str(error)
    if "%00" in address and sys.platform != "linux":
        return "abstract sockets are Linux's"
    return None


SERVED = [command.removeprefix("serve ") for command in commands() if command.startswith("serve ")]


def test_the_docstring_has_a_command_for_every_stack() -> None:
    assert commands() == [*(f"serve {address}" for address in SERVED), "call ADDRESS hello"]
    transports = {"tcp", "udp", "sctp", "dccp", "unix"}
    assert {name for address in SERVED for name in address.split("/")} >= transports | {"ip4", "ip6", "dns4"}


@pytest.mark.parametrize("address", SERVED)
def test_the_commands_of_the_docstring_work(address: str, tmp_path: Path) -> None:
    reason = why_not(address)
    if reason is not None:
        pytest.skip(reason)
    if "%00" in address:  # the whole machine has each such name once
        address += str(os.getpid())
    (tmp_path / "examples").symlink_to(EXAMPLES)
    with running(*PYTHON, "examples/echo.py", "serve", address, cwd=tmp_path) as server:
        listening = server.line().removeprefix("listening on ")
        assert listening.split("/")[3:-1] == address.split("/")[3:-1]
        for name in (listening, listening.replace("/ip4/127.0.0.1/", "/dns4/localhost/")):
            arguments = [argument.replace("ADDRESS", name) for argument in shlex.split(commands()[-1])]
            done = call(*arguments[1:], cwd=tmp_path)
            assert done == (0, "hello\n", "")
        stopped = server.stop()
    assert (stopped.status, stopped.stderr) == (0, "")
    assert stopped.stdout.count("echoed 5 bytes to ") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["examples"]


def blocks() -> list[str]:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8").partition("\n## Hole punching\n")[0]
    return [
        block for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if block[0] == "$"
    ]


def steps(block: str) -> list[tuple[list[str], list[str]]]:
    """Return the commands of a session, each with the lines that it printed."""
    found = re.findall(r"^\$ python (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    return [(shlex.split(command), shown.splitlines()) for command, shown in found]


class Ports(dict[str, str]):
    """What the ports of a session are this time; those that the system chooses are another each time."""

    def replace(self, text: str) -> str:
        return re.sub(r"(?<=/tcp/)\d+", lambda port: self.get(port[0], port[0]), text)

    def learn(self, shown: str, actual: str) -> None:
        """Take it that the ports of one line are those of the other one."""
        self.update(zip(*(re.findall(r"/tcp/(\d{5})", line) for line in (shown, actual)), strict=True))
        assert self.replace(shown) == actual


def test_the_sessions_of_the_readme_are_true(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(EXAMPLES)
    terminals = blocks()
    assert len(terminals) == 4
    for in_one, in_another in zip(terminals[::2], terminals[1::2], strict=True):
        ports = Ports()
        [(command, (listening, *shown, end))] = steps(in_one)
        with running(*PYTHON, *command, cwd=tmp_path) as server:
            ports.learn(listening, server.line())
            for call_command, reply in steps(in_another):
                done = subprocess.run(
                    [*PYTHON, *map(ports.replace, call_command)],
                    cwd=tmp_path,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=ENVIRONMENT,
                    timeout=PATIENCE,
                    check=False,
                )
                assert done.stdout.splitlines() == [ports.replace(line) for line in reply]
            for line in shown:
                ports.learn(line, server.line())
            assert end == "^C"
            assert server.stop() == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["examples"]


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0", "/unix/a.sock"])
def test_what_is_echoed_is_what_was_sent(address: str, tmp_path: Path) -> None:
    with serving(address, tmp_path) as (server, listening):
        texts = ["", "é\n\x1b[31m", "-x"]
        for text in texts:
            assert call("--", listening, text, cwd=tmp_path) == (0, f"{text}\n", "")
            done = call("--json", "--", listening, text, cwd=tmp_path)
            assert [json.loads(line) for line in done.stdout.splitlines()] == [
                {"event": "connected", "peer": listening},
                {"event": "answered", "text": text},
            ]
        assert call(listening, os.fsdecode(b"\xff"), cwd=tmp_path) == (0, "\udcff\n", "")
        many = bytes(range(256)) * 4_096
        done = call(listening, "-", cwd=tmp_path, given=many)
        if "udp" in address:
            reason = f"[Errno {errno.EMSGSIZE}] Message too long"
            assert done == (1, "", f"echo: {reason}; no echo from {listening}\n")
        else:
            assert done == (0, f"{many.decode(errors='surrogateescape')}\n", "")
        sizes = [event["size"] for event in map(json.loads, server.stop().stdout.splitlines()) if "size" in event]
    assert sizes == [0, 0, 8, 8, 2, 2, 1] + [len(many)] * ("udp" not in address)


@pytest.mark.parametrize(
    ("number", "transport"), [(signal.SIGINT, "tcp"), (signal.SIGTERM, "tcp"), (signal.SIGTERM, "udp")]
)
def test_a_signal_ends_a_server_quietly_whoever_is_connected(number: int, transport: str, tmp_path: Path) -> None:
    with serving(f"/ip4/127.0.0.1/{transport}/0", tmp_path) as (server, listening), connect(listening) as sock:
        if transport == "tcp":
            assert server.event()["event"] == "accepted"
        done = server.stop(number)
        assert (done.status, done.stderr) == (0, "")
        if transport == "tcp":
            assert sock.recv(1) == b""


def test_a_caller_is_interrupted_quietly(tmp_path: Path) -> None:
    with (
        listen("/ip4/127.0.0.1/tcp/0") as listener,
        running(*PYTHON, ECHO, "call", str(listener.address), "x", cwd=tmp_path) as caller,
    ):
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(1) == b"x"
            assert caller.stop() == (130, "", "")


def test_a_server_listens_at_every_interface_with_the_extra_and_at_all_at_once_without_it(tmp_path: Path) -> None:
    address = "/ip4/0.0.0.0/tcp/0"
    with running(*PYTHON, ECHO, "serve", "--json", address, cwd=tmp_path) as server:
        assert not str(server.event()["address"]).startswith("/ip4/0.0.0.0")
        done = server.stop()
        assert (done.status, done.stderr) == (0, "")
        assert "/ip4/0.0.0.0" not in done.stdout
    code = "import runpy, sys; sys.modules['ifaddr'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    with running(*PYTHON, "-c", code, ECHO, "serve", address, cwd=tmp_path) as server:
        assert re.fullmatch(r"listening on /ip4/0\.0\.0\.0/tcp/\d+", server.line())
        assert server.stop() == (0, "", "")


@pytest.mark.parametrize("address", ["/ip4/127.0.0.1/tcp/0", "/unix/a.sock"])
def test_fifty_callers_at_once_are_echoed_beside_silent_ones_and_nothing_of_them_is_left(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # absolute, the path of a socket might be too long
    payload = bytes(100_000)

    def send(sock: socket.socket) -> None:
        sock.sendall(payload)
        sock.shutdown(socket.SHUT_WR)

    def talk(sock: socket.socket) -> bytes:
        with sock, sock.makefile("rb") as replies:
            sock.settimeout(PATIENCE)
            sender = threading.Thread(target=send, args=[sock])
            sender.start()
            reply = replies.read()
            sender.join()
            return reply

    with serving(address, tmp_path) as (server, listening):
        before = open_files(server)
        with connect(listening), ThreadPoolExecutor(50) as pool:
            connections = [connect(listening) for _ in range(50)]
            for _ in range(51):
                assert server.event()["event"] == "accepted"
            assert list(pool.map(talk, connections)) == [payload] * 50
            assert [server.event()["size"] for _ in range(50)] == [len(payload)] * 50
        assert server.event()["size"] == 0  # the silent one, which has left
        assert open_files(server) == before
        assert call(listening, "x", cwd=tmp_path).status == 0


def open_files(server: Server) -> int:
    """Return how many files a process has open; 0 where the system does not say."""
    directory = Path(f"/proc/{server.process.pid}/fd")
    return len(list(directory.iterdir())) if directory.is_dir() else 0


def test_a_caller_that_resets_is_a_failure_that_ends_nothing(tmp_path: Path) -> None:
    with serving("/ip4/127.0.0.1/tcp/0", tmp_path) as (server, listening):
        with connect(listening) as sock:
            peer = server.event()["peer"]
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reason = f"[Errno {errno.ECONNRESET}] Connection reset by peer; after 0 bytes to {peer}"
        assert server.event() == {"event": "failed", "reason": reason}
        assert call(listening, "x", cwd=tmp_path) == (0, "x\n", "")


def test_a_server_goes_on_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    with serving("/ip4/127.0.0.1/tcp/0", tmp_path) as (server, listening):
        assert server.process.stdout is not None
        server.process.stdout.close()
        for _ in range(2):
            assert call(listening, "x", cwd=tmp_path) == (0, "x\n", "")
        server.process.send_signal(signal.SIGINT)
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""
        assert server.process.wait() == 0


REFUSED = [
    ("/ip4/127.0.0.1/tcp/1", "[Errno 111] Connection refused: '/ip4/127.0.0.1/tcp/1'"),
    ("/ip4/127.0.0.1/udp/1", "[Errno 111] Connection refused; no echo from /ip4/127.0.0.1/udp/1"),
    ("/unix/nobody", "[Errno 2] No such file or directory: '/unix/nobody'"),
]
BAD = [
    ("/ip4/127.0.0.1/tcp/0/ws", "an echo speaks nothing above its socket; use /ip4/127.0.0.1/tcp/0"),
    (
        "/ip4/127.0.0.1/tcp/0/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2",
        "an echo speaks nothing above its socket; use /ip4/127.0.0.1/tcp/0",
    ),
    ("/ip4/127.0.0.1", "ip4 has no port; put /tcp/PORT or /udp/PORT behind it"),
    ("/ip4/1.2.3.400/tcp/1", "'1.2.3.400' is no value for ip4: an octet is over 255 (at character 5)"),
    ("/dns/\x1b[31m/tcp/1", "a host name has letters, digits, hyphens and dots"),
    ("localhost", "an address begins with / (at character 0); write it as in /ip4/127.0.0.1/tcp/80"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="numbers and words of the errors are Linux's")
@pytest.mark.parametrize(("address", "reason"), REFUSED)
def test_nobody_there_is_a_reason_and_status_1(address: str, reason: str, tmp_path: Path) -> None:
    assert call(address, "x", cwd=tmp_path) == (1, "", f"echo: {reason}\n")
    done = call("--json", address, "x", cwd=tmp_path)
    assert (done.status, done.stderr) == (1, "")
    assert json.loads(done.stdout.splitlines()[-1]) == {"event": "failed", "reason": reason}


@pytest.mark.parametrize(("address", "reason"), BAD)
@pytest.mark.parametrize("command", ["serve", "call"])
def test_a_bad_address_is_a_reason_and_status_1(command: str, address: str, reason: str, tmp_path: Path) -> None:
    with running(*PYTHON, ECHO, command, address, *["x"] * (command == "call"), cwd=tmp_path) as process:
        stdout, stderr = process.process.communicate()
    shown = repr(address if len(address) <= 60 else address[:60] + "…")
    assert (process.process.returncode, stdout, stderr) == (1, "", f"echo: {shown}: {reason}\n")


def test_silence_is_a_reason_and_status_1(tmp_path: Path) -> None:
    with bind("/ip4/127.0.0.1/udp/0") as silent, listen("/ip4/127.0.0.1/tcp/0") as deaf:
        for address in (silent.address, deaf.address):
            done = call("--timeout", "0.2", str(address), "x", cwd=tmp_path)
            assert done == (1, "", f"echo: timed out; no echo from {address}\n")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"\x1b[", "[Errno 71] what came back is not what was sent: '{}'"),
        (b"x", "[Errno 104] the connection ended after 1 bytes; no echo from {}"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="numbers of the errors are Linux's")
def test_what_is_no_echo_is_a_reason_and_status_1(reply: bytes, reason: str, tmp_path: Path) -> None:
    with (
        listen("/ip4/127.0.0.1/tcp/0") as listener,
        running(*PYTHON, ECHO, "call", str(listener.address), "xy", cwd=tmp_path) as caller,
    ):
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(2, socket.MSG_WAITALL) == b"xy"
            sock.sendall(reply)
        stdout, stderr = caller.process.communicate()
    assert (caller.process.returncode, stdout, stderr) == (1, "", f"echo: {reason.format(listener.address)}\n")


def test_help_is_the_docstring_and_wrong_usage_has_status_2(tmp_path: Path) -> None:
    done = subprocess.run([*PYTHON, ECHO, "--help"], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert all(f"    python examples/echo.py {command}\n" in done.stdout for command in commands())
    for arguments in ([], ["/tls"], ["/tls", "x", "--timeout", "0"], ["/tls", "x", "--timeout", "nan"]):
        done_wrong = call(*arguments, cwd=tmp_path)
        assert (done_wrong.status, done_wrong.stdout) == (2, "")
        assert done_wrong.stderr.startswith("usage: echo.py call ")
