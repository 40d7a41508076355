"""Every exception of the package, and how a stranger's input is quoted in one.

An error carries its facts as attributes and makes its message when asked.
Whatever the input was, a message is short and has nothing in it that a terminal would obey.
"""

from __future__ import annotations

from multiaddr_py._arguments import spell

_MOST_CHARACTERS = 60  # of the source, around the fault
_MOST_BYTES = 24
_MOST_QUOTED = 40  # of one value
_MOST_REASON = 600  # a codec of a user's own may say anything


class MultiaddrError(Exception):
    """The root of this package's exceptions."""


class ParseError(MultiaddrError, ValueError):
    """Text, bytes or a value that is not what the rules allow.

    `source` is what was read, whole.
    `offset` is where the wrong segment begins:
    in text the index, in code points, of the name or the value (the length of the text where something is missing);
    in bytes the index of the component's code, of its length or of its value.
    `protocol` is the canonical name of the protocol at fault, None where none is known.
    `reason` is the rule that was broken; `hint` what to write instead, or None.
    """

    reason: str
    source: str | bytes
    offset: int
    protocol: str | None
    hint: str | None

    def __init__(
        self,
        reason: str,
        source: str | bytes,
        offset: int,
        protocol: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(reason, source, offset, protocol, hint)
        self.reason = reason
        self.source = source
        self.offset = offset
        self.protocol = protocol
        self.hint = hint

    def __str__(self) -> str:
        message = _tame(self.reason)
        if not message.startswith(quote(self.source) + " "):  # a value on its own is quoted as it is
            place = "character" if isinstance(self.source, str) else "byte"
            message = f"{_excerpt(self.source, self.offset)}: {message} (at {place} {self.offset})"
        return message if self.hint is None else f"{message}; {_tame(self.hint)}"


class UnknownProtocolError(ParseError):
    """A name or a code, in text or bytes, that the registry does not have."""


class ProtocolNotFoundError(MultiaddrError, LookupError):
    """A look-up, in a registry or in an address, that found nothing.

    `key` is the name, code or `Protocol` that was looked for; `place` says where.
    """

    key: object
    place: str

    def __init__(self, key: object, place: str) -> None:
        super().__init__(key, place)
        self.key = key
        self.place = place

    def __str__(self) -> str:
        key = quote(self.key) if isinstance(self.key, str) else _tame(spell(self.key))
        return f"no protocol {key} in {_tame(self.place)}"


class RegistryError(MultiaddrError, ValueError):
    """A protocol or a table that cannot be used; `row` is the row at fault as CSV, or None."""

    reason: str
    row: str | None

    def __init__(self, reason: str, row: str | None = None) -> None:
        super().__init__(reason, row)
        self.reason = reason
        self.row = row

    def __str__(self) -> str:
        return _tame(self.reason) if self.row is None else f"row {quote(self.row)}: {_tame(self.reason)}"


class ConversionError(MultiaddrError, ValueError):
    """What another notation, a socket's or anyone's, cannot hold, or what of such a notation is no address.

    `source` is what was to be converted, an address as its text;
    `reason` says what it lacks or has too much, `hint` what would do instead, or is None.
    """

    reason: str
    source: object
    hint: str | None

    def __init__(self, reason: str, source: object, hint: str | None = None) -> None:
        super().__init__(reason, source, hint)
        self.reason = reason
        self.source = source
        self.hint = hint

    def __str__(self) -> str:
        if isinstance(self.source, (str, bytes)):
            source = _excerpt(self.source, 0)
        else:
            source = spell(self.source)
            source = _tame(source if len(source) <= _MOST_CHARACTERS else source[: _MOST_CHARACTERS - 1] + "…")
        message = f"{source}: {_tame(self.reason)}"
        return message if self.hint is None else f"{message}; {_tame(self.hint)}"


def quote(value: str | bytes) -> str:
    """Return what an error says instead of `value`: short, and safe to print."""
    if isinstance(value, str):
        return repr(value if len(value) <= _MOST_QUOTED else value[: _MOST_QUOTED - 1] + "…")
    return "0x" + value[:_MOST_BYTES].hex() + ("…" if len(value) > _MOST_BYTES else "")


def hinted(reason: str, hint: str) -> ValueError:
    """Return the `ValueError` of a codec that knows what was meant; the hint is the error's note."""
    error = ValueError(reason)
    error.add_note(hint)
    return error


def hint_of(error: ValueError) -> str | None:
    """Return the hint that a codec's error carries as its first note."""
    notes: list[str] = getattr(error, "__notes__", [])
    return notes[0] if notes else None


def _excerpt(source: str | bytes, offset: int) -> str:
    most = _MOST_CHARACTERS if isinstance(source, str) else _MOST_BYTES
    # As much before the fault as a reader needs to find it; the rest of the room shows the fault.
    start = max(0, min(offset - most // 3, len(source) - most))
    stop = min(len(source), start + most)
    before, after = "…" * (start > 0), "…" * (stop < len(source))
    if isinstance(source, str):
        return repr(before + source[start:stop] + after)
    return f"{before}0x{source[start:stop].hex()}{after}"


def _tame(text: str) -> str:
    if len(text) > _MOST_REASON:
        text = text[: _MOST_REASON - 1] + "…"
    return text if text.isprintable() else repr(text)[1:-1]
