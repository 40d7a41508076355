"""The two forms of an address, and the ways between them, as pure functions over a registry.

Text is `(/name[/value])+`, bytes are `(varint code, [varint length], value)+`.
Each function reads from left to right, in one pass, and raises `ParseError` for the first fault.
What a function here returns for bytes that `check_bytes` accepted can be relied on; there it cannot fail.
"""

from __future__ import annotations

from multiaddr_py._varint import read_varint, write_varint
from multiaddr_py.codecs._codec import accept
from multiaddr_py.codecs.name import encode_utf8
from multiaddr_py.errors import ParseError, UnknownProtocolError, hint_of, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from multiaddr_py.codecs import Codec
    from multiaddr_py.registry import Protocol, Registry


def text_to_bytes(text: str, registry: Registry) -> bytes:
    """Read an address's text; return its bytes."""
    segments = text.rstrip("/").split("/")
    if segments[0] or not text:
        hint = "write it as in /ip4/127.0.0.1/tcp/80" if text else None
        raise ParseError("an address begins with /", text, 0, None, hint)
    if len(segments) == 1:
        raise ParseError("an address has at least one component", text, len(text))
    by_name = registry._by_name
    parts: list[bytes] = []
    # Where a value that may be the rest of the text was read as one segment, the first time and the last:
    # the protocol, its codec, the segment's index, and how many parts were before.
    first_rest: tuple[Protocol, Codec, int, int] | None = None
    last_rest: tuple[Protocol, Codec, int, int] | None = None
    index, end = 1, len(segments)
    try:
        while index < end:
            name = segments[index]
            protocol = by_name.get(name)
            if protocol is None:
                raise _unknown_name(text, segments, index, registry)
            index += 1
            parts.append(protocol._prefix)
            codec = protocol.codec
            if codec is None:
                continue
            if index == end:
                raise ParseError(f"{protocol.name} needs a value", text, len(text), protocol.name)
            value = segments[index]
            if codec.takes_rest and not value.startswith("%"):
                last_rest = protocol, codec, index, len(parts)
                first_rest = first_rest or last_rest
            if not value:
                raise ParseError(f"{protocol.name} needs a value", text, _offset(segments, index), protocol.name)
            try:
                raw = codec.to_raw(value)
                parts.append(_length_of(raw, protocol))
            except ValueError as error:
                raise value_error(error, protocol, value, text, _offset(segments, index)) from error
            parts.append(raw)
            index += 1
    except ParseError:
        if first_rest is None or last_rest is None:
            raise
        # Something behind it went wrong, so the last of these values was the rest.
        protocol, codec, index, before = last_rest
        try:
            raw = _rest_to_raw("/".join(segments[index:]), codec)
        except ValueError as error:
            # What is no rest of the last is none of those before it, and the first from the left is at fault.
            protocol, _, index, _ = first_rest
            raise value_error(error, protocol, "/".join(segments[index:]), text, _offset(segments, index)) from error
        parts[before:] = [_length_of(raw, protocol), raw]
    return b"".join(parts)


def value_to_raw(text: str, protocol: Protocol) -> bytes:
    """Read the text of one value on its own; raise a plain `ValueError`.

    A text with a slash is a path where the codec takes the rest of an address, and refused where it does not.
    """
    codec = protocol.codec
    if codec is None:
        raise ValueError("it takes no value")
    if codec.takes_rest and "/" in text:
        raw = _rest_to_raw(text, codec)
    elif "/" in text:
        raise ValueError("a value has no slash")
    elif not text:
        raise ValueError("the value is empty")
    else:
        try:
            raw = codec.to_raw(text)
        except ValueError:
            if not codec.takes_rest or text.startswith("%"):
                raise
            raw = _rest_to_raw(text, codec)
    _length_of(raw, protocol)
    return raw


def check_raw(raw: bytes, protocol: Protocol) -> None:
    """Check the bytes of one value; raise a plain `ValueError`."""
    if protocol.codec is None:
        if raw:
            raise ValueError("it takes no value")
        return
    _length_of(raw, protocol)
    protocol.codec.check(raw)


def check_bytes(raw: bytes, registry: Registry) -> None:
    """Check an address's bytes."""
    if not raw:
        raise ParseError("an address has at least one component", raw, 0)
    for protocol, _, start, stop in walk(raw, registry):
        codec = protocol.codec
        if codec is not None and codec.check is not accept:
            value = raw[start:stop]
            try:
                codec.check(value)
            except ValueError as error:
                raise value_error(error, protocol, value, raw, start) from error


def bytes_to_text(raw: bytes, registry: Registry) -> str:
    """Write the text of checked bytes."""
    parts = [""]
    for protocol, _, start, stop in walk(raw, registry):
        parts.append(protocol.name)
        if protocol.codec is not None:
            parts.append(protocol.codec.to_text(raw[start:stop]))
    return "/".join(parts)


def component_to_bytes(protocol: Protocol, raw: bytes) -> bytes:
    """Write one component whose value was checked."""
    if protocol.codec is None:
        return protocol._prefix
    return protocol._prefix + _length_of(raw, protocol) + raw


