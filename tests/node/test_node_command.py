"""The command: what it says of wrong arguments and of what it cannot have, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_program import ENVIRONMENT, PATIENCE, SLOW, STRICT, Fleet, fleet, run_command, until

TCP = "/ip4/127.0.0.1/tcp/0"
RUN = ["run", "--data", "x", "--listen", TCP]
DOOR = "/unix/x%2Fnode.sock"
HASH = "0" * 64


@pytest.fixture
def here() -> Iterator[Fleet]:
    with fleet() as nodes:
        yield nodes


@pytest.mark.parametrize("command", [[], ["run"], ["status"], ["put"], ["get"]])
def test_help_is_given_on_standard_output(command: list[str]) -> None:
    told = run_command(*command, "--help")
    assert told.stdout.startswith(f"usage: python -m examples.node{''.join(f' {name}' for name in command)} ")
    assert (told.returncode, told.stderr) == (0, "")


WRONG = {
    "the following arguments are required: command": [],
    "the following arguments are required: --data, --listen": ["run"],
    "argument --listen: 'nonsense': an address begins with /": ["run", "--data", "x", "--listen", "nonsense"],
    "argument --listen: '/ip4/127.0.0.1': ip4 has no port": ["run", "--data", "x", "--listen", "/ip4/127.0.0.1"],
    "speaks nothing above them; use such as /ip4/127.0.0.1/tcp/4001, and no more": [*RUN, f"{TCP}/ws"],
    "argument --seed: '/ip4/127.0.0.1/tcp/0': nobody listens at port 0": [*RUN, "--seed", TCP],
    "argument --static: '/ip4/127.0.0.1/udp/0': nobody listens at port 0": [*RUN, "--static", "/ip4/127.0.0.1/udp/0"],
    "argument --seed: '/p2p/QmNone'": [*RUN, "--seed", "/p2p/QmNone"],
    "a number of peers is from 2 to 1000, unlike '1'": [*RUN, "--peers", "1"],
    "a time is a number of seconds from 0.1 to a day's 86400, unlike 'nan'": [*RUN, "--alive", "nan"],
    "argument --refresh: invalid choice: 'often'": [*RUN, "--refresh", "often"],
    "argument --status: '/ip4/127.0.0.1/tcp/0': a node is asked at the file of a socket": [*RUN, "--status", TCP],
    "argument ADDRESS: '/ip4/127.0.0.1/tcp/0': a node is asked at the file of a socket": ["status", TCP],
    "argument HASH: a hash has 64 hexadecimal digits": ["get", DOOR, "abc"],
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_have_status_2_and_a_message_that_says_what_is_wrong(message: str) -> None:
    told = run_command(*WRONG[message])
    assert message in told.stderr
    assert (told.returncode, told.stdout) == (2, "")


def failure(here: Fleet, *arguments: str) -> str:
    """Return what a command that fails has to say, which is one line."""
    told = run_command(*arguments, cwd=here.folder)
    assert (told.returncode, told.stdout) == (1, ""), told
    [line] = SLOW.sub("", told.stderr).splitlines()
    assert line.startswith("node: ")
    return line


def test_where_no_node_runs_there_is_none_to_ask(here: Fleet) -> None:
    for question in (["status", DOOR], ["put", DOOR, "hello"], ["get", DOOR, HASH]):
        assert failure(here, *question) == f"node: no node runs at {DOOR}"


def test_a_folder_has_one_node_at_a_time(here: Fleet) -> None:
    here.node("x").is_ready()
    assert "'x/node.db' is in use, probably by a node that runs" in failure(here, *RUN)


def test_a_port_has_one_node_at_a_time(here: Fleet) -> None:
    address = str(here.node("other").address[:-1])
    assert f"Address already in use: '{address}'" in failure(here, "run", "--data", "x", "--listen", address)


def test_an_address_of_another_machine_cannot_be_listened_at(here: Fleet) -> None:
    address = "/ip4/192.0.2.1/tcp/4001"
    assert f"Cannot assign requested address: '{address}'" in failure(here, "run", "--data", "x", "--listen", address)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_not_replaced(here: Fleet, content: bytes) -> None:
    key = here.folder / "x" / "key"
    key.parent.mkdir()
    key.write_bytes(content)
    assert failure(here, *RUN) == "node: 'x/key' has no private key in PEM"
    assert key.read_bytes() == content


def test_a_key_that_cannot_be_read_is_an_error(here: Fleet) -> None:
    (here.folder / "x" / "key").mkdir(parents=True)
    assert "Is a directory: 'x/key'" in failure(here, *RUN)


def test_a_folder_that_is_a_file_is_an_error(here: Fleet) -> None:
    (here.folder / "x").write_text("")
    told = run_command(*RUN, cwd=here.folder)
    assert (told.returncode, told.stderr.endswith("argument --data: 'x' is no folder\n")) == (2, True)


def test_another_programs_database_is_left_alone(here: Fleet) -> None:
    (here.folder / "x").mkdir()
    (here.folder / "x" / "node.db").write_bytes(b"no database at all" * 1_000)
    assert "'x/node.db': file is not a database" in failure(here, *RUN)


def test_the_path_of_a_socket_can_be_too_long(here: Fleet) -> None:
    assert "the path of a socket has at most 108 bytes" in failure(here, "run", "--data", "x" * 120, "--listen", TCP)
    told = run_command(
        "run", "--data", "x" * 120, "--status", "/unix/short.sock", "--listen", "/nonsense", cwd=here.folder
    )
    assert told.returncode == 2


def test_an_item_is_put_at_one_and_got_of_another_by_the_commands_of_the_docstring(here: Fleet) -> None:
    alice = here.node("alice", is_strict=True)
    bob = here.node("bob", "--seed", str(alice.address[:-1]), is_strict=True).is_ready()
    digest = run_command("put", "/unix/alice%2Fnode.sock", "hello", cwd=here.folder).stdout.strip()
    bob.wait_for("item", lambda event: event["hash"] == digest)
    assert run_command("get", "/unix/bob%2Fnode.sock", digest, cwd=here.folder).stdout == "hello"
    assert failure(here, "get", "/unix/bob%2Fnode.sock", HASH).endswith("refuses: there is no such item")
    shown = run_command("status", "/unix/bob%2Fnode.sock", cwd=here.folder).stdout
    assert re.search(r"^items +1$", shown, re.MULTILINE)
    assert str(alice.peer_id) in shown
    assert (alice.stop(), bob.stop()) == (0, 0)


def test_an_item_may_come_from_standard_input(here: Fleet) -> None:
    here.node("x").is_ready()
    digest = run_command("put", DOOR, "-", cwd=here.folder, input="from a file").stdout.strip()
    assert run_command("get", DOOR, digest, cwd=here.folder).stdout == "from a file"
    told = run_command("put", DOOR, "-", cwd=here.folder, input="x" * 65_537)
    assert (told.returncode, told.stderr.endswith("error: an item has 1 to 65536 bytes\n")) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_ends_by_itself_when_it_is_interrupted(here: Fleet, number: signal.Signals) -> None:
    """... with connections open, and answers its last word by status 0; its socket's file is gone."""
    one = here.node("one", is_strict=True)
    two = here.node("two", "--seed", str(one.address), is_strict=True)
    two.wait_for("peer")
    assert one.stop(number) == 0
    assert two.wait_for("gone")["reason"] == "it said: this node ends"
    assert not (here.folder / "one" / "node.sock").exists()
    two.interrupt(number)
    two.interrupt(number)  # as somebody who cannot wait
    assert two.end() == 0


