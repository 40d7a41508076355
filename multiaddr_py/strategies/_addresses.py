"""Strategies for components and addresses: a walk through a grammar that draws a value at each step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from multiaddr_py import REGISTRY, Component, Multiaddr, MultiaddrError, Protocol, Registry
from multiaddr_py.strategies._checks import (
    checked_protocol,
    checked_protocols,
    checked_registry,
    checked_sizes,
    checked_values,
)
from multiaddr_py.strategies._grammars import (
    ANY,
    CLIP,
    COMMON,
    DIALABLE,
    END,
    RELAYED,
    THIN_WAIST,
    Grammar,
    closed,
    protocol_of,
    weighed,
    world,
)
from multiaddr_py.strategies._values import (
    KEY_TYPES,
    host_names,
    ip4,
    ip6,
    is_ours,
    of_one_machine,
    padded,
    peer_id_values,
    ports,
    raw_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from multiaddr_py.registry import Key
    from multiaddr_py.strategies._checks import Values

_NOTHING = padded(st.none(), 2)
"""As many choices as most values take: all would shrink to `/tls/ws` otherwise."""

# What a socket connects to: a port, and an address or a name of one machine.
_OF_ONE_MACHINE: Mapping[str, SearchStrategy[bytes]] = {
    **dict.fromkeys(("tcp", "udp"), ports(1)),
    **dict.fromkeys(("dns", "dns4", "dns6", "sni"), host_names()),
    "ip4": ip4().filter(of_one_machine),
    "ip6": ip6().filter(of_one_machine),
    # An IP address and a port take as many choices.
    "unix": padded(st.sampled_from([b"/run/a.sock", b"/tmp/http", b"/var/run/a b.sock"]), 4),
    "p2p": peer_id_values(KEY_TYPES),
}


class _Walk:
    """A way through a grammar: what may follow each state, and what draws a protocol's component."""

    def __init__(
        self,
        grammar: Grammar,
        values: Mapping[str, SearchStrategy[object]],
        registry: Registry,
        sizes: tuple[int, int],
    ) -> None:
        self.registry = registry
        self.components = {
            name: drawn.map(partial(_component_of, name, registry)).map(bytes) for name, drawn in values.items()
        }
        # The last one, and that with the greatest code, which is the longest, have several shares;
        # those for which somebody made a registry of their own have a third of all.
        often = [list(values)[-1], max(values, key=lambda name: registry[name].code)] * 8
        own = [name for name in values if not is_ours(registry[name])]
        self.any = st.sampled_from([*values, *often, *own * ((len(values) + len(often)) // (2 * len(own) or 1))])
        self._grammar = grammar
        self._least, self._most = sizes
        self._followers: dict[tuple[str, int, int], SearchStrategy[str]] = {}

    def __repr__(self) -> str:
        return f"{self._least} to {self._most} components of {_few(self.components)}"

    def followers(self, state: str, count: int) -> SearchStrategy[str]:
        """Return the strategy for what follows a state that is behind `count` components."""
        key = state, max(0, min(self._least - count, CLIP)), min(self._most - count, CLIP)
        followers = self._followers.get(key)
        if followers is None:
            followers = self._followers[key] = st.sampled_from(self._grammar.row(*key))
        return followers


def _component_of(name: str, registry: Registry, value: object) -> Component:
    try:
        return Component(name, value, registry=registry)
    except (MultiaddrError, TypeError) as error:  # of a strategy that was given
        raise InvalidArgument(f"values[{name!r}] drew {value!r}: {error}") from error


class _Kinds(dict[str, "SearchStrategy[Component]"]):
    """What draws the components of protocols, by name; it is written in a few words."""

    def __init__(self, kinds: Iterable[tuple[str, SearchStrategy[Component]]]) -> None:
        super().__init__(kinds)
        self.names = st.sampled_from(weighed({name: COMMON.get(name, 1) for name in self}))

    def __repr__(self) -> str:
        return f"components of {_few(self)}"


def _few(names: Collection[str]) -> str:
    return ", ".join(names) if len(names) < 6 else f"{len(names)} protocols"


@st.composite
def _one_of(draw: DrawFn, kinds: _Kinds) -> Component:
    return draw(kinds[draw(kinds.names)])


@st.composite
def _walked(draw: DrawFn, walk: _Walk) -> Multiaddr:
    encoded: list[bytes] = []
    state = ""
    while (state := draw(walk.followers(state, len(encoded)))) != END:
        if state == ANY:
            state = draw(walk.any)
        encoded.append(draw(walk.components[protocol_of(state)]))
    return Multiaddr(b"".join(encoded) or (), registry=walk.registry)


def _following(
    grammar_of: Callable[[Collection[str]], Grammar],
    usual: Mapping[str, SearchStrategy[bytes]],
    protocols: Iterable[Key] | None,
    min_size: int,
    max_size: int | None,
    values: Values | None,
    registry: Registry,
) -> SearchStrategy[Multiaddr]:
    """Draw addresses that follow a grammar, with the `usual` values of the protocols of the library's own table."""
    registry = checked_registry(registry)
    wanted = checked_protocols(protocols, registry)
    sizes = checked_sizes(min_size, max_size)
    grammar = grammar_of([protocol.name for protocol in wanted])
    if "" not in grammar.rows:
        raise InvalidArgument(f"{protocols=} of {registry!r} leaves no such address")
    if not grammar.fits("", *sizes):
        raise InvalidArgument(f"{min_size=} and {max_size=} leave no such address of the protocols")
    occurring = {protocol_of(state) for state in grammar.rows}
    wanted = [protocol for protocol in wanted if protocol.name in occurring]
    return _walked(_Walk(grammar, _values_of(wanted, values, registry, usual), registry, sizes))


def _values_of(
    protocols: list[Protocol],
    values: Values | None,
    registry: Registry,
    usual: Mapping[str, SearchStrategy[bytes]],
) -> dict[str, SearchStrategy[object]]:
    """Return what draws the values of protocols, by name: what is given, what is usual, or any."""
    given = checked_values(values, registry, protocols)
    drawn: dict[str, SearchStrategy[object]] = {}
    for protocol in protocols:
        if protocol.codec is None:
            drawn[protocol.name] = _NOTHING
        elif protocol.name in given:
            drawn[protocol.name] = given[protocol.name]
        elif protocol.name in usual and is_ours(protocol):
            drawn[protocol.name] = usual[protocol.name]
        else:
            drawn[protocol.name] = raw_values(protocol)
    return drawn


def multiaddrs(
    *,
    protocols: Iterable[Key] | None = None,
    min_size: int = 1,
    max_size: int | None = None,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[Multiaddr]:
    """Draw addresses: mostly such as are in use, at times any protocol behind any other.

    `protocols` are the names, codes or `Protocol`s that may occur; None stands for all of the registry.
    An address has `min_size` to `max_size` components; `max_size` is nine more than `min_size` where it is not given.
    Empty addresses are drawn where `min_size` is 0.
    `values` maps protocols to strategies for their values, as text, bytes or typed: `{"tcp": st.integers(4001, 4009)}`.
    Where they are not given, those of a codec that is not the library's are guessed: bytes and texts that it takes.
    Raises `InvalidArgument` for what makes no sense, here and in the other strategies.
    """
    return _following(world, {}, protocols, min_size, max_size, values, registry)


def thin_waist(
    *, protocols: Iterable[Key] | None = None, values: Values | None = None, registry: Registry = REGISTRY
) -> SearchStrategy[Multiaddr]:
    """Draw what all others stand on: `ip4` or `ip6`, then `tcp` or `udp`, any address and any port."""
    return _following(partial(closed, THIN_WAIST), {}, protocols, 1, None, values, registry)


def dialable(
    *,
    protocols: Iterable[Key] | None = None,
    min_size: int = 1,
    max_size: int | None = None,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[Multiaddr]:
    """Draw addresses that a socket connects to, and what is spoken there.

    They begin with an IP address or a name and a port, or with a Unix socket, none of them unspecified;
    `multiaddr_py.net.Endpoint` has one for each. The arguments are those of `multiaddrs`; `values` count as they are.
    """
    return _following(partial(closed, DIALABLE), _OF_ONE_MACHINE, protocols, min_size, max_size, values, registry)


def relayed(
    *,
    protocols: Iterable[Key] | None = None,
    min_size: int = 1,
    max_size: int | None = None,
    values: Values | None = None,
    registry: Registry = REGISTRY,
) -> SearchStrategy[Multiaddr]:
    """Draw addresses of peers behind a relay: its dialable address, its peer ID, `p2p-circuit`, mostly the peer's ID.

    The arguments are those of `multiaddrs`.
    """
    return _following(partial(closed, RELAYED), _OF_ONE_MACHINE, protocols, min_size, max_size, values, registry)


def components(
    *, protocols: Iterable[Key] | None = None, values: Values | None = None, registry: Registry = REGISTRY
) -> SearchStrategy[Component]:
    """Draw components of every protocol, or of `protocols`; the arguments are those of `multiaddrs`."""
    registry = checked_registry(registry)
    wanted = checked_protocols(protocols, registry)
    drawn = _values_of(wanted, values, registry, {})
    return _one_of(_Kinds((name, each.map(partial(_component_of, name, registry))) for name, each in drawn.items()))


def values(protocol: Key, *, registry: Registry = REGISTRY) -> SearchStrategy[str]:
    """Draw the values of a protocol as canonical text, as they stand in an address."""
    registry = checked_registry(registry)
    found = checked_protocol(protocol, registry, "protocol")
    codec = found.codec
    if codec is None:
        raise InvalidArgument(f"{found.name} has no value")
    return raw_values(found).map(codec.to_text)
