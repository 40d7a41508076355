"""What the rules of a filter ask about an address: for each condition, how its values are read, written and tested."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from multiaddr_py import CODECS, REGISTRY, Component, Multiaddr, ParseError, PeerId
from multiaddr_py._arguments import is_integer, spell
from multiaddr_py.codecs.number import read_decimal
from multiaddr_py.errors import quote
from multiaddr_py.net._stacks import read_front
from multiaddr_py.net.scopes import Scope, embedded_ip4, scope_of_front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Final, TypeAlias

    from multiaddr_py import Protocol
    from multiaddr_py.net._stacks import Front

    Network: TypeAlias = IPv4Network | IPv6Network
    Test: TypeAlias = "Callable[[Facts], bool]"

_IP_SIZES: Final = {"ip4": 4, "ip6": 16}


class Facts:
    """What conditions ask about an address, each worked out when the first of them asks."""

    def __init__(self, address: Multiaddr) -> None:
        self.address = address

    @cached_property
    def front(self) -> Front:
        """What decides where packets go."""
        return read_front(self.address)

    @cached_property
    def numbers(self) -> list[int]:
        """The IP address at the front, and the one that it carries."""
        host = self.front.host
        # Under a registry of a user's own, an IP address may have any size.
        if host is None or _IP_SIZES.get(host.name) != len(host.raw_value):
            return []
        carried = embedded_ip4(host.raw_value)
        return [_number(raw) for raw in (host.raw_value, carried) if raw is not None]

    @cached_property
    def port(self) -> int:
        """The port at the front; -1, which is in no range, where there is none."""
        return -1 if self.front.port is None else int.from_bytes(self.front.port.raw_value)

    @cached_property
    def names(self) -> list[str]:
        """The names of the protocols that one goes through, up to the first relay."""
        names = [protocol.name for protocol in self.address.protocols()]
        return names[: names.index("p2p-circuit") + 1] if "p2p-circuit" in names else names

    @cached_property
    def scope(self) -> Scope:
        """How far the front reaches."""
        return scope_of_front(self.front).scope

    @cached_property
    def peer_id(self) -> PeerId | None:
        """The peer that one ends up talking to."""
        return self.address.peer_id


class Condition(NamedTuple):
    """A kind of condition: how one of its values is read and written, and how all that a rule has are tested."""

    read: Callable[[object], object]
    """Reads text and objects, its own results among them; raises `ParseError`, and `TypeError` for a wrong type."""
    write: Callable[[Any], str]
    test: Callable[[Any], Test]


# Networks


def _read_network(value: object) -> Network:
    if not isinstance(value, str | IPv4Network | IPv6Network | IPv4Address | IPv6Address | Multiaddr):
        raise TypeError(f"a network is text, an object of ipaddress or a Multiaddr, not {type(value).__name__}")
    text = str(value)
    protocol, address, prefix = _parts(text)
    try:
        raw = CODECS[protocol].to_raw(address)
    except ValueError as error:
        raise _wrong("network", text, str(error)) from error
    bits = 8 * len(raw)
    length = bits if prefix is None else _decimal(prefix, bits)
    if length is None:
        raise _wrong("network", text, f"the prefix of {protocol} is a number from 0 to {bits}")
    network = ip_network((raw, length), strict=False)
    if network.network_address.packed != raw:
        hint = f"write {_write_network(network)}, or {CODECS[protocol].to_text(raw)} for the one address"
        raise _wrong("network", text, "the address has bits behind the prefix", hint)
    return network


def _parts(text: str) -> tuple[str, str, str | None]:
    """Return a network's protocol, the text of its address, and that of its prefix if it has one."""
    if not text.startswith("/"):
        address, slash, prefix = text.partition("/")
        return "ip6" if ":" in address else "ip4", address, prefix if slash else None
    match Multiaddr(text):
        case [Component("ip4" | "ip6" as protocol, str(address))]:
            return protocol, address, None
        case [Component("ip4" | "ip6" as protocol, str(address)), Component("ipcidr", str(prefix))]:
            return protocol, address, prefix
    raise _wrong("network", text, "that is ip4 or ip6, with or without ipcidr behind it")


def _write_network(network: Network) -> str:
    # Not `str(network)`: what it says of `::ffff:10.0.0.0` depends on the version of Python.
    address = CODECS[f"ip{network.version}"].to_text(network.network_address.packed)
    return address if network.prefixlen == network.max_prefixlen else f"{address}/{network.prefixlen}"


