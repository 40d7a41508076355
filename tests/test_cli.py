"""The `maddr` command, run as a process."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import unicodedata
from importlib.metadata import entry_points

import base58
import pytest
from conformance import CONFORMANCE, needs_conformance
from hypothesis import given
from hypothesis import strategies as st
from test_vectors import OWN, rows

from multiaddr_py import Multiaddr, MultiaddrError, ParseError, __version__
from multiaddr_py.cli import main
from multiaddr_py.cli.notation import read_address
from multiaddr_py.cli.terminal import escape, fit, harmless, point_out, table, width
from multiaddr_py.strategies import multiaddrs

MADDR = [sys.executable, "-c", "import sys; from multiaddr_py.cli import main; sys.exit(main())"]
# As a user has it: Python buffers its output, and is not told otherwise.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "SYSTEMROOT")}
# What has the command measured, run in pure Python, or checked by a sanitizer.
PASSED_ON = ("COVERAGE_", "MULTIADDR_PY_", "LD_PRELOAD", "ASAN_")
ENVIRONMENT |= {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
ENVIRONMENT |= {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
PEER = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
HASHED = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
MULTIHASH = base58.b58decode(HASHED).hex()
CERTHASH = "uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"


def maddr(*arguments: str | bytes, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*MADDR, *arguments],
        input=stdin,
        capture_output=True,
        env={**ENVIRONMENT, **environment},
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def decoded(*arguments: str, stdin: bytes = b"") -> list[dict[str, object]]:
    done = maddr("decode", "--json", *arguments, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stdout.splitlines() == [json.dumps(record) for record in records]
    return records


def test_a_table_shows_each_component() -> None:
    address = f"/ip4/1.2.3.4/udp/4001/quic-v1/webtransport/certhash/{CERTHASH}/p2p/{PEER}"
    done = maddr("decode", address)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == f"""\
{address}
91 bytes, read as text

at  code   len  bytes        protocol      no.  value                 meaning
0   04          01 02 03 04  ip4           4    1.2.3.4
5   91 02       0f a1        udp           273  4001
9   cd 03                    quic-v1       461
11  d1 03                    webtransport  465
13  d2 03  22   12 20 24 …   certhash      466  uEiAkH5a4DPGKUuOBjY…  sha2-256
50  a5 03  26   00 24 08 …   p2p           421  12D3KooWBdmLJjhpgJ9…  Ed25519 k…

"""
    )


def test_a_wide_terminal_cuts_nothing_and_empty_columns_are_left_out() -> None:
    done = maddr("decode", "047f000001910204d2", COLUMNS="200")
    assert (
        done.stdout
        == """\
/ip4/127.0.0.1/udp/1234
9 bytes, read as hex

at  code   bytes        protocol  no.  value
0   04     7f 00 00 01  ip4       4    127.0.0.1
5   91 02  04 d2        udp       273  1234

