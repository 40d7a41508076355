"""The internet of a laboratory: one process that carries every packet between sites, and loses some if it is told to.

Each site is at the far end of a TUN device, so what is read here is what it sent, and what is written here is what it
receives: IPv4, without a link layer. No site is nearer than another, and each way is lossy by its own random numbers,
so that what happens to the packets of one does not hang on when others send.

The program runs on its own, without the packages of a virtual environment; its argument is a `Plan` as JSON.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import random
import selectors
import struct
import subprocess
import sys
from time import monotonic
from typing import Final, TypedDict

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
SOURCE, DESTINATION = slice(12, 16), slice(16, 20)  # in the header of a packet
LARGEST: Final = 0xFFFF


class Path(TypedDict, total=False):
    """How packets fare between sites: chances from 0 to 1, and seconds; what is not said is 0."""

    loss: float
    repeat: float
    reorder: float  # the chance to be held back, so that later ones overtake
    held: float
    delay: float  # of every packet, one way


class Plan(TypedDict):
    """What there is, and the script for the shell that makes the rest of it."""

    addresses: dict[str, str]  # the device where each is
    path: Path
    seed: int
    script: str


class Internet:
    """The devices by address, and the packets that are under way."""

    def __init__(self, plan: Plan, devices: dict[str, int]) -> None:
        self.path = plan["path"]
        self.devices = {packed(address): devices[device] for address, device in plan["addresses"].items()}
        self.chances = {address: random.Random(f"{plan['seed']} {address.hex()}") for address in self.devices}
        self.under_way: list[tuple[float, int, bytes]] = []
        self.count = 0

    def take(self, packet: bytes) -> None:
        """Carry a packet that a site has sent."""
        if packet[0] >> 4 != 4 or packet[SOURCE] not in self.devices or packet[DESTINATION] not in self.devices:
            return
        for delay in self.delays(self.chances[packet[SOURCE]]):
            self.count += 1  # what is due at the same time leaves in the order in which it came
            heapq.heappush(self.under_way, (monotonic() + delay, self.count, packet))

    def delays(self, chance: random.Random) -> list[float]:
        """Return after how many seconds a packet arrives, once for each time that it does."""
        lost, repeated, held = chance.random(), chance.random(), chance.random()
        if lost < self.path.get("loss", 0):
            return []
        delay = self.path.get("delay", 0)
        first = delay + (self.path.get("held", 0) if held < self.path.get("reorder", 0) else 0)
        return [first, delay] if repeated < self.path.get("repeat", 0) else [first]

    def arrive(self) -> float | None:
        """Deliver what is due; return the seconds until more is, None if nothing is under way."""
        while self.under_way:
            left = self.under_way[0][0] - monotonic()
            if left > 0:
                return left
            packet = heapq.heappop(self.under_way)[2]
            with contextlib.suppress(OSError):  # a device that is down, or has too much to do
                os.write(self.devices[packet[DESTINATION]], packet)
        return None


def packed(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


def opened(device: str) -> int:
    """Make a device; return the descriptor of its far end, which follows it into any namespace."""
    import fcntl  # which Windows, where tests are collected too, does not have

    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def main() -> None:
    plan: Plan = json.loads(sys.argv[1])
    try:
        devices = {name: opened(name) for name in set(plan["addresses"].values())}
    except OSError as error:
        sys.exit(str(error))
    if subprocess.run(["sh", "-euc", plan["script"]], stdin=subprocess.DEVNULL, check=False).returncode:
        return
    internet = Internet(plan, devices)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for descriptor in devices.values():
            selector.register(descriptor, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select(internet.arrive()):
                if key.fileobj is sys.stdin:  # it ends when its laboratory does, however that comes about
                    return
                internet.take(os.read(key.fd, LARGEST))


if __name__ == "__main__":
    main()
