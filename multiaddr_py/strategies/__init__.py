"""Strategies for Hypothesis: addresses, components, values and peer IDs, and what is almost one.

>>> from hypothesis import given
>>> from multiaddr_py import Multiaddr
>>> from multiaddr_py.strategies import multiaddrs
>>> @given(multiaddrs(protocols=["ip4", "tcp"], min_size=2))
... def test_nothing_is_lost(address):
...     assert Multiaddr(str(address)) == address
>>> test_nothing_is_lost()

With Hypothesis installed, `st.from_type` knows `Multiaddr`, `Component` and `PeerId` by themselves.
Hypothesis comes with the extra of its name.
"""

try:
    import hypothesis  # noqa: F401  it is there to be missed
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Hypothesis is needed (the extra `hypothesis` has it): pip install hypothesis", name="hypothesis"
    ) from error

from multiaddr_py.strategies._addresses import components, dialable, multiaddrs, relayed, thin_waist, values
from multiaddr_py.strategies._hostile import hostile
from multiaddr_py.strategies._near_misses import NearMiss, near_misses
from multiaddr_py.strategies._spellings import Spelling, multiaddr_texts
from multiaddr_py.strategies._values import peer_ids

__all__ = [
    "NearMiss",
    "Spelling",
    "components",
    "dialable",
    "hostile",
    "multiaddr_texts",
    "multiaddrs",
    "near_misses",
    "peer_ids",
    "relayed",
    "thin_waist",
    "values",
]