"""
    )
    assert f"  {PEER}  Ed25519 key\n" in maddr("decode", f"/p2p/{PEER}", COLUMNS="200").stdout


@pytest.mark.parametrize(
    ("address", "meaning"),
    [
        (f"/p2p/{HASHED}", "hash of a key"),
        ("/p2p/11", "hash of a key"),
        ("/certhash/uEgNmb28", "sha2-256"),
        ("/certhash/uAAA", "identity"),
        ("/certhash/ugIDAAQFh", "hash 0x300000"),
        ("/unix/%2Frun%2Fa.sock", "/run/a.sock"),
        ("/unix/stdio", None),
        ("/http-path/%FF", None),
        ("/tcp/80", None),
        ("/tls", None),
    ],
)
def test_the_meaning_of_a_value_is_said_where_its_text_does_not(address: str, meaning: str | None) -> None:
    [record] = decoded(address)
    assert record["components"][0]["meaning"] == meaning  # type: ignore[index] # of JSON


def test_json_has_the_documented_fields() -> None:
    assert decoded(f"/ip4/127.0.0.1/tcp/080/ipfs/{HASHED}/p2p-circuit") == [
        {
            "input": f"/ip4/127.0.0.1/tcp/080/ipfs/{HASHED}/p2p-circuit",
            "from": "text",
            "address": f"/ip4/127.0.0.1/tcp/80/p2p/{HASHED}/p2p-circuit",
            "hex": f"047f000001060050a50322{MULTIHASH}a202",
            "size": 47,
            "peer_id": None,
            "components": [
                {"offset": 0, "code": 4, "name": "ip4", "value": "127.0.0.1", "raw_value": "7f000001", "meaning": None},
                {"offset": 5, "code": 6, "name": "tcp", "value": "80", "raw_value": "0050", "meaning": None},
                {
                    "offset": 8,
                    "code": 421,
                    "name": "p2p",
                    "value": HASHED,
                    "raw_value": MULTIHASH,
                    "meaning": "hash of a key",
                },
                {"offset": 45, "code": 290, "name": "p2p-circuit", "value": None, "raw_value": "", "meaning": None},
            ],
        }
    ]
    assert decoded(f"/p2p/{PEER}")[0]["peer_id"] == PEER


@pytest.mark.parametrize(
    ("source", "notation"),
    [
        ("/ip4/127.0.0.1", "text"),
        ("047f000001", "hex"),
        ("0x047f000001", "hex"),
        ("0X047F000001", "hex"),
        ("04:7f:00:00:01", "hex"),
        ("04 7f 00 00 01", "hex"),
        ("0x04 7f:00 0001", "hex"),
        ("f047f000001", "multibase"),
        ("uBH8AAAE", "multibase"),
        ("MBH8AAAE=", "multibase"),
        ("bar7qaaab", "multibase"),
        ("BH8AAAE=", "base64"),
        ("BH8AAAE", "base64"),
    ],
)
def test_says_what_an_address_was_read_as(source: str, notation: str) -> None:
    [record] = decoded(source)
    assert (record["address"], record["from"], record["input"]) == ("/ip4/127.0.0.1", notation, source)
    [record] = decoded("--from", notation, source)
    assert (record["address"], record["from"]) == ("/ip4/127.0.0.1", notation)


def test_base64_is_read_in_both_alphabets() -> None:
    raw = bytes(Multiaddr("/dns4/~~~~~~/http-path/%FF%FE%FF%FE"))
    standard, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert standard != url
    for source in (standard, url):
        [record] = decoded(source)
        assert (record["hex"], record["from"]) == (raw.hex(), "base64")


def test_an_address_in_two_notations_is_an_error_that_names_the_option() -> None:
    source = "BFMACWAGAAM"
    done = maddr("decode", source)
    assert done.returncode == 1
    assert "this is an address in multibase and another one in base64" in done.stderr
    assert "--from {text,hex,multibase,base64}" in done.stderr
    assert decoded("--from", "multibase", source)[0]["address"] == "/ipcidr/0/ipcidr/0/tls"
    assert decoded("--from", "base64", source)[0]["address"] == "/ip4/83.0.9.96/tcp/3"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["/ip4/1.2.3.400/tcp/80"],
            """\
maddr: '1.2.3.400' is no value for ip4: an octet is over 255
  /ip4/1.2.3.400/tcp/80
       ^^^^^^^^^
""",
        ),
        (
            ["/ip4/example.com"],
            """\
maddr: 'example.com' is no value for ip4: an IPv4 address is four decimal numbers with dots between
  /ip4/example.com
       ^^^^^^^^^^^
  use dns4
""",
        ),
        (["/ip4"], "maddr: ip4 needs a value\n  /ip4\n      ^\n"),
        (["//tcp/80"], "maddr: a component has no name\n  //tcp/80\n   ^\n"),
        (["047f00"], "maddr: ip4 has a value of 4 bytes, of which 2 are there\n  04 7f 00\n     ^^\n"),
        (["--from", "hex", "04g0"], "maddr: this is no hex: 'g' is no character of this base\n  04g0\n  ^^^^\n"),
        (
            ["/dns/\x1b[31m\u200bａｂ\\/tcp/x"],
            """\
