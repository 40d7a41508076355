"""What comes of an input, here and elsewhere, and how two outcomes differ.

An outcome is the address's bytes and its text, or None where the input is refused.
The text is None where an implementation takes an address and then cannot write it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from multiaddr_py import Multiaddr, ParseError

Source: TypeAlias = str | bytes
Outcome: TypeAlias = tuple[bytes, str | None] | None
Kind: TypeAlias = Literal["refuses", "takes", "bytes", "text"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""It refuses what is read here; takes what is refused here; has other bytes; has the same bytes and another text."""


def ours(source: Source) -> Outcome:
    """Return what comes of an input in this library."""
    try:
        address = Multiaddr(source)
    except ParseError:
        return None
    return bytes(address), str(address)


def kind_of(ours: Outcome, theirs: Outcome) -> Kind | None:
    """Say how another outcome differs from ours; None where it does not."""
    if ours == theirs:
        return None
    if theirs is None:
        return "refuses"
    if ours is None:
        return "takes"
    return "text" if ours[0] == theirs[0] else "bytes"


def spell(outcome: Outcome) -> str:
    """Write an outcome for a person."""
    if outcome is None:
        return "refused"
    raw, text = outcome
    return f"{raw.hex() or 'no bytes'}, {'which it cannot write' if text is None else ascii(text)}"
