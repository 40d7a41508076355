"""The addresses of this machine's interfaces, and what stands for all of them.

They are found with `ifaddr`, which the extra `net` installs.
"""

from __future__ import annotations

from multiaddr_py import REGISTRY, Component, Multiaddr
from multiaddr_py.net._stacks import TRANSPORTS, read_front
from multiaddr_py.net.sockaddr import zone_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from multiaddr_py import Registry
    from multiaddr_py.net.sockaddr import AddressLike


def interface_addresses() -> list[Multiaddr]:
    """Return the addresses of all interfaces, as `/ip4/192.0.2.1`, `/ip6/2001:db8::1` and `/ip6zone/eth0/ip6/fe80::1`.

    They are in the system's order, loopback and link-local ones among them; a `Filter` sorts those out.
    Raises `ModuleNotFoundError` without the extra `net`.
    """
    try:
        import ifaddr  # late: an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "interfaces are found with ifaddr, as the extra net has it: pip install ifaddr", name="ifaddr"
        ) from error

    return list(dict.fromkeys(_address(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips))


def _address(ip: str | tuple[str, int, int]) -> Multiaddr:
    """Read what ifaddr has: text of IPv4; of IPv6 text, flow and scope ID."""
    if isinstance(ip, str):
        return Multiaddr([Component("ip4", ip)])
    host, _, scope_id = ip
    zone = [Component("ip6zone", zone_name(scope_id))] if scope_id else []
    return Multiaddr([*zone, Component("ip6", host.partition("%")[0])])


def expand_unspecified(address: AddressLike, *, interfaces: Iterable[AddressLike] | None = None) -> list[Multiaddr]:
    """Return an address for each interface where `address` begins with 0.0.0.0 or `::`, else the address alone.

    `interfaces` are addresses such as those of `interface_addresses`, which are taken where nothing is said;
    those of the same family count.

    >>> expand_unspecified("/ip4/0.0.0.0/tcp/4001/ws", interfaces=["/ip4/192.0.2.1", "/ip6/::1"])
    [Multiaddr('/ip4/192.0.2.1/tcp/4001/ws')]
    """
    address = Multiaddr(address)
    front = read_front(address)
    if front.host is None or front.host.name not in ("ip4", "ip6") or any(front.host.raw_value):
        return [address]
    behind = address[1 if front.zone is None else 2 :]
    found = _read_interfaces(interfaces, address.registry)
    return [one.encapsulate(behind) for one in found if front.host.name in one]


def thin_waist(
    port: int, transport: str = "tcp", *, interfaces: Iterable[AddressLike] | None = None
) -> list[Multiaddr]:
    """Return the addresses at which a server that listens everywhere, on a port of a transport, is reached.

    >>> thin_waist(4001, "udp", interfaces=["/ip4/192.0.2.1", "/ip6/::1"])
    [Multiaddr('/ip4/192.0.2.1/udp/4001'), Multiaddr('/ip6/::1/udp/4001')]
    """
    if transport not in TRANSPORTS:
        raise ValueError(f"a transport is one of {', '.join(TRANSPORTS)}, not {transport!r}")
    behind = Multiaddr([Component(transport, port)])
    return [one.encapsulate(behind) for one in _read_interfaces(interfaces, REGISTRY)]


def _read_interfaces(interfaces: Iterable[AddressLike] | None, registry: Registry) -> list[Multiaddr]:
    found = interface_addresses() if interfaces is None else interfaces
    return [Multiaddr(one, registry=registry) for one in found]
