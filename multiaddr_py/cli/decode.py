"""`maddr decode`: what an address says, component by component."""

from __future__ import annotations

import argparse
import codecs
import shutil
import sys
from collections import namedtuple
from contextlib import suppress
from json.encoder import encode_basestring_ascii

from multiaddr_py import REGISTRY, Multiaddr, Multihash, ParseError, PeerId
from multiaddr_py.cli.notation import NOTATIONS, read_address
from multiaddr_py.cli.terminal import escape, harmless, point_out, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from multiaddr_py import Codec


_MOST_BYTES = 4 << 20
"""Of one line of input: what keeps memory constant, whatever is piped in."""

_HEADING = ("at", "code", "len", "bytes", "protocol", "no.", "value", "meaning")
_FLEXIBLE = {3: (11, 3), 6: (20, 1), 7: (10, 1)}
"""The columns that may be cut to fit the terminal, in this order, how narrow, and between how many characters."""

_NO_TERMINAL = 500
"""Columns where the output goes to no terminal: nearly every value fits, and a long one does not widen each line."""

_MOST_COLUMNS = 80
"""Of what an error shows of an address."""

_DESCRIPTION = """\
Show what multiaddrs say, component by component.

An address is read as text if it begins with '/', as hex if it begins with 0x or
is an even number of hex digits (blanks and colons do not count), otherwise as
multibase or base64. Without an ADDRESS, or for '-', lines of standard input are
read; empty ones are skipped."""