def _in_networks(networks: Sequence[Network]) -> Test:
    prefixes: dict[int, set[int]] = {}  # by how many bits stand behind them: of that there are few kinds
    for network in networks:
        shift = network.max_prefixlen - network.prefixlen
        prefixes.setdefault(shift, set()).add(_number(network.network_address.packed) >> shift)
    kinds = list(prefixes.items())
    return lambda facts: any(number >> shift in some for number in facts.numbers for shift, some in kinds)


def _number(raw: bytes) -> int:
    """Read an IP address with a one in front, which keeps IPv4 and IPv6 apart wherever both are cut off."""
    return int.from_bytes(b"\x01" + raw)


# Ports


def _read_ports(value: object) -> range:
    if isinstance(value, range) and value.step == 1:
        text = f"{spell(value.start)}-{spell(value.stop - 1)}"
    elif isinstance(value, str) or is_integer(value):
        text = spell(value)
    else:
        raise TypeError(f"a port is a number, text or a range without steps, not {quote(spell(value))}")
    first, dash, last = text.partition("-")
    lower, upper = _decimal(first, 0xFFFF), _decimal(last if dash else first, 0xFFFF)
    if lower is None or upper is None:
        raise _wrong("port", text, "a port is a number from 0 to 65535, a range two of them with - between")
    if lower > upper:
        raise _wrong("port", text, "a range goes from the lower port to the higher one")
    return range(lower, upper + 1)


def _decimal(text: str, most: int) -> int | None:
    """Read a number up to `most`; return None for all else."""
    try:
        return read_decimal(text, most)
    except ValueError:
        return None


def _write_ports(ports: range) -> str:
    return str(ports[0]) if len(ports) == 1 else f"{ports[0]}-{ports[-1]}"


def _in_ports(ranges: Sequence[range]) -> Test:
    wanted = 0  # a bit for each port
    for ports in ranges:
        wanted |= (1 << len(ports)) - 1 << ports.start
    return lambda facts: facts.port >= 0 and wanted >> facts.port & 1 == 1


# Transports


def _read_transport(value: object) -> str:
    protocol: Protocol | None = REGISTRY.get(value)  # type: ignore[call-overload] # no key: a `TypeError`
    if protocol is None:
        raise unknown("protocol", spell(value), [known.name for known in REGISTRY])
    return protocol.name


def _through_transports(names: Sequence[str]) -> Test:
    wanted = frozenset(names)
    return lambda facts: not wanted.isdisjoint(facts.names)


# Scopes


def _read_scope(value: object) -> Scope:
    if isinstance(value, Scope):
        return value
    if not isinstance(value, str):
        raise TypeError(f"a scope is a Scope or its name, not {type(value).__name__}")
    names = [known.value for known in Scope]
    if value not in names:
        raise unknown("scope", value, names)
    return Scope(value)


def _write_scope(scope: Scope) -> str:
    return scope.value


def _in_scopes(scopes: Sequence[Scope]) -> Test:
    return lambda facts: facts.scope in scopes


# Peers


def _to_peers(peers: Sequence[PeerId]) -> Test:
    wanted = frozenset(peers)
    return lambda facts: facts.peer_id in wanted


CONDITIONS: Final[Mapping[str, Condition]] = {
    "network": Condition(_read_network, _write_network, _in_networks),
    "port": Condition(_read_ports, _write_ports, _in_ports),
    "transport": Condition(_read_transport, str, _through_transports),
    "scope": Condition(_read_scope, _write_scope, _in_scopes),
    "peer": Condition(PeerId, str, _to_peers),  # type: ignore[arg-type] # no peer ID: a `TypeError`
}
"""By the key that text has for them; a rule's fields are these in the plural."""


# Faults


def _wrong(what: str, text: str, rule: str, hint: str | None = None) -> ParseError:
    return ParseError(f"{quote(text)} is no {what}: {rule}", text, 0, None, hint)


def unknown(what: str, word: str, known: Iterable[str], offset: int = 0) -> ParseError:
    """Return the error of a word that is not among those that are known, with the one that was meant."""
    from difflib import get_close_matches  # late: takes long to import, and most texts are right

    near = get_close_matches(word.lower(), known, 1)  # linear where the lengths differ much
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return ParseError(f"{quote(word)} is no {what}", word, offset, None, hint)
