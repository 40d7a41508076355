"""Print what this library and PyPI's `multiaddr` cost beside each other, on this machine, in one run.

Both are measured in turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import importlib
import os
import platform
import statistics
import subprocess
import sys
import time
from functools import partial
from importlib.metadata import version
from timeit import Timer
from typing import TYPE_CHECKING

from multiaddr_py import Multiaddr

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESSES = [
    "/ip4/127.0.0.1/udp/1234",
    "/ip4/1.2.3.4/tcp/4001",
    "/ip6/2604:1380:1000:6000::1/tcp/4001",
    "/ip4/147.75.69.143/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    "/ip4/1.2.3.4/udp/4001/quic-v1",
    (
        "/ip4/1.2.3.4/udp/4001/quic-v1/webtransport"
        "/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ"
        "/certhash/uEiAfbgiymPP2_nX7Dgir8B4QkksjHp2lVuJZz0F79Be9JA"
        "/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
    ),
    "/dns4/example.com/tcp/443/tls/ws/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2",
    "/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
    (
        "/ip4/1.2.3.4/tcp/4001/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
        "/p2p-circuit/p2p/12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"
    ),
    "/unix/var%2Frun%2Fp2p.sock",
    "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
    "/ip6zone/eth0/ip6/fe80::1/tcp/80",
]

ROUNDS = 101
SECONDS_A_ROUND = 0.002  # of one library, for one address in one direction
STARTS = 41

THEIRS = importlib.import_module("multiaddr")  # by name: it need not be there when types are checked
FIRST_ADDRESS = ADDRESSES[3]  # its peer ID takes base 58


def in_turns(*actions: Callable[[], object]) -> list[float]:
    """Return the median time of each action, in microseconds."""
    timers = [Timer(action) for action in actions]
    numbers = []
    for timer in timers:
        number, seconds = timer.autorange()
        numbers.append(max(1, round(number / seconds * SECONDS_A_ROUND)))
    rounds = [
        [timer.timeit(number) / number for timer, number in zip(timers, numbers, strict=True)] for _ in range(ROUNDS)
    ]
    return [1e6 * statistics.median(times) for times in zip(*rounds, strict=True)]


def starts_in_turns(*programs: str) -> list[float]:
    """Return the median time that an interpreter takes to start, run each program and end, in milliseconds."""
    # Everything is compiled once, by the round that does not count.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    rounds = []
    for _ in range(1 + STARTS):
        times = []
        for program in programs:
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], env=environment, check=True)
            times.append(time.perf_counter() - begin)
        rounds.append(times)
    return [1e3 * statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def written(read: Callable[[bytes], object], raw: bytes) -> str:
    """Read bytes and write their text."""
    return str(read(raw))


def print_row(name: str, parse: tuple[float, float], write: tuple[float, float]) -> None:
    """Print times of ours and theirs, and how many times faster ours is."""
    cells = "".join(f"{ours:9.2f}{theirs:9.2f}{theirs / ours:8.2f}" for ours, theirs in (parse, write))
    print(f"{name if len(name) <= 48 else name[:47] + '…':48}{cells}")


def compare_addresses() -> None:
    """Print a row for each address: text to address, and bytes to text."""
    print(f"{'microseconds':48}{'text to address':^26}{'bytes to text':^26}")
    print(" " * 48 + f"{'ours':>9}{'theirs':>9}{'ratio':>8}" * 2)
    table = []
    for text in ADDRESSES:
        ours, theirs = Multiaddr(text).to_bytes(), THEIRS.Multiaddr(text).to_bytes()  # they differ for /unix
        times = in_turns(
            partial(Multiaddr, text),
            partial(THEIRS.Multiaddr, text),
            partial(written, Multiaddr, ours),
            partial(written, THEIRS.Multiaddr, theirs),
        )
        table.append(times)
        print_row(text, (times[0], times[1]), (times[2], times[3]))
    means = [statistics.geometric_mean(column) for column in zip(*table, strict=True)]
    print_row("geometric mean", (means[0], means[1]), (means[2], means[3]))


def compare_imports() -> None:
    """Print what an import adds to the start of an interpreter, alone and with a first address."""
    names = ("multiaddr_py", "multiaddr")
    imports = [f"import {name}" for name in names]
    addresses = [f"import {name}; {name}.Multiaddr({FIRST_ADDRESS!r})" for name in names]
    bare, *times = starts_in_turns("pass", *imports, *addresses)
    ours, theirs, ours_first, theirs_first = [(total - bare) / bare for total in times]
    print(f"\n{f'added to a bare start of {bare:.1f} ms, in such starts':48}{'ours':>9}{'theirs':>9}{'ratio':>8}")
    print(f"{'import':48}{ours:9.2f}{theirs:9.2f}{theirs / ours:8.2f}")
    name = "import, and a first address with a peer ID"
    print(f"{name:48}{ours_first:9.2f}{theirs_first:9.2f}{theirs_first / ours_first:8.2f}")


def main() -> None:
    """Print everything."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"ours: this package; theirs: multiaddr {version('multiaddr')}; {python} on {platform.machine()}\n")
    compare_addresses()
    compare_imports()


if __name__ == "__main__":
    main()