def test_a_node_whose_port_nobody_may_have_leaves_nothing_behind(here: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}"
        failure(here, "run", "--data", "x", "--listen", TCP, address)
    assert not (here.folder / "x" / "node.sock").exists()


def test_a_node_goes_on_where_nobody_reads_what_it_tells(here: Fleet) -> None:
    """As behind `| head -1`: it reads a line, and leaves."""
    command = [sys.executable, *STRICT, "-m", "examples.node", *RUN]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=here.folder
    ) as node:
        assert node.stdout is not None
        assert node.stderr is not None
        assert node.stdout.readline().startswith(b"listening on /ip4/127.0.0.1/tcp/")
        node.stdout.close()
        until((here.folder / "x" / "node.sock").exists)
        for item in ("one", "two"):
            assert run_command("put", DOOR, item, cwd=here.folder).returncode == 0
        node.send_signal(signal.SIGINT)
        assert node.wait(PATIENCE) == 0
        assert [line for line in node.stderr if not line.startswith(b"Executing <")] == []


def test_a_command_whose_output_nobody_reads_ends_with_a_word(here: Fleet) -> None:
    here.node("x").is_ready()
    digest = run_command("put", DOOR, "-", cwd=here.folder, input="x" * 65_536).stdout.strip()
    reading, writing = os.pipe()
    os.close(reading)
    for question in (["get", DOOR, digest], ["status", DOOR]):
        told = subprocess.run(
            [sys.executable, *STRICT, "-m", "examples.node", *question],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            cwd=here.folder,
            timeout=PATIENCE,
            check=False,
        )
        assert (told.returncode, told.stderr) == (1, "node: [Errno 32] Broken pipe\n")
    os.close(writing)


