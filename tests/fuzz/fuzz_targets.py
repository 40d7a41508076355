"""The targets: what is checked, what the fuzzer begins with, and how a finding is turned into a row of the vectors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from fuzz_accelerator import LEFT_BYTES, MARK, RIGHT_BYTES, check_accelerator, sources_of
from fuzz_command import CHOICES, check_command, given
from fuzz_laws import check_bytes, check_text, text_of

from multiaddr_py import REGISTRY

VECTORS = Path(__file__).parents[1] / "vectors.jsonl"
Source = str | bytes


class Target(NamedTuple):
    """What is fuzzed."""

    about: str
    check: Callable[[bytes], None]
    """Raises, `AssertionError` or anything else, where something is wrong with an input."""
    seeds: Callable[[list[Source]], Iterator[bytes]]
    """Gives the inputs to begin with, made of texts and bytes that are addresses or nearly so."""
    rows: Callable[[bytes], list[dict[str, object]]]
    """Says what an input is as JSON, for the vectors."""


def sources(*, shared: bool = True) -> list[Source]:
    """Return the texts and bytes of this project's vectors, and with `shared` those beside it, if they are there."""
    paths, in_use = [VECTORS], []
    if shared:
        from conformance import CONFORMANCE  # takes longer than all else here, since it needs pytest

        if CONFORMANCE.is_dir():
            paths.append(CONFORMANCE / "vectors.jsonl")
            in_use = (CONFORMANCE / "real-world.txt").read_text(encoding="utf-8").splitlines()
    found: list[Source] = []
    for path in paths:
        for row in map(json.loads, path.read_text(encoding="ascii").splitlines()):
            found += [row[key] for key in ("text", "canonical") if key in row]
            found += [bytes.fromhex(row["hex"])] if "hex" in row else []
    found += in_use[::20]  # many are alike
    return list(dict.fromkeys(found))


def raw_of(source: Source) -> bytes:
    """Return the input that stands for a source; `text_of` is the other way."""
    if isinstance(source, bytes):
        return source
    return source.encode("utf-8", "surrogatepass")


def row_of(source: Source) -> dict[str, object]:
    """Return a vector's row without its outcome."""
    return {"text": source} if isinstance(source, str) else {"hex": source.hex()}


def _text_seeds(sources: list[Source]) -> Iterator[bytes]:
    yield b"/tls" * 800 + b"/TLS"
    for source in sources:
        if isinstance(source, str):
            yield raw_of(source)
            yield raw_of(source.removeprefix("/"))


def _bytes_seeds(sources: list[Source]) -> Iterator[bytes]:
    yield b"\xc0\x03" * 1600 + b"\0"
    yield from (source for source in sources if isinstance(source, bytes))


def _command_seeds(sources: list[Source]) -> Iterator[bytes]:
    notations: list[Callable[[bytes], bytes]] = [
        lambda raw: raw.hex().encode(),
        lambda raw: b"0x" + raw.hex(":").encode(),
        lambda raw: b"u" + base64.urlsafe_b64encode(raw).rstrip(b"="),
        base64.b64encode,
    ]
    for number, source in enumerate(sources):
        written = notations[number % 4](source) if isinstance(source, bytes) else raw_of(source)
        other = raw_of(sources[number * 7 % len(sources)]).hex().encode()
        choices = number % len(CHOICES)
        between = b"\n" if CHOICES[choices][0] == "lines" else b"\0"
        yield bytes([choices]) + written + (between + other) * (number % 3)
    yield b"\0\xef\xbb\xbf/tls\r\n \t\n\n/ws"
    for arguments in (
        b"--json\0/tls",
        b"--from\0hex\0c003",
        b"--help",
        b"--js\0-\n/tls\n",
        b"--from=a\0/tls",
        b"-\x1b",
    ):
        yield bytes([len(CHOICES) - 1]) + arguments


def _command_rows(raw: bytes) -> list[dict[str, object]]:
    case = given(raw)
    row: dict[str, object] = {"arguments": case.arguments, "stdin": text_of(case.stdin)}
    row |= {"from": case.notation} if case.notation else {}
    return [row, *map(row_of, case.asked)]


def _accelerator_seeds(sources: list[Source]) -> Iterator[bytes]:
    for number, left in enumerate(sources):
        right = sources[number * 7 % len(sources)]
        choices = LEFT_BYTES * isinstance(left, bytes) | RIGHT_BYTES * isinstance(right, bytes)
        # Every fourth time under another registry; at all places.
        choices |= (number % 16 << 4) | (number % 4 == 3) * (number >> 2 & 3) << 2
        yield bytes([choices]) + raw_of(left) + MARK + raw_of(right)


TARGETS = {
    "text": Target(
        "an address's text",
        check_text,
        _text_seeds,
        lambda raw: [row_of(text_of(raw))],
    ),
    "bytes": Target(
        "an address's bytes",
        check_bytes,
        _bytes_seeds,
        lambda raw: [row_of(raw)],
    ),
    "command": Target(
        "`maddr decode`: arguments and standard input",
        check_command,
        _command_seeds,
        _command_rows,
    ),
    "accelerator": Target(
        "the C code, built with sanitizers, against pure Python",
        check_accelerator,
        _accelerator_seeds,
        lambda raw: [row_of(source) for source in sources_of(raw)[1:]],
    ),
}


def tokens() -> Iterator[bytes]:
    """Yield what addresses are made of, for the fuzzer's dictionary."""
    for name in [*(protocol.name for protocol in REGISTRY), *REGISTRY.aliases]:
        yield b"/%s" % name.encode()
        yield b"/%s/" % name.encode()
    for protocol in REGISTRY:
        yield protocol._prefix
        if protocol.size is None:
            yield protocol._prefix + b"\x01a"
        elif protocol.size:
            yield protocol._prefix + bytes(protocol.size // 8)
    # Multihashes, a key's CID, multibase's prefixes, and what stands in one kind of value or another.
    yield from (b"\x12\x20" + bytes(32), b"\x00\x24\x08\x01\x12\x20" + bytes(32), b"\x01\x72\x12\x20", b"\x80\x80\x01")
    yield from (b"/unix/%2F", b"%00", b"%zz", b"::ffff:", b"::", b":80", b"65535", b"Qm", b"12D3KooW", b"bafz", MARK)
    yield from (prefix.encode() for prefix in "fFbBcCvVtThkKzZmMuU")


def dictionary() -> str:
    """Return the dictionary in libFuzzer's form."""
    escaped = ("".join(map(r"\x{:02x}".format, token)) for token in dict.fromkeys(tokens()))
    return "".join(f'"{token}"\n' for token in escaped)


def write_seeds(target: Target, directory: Path, most: int) -> int:
    """Write the seeds to a new directory, each to a file of its own; return how many. Of too many some are left out."""
    directory.mkdir()
    seeds = list(target.seeds(sources()))
    chosen = seeds[:: -(-len(seeds) // most)]
    for number, seed in enumerate(chosen):
        (directory / f"{number:05}").write_bytes(seed)
    return len(chosen)
