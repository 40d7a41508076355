"""The candidates: addresses at which the other peer may be reached, in the order in which they are tried.

First what it says of itself, which is right where both are in one private network; then its address as the server sees
it, which is that of its NAT; and when none of these has answered for a while, the server, as a relay. What the other
peer's messages come from is tried as well: behind a symmetric NAT that is a port that the server has never seen.
"""

from __future__ import annotations

from typing import Final

from multiaddr_py import Component, Multiaddr
from multiaddr_py.net import Scope, connect, from_socket, is_loopback, is_unspecified, scope
from multiaddr_py.net.asyncio import DatagramSocket
from punching.fields import MOST_ADDRESSES, Addresses
from punching.messages import Meet

ANY: Final = {"ip4": "0.0.0.0", "ip6": "::"}
CIRCUIT: Final = Multiaddr("/p2p-circuit")
NO_PORT: Final = bytes(2)  # where a datagram may say that it comes from, and nothing can be sent to
NO_PEER: Final = frozenset({
    Scope.BROADCAST,
    Scope.LINK_LOCAL,  # which would need a zone, and that means nothing elsewhere
    Scope.MULTICAST,
    Scope.RESERVED,
    Scope.UNSPECIFIED,
})  # fmt: skip
"""Where no peer can be, so that nobody is talked into sending there."""


def is_udp_port(address: Multiaddr) -> bool:
    """Say whether an address is a UDP port of an IP address, which can be answered, and needs no zone for that.

    >>> is_udp_port(Multiaddr("/ip6zone/eth0/ip6/fe80::1/udp/5000"))
    False
    """
    names = [protocol.name for protocol in address.protocols()]
    return names in (["ip4", "udp"], ["ip6", "udp"]) and address[-1].raw_value != NO_PORT


def is_candidate(address: Multiaddr, server: Multiaddr) -> bool:
    """Say whether a peer may be at an address: that of a UDP socket, and this machine's only if the server's is."""
    return (
        is_udp_port(address)
        and address[0].name == server[0].name
        and scope(address).scope not in NO_PEER
        and (is_loopback(server) or not is_loopback(address))
    )


def own_addresses(sock: DatagramSocket, server: Multiaddr) -> Addresses:
    """Return where a socket can be reached in its own network."""
    if not is_unspecified(sock.address):
        return (sock.address,)
    with connect(server) as towards:  # nothing is sent: this tells the interface that leads to the server
        first = from_socket(towards).replace("udp", sock.address[-1].raw_value)
    try:
        others = sock.addresses()
    except ModuleNotFoundError:  # of the extra `net`, which finds the interfaces that 0.0.0.0 stands for
        others = [sock.address]
    found = [address for address in dict.fromkeys([first, *others]) if is_candidate(address, server)]
    return tuple(found[:MOST_ADDRESSES])


def direct_candidates(meet: Meet, server: Multiaddr, own: Addresses) -> list[Multiaddr]:
    """Return where the other peer may be reached without the server; it is not where this one is itself."""
    found = dict.fromkeys([*meet.said, meet.seen])
    return [address for address in found if is_candidate(address, server) and address not in own]


def circuit(server: Multiaddr, peer: Multiaddr) -> Multiaddr:
    """Return the address of a peer that is reached through a server.

    >>> circuit(Multiaddr("/ip4/203.0.113.1/udp/4001"), Multiaddr("/ip4/198.51.100.7/udp/5000"))
    Multiaddr('/ip4/203.0.113.1/udp/4001/p2p-circuit/ip4/198.51.100.7/udp/5000')
    """
    return Multiaddr.join(server, CIRCUIT, peer)


def split_circuit(address: Multiaddr) -> tuple[Multiaddr, Multiaddr]:
    """Return the server and the peer of such an address; either may be empty, and the peer is not a circuit itself."""
    place = address.index("p2p-circuit")
    return address[:place], address[place + 1 :]


def tcp_twin(address: Multiaddr) -> Multiaddr:
    """Return the address of TCP with host and port of an address of UDP.

    >>> tcp_twin(Multiaddr("/ip4/198.51.100.7/udp/5000"))
    Multiaddr('/ip4/198.51.100.7/tcp/5000')
    """
    return address[:-1].encapsulate(Component("tcp", address[-1].raw_value))
