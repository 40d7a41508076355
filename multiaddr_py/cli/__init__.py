"""The `maddr` command."""

from __future__ import annotations

import argparse
import io
import os
import sys

from multiaddr_py import __version__
from multiaddr_py.cli import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 if an address failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
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
    decode.add_parser(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    options = parser.parse_args(arguments)
    # What the output's encoding cannot hold is escaped, not a traceback.
    # A stream is None where it was closed; what is printed to a missing standard error would go to standard output.
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 # open until the process ends
    for stream in sys.stdout, sys.stderr:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = decode.run(options)
        print(end="", flush=True)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # What is still buffered goes nowhere, so that exiting does not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):  # whoever read the output has seen enough
            return 0
        print(f"maddr: {error.strerror}", file=sys.stderr)
        return 1
    return status
