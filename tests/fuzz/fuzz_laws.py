"""What holds for every text and all bytes, as functions that take any input.

What is read can be written and read again, and is the same then; what is not is refused with an error that says where.
How components are framed, and their values' canonical texts, are read here by other means than the package's.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote_to_bytes

import base58

from multiaddr_py import REGISTRY, Component, Multiaddr, ParseError, PeerId, Protocol, UnknownProtocolError

MOST_CHARACTERS = 1500
"""Of an error's message: reason and hint, and the source around the fault."""

NAMES = {protocol.name for protocol in REGISTRY}

READERS: dict[str, Callable[[str], bytes]] = {
    "ip4": lambda text: IPv4Address(text).packed,
    "ip6": lambda text: IPv6Address(text).packed,
    "text": str.encode,
    "uint8": lambda text: int(text).to_bytes(1),
    "uint16": lambda text: int(text).to_bytes(2),
    "uint64": lambda text: int(text).to_bytes(8),
    "peer_id": base58.b58decode,
    "multihash": lambda text: base64.urlsafe_b64decode(text.removeprefix("u") + "=="),
    "multibase": lambda text: base64.urlsafe_b64decode(text.removeprefix("u") + "=="),
    "path": unquote_to_bytes,
    "percent": unquote_to_bytes,
    "onion": lambda text: base64.b32decode(text[:16].upper()) + int(text[17:]).to_bytes(2),
    "onion3": lambda text: base64.b32decode(text[:56].upper()) + int(text[57:]).to_bytes(2),
    "garlic64": lambda text: base64.b64decode(text, b"-~"),
    "garlic32": lambda text: base64.b32decode(text.upper() + "=" * (-len(text) % 8)),
}
"""What reads the canonical text of a value, by the name of the codec."""


def check_text(raw: bytes) -> None:
    """Check what is read of a text; one without its first slash is tried as a component, `ip4/1.2.3.4`, too."""
    text = text_of(raw)
    check_source(text)
    name, slash, value = text.partition("/")
    if slash and name in REGISTRY:
        check_value(REGISTRY[name], value)


def check_bytes(raw: bytes) -> None:
    """Check what is read of bytes; what is behind the first code is tried as a value, whatever its length."""
    check_source(raw)
    code, place = varint_at(raw, 0) or (-1, 0)
    if code in REGISTRY:
        check_value(REGISTRY[code], raw[place:])


