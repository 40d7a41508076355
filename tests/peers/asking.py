"""How the other implementations are asked, and where they are if they are there at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, TypeAlias

from outcomes import Outcome, Source

HERE = Path(__file__).parent
LONGEST = 1_000
"""Longer inputs, in characters or bytes, are not asked: PyPI's `multiaddr` takes 37 s for a long enough peer ID."""

Ask: TypeAlias = Callable[[Source], Outcome]


class AbsentError(Exception):
    """A peer is not installed, or in another version than the list of differences is of."""


@contextmanager
def asking(peer: str, version: str) -> Iterator[Ask]:
    """Give what asks a peer; raise `AbsentError` if it is not there."""
    if peer == "@multiformats/multiaddr":
        with _node(peer, version) as ask:
            yield ask
    else:
        yield _in_process(peer, version)


def _in_process(peer: str, version: str) -> Ask:
    try:
        found = metadata.version(peer)
    except metadata.PackageNotFoundError:
        found = "no version"
    if found != version:
        raise AbsentError(f"the list is of {peer} {version}, {found} is here: pip install --group peers")
    with warnings.catch_warnings(action="ignore"):
        ask = _ask_multiaddr() if peer == "multiaddr" else _ask_multiformats()

    def without_warnings(source: Source) -> Outcome:
        with warnings.catch_warnings(action="ignore"):  # which would be errors, and so refusals
            return ask(source)

    return without_warnings


def _ask_multiaddr() -> Ask:
    read: Any = import_module("multiaddr").Multiaddr

    def ask(source: Source) -> Outcome:
        try:
            address = read(source)
            raw: bytes = address.to_bytes()
        except Exception:
            return None
        try:
            return raw, str(address)
        except Exception:
            return raw, None

    return ask


def _ask_multiformats() -> Ask:
    library: Any = import_module("multiformats.multiaddr")

    def ask(source: Source) -> Outcome:
        try:
            address = library.parse(source) if isinstance(source, str) else library.decode(source)
            return bytes(address), str(address)
        except Exception:
            return None

    return ask


@contextmanager
def _node(peer: str, version: str) -> Iterator[Ask]:
    how = "cp tests/peers/package.json DIRECTORY, npm install --prefix DIRECTORY, and MULTIADDR_PEERS_NODE=DIRECTORY"
    directory = Path(os.environ.get("MULTIADDR_PEERS_NODE", "nowhere"))
    node = shutil.which("node")
    manifest = directory / "node_modules" / peer / "package.json"
    if node is None or not manifest.is_file():
        raise AbsentError(f"{peer} {version} and node are not both here: {how}")
    found = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    if found != version:
        raise AbsentError(f"the list is of {peer} {version}, {found} is here: {how}")
    program = (HERE / "ask.mjs").read_text(encoding="utf-8")
    with subprocess.Popen(
        [node, "--input-type=module", "--eval", program],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(source: Source) -> Outcome:
            print(
                json.dumps({"text": source} if isinstance(source, str) else {"hex": source.hex()}),
                file=stdin,
                flush=True,
            )
            outcome = json.loads(stdout.readline())
            return None if outcome is None else (bytes.fromhex(outcome[0]), outcome[1])

        yield ask
        stdin.close()
