"""That `maddr decode` says of everything what it is, and never anything that a terminal would obey.

An input is a byte of choices and what is given to the command, which runs in this process: as a whole where there may
be options among the arguments, else what it does when they are parsed, which takes longer, with --json and without.
"""

from __future__ import annotations

import codecs
import io
import itertools
import json
import os
import re
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

from multiaddr_py import Multiaddr
from multiaddr_py.cli import decode, main
from multiaddr_py.cli.notation import NOTATIONS
from multiaddr_py.cli.terminal import escape

WAYS = ("lines", "arguments", "options")
"""All of the input is lines; or what is before the first line feed is arguments with NUL between them, in the last way
unparsed, and what is behind it is lines.
"""

CHOICES = list(itertools.product(WAYS, (None, *NOTATIONS), (500, 80, 20, 1), ("utf-8", "ascii")))
"""How the input is given, what it is said to be, the terminal's columns, and the encoding of the output."""

FIELDS = {"input", "from", "address", "hex", "size", "peer_id", "components"}
TABLE = re.compile("[0-9]+ bytes?, read as [a-z0-9]+")  # in front of each
PART_FIELDS = {"offset", "code", "name", "value", "raw_value", "meaning"}


class Given(NamedTuple):
    """What the command is given."""

    way: str
    notation: str | None
    columns: int
    encoding: str
    arguments: list[str]
    stdin: bytes

    @property
    def asked(self) -> list[str]:
        """The addresses that are to be decoded, in order, where there are no options among the arguments."""
        lines = self.stdin.removeprefix(codecs.BOM_UTF8).split(b"\n")
        texts = [line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in lines if line.strip()]
        asked = []
        for argument in self.arguments or ["-"]:
            if argument == "-":
                asked += texts
                texts = []  # standard input is read once
            else:
                asked.append(argument)
        return asked


class Done(NamedTuple):
    """What the command did."""

    status: int
    out: list[str]
    err: list[str]


def given(raw: bytes) -> Given:
    """Return what an input gives to the command."""
    choices = CHOICES[(raw[0] if raw else 0) % len(CHOICES)]
    if choices[0] == "lines":
        return Given(*choices, [], raw[1:])
    arguments, _, stdin = raw[1:].partition(b"\n")
    return Given(*choices, [part.decode("utf-8", "surrogateescape") for part in arguments.split(b"\0")], stdin)


def check_command(raw: bytes) -> None:
    """Check what the command does with an input."""
    case = given(raw)
    if case.way == "options":
        run(case, lambda: main(["decode", *case.arguments]))
        return
    told, listed = (
        run(case, partial(decode.run, Namespace(addresses=case.arguments, json=as_json, notation=case.notation)))
        for as_json in (False, True)
    )
    assert (told.status, told.err) == (listed.status, listed.err), "--json makes a difference in what is refused"
    assert told.status == (1 if told.err else 0), "the status does not say whether something was refused"
    assert all(line.startswith(("maddr: ", "  ")) for line in told.err), "an error is laid out otherwise"
    records = [json.loads(line) for line in listed.out]
    asked = iter(case.asked)
    for record in records:
        check_record(record, case.notation)
        assert record["input"] in asked, "what was not given, or not there, is decoded"
        shown = escape(record["address"]).encode(case.encoding, "backslashreplace").decode(case.encoding)
        assert shown in told.out, "the table is of another address"
    refused = sum(line.startswith("maddr: ") for line in told.err)
    assert len(records) + refused == len(case.asked), "something is neither decoded nor refused"
    assert len(records) == sum(map(bool, map(TABLE.fullmatch, told.out))), "there are more tables or fewer than records"


def run(case: Given, command: Callable[[], int]) -> Done:
    """Run the command; check what goes for all that it does."""
    out, err = (io.TextIOWrapper(io.BytesIO(), case.encoding, "backslashreplace", newline="\n") for _ in range(2))
    stdin = io.TextIOWrapper(io.BytesIO(case.stdin))
    with (
        mock.patch.multiple("sys", stdin=stdin, stdout=out, stderr=err),
        mock.patch.multiple("shutil", get_terminal_size=lambda fallback=None: os.terminal_size((case.columns, 24))),
    ):
        status = command()
    assert status in (0, 1, 2), "the status is none of the documented ones"
    lines = []
    for stream in out, err:
        stream.seek(0)
        written = stream.read()
        assert not written or written.endswith("\n"), "the last line does not end"
        lines.append(written.split("\n")[:-1])
        assert all(map(str.isprintable, lines[-1])), "a terminal would obey what is written"
    return Done(status, *lines)


def check_record(record: dict[str, Any], notation: str | None) -> None:
    """Check what --json says of an address."""
    assert set(record) == FIELDS, "the fields are not the documented ones"
    address = Multiaddr(bytes.fromhex(record["hex"]))
    assert (record["address"], record["size"]) == (str(address), len(bytes(address))), "the bytes are another address"
    assert record["from"] == (notation or record["from"]), "it was read as something else"
    if record["from"] == "text":
        assert Multiaddr(record["input"]) == address, "the text is another address"
    elif record["from"] == "hex":
        digits = record["input"].lower().removeprefix("0x").replace(" ", "").replace(":", "")
        assert digits == record["hex"], "the digits are other bytes"
    peer_id = address.peer_id
    assert record["peer_id"] == (None if peer_id is None else str(peer_id)), "it leads to another peer"
    assert len(record["components"]) == len(address)
    for part, component, span in zip(record["components"], address, address._spans(), strict=True):
        assert set(part) == PART_FIELDS, "the fields are not the documented ones"
        said = part["code"], part["offset"], part["name"], part["value"], part["raw_value"]
        assert said == (*span[:2], component.name, component.value, component.raw_value.hex()), "a component differs"
        assert part["meaning"] is None or isinstance(part["meaning"], str)
