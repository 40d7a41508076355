"""The `maddr` command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from contextlib import suppress

from multiaddr_py import __version__
from multiaddr_py.cli import decode
from multiaddr_py.cli.terminal import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 if an address failed, 2 for wrong usage."""
    # A stream is None where it was closed; what is printed to a missing standard error would go to standard output.
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 # open until the process ends
    for stream in sys.stdout, sys.stderr:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not a traceback for what an encoding cannot hold
    try:
        status = _run(arguments)
        print(end="", flush=True)
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # whoever read the output has seen enough
        status = 0
    except OSError as error:
        status = 1
        with suppress(OSError):
            print(f"maddr: {error.strerror}", file=sys.stderr)
    _let_go()
    return status


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    decode.add_parser(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    try:
        options = parser.parse_args(arguments)
    except SystemExit as done:  # after --help, --version and wrong usage
        return done.code if isinstance(done.code, int) else 0
    return decode.run(options)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))  # it may quote a stranger's address, one that begins with a hyphen


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="maddr",
        description="Work with multiaddrs, the self-describing network addresses of libp2p and IPFS.",
        epilog="""\
examples:
  maddr decode /ip4/127.0.0.1/udp/1234/quic-v1
  maddr decode --json < addresses.txt
  maddr decode --help""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maddr {__version__}")
    return parser


def _let_go() -> None:
    """Flush what can be flushed; send to nowhere what cannot, so that exiting does not try again and complain."""
    for descriptor, stream in (1, sys.stdout), (2, sys.stderr):
        try:
            print(end="", file=stream, flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
