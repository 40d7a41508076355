"""The Python libraries, and how a user of each one writes the operations.

An operation is a statement, which is run as it stands.
It may use what the library's own statement imports, pickle's `dumps` and `loads`, and `NAMES`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "text": "an address's text",
    "raw": "its bytes, as the library writes them",
    "address": "its object",
    "other": "an equal object",
    "last_text": "the text of its last component",
    "last": "the object of that",
    "tail_text": "the text of what is put behind",
    "tail": "the object of that",
    "protocol": "the last protocol that has a value",
    "position": "where that stands in the address",
}
"""What an operation may use."""


class Library(NamedTuple):
    """A library under measurement."""

    title: str
    distribution: str
    module: str
    imports: str
    """The statement that imports what the operations use."""
    operations: dict[str, str]
    """Statements by operation; an operation that the library does not have is absent."""
    environment: Mapping[str, str] = MappingProxyType({})
    further_imports: str = ""
    """The statement that imports what operations use beyond the library's core."""


SHARED = {
    "write": "str(address)",
    "equality": "address == other",
    "hash": "hash(address)",
    "pickle": "loads(dumps(address))",
}

METHODS = {
    **SHARED,
    "parse": "Multiaddr(text)",
    "read": "Multiaddr(raw)",
    "read-write": "str(Multiaddr(raw))",
    "encapsulate": "address.encapsulate(tail)",
    "encapsulate-text": "address.encapsulate(tail_text)",
    "decapsulate": "address.decapsulate(last)",
    "decapsulate-text": "address.decapsulate(last_text)",
    "value": "address.value_for_protocol(protocol)",
}
"""What this library and PyPI's `multiaddr` write alike."""

OURS = Library(
    title="this library",
    distribution="multiaddr-py",
    module="multiaddr_py",
    imports="from multiaddr_py import Multiaddr",
    operations={
        **METHODS,
        "iterate": "for component in address: pass",
        "iterate-values": "[(component.name, component.value) for component in address]",
        "typed-value": "address[position].typed_value",
        "endpoint": "Endpoint.from_multiaddr(address)",
    },
    further_imports="from multiaddr_py.net import Endpoint",
)

LIBRARIES = {
    "accelerated": OURS,
    "pure": OURS._replace(title="this library, pure", environment={"MULTIADDR_PY_PURE": "1"}),
    "multiaddr": Library(
        title="PyPI's multiaddr",
        distribution="multiaddr",
        module="multiaddr",
        imports="from multiaddr import Multiaddr",
        operations={
            **METHODS,
            "iterate": "for component in address.items(): pass",
            "iterate-values": "[(protocol.name, value) for protocol, value in address.items()]",
        },
    ),
    "multiformats": Library(
        title="multiformats",
        distribution="multiformats",
        module="multiformats",
        imports="from multiformats.multiaddr import decode, parse, proto",
        operations={
            **SHARED,
            "parse": "parse(text)",
            "read": "decode(raw)",
            "read-write": "str(decode(raw))",
            "encapsulate": "address / tail",
            "encapsulate-text": "address / parse(tail_text)",
            "value": "address[address.index(proto(protocol))].value",
            "iterate": "for component in address: pass",
            "iterate-values": (
                "[(part.proto.name, part.value) if hasattr(part, 'proto') else (part.name, None) for part in address]"
            ),
        },
    ),
}
"""The libraries that run under Python, by what the command line calls them."""

OWN = ("accelerated", "pure")
"""This library, in both ways."""

BASELINE = "multiaddr"
"""What the others are compared with."""