maddr: 'x' is no value for tcp: a number is written in the digits 0 to 9
  /dns/\\x1b[31m\\u200bａｂ\\\\/tcp/x
                                ^
""",
        ),
        (
            ["/dns/ａｂ/例え"],
            "maddr: '例え' is no protocol\n  /dns/ａｂ/例え\n            ^^^^\n",
        ),
        (
            ["1.2.3.4:4001"],
            """\
maddr: this is no address: neither text, which begins with /, nor hex, multibase or base64
  1.2.3.4:4001
  ^^^^^^^^^^^^
  write it as in /ip4/127.0.0.1/tcp/80, or say with --from what it is
""",
        ),
        (
            ["/ip4/1.2.3.4 "],
            """\
maddr: '1.2.3.4 ' is no value for ip4: an IPv4 address is four decimal numbers with dots between
  /ip4/1.2.3.4\N{SPACE}
       ^^^^^^^^
  there are blanks around it
""",
        ),
        (["/tls\t"], "maddr: 'tls\\t' is no protocol\n  /tls\\t\n   ^^^^^\n"),
    ],
)
def test_a_bad_address_is_shown_with_a_caret_and_the_rule(arguments: list[str], error: str) -> None:
    done = maddr("decode", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", error)


GENERAL = "maddr: this is no address: neither text, which begins with /, nor hex, multibase or base64\n"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("ip4/1.2.3.4", "an address begins with /"),
        (HASHED, "a peer ID is written with /p2p/ in front"),
        ("1.2.3.4", "an IPv4 address is written with /ip4/ in front"),
        ("::1", "an IPv6 address is written with /ip6/ in front"),
        ("047f000", "hex has an even number of digits"),
        ("", "write it as in /ip4/127.0.0.1/tcp/80, or say with --from what it is"),
        (" : ", "write it as in /ip4/127.0.0.1/tcp/80, or say with --from what it is"),
    ],
)
def test_what_is_in_no_notation_gets_a_hint(source: str, hint: str) -> None:
    done = maddr("decode", source)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{GENERAL}  {source}\n  ^")
    assert done.stderr.endswith(f"\n  {hint}\n")


def test_hex_without_digits_is_an_error() -> None:
    for arguments in (["0x"], ["--from", "hex", ""], ["--from", "hex", ":"]):
        assert "this is no hex: there are no digits" in maddr("decode", *arguments).stderr


def test_every_vector_is_decoded() -> None:
    valid = [row for row in rows(OWN) if "canonical" in row]
    records = decoded(stdin="\n".join(row["hex"] for row in valid).encode())
    assert [(record["hex"], record["address"]) for record in records] == [
        (row["hex"], row["canonical"]) for row in valid
    ]


@needs_conformance
def test_every_address_in_use_is_decoded() -> None:
    lines = (CONFORMANCE / "real-world.txt").read_text(encoding="utf-8").splitlines()
    records = decoded(stdin="\n".join(lines).encode())
    assert len(records) == len(lines) > 2_000
    for line, record in zip(lines, records, strict=True):
        address = Multiaddr(line)
        assert (record["input"], record["from"], record["address"]) == (line, "text", str(address))
        assert record["hex"] == bytes(address).hex()


def test_errors_stand_where_they_belong_among_the_output() -> None:
    command = [*MADDR, "decode", "--json"]
    lines = b"/tls\n/x\n/ws\n"
    both = subprocess.run(
        command, input=lines, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT, check=False
    )
    first, *error, last = both.stdout.decode().splitlines()
    assert (json.loads(first)["address"], json.loads(last)["address"]) == ("/tls", "/ws")
    assert error == ["maddr: line 2: 'x' is no protocol", "  /x", "   ^"]


def test_the_others_go_on() -> None:
    done = maddr("decode", "--json", "/tls", "/x", "/ws")
    assert done.returncode == 1
    assert [json.loads(line)["address"] for line in done.stdout.splitlines()] == ["/tls", "/ws"]
    assert done.stderr == "maddr: 'x' is no protocol\n  /x\n   ^\n"


def test_reads_lines_and_says_which_one_is_wrong() -> None:
    lines = b"\xef\xbb\xbf/tls\r\n\n  \n/x\n047f000001\n/dns/a\xffb\n/ws"
    for arguments in ([], ["-"]):
        done = maddr("decode", "--json", *arguments, stdin=lines)
        assert done.returncode == 1
        assert [json.loads(line)["address"] for line in done.stdout.splitlines()] == ["/tls", "/ip4/127.0.0.1", "/ws"]
        assert done.stderr.startswith("maddr: line 4: 'x' is no protocol\n")
        assert (
            "maddr: line 6: this is not UTF-8 text\n  2f 64 6e 73 2f 61 ff 62\n                    ^^\n" in done.stderr
        )
        assert done.stderr.endswith("  an address in bytes is written as hex or in base64\n")
    assert [record["address"] for record in decoded("/noise", "-", "/quic", stdin=b"/tls\n")] == [
        "/noise",
        "/tls",
        "/quic",
    ]


@pytest.mark.parametrize("garbage", [bytes(range(256)) * 100, b"\0" * 10_000, b"\xff\n" * 100, b"\x04\x7f\0\0\1"])
def test_binary_garbage_gets_errors_and_no_traceback(garbage: bytes) -> None:
    done = maddr("decode", stdin=garbage)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("maddr: line ") >= 1
    assert "Traceback" not in done.stderr
    assert all(len(line) <= 300 for line in done.stderr.splitlines())


def test_an_endless_line_is_refused_in_constant_memory_and_the_next_one_read() -> None:
    line = b"/dns/" + b"a" * (20 << 20)
    done = maddr("decode", "--json", stdin=line + b"\n/tls\n" + line)
    assert done.returncode == 1
    assert [json.loads(line)["address"] for line in done.stdout.splitlines()] == ["/tls"]
    assert done.stderr.count("a line has at most 4194304 bytes") == 2
    assert "line 3" in done.stderr


def test_a_long_address_is_shown_around_its_fault() -> None:
    done = maddr("decode", "/dns/" + "a" * 5000 + "/tcp/x/dns/" + "b" * 5000)
    _, shown, carets = done.stderr.splitlines()
    assert shown.startswith("  …aaa")
    assert shown.endswith("bbb…")
    assert shown[carets.index("^")] == "x"
    assert len(shown) <= 80
    done = maddr("decode", "35" + "ff7f" + "61" * 16383 + "06")
    _, shown, carets = done.stderr.splitlines()
    assert shown.startswith("  …61 61")
    assert carets.endswith(" ^")


def test_a_stranger_cannot_write_to_the_terminal() -> None:
    name = "\x1b]0;owned\x07\u202e\x9b1m\ud7ff\U000e0001"
    for address in (f"/dns/{name}/tcp/80", f"/unix/{name}", f"/ip6zone/{name}/ip6/fe80::1", f"/dns/{name}/tcp/x", name):
        for arguments in (["decode", address], ["decode", "--json", address], ["decode", "--from", "hex", address]):
            done = maddr(*arguments)
            for character in (done.stdout + done.stderr).replace("\n", ""):
                assert character.isprintable()
    marks = "/dns/a" + "\u0301" * 100_000
    assert len(maddr("decode", stdin=f"{marks}/tcp/x".encode()).stderr) < 500
    for address in (marks[:11], marks[:11] + "/tcp/x"):
        done = maddr("decode", address)
        assert "a\u0301\u0301\\u0301\\u0301" in done.stdout + done.stderr
    done = maddr("decode", os.fsencode("/dns/") + b"\xff")
    assert done.returncode == 1
    assert "\\udcff" in done.stderr


def test_what_the_encoding_cannot_hold_is_escaped() -> None:
    done = maddr("decode", "/dns/例", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.startswith("/dns/\\u4f8b\n")


def test_a_closed_pipe_is_quiet() -> None:
    lines = b"/ip4/127.0.0.1/udp/1234\n" * 20_000
    with subprocess.Popen(
        [*MADDR, "decode", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(lines[:24])
        process.stdout.close()
        try:
            process.stdin.write(lines)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    "command", ["--help", "--version", "decode --help", "decode /tls", "decode --json /tls", "decode /tls /x 2>&1"]
)
def test_a_pipe_that_nobody_reads_is_quiet(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        ["sh", "-c", f'"$@" {command}', "sh", *MADDR],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe without a reader")
def test_errors_that_nobody_reads_do_not_stop_the_output() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MADDR, "decode", "--json", "/x", "/tls"], stdout=subprocess.PIPE, stderr=writer, env=ENVIRONMENT, check=False
    )
    os.close(writer)
    assert done.returncode == 1
    assert json.loads(done.stdout)["address"] == "/tls"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("command", [["decode", "/tls"], ["--version"], ["decode", "--help"]])
def test_a_full_disk_is_an_error(command: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*MADDR, *command], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False
        )
    assert (done.returncode, done.stderr) == (1, "maddr: No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="closes file descriptors by the shell")
@pytest.mark.parametrize(
    ("closed", "arguments", "status"), [("<&-", "", 0), (">&-", "/tls", 0), ("2>&-", "/x", 1), (">&- 2>&-", "/x", 1)]
)
def test_closed_standard_streams_are_no_traceback(closed: str, arguments: str, status: int) -> None:
    command = f'"$@" decode {arguments} {closed}'
    done = subprocess.run(["sh", "-c", command, "sh", *MADDR], capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


@pytest.mark.skipif(os.name != "posix", reason="sends an interrupt")
def test_an_interrupt_is_quiet() -> None:
    # A shell may have the tests ignore interrupts, and so what they start.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {MADDR[2]}"
    command = [sys.executable, "-c", code, "decode", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"/tls\n" * 10_000)  # more than the buffer of its output holds
        process.stdin.flush()
        assert process.stdout is not None
        process.stdout.readline()  # it is reading
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == b""
        assert process.wait(30) == 130


def test_an_interrupt_while_waiting_for_input_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(io.StringIO):
        def isatty(self) -> bool:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert main(["decode"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [60, 80, 100, 132])
def test_the_table_fits_the_terminal(columns: int) -> None:
    import pty
    import termios

    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, columns))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [*MADDR, "decode", f"/ip4/1.2.3.4/udp/4001/quic-v1/certhash/{CERTHASH}/p2p/{PEER}"]
    subprocess.run(command, stdin=follower, stdout=follower, stderr=follower, env=environment, check=True)
    os.close(follower)
    lines = os.read(leader, 1 << 16).decode().splitlines()
    os.close(leader)
    rows = lines[lines.index("") + 1 : -1]
    assert len(rows) == 6
    assert all(width(row) <= columns for row in rows)
    assert (PEER in rows[-1]) == (columns == 132)


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_says_that_it_reads_from_the_terminal() -> None:
    import pty

    leader, follower = pty.openpty()
    with subprocess.Popen([*MADDR, "decode"], stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        os.write(leader, b"/tls\x04\x04")  # a line that is ended, and then the end
        assert process.wait(30) == 0
    shown = b""
    while b"read as text" not in shown:
        shown += os.read(leader, 1 << 16)
    os.close(leader)
    assert b"maddr: type or paste addresses, one a line; Ctrl-D ends" in shown


def test_version_and_help() -> None:
    assert maddr("--version").stdout == f"maddr {__version__}\n"
    assert "maddr decode /ip4/127.0.0.1" in maddr("--help").stdout
    said = maddr("decode", "--help").stdout
    [record] = decoded(f"/p2p/{PEER}")
    documented = {line.split()[0] for line in said.splitlines() if line.startswith("  ")}
    for fields in (record, record["components"][0]):  # type: ignore[index] # of JSON
        assert documented >= set(fields)


def test_what_goes_to_no_terminal_is_not_cut() -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "COLUMNS"}
    command = [*MADDR, "decode", f"/p2p/{PEER}"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, stdin=subprocess.DEVNULL
    )
    assert f"  {PEER}  Ed25519 key\n" in done.stdout
    assert "…" not in done.stdout
    # But one long value does not make each of very many lines as long.
    line = b"/http-path/" + b"a" * 100_000 + b"/tls" * 2_000
    process = subprocess.run([*MADDR, "decode"], input=line, capture_output=True, env=environment, check=True)
    assert len(process.stdout) < 2_000_000


@pytest.mark.parametrize("arguments", [[], ["encode"], ["decode", "--from", "base32", "x"], ["decode", "--yaml"]])
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    done = maddr(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: maddr")


@pytest.mark.parametrize("address", ["--\x1b]0;title\x07", "-\udcff\n/tls", "-\u202e\u0301\u0301"])
def test_what_is_taken_for_an_option_cannot_write_to_the_terminal(address: str) -> None:
    done = maddr("decode", address)
    assert (done.returncode, done.stdout) == (2, "")
    *usage, error = done.stderr.splitlines()
    assert "unrecognized arguments: -" in error
    assert all(map(str.isprintable, [*usage, error]))


def test_the_command_is_installed() -> None:
    [entry] = entry_points(group="console_scripts", name="maddr")
    assert entry.load() is main
    script = shutil.which("maddr", path=sysconfig.get_path("scripts"))
    assert script is not None
    done = subprocess.run([script, "decode", "/tls"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("/tls\n2 bytes, read as text\n")


@given(multiaddrs())
def test_reads_every_address_in_every_notation(address: Multiaddr) -> None:
    raw = bytes(address)
    for notation, source in (
        ("text", str(address)),
        ("hex", raw.hex(":")),
        ("multibase", "u" + base64.urlsafe_b64encode(raw).decode().rstrip("=")),
        ("base64", base64.b64encode(raw).decode()),
    ):
        assert read_address(source, notation) == (address, notation)
    assert read_address(str(address)) == (address, "text")
    assert read_address(raw.hex()) == (address, "hex")


@given(st.text())
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        address, notation = read_address(line)
    except MultiaddrError as error:
        assert isinstance(error, ParseError)
        shown, carets = point_out(error, 40).split("\n")
        assert shown.isprintable()
        assert set(carets) <= {" ", "^"}
        assert width(shown) <= 40
        assert carets.strip()
    else:
        assert read_address(line, notation) == (address, notation)


@given(st.text(), st.integers(1, 30))
def test_what_is_fitted_is_as_wide_as_it_should_be(text: str, columns: int) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert harmless(text).isprintable()
    assert width(fit(shown, columns)) == columns
    if width(shown) <= columns:
        assert fit(shown, columns).rstrip(" ") == shown.rstrip(" ")


def test_a_table_shrinks_its_columns_in_turn_and_cuts_between_units() -> None:
    rows = [("11 22 33 44", "aaaaaaaaaa", "z"), ("55", "b", "z")]
    flexible = {0: (5, 3), 1: (4, 1)}

    def lines(columns: int) -> list[str]:
        return list(table(("x", "y", "-"), rows, flexible=flexible, columns=columns))[1:]

    assert lines(26) == ["11 22 33 44  aaaaaaaaaa  z", "55           b           z"]
    assert lines(24) == ["11 22 …    aaaaaaaaaa  z", "55         b           z"]
    assert all(width(line) <= columns for columns in range(6, 30) for line in lines(columns))
    assert lines(9) == ["aaaaa…  z", "b       z"]
    assert lines(4) == ["…  z", "b  z"]


def test_wide_characters_count_two_and_combining_ones_none() -> None:
    assert width("例え") == 4
    assert width("e\u0301") == 1
    assert unicodedata.normalize("NFC", "e\u0301") == "é"
    assert fit("例え", 3) == "例…"
    assert fit("例え", 2) == "… "
    lines = table(("a", "b"), [("例", "1"), ("x", "2")], flexible={}, columns=80)
    assert list(lines) == ["a   b", "例  1", "x   2"]


def test_starting_imports_little() -> None:
    code = "import sys; import multiaddr_py.cli; print(*sys.modules)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
    assert not {"base58", "multihash", "importlib.metadata", "asyncio", "socket", "dataclasses"} & set(modules)
