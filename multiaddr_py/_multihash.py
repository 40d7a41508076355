"""Multihashes: a hash's code, its length, its digest.

The framing is checked here: `py-multihash` takes digests of a wrong length and refuses codes outside its table.
It has the names of the hashes.
https://github.com/multiformats/multihash
"""

from __future__ import annotations

from collections import namedtuple

from multiaddr_py._varint import read_varint, write_varint

IDENTITY = 0x00
SHA2_256 = 0x12

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class _Multihash(NamedTuple):
        code: int
        digest: bytes
else:
    _Multihash = namedtuple("_Multihash", ("code", "digest"))  # without the import of `typing`


class Multihash(_Multihash):
    """A hash's code and its digest, as in a `certhash`."""

    __slots__ = ()

    @property
    def name(self) -> str | None:
        """The hash's name in the multicodec table, such as `sha2-256`; None for a code without one."""
        from multihash.constants import CODE_HASHES  # late: it takes three times as long as this package

        if self.code == IDENTITY:
            return "identity"  # as in the multicodec table; the library has "id"
        name: str | None = CODE_HASHES.get(self.code)
        return name


def read_multihash(raw: bytes) -> Multihash:
    """Read a multihash that fills `raw`."""
    code, position = read_varint(raw, 0)
    length, position = read_varint(raw, position)
    if length != len(raw) - position:
        raise ValueError(f"a multihash says {length} bytes of digest and has {len(raw) - position}")
    return Multihash(code, raw[position:])


def write_multihash(multihash: Multihash) -> bytes:
    """Write a multihash."""
    code, digest = multihash
    return write_varint(code) + write_varint(len(digest)) + digest