_EPILOG = """\
examples:
  maddr decode /ip4/127.0.0.1/udp/1234/quic-v1
  maddr decode 047f000001910204d2cd03
  maddr decode --json < addresses.txt

Each JSON line is an object with
  input       the address as it was given
  from        what it was read as: text, hex, multibase or base64
  address     its canonical text
  hex         its bytes
  size        how many bytes these are
  peer_id     the peer that it leads to, or null
  components  a list of objects with
    offset    where the component begins in the bytes
    code      the protocol's number
    name      the protocol's name
    value     the value's text, or null
    raw_value the value's bytes in hex, without its length
    meaning   what the value means where that helps, or null

Addresses that cannot be read are reported on standard error; the others go on.
The exit status is 0, 1 if an address could not be read, 2 for wrong usage."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "decode",
        help="show what addresses say, component by component",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("addresses", nargs="*", metavar="ADDRESS", help="an address, or '-' for standard input")
    parser.add_argument("--json", action="store_true", help="write JSON Lines")
    parser.add_argument("--from", dest="notation", choices=NOTATIONS, help="what the addresses are written in")


def run(options: argparse.Namespace) -> int:
    """Decode the addresses of the arguments or of standard input; return the exit status."""
    columns = shutil.get_terminal_size((_NO_TERMINAL, 0)).columns
    write = _write_json if options.json else _write_table
    status = 0
    for place, line in _sources(options.addresses):
        try:
            source = line if isinstance(line, str) else _line_to_text(line)
            write(source, *read_address(source, options.notation), columns)
        except ParseError as error:
            status = 1
            print(end="", flush=True)  # what was before it stands before it
            with suppress(OSError):  # that nobody reads the errors is no reason not to go on
                _write_error(place, error, min(columns, _MOST_COLUMNS))
    return status


def _sources(addresses: list[str]) -> Iterator[tuple[str, str | bytes]]:
    """Yield each address with what an error says of its place: an argument as text, a line of input as bytes."""
    for address in addresses or ["-"]:
        if address == "-":
            yield from _lines()
        else:
            yield "", address


def _lines() -> Iterator[tuple[str, bytes]]:
    if sys.stdin is None:  # closed
        return
    if sys.stdin.isatty():
        print("maddr: type or paste addresses, one a line; Ctrl-D ends", file=sys.stderr)
    stream = sys.stdin.buffer
    number = 0
    while line := stream.readline(_MOST_BYTES + 2):
        number += 1
        end = line
        while len(end) == _MOST_BYTES + 2 and not end.endswith(b"\n"):
            end = stream.readline(_MOST_BYTES + 2)  # what is too long anyway is read to its end, and let go
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield f"line {number}: ", line
        if not end.endswith(b"\n"):  # the last one; a terminal would have to be told a second time
            return


def _line_to_text(line: bytes) -> str:
    if len(line) > _MOST_BYTES:
        raise ParseError(f"a line has at most {_MOST_BYTES} bytes", line, 0)
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        hint = "an address in bytes is written as hex or in base64"
        raise ParseError("this is not UTF-8 text", line, error.start, None, hint) from error


def _write_error(place: str, error: ParseError, columns: int) -> None:
    lines = [f"maddr: {place}{harmless(error.reason)}"]
    lines += [f"  {line}" for line in point_out(error, columns - 2).split("\n")]
    if error.hint is not None:
        lines.append(f"  {harmless(error.hint)}")
    print("\n".join(lines), file=sys.stderr)


# As `json.dumps` writes it, which would take half of the command's time: in ASCII, so that a stranger's characters
# stay escaped. What stands between quotes here, names, notations and hex, has nothing to escape.
_RECORD = '{"input": %s, "from": "%s", "address": %s, "hex": "%s", "size": %d, "peer_id": %s, "components": [%s]}'
_COMPONENT = '{"offset": %d, "code": %d, "name": "%s", "value": %s, "raw_value": "%s", "meaning": %s}'


def _json(text: str | None) -> str:
    return "null" if text is None else encode_basestring_ascii(text)


def _write_json(source: str, address: Multiaddr, notation: str, columns: int) -> None:
    raw, place, components = bytes(address), address._peer_place(), _components(address)
    peer_id = None if place is None else components[place].value
    written = ", ".join(
        [
            _COMPONENT % (offset, code, name, _json(value), raw_value.hex(), _json(meaning))
            for offset, code, name, value, raw_value, meaning in components
        ]
    )
    print(_RECORD % (_json(source), notation, _json(str(address)), raw.hex(), len(raw), _json(peer_id), written))


def _write_table(source: str, address: Multiaddr, notation: str, columns: int) -> None:
    raw = bytes(address)
    rows = [
        (
            str(part.offset),
            *_split_hex(raw[span[1] : span[2]]),
            part.raw_value.hex(" "),
            escape(part.name),
            str(part.code),
            escape(part.value or ""),
            escape(part.meaning or ""),
        )
        for part, span in zip(_components(address), address._spans(), strict=True)
    ]
    print(escape(str(address)))
    print(f"{len(raw)} {'byte' if len(raw) == 1 else 'bytes'}, read as {notation}\n")
    for line in table(_HEADING, rows, flexible=_FLEXIBLE, columns=columns):
        print(line)
    print()


_Component = namedtuple("_Component", ("offset", "code", "name", "value", "raw_value", "meaning"))

# A number or an address of a fixed size says itself what it means.
_CODECS = {protocol.code: protocol.codec for protocol in REGISTRY if protocol.codec and protocol.size is None}


def _components(address: Multiaddr) -> list[_Component]:
    """Return what is said of each component. The values' texts are those in the address's: they have no slashes."""
    raw, segments = bytes(address), iter(str(address).split("/")[1:])
    components = []
    for code, offset, start, stop in address._spans():
        name, raw_value = next(segments), raw[start:stop]
        value = next(segments) if raw_value else None
        codec = _CODECS.get(code)
        meaning = None if codec is None else _meaning(codec, raw_value, value)
        components.append(_Component(offset, code, name, value, raw_value, meaning))
    return components


def _split_hex(front: bytes) -> tuple[str, str]:
    """Return a component's code and length in hex."""
    code = next(index for index, byte in enumerate(front) if byte < 0x80) + 1  # the code is a varint
    return front[:code].hex(" "), front[code:].hex(" ")


def _meaning(codec: Codec, raw_value: bytes, text: str | None) -> str | None:
    """Say what a value means, where its text does not."""
    value = codec.to_value(raw_value)
    if isinstance(value, PeerId):
        key = value.key
        return "hash of a key" if key is None else f"{key[0]} key"
    if isinstance(value, Multihash):
        return value.name or f"hash {value.code:#x}"
    if isinstance(value, bytes):
        try:
            decoded = value.decode()
        except UnicodeDecodeError:
            return None
        return None if decoded == text else decoded
    return None
