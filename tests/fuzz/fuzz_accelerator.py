"""That the type in C and the one in Python do the same, whatever they are given.

An input is a byte of choices, an address, and behind `MARK` what stands beside it in operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from fuzz_laws import text_of
from pure import PURE

import multiaddr_py

MARK = b"\0|\xff|"
"""Between the two addresses of an input; in the fuzzer's dictionary, too."""

LEFT_BYTES, RIGHT_BYTES, LEFT_EXTENDED, RIGHT_EXTENDED = 1, 2, 4, 8
"""The lower bits of the byte of choices; the others are a place in the address."""

KEYS = ("ipfs", "p2p", "TCP", "wg", "ä", "", 6, 421, -1)
"""What is looked up in every address, beside its own protocols."""

COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")

# Of its own in each copy of the package, and made once: that takes longer than all the rest.
_EXTENDED = {package: package.REGISTRY.extended("455,256,wg,multibase,public key") for package in (multiaddr_py, PURE)}


def sources_of(raw: bytes) -> tuple[int, str | bytes, str | bytes]:
    """Return the choices of an input and its two addresses."""
    choices = raw[0] if raw else 0
    left, _, right = raw[1:].partition(MARK)
    return (
        choices,
        left if choices & LEFT_BYTES else text_of(left),
        right if choices & RIGHT_BYTES else text_of(right),
    )


def check_accelerator(raw: bytes) -> None:
    """Do everything that is in C with the addresses of an input, with it and without; compare all that can be seen."""
    assert multiaddr_py.ACCELERATED, "there is no accelerator to check"
    assert not PURE.ACCELERATED
    choices, left, right = sources_of(raw)
    fast = multiaddr_py, read(multiaddr_py, left, choices & LEFT_EXTENDED), right
    slow = PURE, read(PURE, left, choices & LEFT_EXTENDED), right
    assert seen(fast[1]) == seen(slow[1]), "reading differs"
    if isinstance(fast[1], Exception):
        return
    operations = zip(actions(*fast, choices), actions(*slow, choices), strict=True)
    for number, ((name, action), (_, same_action)) in enumerate(operations):
        assert outcome(action) == outcome(same_action), f"{name} differs, which is action {number}"


def read(package: ModuleType, source: str | bytes, extended: int) -> Any:
    """Read an address with a copy of the package, under its own registry or the default one; return it or the error."""
    try:
        return package.Multiaddr(source, registry=_EXTENDED[package] if extended else None)
    except package.ParseError as error:
        return error


def actions(
    package: ModuleType, address: Any, right: str | bytes, choices: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is done with an address of a copy of the package, each with its name."""
    place = choices >> 4
    other = read(package, right, choices & RIGHT_EXTENDED)
    # What stands beside it, and what it ends with, so that something is found.
    tail = address[-(place % 4 + 1) :]
    operands = [right, tail, str(tail)]
    if not isinstance(other, Exception):
        operands.append(other)
        for name in COMPARISONS:
            yield name, partial(getattr(address, name), other)
        yield "equal to itself", lambda: [address == package.Multiaddr(address), address == bytes(address)]
    for operand in operands:
        for name in ("encapsulate", "decapsulate", "startswith", "endswith"):
            yield name, partial(getattr(address, name), operand)
        yield "decapsulate what occurs", partial(_decapsulate_what_occurs, address, operand)
    for key in [right, *KEYS, *dict.fromkeys(protocol.name for protocol in address.protocols())]:
        yield "value_for_protocol", partial(address.value_for_protocol, key)
        yield "get_all", partial(address.get_all, key)
    yield "slice", lambda: [address[place:], address[:place], address[place : 2 * place], address[::-1]]
    yield "split", lambda: address.split(place)
    yield "read again", lambda: [package.Multiaddr(form) for form in (address, str(address), bytes(address))]


def _decapsulate_what_occurs(address: Any, operand: object) -> object:
    return (address / operand / address).decapsulate(operand)


def outcome(action: Callable[[], object]) -> object:
    """Return all that can be seen of what an action returns or raises."""
    try:
        return seen(action())
    except (ValueError, LookupError, TypeError) as error:
        return seen(error)


def seen(value: Any) -> object:
    """Return all that can be seen of a value, whichever copy of the package it is from."""
    if isinstance(value, multiaddr_py.Multiaddr | PURE.Multiaddr):
        return bytes(value), str(value), repr(value), value._spans(), hash(value)
    if isinstance(value, Exception):
        return type(value).__name__, [seen(argument) for argument in value.args], str(value)
    if type(value) in (list, tuple):
        return [seen(item) for item in value]
    if isinstance(value, str | bytes | int | None):
        return type(value), value
    return repr(value)
