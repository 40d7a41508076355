"""The `maddr` command."""

from __future__ import annotations

import argparse
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
        epilog="'maddr decode --help' says more. Try: maddr decode /ip4/127.0.0.1/udp/1234/quic-v1",
    )
    parser.add_argument("--version", action="version", version=f"maddr {__version__}")
    decode.add_parser(parser.add_subparsers(title="commands", metavar="COMMAND", required=True))
    options = parser.parse_args(arguments)
    # What the output's encoding cannot hold is escaped, not a traceback.
    for stream in sys.stdout, sys.stderr:
        stream.reconfigure(errors="backslashreplace")
    try:
        status = decode.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough. What is still buffered goes nowhere, so that exiting is quiet, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status
