"""What Hypothesis calls when it is imported, so that `st.from_type` knows this package's types.

The strategies themselves are imported when the first of them is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Component, Multiaddr, Multihash, OnionAddress, PeerId, Protocol, Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hypothesis.strategies import SearchStrategy


def register() -> None:
    """Register a strategy for each type that has values of its own."""
    st.register_type_strategy(Multiaddr, _multiaddrs)
    st.register_type_strategy(Component, _components)
    st.register_type_strategy(PeerId, _peer_ids)
    st.register_type_strategy(Multihash, _typed_values_of("certhash"))
    st.register_type_strategy(OnionAddress, _typed_values_of("onion", "onion3"))
    st.register_type_strategy(Protocol, st.sampled_from(list(REGISTRY)))
    st.register_type_strategy(Registry, _registries)


def _multiaddrs(asked: type[Multiaddr]) -> SearchStrategy[Multiaddr]:
    if asked is not Multiaddr:  # an address is a sequence, but nobody's `Sequence[str]`
        return NotImplemented
    from multiaddr_py.strategies import multiaddrs  # late, as is said above

    return multiaddrs()


def _components(_: type[Component]) -> SearchStrategy[Component]:
    from multiaddr_py.strategies import components

    return components()


def _registries(asked: type[Registry]) -> SearchStrategy[Registry]:
    if asked is not Registry:  # as above: a collection, but nobody's `Collection[int]`
        return NotImplemented
    return st.just(REGISTRY)


def _peer_ids(_: type[PeerId]) -> SearchStrategy[PeerId]:
    from multiaddr_py.strategies import peer_ids

    return peer_ids()


def _typed_values_of(*protocols: str) -> Callable[[object], SearchStrategy[Any]]:
    def typed_values(_: object) -> SearchStrategy[object]:
        from multiaddr_py.strategies import components

        return components(protocols=protocols).map(lambda component: component.typed_value)

    return typed_values
