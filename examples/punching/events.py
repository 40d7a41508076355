"""What is printed: each event as a line of words, or of JSON; `failed` is raised as an exception first."""

from __future__ import annotations

import io
import json
import os
import sys
from functools import partial
from typing import Final, Protocol

from multiaddr_py import Multiaddr


class PunchError(Exception):
    """Why two peers do not meet, or no longer."""


class Report(Protocol):
    """What is told of an event, with its fields."""

    def __call__(self, event: str, /, **fields: Multiaddr | str | float) -> None:
        """Tell of an event that has a line in `WORDS`."""


WORDS: Final = {
    "listening": "listening on {address}",
    "registered": "registered {name}, seen as {address}",
    "guest": "serving {name}, seen as {address}",
    "waiting": "waiting for {name}",
    "nat": "NAT: {kind} (mapping {mapping}, filtering {filtering})",
    "direct": "direct path to {name} after {seconds} s: {address}",
    "tcp": "TCP connection to {name}: {address}",
    "relayed": "relayed path to {name} after {seconds} s: {address}, since {reason}",
    "message": "{name}: {text}",
    "left": "{name} has left",
    "failed": "punch: {reason}",
}
JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # part of words and of pictures
NO_TCP: Final = "no TCP connection to {name} at {address}: {reason}"


def reporter(*, as_json: bool) -> Report:
    """Return what prints events, on streams that may not have all letters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return partial(print_event, as_json=as_json)


def print_event(event: str, /, *, as_json: bool, **fields: Multiaddr | str | float) -> None:
    """Print what happens."""
    if as_json:
        line = json.dumps({"event": event, **fields}, default=str)
    else:
        words = NO_TCP if event == "tcp" and "reason" in fields else WORDS[event]
        line = words.format_map({name: shown(value) for name, value in fields.items()})
    stream = sys.stderr if event == "failed" and not as_json else sys.stdout
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:  # nobody reads on, as behind `| head -1`: go on without a word
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def shown(value: Multiaddr | str | float) -> str:
    """Return a value as text that a terminal is not commanded by, whoever it comes from."""
    return "".join(letter if letter.isprintable() or letter in JOINERS else repr(letter)[1:-1] for letter in str(value))
