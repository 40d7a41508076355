"""A laboratory for programs that traverse NATs: hosts in network namespaces of their own, and an internet between them.

    home = Site("port-restricted")
    with Lab({"alice": home, "bob": home, "carol": Site("symmetric")}) as lab:
        subprocess.run(lab.command("alice", "python", "program.py", lab.public("carol")))

There is always a host "server" on the open internet, which has two addresses: `SERVER` and `OTHER_SERVER`. All others
are at a site: names with one and the same `Site` object are hosts behind one router, names with different ones are not.
Every site has a public address of its own, and unless told otherwise all have the same private addresses, as homes do.

What `Lab.command` returns becomes the program: that has the process ID which was started, gets the signals that are
sent there, and leaves its own status. It sees the file system of the machine, and the network of its host alone: `lo`,
and `eth0` with the host's address and a route to everywhere.

The NATs are nftables' in the kernel, in the words of RFC 4787: "full cone", "address-restricted" and "port-restricted"
map independently of the endpoint, keep the port, and filter UDP as their names say; "symmetric" takes a random port for
each endpoint. TCP is always filtered by address and port, as routers do that track connections. "firewall" filters so,
too, and translates nothing; "open" does neither. No router sends back what a host sends to its public address.
When two hosts of a site use one port, both have it until they send to one and the same endpoint: there, the later one
gets another port, and keeps the one that it has elsewhere. Strangers whom a kind lets in reach the host that was first.
Packets are carried and lost by `internet.py`, since not every kernel has `tc netem`.

`Lab.sockets_of` gives sockets of a host to the tests themselves, which need no program there then.

All belongs to one process. `close` ends it, and the programs that run on hosts. If the tests are killed it ends too:
only such programs are left, each with the network of its host, as what tests have started is anywhere else.
Nobody needs to be root where users may have namespaces (`user_namespaces(7)`) and open `/dev/net/tun`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from time import sleep
from typing import Literal, Self, TypeAlias

import internet

Kind: TypeAlias = Literal["open", "firewall", "full cone", "address-restricted", "port-restricted", "symmetric"]
SERVER, OTHER_SERVER = "203.0.113.1", "203.0.113.2"
PUBLIC = IPv4Network("198.51.100.0/24")
COMMANDS = ("ip", "mount", "nft", "nsenter", "sh", "unshare")
SPACES = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--")
PYTHON = (sys.executable, "-I", "-S")  # which starts in half the time
SOCKETS = """\
import socket, sys
sockets = [socket.socket(type=int(sys.argv[1])) for _ in range(int(sys.argv[2]))]
socket.send_fds(socket.socket(fileno=0), [b"."], [new.fileno() for new in sockets])
"""
INTERNET = Path(__file__).with_name("internet.py")
# A Linux kernel maps independently of the endpoint where it can, and filters by address and port, since an entry is for
# two endpoints. To let in more, "owners" has the host that a port belongs to, and "sent" whom it has sent to.
ROUTER = """\
table ip router {{
  map owners {{ type inet_service : ipv4_addr . inet_service; size 65535; flags dynamic; {timeout} }}
  set sent {{ type ipv4_addr . inet_service; size 65535; flags dynamic; {timeout} }}
  chain prerouting {{ type nat hook prerouting priority dstnat; {let_in} }}
  chain forward {{
    type filter hook forward priority filter;
    oifname eth0 meta l4proto udp update @owners {{ udp sport : ip saddr . udp sport }}
    oifname eth0 meta l4proto udp update @sent {{ ip daddr . udp sport }}
  }}
  chain postrouting {{ type nat hook postrouting priority srcnat; oifname eth0 masquerade {ports}; }}
}}
"""
LET_IN = {
    "full cone": "iifname eth0 dnat ip to udp dport map @owners;",
    "address-restricted": "iifname eth0 ip saddr . udp dport @sent dnat ip to udp dport map @owners;",
}
# What nobody asked for is dropped before it becomes a connection of the router's own. That would have the port: what is
# sent to the same endpoint later, as when both sides punch, would leave by another one, as with "symmetric".
FIREWALL = """\
table ip host {
  chain input { type filter hook input priority filter; iifname eth0 ct state new,invalid drop; }
}
"""


@dataclass(frozen=True, eq=False)  # two sites are two, however alike
class Site:
    """A router, and the hosts that are given it."""

    kind: Kind = "port-restricted"
    forgets: int | None = None  # the seconds of silence after which the NAT or firewall forgets about a datagram
    network: str = "192.168.1.0/24"  # the first address is the router's; "open" and "firewall" have public ones alone

    def script(self) -> str:
        """Return what the shell is to do in the namespace that is linked with the internet."""
        if self.kind == "open":
            return ""
        rules, settings = FIREWALL, {}
        if self.forgets is not None:
            settings = {f"netfilter/nf_conntrack_udp_timeout{end}": self.forgets for end in ("", "_stream")}
        if self.kind != "firewall":
            timeout = "" if self.forgets is None else f"timeout {self.forgets}s;"
            ports = "random,fully-random" if self.kind == "symmetric" else ""
            rules += ROUTER.format(let_in=LET_IN.get(self.kind, ""), ports=ports, timeout=timeout)
            settings["ipv4/ip_forward"] = 1
        echos = [f"echo {value} > /proc/sys/net/{name}" for name, value in settings.items()]
        return "\n".join(["nft -f - <<.", f"{rules}.", *echos])


class LabError(Exception):
    """There can be no laboratory here, or it ended early."""


class Lab:
    """Hosts by their names, from entering to leaving."""

    def __init__(
        self, sites: Mapping[str, Site] | None = None, *, path: internet.Path | None = None, seed: int = 0
    ) -> None:
        if bad := [name for name in sites or {} if not re.fullmatch(r"(?!server$)[a-z][a-z0-9-]*", name)]:
            raise ValueError(f"a name has small letters, digits and dashes, and is not 'server': {bad}")
        self._layout = Layout(sites or {})
        self._plan = internet.Plan(
            addresses=self._layout.devices, path=path or {}, seed=seed, script=self._layout.script()
        )

    def public(self, name: str) -> str:
        """Return the address by which the internet knows a host."""
        return self._layout.public[name]

    def private(self, name: str) -> str:
        """Return the address that a host itself has."""
        return self._layout.private[name]

    @property
    def process_id(self) -> int:
        """Return the process whose end is that of the laboratory."""
        return self._process.pid

    def command(self, name: str, *arguments: str | Path) -> list[str]:
        """Return the command that becomes a program on a host."""
        if name not in self._layout.private:
            raise ValueError(f"no such host: {name!r}")
        process = f"/proc/{self.process_id}"
        spaces = [f"--user={process}/ns/user", f"--net={process}/root/run/netns/{name}"]
        return ["nsenter", *spaces, "--preserve-credentials", "--", *map(str, arguments)]

    def sockets_of(self, name: str, kind: socket.SocketKind, amount: int = 1) -> list[socket.socket]:
        """Return new sockets of a host for the tests' own process, up to 253."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            command = self.command(name, *PYTHON, "-c", SOCKETS, str(int(kind)), str(amount))
            subprocess.run(command, stdin=theirs.fileno(), check=True)
            return [socket.socket(fileno=descriptor) for descriptor in socket.recv_fds(ours, 1, amount)[1]]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*SPACES, *PYTHON, str(INTERNET), json.dumps(self._plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that it is there to be closed when somebody interrupts the tests
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said != "ready\n":
            said += self._process.communicate()[0]  # it ends by itself, once it has said all
            raise LabError(said.strip() or "it ended without a word")
        # Held open, since the number of one that is gone is given to the next, which may be somebody else's.
        self._user_space = os.open(f"/proc/{self.process_id}/ns/user", os.O_RDONLY)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all that runs in the laboratory, return once it has ended; raise `LabError` if it was broken before."""
        said = self._process.communicate()[0]  # it ends with its input; killed, it would leave its child to others
        while processes := self._programs():
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            sleep(0.001)
        os.close(self._user_space)
        if self._process.returncode:
            raise LabError(f"it ended early: {said.strip()}")

    def _programs(self) -> list[int]:
        """Return the processes in the laboratory; those that `command` has become do not end with its first."""
        own = os.fstat(self._user_space).st_ino
        assert own != user_space(os.getpid())
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and user_space(name) == own]


def user_space(process: int | str) -> int | None:
    """Return the number of a process's user namespace, None if it has ended or is somebody else's."""
    try:
        os.stat(f"/proc/{process}/ns/net")  # which one that has ended has no more, before somebody waits for it
        return os.stat(f"/proc/{process}/ns/user").st_ino
    except OSError:
        return None


class Layout:
    """Which host has which addresses, and the lines for the shell and `ip` that give them to it."""

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self.public: dict[str, str] = {}
        self.private: dict[str, str] = {}
        self.devices: dict[str, str] = {}
        self._free = map(str, PUBLIC.hosts())
        self._links: list[str] = []
        self._spaces: dict[str, list[str]] = {}
        self._scripts: list[str] = []
        self._add_open("server", [SERVER, OTHER_SERVER], Site("open"))
        for site in dict.fromkeys(sites.values()):
            self._add(site, [name for name in sites if sites[name] is site])

    def script(self) -> str:
        """Return what the shell is to do when there are devices."""
        batches = [ip("", self._links), *(ip(f"-n {name}", lines) for name, lines in self._spaces.items())]
        return "\n".join(["mount -t tmpfs none /run", *batches, *self._scripts])

    def _add(self, site: Site, names: list[str]) -> None:
        if site.kind in {"open", "firewall"}:
            for name in names:
                self._add_open(name, [next(self._free)], site)
            return
        addresses = islice(map(str, IPv4Network(site.network).hosts()), 1, len(names) + 1)
        private = dict(zip(names, addresses, strict=True))
        self.private |= private
        self.public |= dict.fromkeys(names, next(self._free))
        self._add_router(self.public[names[0]], site, private)

    def _add_open(self, name: str, addresses: list[str], site: Site) -> None:
        self.public[name] = self.private[name] = addresses[0]
        self._add_space(name, addresses, site)

    def _add_space(self, name: str, addresses: list[str], site: Site) -> None:
        """Add a namespace that is linked with the internet."""
        device = f"tun{len(self._spaces)}"
        self.devices |= dict.fromkeys(addresses, device)
        self._links += [f"netns add {name}", f"link set {device} netns {name} name eth0"]
        addresses = [f"{address}/32" for address in addresses]
        self._spaces[name] = [*up("lo"), *up("eth0", *addresses), "route add default dev eth0"]
        if script := site.script():
            self._scripts.append(f"nsenter --net=/run/netns/{name} sh -eu <<'end'\n{script}\nend")

    def _add_router(self, public: str, site: Site, private: Mapping[str, str]) -> None:
        """Add a namespace with a NAT, and hosts behind it, each by a cable of its own."""
        router = f"router.{len(self._spaces)}"
        network = IPv4Network(site.network)
        gateway = next(network.hosts())
        self._add_space(router, [public], site)
        self._spaces[router].append(f"route add unreachable {network}")
        for name, address in private.items():
            port = f"lan{len(self._spaces)}"
            self._links += [
                f"netns add {name}",
                f"link add {port} netns {router} type veth peer name eth0 netns {name}",
            ]
            self._spaces[router] += [*up(port, f"{gateway}/32"), f"route add {address} dev {port}"]
            self._spaces[name] = [
                *up("lo"),
                *up("eth0", f"{address}/32"),
                f"route add {gateway} dev eth0",
                f"route add default via {gateway}",
            ]


def ip(options: str, lines: Iterable[str]) -> str:
    return "\n".join([f"ip {options} -batch - <<.", *lines, "."])


def up(device: str, *addresses: str) -> list[str]:
    return [*(f"addr add {address} dev {device}" for address in addresses), f"link set {device} up"]


@cache
def fault_of_lab() -> str | None:
    """Say why there can be no laboratory, None if there can."""
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        return f"commands are wanted: {', '.join(missing)}"
    try:
        with Lab({"alice": Site("full cone")}):
            return None
    except LabError as error:
        return str(error)