def walk(raw: bytes, registry: Registry) -> Iterator[tuple[Protocol, int, int, int]]:
    """Yield each component's protocol, where it begins, where its value begins, and where it ends."""
    by_prefix = registry._by_prefix
    start, end = 0, len(raw)
    while start < end:
        value = start + (1 if raw[start] < 0x80 else 2)  # nearly every code takes one byte or two
        protocol = by_prefix.get(raw[start:value])
        if protocol is None:
            protocol, value = _protocol_at(raw, start, registry)
        position, length = value, protocol._length
        if length is None:
            length, value = _varint_at(raw, position, protocol)
            if length == 0:
                raise ParseError(f"{protocol.name} has a value of length 0", raw, position, protocol.name)
        stop = value + length
        if stop > end:
            reason = f"{protocol.name} has a value of {length} bytes, of which {end - value} are there"
            raise ParseError(reason, raw, position, protocol.name)
        yield protocol, start, value, stop
        start = stop


def spans(raw: bytes, registry: Registry) -> list[tuple[int, int, int, int]]:
    """Return each component's code, where it begins, where its value begins, and where it ends."""
    return [(protocol.code, start, value, stop) for protocol, start, value, stop in walk(raw, registry)]


def first_text(raw: bytes, registry: Registry, code: int) -> str | None:
    """Write the first value of a code: empty if that has no value, None if it does not occur."""
    for protocol, _, start, stop in walk(raw, registry):
        if protocol.code == code:
            return "" if protocol.codec is None else protocol.codec.to_text(raw[start:stop])
    return None


def last_place(raw: bytes, part: bytes, registry: Registry) -> int:
    """Return where the last occurrence of the components of `part` in `raw` begins; -1 if there is none.

    By Knuth, Morris and Pratt's algorithm from the end: comparing at every place would take quadratic time
    on an address that repeats itself.
    """
    if not part or part not in raw:
        return -1
    sought = [part[start:stop] for _, start, _, stop in walk(part, registry)]
    sought.reverse()
    borders = [0]
    for item in sought[1:]:
        border = borders[-1]
        while border and item != sought[border]:
            border = borders[border - 1]
        borders.append(border + (item == sought[border]))
    matched = 0
    for _, start, _, stop in reversed(list(walk(raw, registry))):
        item = raw[start:stop]
        while matched and item != sought[matched]:
            matched = borders[matched - 1]
        matched += item == sought[matched]
        if matched == len(sought):
            return start
    return -1


def value_error(
    error: ValueError, protocol: Protocol, value: str | bytes, source: str | bytes, offset: int
) -> ParseError:
    """Return the error for a value that its codec refused: the one place that adds protocol, source and offset."""
    # A codec may have read something of this package's own, whose message would stand inside of the message.
    rule = error.reason if isinstance(error, ParseError) else str(error)
    hint = error.hint if isinstance(error, ParseError) else hint_of(error)
    if hint is None and isinstance(value, str) and value != value.strip() and _is_value(value.strip(), protocol):
        hint = "there are blanks around it"
    return ParseError(f"{quote(value)} is no value for {protocol.name}: {rule}", source, offset, protocol.name, hint)


def _is_value(text: str, protocol: Protocol) -> bool:
    """Say, for a hint, whether a text is a value of a protocol."""
    try:
        value_to_raw(text, protocol)
    except ValueError:
        return False
    return True


def _protocol_at(raw: bytes, start: int, registry: Registry) -> tuple[Protocol, int]:
    """Read a code of any length; return its protocol and where the code ends."""
    code, stop = _varint_at(raw, start, None)
    protocol = registry._by_code.get(code)
    if protocol is None:
        hint = "decode the text first" if start == 0 and raw.startswith(b"/") else None
        raise UnknownProtocolError(f"{code} is no protocol's code", raw, start, None, hint)
    return protocol, stop


def _varint_at(raw: bytes, position: int, protocol: Protocol | None) -> tuple[int, int]:
    try:
        return read_varint(raw, position)
    except ValueError as error:
        raise ParseError(str(error), raw, position, None if protocol is None else protocol.name) from error


def _length_of(raw: bytes, protocol: Protocol) -> bytes:
    """Return what stands between the code and the value; refuse an empty value and one of another size."""
    if protocol.size is None:
        if not raw:
            raise ValueError("the value is empty")
        return write_varint(len(raw))
    if 8 * len(raw) != protocol.size:
        raise ValueError(f"a value of {protocol.name} has {protocol.size // 8} bytes, not {len(raw)}")
    return b""


def _rest_to_raw(rest: str, codec: Codec) -> bytes:
    """Read the rest of an address as one value: a path with one leading slash, in which nothing is decoded."""
    path = rest.strip("/")
    if not path:
        raise ValueError("the value is empty")
    raw = encode_utf8("/" + path)
    codec.check(raw)
    return raw


def _unknown_name(text: str, segments: list[str], index: int, registry: Registry) -> ParseError:
    name, offset = segments[index], _offset(segments, index)
    if not name:
        return ParseError("a component has no name", text, offset)
    hint = f"names are in lower case: {name.lower()}" if name.lower() in registry else None
    return UnknownProtocolError(f"{quote(name)} is no protocol", text, offset, None, hint)


def _offset(segments: list[str], index: int) -> int:
    """Return where a segment begins in the text."""
    return sum(map(len, segments[:index])) + index