def test_the_folder_of_a_node_is_its_owners_alone(here: Fleet) -> None:
    here.node("x").is_ready()
    folder: Path = here.folder / "x"
    assert [oct(path.stat().st_mode & 0o777) for path in (folder, folder / "key", folder / "node.sock")] == [
        "0o700",
        "0o600",
        "0o600",
    ]


def test_addresses_that_only_look_right_are_refused_with_what_to_write_instead(here: Fleet) -> None:
    peer_id = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
    for arguments, hint in {
        ("run", "--data", "x", "--listen", f"{TCP}/p2p/{peer_id}"): f"that of its key; use {TCP}",
        (*RUN, "--static", "/ip4/127.0.0.1/udp/9"): "no connections over udp; use an address of tcp",
        ("status", "/ip4/127.0.0.1/tcp/9"): "/unix/alice%2Fnode.sock, with %2F for each / of the path",
        ("run", "--data", "", "--listen", TCP): "a folder has a name",
    }.items():
        told = run_command(*arguments, cwd=here.folder)
        assert told.returncode in (1, 2)
        assert hint in told.stderr, told.stderr


def test_a_missing_extra_is_said_to_be_missing(here: Fleet) -> None:
    """... and by which command it comes; what stands in the folder is found before what is installed."""
    (here.folder / "msgspec.py").write_text("raise ModuleNotFoundError('no', name='msgspec')")
    told = run_command("--help", cwd=here.folder)
    assert told.returncode == 1
    assert told.stderr == (
        "node: there is no msgspec, which comes with the extra `examples`: pip install '.[examples]'\n"
    )


def test_options_may_be_repeated(here: Fleet) -> None:
    node = here.node("x", "--listen", "/ip6/::1/tcp/0")
    node.is_ready()
    assert {address[0].name for address in node.status().listening} == {"ip4", "ip6"}


def test_a_folder_that_is_made_is_none_for_git(here: Fleet) -> None:
    here.node("x").is_ready()
    assert (here.folder / "x" / ".gitignore").read_text("ascii") == "*\n"


def test_who_waits_for_standard_input_is_interrupted(here: Fleet) -> None:
    command = [sys.executable, "-m", "examples.node", "put", DOOR, "-"]
    with subprocess.Popen(command, cwd=here.folder, env=ENVIRONMENT, stdin=subprocess.PIPE) as process:
        time.sleep(1.0)  # whenever it is: in its loading, too
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