def text_of(raw: bytes) -> str:
    """Return the text that an input stands for: what is not UTF-8 stands for lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def check_source(source: str | bytes) -> None:
    """Check that an address is read, or refused as it should be."""
    try:
        address = Multiaddr(source)
    except ParseError as error:
        check_error(error, source)
        if isinstance(source, str):
            assert error.offset in (0, len(source)) or source[error.offset - 1] == "/", "no segment begins there"
        else:
            assert error.offset in framed(source)[1], "no code, length or value begins there"
        return
    check_address(address)
    if isinstance(source, str):
        assert Multiaddr(source + "/") == address, "a trailing slash counts"
    else:
        assert bytes(address) == source, "bytes do not stay as they are"


def check_value(protocol: Protocol, source: str | bytes) -> None:
    """Check that the value of a component is read, or refused as it should be."""
    try:
        component = Component(protocol, source)
    except ParseError as error:
        check_error(error, source)
        assert error.offset == 0, "a value has one segment"
        return
    assert component.protocol == protocol
    check_address(Multiaddr([component]))


def check_error(error: ParseError, source: str | bytes) -> None:
    """Check all that an error says but for its place in the source, which is just looked at."""
    assert type(error) in (ParseError, UnknownProtocolError)
    assert type(error.source) is type(source), "the source has become something else"
    assert error.source == source, "the source is another one"
    assert 0 <= error.offset <= len(source), "the fault is outside of the source"
    assert error.protocol is None or error.protocol in NAMES, "no protocol has that name"
    message = str(error)
    assert message.isprintable(), "a terminal would obey the message"
    assert len(message) < MOST_CHARACTERS, "the message is long"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, str(again)) == (type(error), error.args, message), "the error does not pickle"


def check_address(address: Multiaddr) -> None:
    """Check that what an address is written as gives it back, and that its parts make it up."""
    text, raw, components = str(address), bytes(address), list(address)
    assert text.startswith("/"), "the text does not begin with a slash"
    assert not text.endswith("/"), "the text ends with a slash"
    assert text.encode().decode() == text, "the text is no Unicode"
    assert eval(repr(address), {"Multiaddr": Multiaddr}) == address, "repr is another address"
    for way, again in {
        "its text": Multiaddr(text),
        "its bytes": Multiaddr(raw),
        "its components": Multiaddr(components),
        "its pickle": pickle.loads(pickle.dumps(address)),
        "its parts joined": Multiaddr.join(*address.split()),
    }.items():
        assert (again, str(again), bytes(again), hash(again)) == (address, text, raw, hash(address)), f"{way} differs"
    assert address._spans() == framed(raw)[0], "the components are framed otherwise"
    assert "".join(map(str, components)) == text, "the components' texts are not the address's"
    assert b"".join(map(bytes, components)) == raw, "the components' bytes are not the address's"
    for component in dict.fromkeys(components):
        check_component(component)
    for protocol in dict.fromkeys(address.protocols()):
        found = tuple(component for component in components if component.protocol == protocol)
        assert address.get_all(protocol) == found, "not all of a protocol are found"
        assert address.get(protocol.name) == found[0], "the first of a protocol is another one"
        assert address.value_for_protocol(protocol.code) == found[0].value, "the first one's value is another one"
    twice = address / address
    assert (str(twice), bytes(twice)) == (text + text, raw + raw), "put behind itself it is something else"
    assert Multiaddr(text + text) == twice, "its text twice is not it twice"
    assert twice.decapsulate(address) == address, "what was encapsulated cannot be decapsulated"
    assert twice.startswith(address), "it does not start with itself"
    assert twice.endswith(address), "it does not end with itself"
    peer_id = address.peer_id
    assert peer_id is None or PeerId(str(peer_id)) == peer_id, "the peer ID's text is another one"


def check_component(component: Component) -> None:
    """Check that a component is made again from its value in each form, and that others read its text so, too."""
    protocol, value = component.protocol, component.value
    for again in (
        Component(component.name, value),
        Component(protocol.code, component.raw_value),
        Component(protocol, component.typed_value),
    ):
        assert again == component, "a value in another form is another value"
    if protocol.codec is None or value is None:
        assert (protocol.codec, protocol.size, value) == (None, 0, None), (
            "it has a value where the table says otherwise"
        )
    else:
        assert READERS[protocol.codec.name](value) == component.raw_value, "elsewhere the text is read otherwise"


Span = tuple[int, int, int, int]


def framed(raw: bytes) -> tuple[list[Span], set[int]]:
    """Read how bytes are framed, up to the first fault.

    Return each whole component's code, where it begins, where its value begins, and where it ends;
    and all places where a code, a length or a value begins, also those of the component that is not whole.
    """
    spans: list[Span] = []
    start, places = 0, {0}
    while start < len(raw):
        places.add(start)
        code, value = varint_at(raw, start) or (-1, 0)
        if code not in REGISTRY:
            break
        places.add(value)
        size = REGISTRY[code].size
        if size is None:
            length, value = varint_at(raw, value) or (0, 0)
            if length == 0:
                break
            places.add(value)
        else:
            length = size // 8
        if value + length > len(raw):
            break
        spans.append((code, start, value, value + length))
        start = value + length
    return spans, places


def varint_at(raw: bytes, place: int) -> tuple[int, int] | None:
    """Return the minimal varint of at most 9 bytes at a place, and where it ends; None where there is none."""
    end = next((index for index in range(place, len(raw)) if raw[index] < 0x80), len(raw))
    digits = raw[place : end + 1]
    if end == len(raw) or len(digits) > 9 or (len(digits) > 1 and digits[-1] == 0):
        return None
    return sum((digit & 0x7F) << 7 * index for index, digit in enumerate(digits)), end + 1
