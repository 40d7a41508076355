"""Tor's onion addresses: base 32, a colon, a port.

An onion3 address has a checksum and a version, which are not looked at: no implementation does.
"""

from __future__ import annotations

from collections import namedtuple

from multiaddr_py._arguments import is_integer, spell
from multiaddr_py._multibase import read_base32, write_base32
from multiaddr_py.codecs._codec import Codec
from multiaddr_py.codecs.number import read_decimal
from multiaddr_py.errors import hinted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class OnionAddress(NamedTuple):
        """An onion address, as base 32 in lower case without `.onion`, and its port."""

        address: str
        port: int
else:
    OnionAddress = namedtuple("OnionAddress", ("address", "port"))  # without the import of `typing`
    OnionAddress.__doc__ = "An onion address, as base 32 in lower case without `.onion`, and its port."


def _to_raw(text: str, characters: int) -> bytes:
    address, _, port = text.partition(":")
    if not port:
        raise ValueError("an onion address ends in a colon and a port")
    if address.endswith(".onion"):
        raise hinted("the address is written without .onion", "leave .onion out")
    if len(address) != characters:
        raise ValueError(f"an address of this kind has {characters} characters, not {len(address)}")
    raw = read_base32(address) + read_decimal(port, 0xFFFF).to_bytes(2)
    _check(raw)
    return raw


def _onion_to_raw(text: str) -> bytes:
    return _to_raw(text, 16)


def _onion3_to_raw(text: str) -> bytes:
    return _to_raw(text, 56)


def _to_text(raw: bytes) -> str:
    return f"{write_base32(raw[:-2])}:{int.from_bytes(raw[-2:])}"


def _check(raw: bytes) -> None:
    if raw.endswith(b"\0\0"):
        raise ValueError("an onion address has a port from 1 to 65535")


def _to_value(raw: bytes) -> OnionAddress:
    return OnionAddress(write_base32(raw[:-2]), int.from_bytes(raw[-2:]))


def _text_of(value: object) -> str:
    if not isinstance(value, OnionAddress):
        raise TypeError(f"its value is an OnionAddress, text or bytes, not {type(value).__name__}")
    if not isinstance(value.address, str) or not is_integer(value.port):
        raise TypeError("its value is an OnionAddress of text and an int")
    return f"{value.address}:{spell(value.port)}"


def _onion_from_value(value: object) -> bytes:
    return _onion_to_raw(_text_of(value))


def _onion3_from_value(value: object) -> bytes:
    return _onion3_to_raw(_text_of(value))


ONION = Codec("onion", _onion_to_raw, _to_text, _check, size=96, to_value=_to_value, from_value=_onion_from_value)
ONION3 = Codec("onion3", _onion3_to_raw, _to_text, _check, size=296, to_value=_to_value, from_value=_onion3_from_value)
