"""How far an address reaches, by IANA's registries of special-purpose addresses and names."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class _Carrier(NamedTuple):
    """A kind of IPv6 address that carries an IPv4 address."""

    prefix: bytes
    name: str
    place: slice
    mask: int
    """What the address is obscured with."""


_CARRIERS: Final = (
    _Carrier(bytes(10) + b"\xff\xff", "IPv4-mapped", slice(12, 16), 0),
    _Carrier(b"\x20\x02", "6to4", slice(2, 6), 0),
    # The server's address stands in the second group; packets go to the client's, RFC 4380 section 4.
    _Carrier(b"\x20\x01\x00\x00", "Teredo", slice(12, 16), 0xFFFFFFFF),
    _Carrier(b"\x00\x64\xff\x9b" + bytes(8), "NAT64", slice(12, 16), 0),
    # RFC 8215 leaves the length of the translator's prefix to the site: 96 bits are what nearly all have.
    _Carrier(b"\x00\x64\xff\x9b\x00\x01", "local NAT64", slice(12, 16), 0),
)


def embedded_ip4(raw: bytes) -> bytes | None:
    r"""Return the IPv4 address that packets to an IPv6 address end up at; None where it carries none.

    `raw` is 16 bytes; four, an IPv4 address, carry no other one.
    Read are IPv4-mapped addresses, 6to4, Teredo (the client's address), and NAT64
    with the well-known prefix and with the local one, of which the last 32 bits are taken.

    >>> from multiaddr_py import Multiaddr
    >>> embedded_ip4(Multiaddr("/ip6/64:ff9b::a00:1")[0].raw_value)
    b'\n\x00\x00\x01'
    """
    carrier = _carrier(raw)
    return None if carrier is None else _carried(carrier, raw)


def _carrier(raw: bytes) -> _Carrier | None:
    if len(raw) == 16:
        for carrier in _CARRIERS:
            if raw.startswith(carrier.prefix):
                return carrier
    return None


def _carried(carrier: _Carrier, raw: bytes) -> bytes:
    return (int.from_bytes(raw[carrier.place]) ^ carrier.mask).to_bytes(4)
