"""What is printed: each event as a line of words, or of JSON."""

from __future__ import annotations

import io
import json
import os
import sys
from functools import partial
from typing import Final, Protocol, TextIO

from multiaddr_py import Multiaddr


class Report(Protocol):
    """What is told of an event, with its fields."""

    def __call__(self, event: str, /, **fields: Multiaddr | bytes | str | int) -> None:
        """Tell of an event that has a line in `WORDS`."""


WORDS: Final = {
    "listening": "listening on {address}",
    "status": "tells its status at {address}",
    "peer": "connected with {address}",
    "gone": "no longer connected with {address}: {reason}",
    "item": "has item {hash} of {size} bytes",
    "refused": "not connected with {address}: {reason}",
    "failed": "node: {reason}",
}


def reporter(*, as_json: bool) -> Report:
    """Return what prints events, on streams that may not have all letters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return partial(print_event, as_json=as_json)


def print_event(event: str, /, *, as_json: bool, **fields: Multiaddr | bytes | str | int) -> None:
    """Print what happens; bytes, such as a hash, in hexadecimal digits."""
    if as_json:
        line = json.dumps({"event": event, **fields}, default=_spelled)
    else:
        line = WORDS[event].format_map({name: shown(value) for name, value in fields.items()})
    stream = sys.stderr if event == "failed" and not as_json else sys.stdout
    try:
        print(line, file=stream, flush=True)
    except OSError:  # nobody reads on, as behind `| head -1`, or the disk is full: go on without a word
        silence(stream)


def silence(stream: TextIO) -> None:
    """Have all that goes to a stream go nowhere, and what it could not write as well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def shown(value: Multiaddr | bytes | str | int) -> str:
    """Return a value as text that a terminal is not commanded by, whoever it comes from."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in _spelled(value))


def _spelled(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
