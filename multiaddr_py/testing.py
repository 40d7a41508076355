"""For tests of a protocol of one's own: the laws that its codec keeps, checked on examples and on what is near them.

It needs no test library; what fails is an `AssertionError` that says which law, for what, and how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar
from unicodedata import normalize

from multiaddr_py import Component, Multiaddr, ParseError, Protocol, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal, NoReturn

    from multiaddr_py import Codec

    Given = TypeVar("Given")
    Source = TypeVar("Source", str, bytes)
    Result = TypeVar("Result")

__all__ = ["check_protocol"]

_JUNK = (
    *("", " ", "\0", "\n", "/", "%", "%2F", "=", ":", "-", "_", "+", ".", "0", "1", "a", "A", "z", "~"),
    *("\ud800", "\u0660", "\uff11", "\u0130", "\u212a", "\u0301", "\u202e", "\U0010ffff"),
)
_JUNK_BYTES = (b"", *(bytes([byte]) for byte in b"\x00\x01\n /0Aaz\x7f\x80\xc0\xff"))
_PATHS = ("/a", "/a b/%2F", "/\N{LATIN SMALL LETTER E WITH ACUTE}/..", "/" + "a" * 5000)
"""What every codec that takes the rest of an address has to take."""
_LENGTHS = (20, 70, 300, 1100)
"""How long a near text or near bytes are that repeat something: limits are of a few, of 64, of 256 and of 1,024."""
_NUMBERS = (bool, int, float)
_STRANGERS: Sequence[object] = (None, True, 0, -1, 1 << 200, 1.5, object(), (), [b""], {}, Ellipsis)
_FORMS: Sequence[Literal["NFC", "NFD", "NFKC", "NFKD"]] = ("NFC", "NFD", "NFKC", "NFKD")
_MOST_PLACES = 24
"""Where an example is spoiled: at so many places at most, from its beginning to its end; a long one at fewer."""


def check_protocol(
    protocol: Protocol, examples: Iterable[object] | Mapping[str, bytes], *, refused: Iterable[object] = ()
) -> None:
    """Check that a protocol's codec keeps the laws on which addresses rest; raise `AssertionError` if it does not.

    `examples` are values, as text, bytes or typed, or a mapping from texts to the bytes that they stand for.
    `refused` are texts and bytes that are no values.

    The laws: an example is read; what is read can be written, and reading that gives it back;
    the text that is written is written for itself, has no slash, and stands in an address beside others;
    the bytes have the protocol's size, and `check` takes them; the typed value gives them back; what `from_value` takes
    equals what `to_value` then gives, where both are of one type, or numbers, of which a bool is none;
    functions are pure; and whatever else comes, made from the examples by cutting, swapping, adding and repeating,
    either keeps all that or is refused with a `ValueError`, or with a `TypeError` if it is neither text nor bytes.

    >>> check_protocol(Protocol(455, 256, "wg", "multibase"), ["uAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"])
    >>> check_protocol(Protocol(455, 256, "wg", "multibase"), ["uAQID"])
    Traceback (most recent call last):
    AssertionError: wg: the example 'uAQID' is refused: a value of wg has 32 bytes, not 3
    """
    if not isinstance(protocol, Protocol):
        raise TypeError(f"a Protocol is checked, not {type(protocol).__name__}")
    if protocol.codec is None:
        raise ValueError(f"{protocol.name} has no value: there is nothing to check")
    for argument, given in (("examples", examples), ("refused", refused)):
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise TypeError(f"{argument} are a collection of values, not one of type {type(given).__name__}")
    laws = _Laws(protocol, protocol.codec)
    expected = examples.items() if isinstance(examples, Mapping) else [(example, None) for example in examples]
    if not expected:
        raise ValueError("at least one example is needed")
    for example, raw in expected:
        if not isinstance(raw, bytes | None):
            raise TypeError(f"an example stands for bytes, not for {type(raw).__name__}")
        laws.check_example(example, raw)
    for value in refused:
        laws.check_refused(value)
    for stranger in _STRANGERS:
        laws.check_stranger(stranger)
    if protocol.codec.takes_rest:
        for path in _PATHS:
            laws.call("check", protocol.codec.check, path.encode(), f"every path is a value, and {_shown(path)}")


class _Laws:
    """The laws of one protocol."""

    def __init__(self, protocol: Protocol, codec: Codec) -> None:
        self.protocol = protocol
        self.codec = codec
        self.registry = Registry([protocol])

    def check_example(self, example: object, expected: bytes | None) -> None:
        """Check an example and what is near it."""
        try:
            component = self.component(example)
        except TypeError as error:
            self.fail(f"the example {_shown(example)} is refused: {error}", error)
        if isinstance(component, ValueError):
            self.fail(f"the example {_shown(example)} is refused: {_rule(component)}")
        raw = component.raw_value
        if expected is not None and raw != expected:
            self.fail(f"the example {_shown(example)} is read as {_shown(raw)}, not as {_shown(expected)}")
        self.check_value(component, f"the example {_shown(example)}")
        canonical = self.codec.to_text(raw)
        for text in dict.fromkeys([example, canonical] if isinstance(example, str) else [canonical]):
            for near in _spoiled(text, _JUNK):
                self.check_anything(near)
                self.check_anything(near.encode(errors="surrogatepass"))
            for folded in (text.upper(), text.lower(), text.swapcase(), *(normalize(form, text) for form in _FORMS)):
                self.check_anything(folded)
                self.check_anything(folded.encode(errors="surrogatepass"))
        for near_raw in (*_spoiled(raw, _JUNK_BYTES), raw.upper(), raw.lower(), raw.swapcase()):
            self.check_anything(near_raw)

    def check_anything(self, source: str | bytes) -> None:
        """Check that text or bytes are refused, or keep the laws."""
        component, again = self.component(source), self.component(source)
        if not isinstance(component, ValueError):
            if isinstance(again, ValueError) or again.raw_value != component.raw_value:
                self.fail(f"{_shown(source)} is not read the same when it is read again")
            self.check_value(component, _shown(source))

    def check_refused(self, value: object) -> None:
        """Check that a value is refused."""
        try:
            component = self.component(value)
        except TypeError:
            return
        if not isinstance(component, ValueError):
            self.fail(f"{_shown(value)} is to be refused, and is read as {_shown(component.raw_value)}")

    def check_stranger(self, value: object) -> None:
        """Check that an object is refused with a `TypeError` or a `ValueError`, or keeps the laws.

        A codec may take more for a value than it gives: a timestamp for a date. But what is of the type of what it
        gives stands for itself, as a number does for a number: none is cut to fit, and a bool is none.
        """
        try:
            component = self.component(value)
        except TypeError:
            return
        if isinstance(component, ValueError):
            return
        self.check_value(component, _shown(value))
        typed = self.codec.to_value(component.raw_value)
        if type(value) is not type(typed) and not {type(value), type(typed)} <= {*_NUMBERS}:
            return
        if typed != value or isinstance(value, bool) is not isinstance(typed, bool):
            self.fail(f"from_value takes {_shown(value)} for {_shown(typed)}, which is not the same")

    def check_value(self, component: Component, source: str) -> None:
        """Check the laws of a value that was accepted."""
        raw = component.raw_value
        self.call("check", self.codec.check, raw, source)
        text = self.call("to_text", self.codec.to_text, raw, source)
        if not isinstance(text, str):
            self.fail(f"to_text({_shown(raw)}) is a {type(text).__name__}, not a str")
        if text.encode(errors="ignore").decode() != text:
            self.fail(f"to_text({_shown(raw)}) is {_shown(text)}, and a lone surrogate is no character")
        if "/" in text:
            self.fail(f"to_text({_shown(raw)}) is {_shown(text)}, and a value has no slash")
        if self.codec.to_text(raw) != text:
            self.fail(f"to_text({_shown(raw)}) is not the same when it is asked again")
        again = self.component(text)
        if isinstance(again, ValueError):
            self.fail(f"to_text({_shown(raw)}) is {_shown(text)}, which is refused: {_rule(again)}")
        if again.raw_value != raw:
            self.fail(f"to_text({_shown(raw)}) is {_shown(text)}, which is read as {_shown(again.raw_value)}")
        self.check_typed(component, raw)
        self.check_in_address(text, raw)

    def check_typed(self, component: Component, raw: bytes) -> None:
        """Check that the typed value gives the bytes back."""
        typed = self.call("to_value", self.codec.to_value, raw, _shown(raw))
        try:
            again = self.component(typed)
        except TypeError as error:
            self.fail(f"to_value({_shown(raw)}) is {_shown(typed)}, which from_value does not take: {error}")
        if isinstance(again, ValueError):
            self.fail(f"to_value({_shown(raw)}) is {_shown(typed)}, which is refused: {_rule(again)}")
        if again.raw_value != raw:
            self.fail(f"to_value({_shown(raw)}) is {_shown(typed)}, which is read as {_shown(again.raw_value)}")

    def check_in_address(self, text: str, raw: bytes) -> None:
        """Check that a value stands in an address, also where others stand beside it."""
        encoded = bytes(Component(self.protocol, raw, registry=self.registry))
        try:
            address = Multiaddr(f"/{self.protocol.name}/{text}" * 2, registry=self.registry)
        except ParseError as error:
            self.fail(f"{_shown(text)} does not stand in an address: {error}")
        if bytes(address) != 2 * encoded or str(address) != f"/{self.protocol.name}/{text}" * 2:
            self.fail(f"{_shown(text)} twice in an address is read as {_shown(str(address))}, not as two of it")

    def component(self, value: object) -> Component | ValueError:
        """Read a value, or return the error with which it is refused; a `TypeError` says that it is no value's type."""
        name, errors = "", "a ValueError"
        if isinstance(value, str):
            if value and not self.codec.takes_rest and "/" not in value:
                name = "to_raw"
        elif value is not None and not isinstance(value, bytes):
            name, errors = "from_value", "a TypeError or a ValueError"
        try:
            raw = getattr(self.codec, name)(value) if name else b""
            if isinstance(raw, bytes | bytearray | memoryview):
                return Component(self.protocol, value, registry=self.registry)
        except ValueError as error:
            return error
        except Exception as error:
            # Whatever a codec raises is to be told with the value for which it does.
            if isinstance(error, TypeError) and not isinstance(value, str | bytes):
                raise
            self.fail(f"reading {_shown(value)} raises {_raised(error)}; a codec refuses with {errors}", error)
        else:
            self.fail(f"{name}({_shown(value)}) is of type {type(raw).__name__}, not bytes")

    def call(self, name: str, function: Callable[[Given], Result], argument: Given, source: str) -> Result:
        """Call a function of the codec, which is not to refuse what was accepted before."""
        try:
            return function(argument)
        except Exception as error:  # as above
            self.fail(f"{source} is accepted, but {name}({_shown(argument)}) raises {_raised(error)}", error)

    def fail(self, message: str, cause: Exception | None = None) -> NoReturn:
        """Say which law is broken."""
        raise AssertionError(f"{self.protocol.name}: {message}") from cause


def _spoiled(source: Source, pieces: Sequence[Source]) -> Iterator[Source]:
    """Yield what is near a text or bytes: cut off, repeated, with pieces put in or instead; and the pieces alone."""
    yield from pieces
    yield from _long(source)
    for piece in pieces:
        yield from _long(piece)
    yield source + source
    yield source[::-1]
    yield source[:-1]
    for piece in pieces:
        yield source + piece
    places = min(_MOST_PLACES, 50_000 // (len(source) + 1) + 1)
    for place in range(0, len(source), 1 + len(source) // places):
        yield source[:place]
        yield source[place:]
        for piece in pieces:
            yield source[:place] + piece + source[place:]
            yield source[:place] + piece + source[place + 1 :]


def _long(piece: Source) -> Iterator[Source]:
    if piece:
        for length in _LENGTHS:
            yield (piece * (length // len(piece) + 1))[:length]


def _rule(error: ValueError) -> str:
    """Return the rule that a codec named: the part of the reason behind the value and the protocol."""
    return error.reason.partition(": ")[2] or error.reason if isinstance(error, ParseError) else str(error)


def _raised(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _shown(value: object) -> str:
    """Return what a message says instead of a value: bytes as hex, and nothing long."""
    try:
        shown = f"0x{value.hex()}" if isinstance(value, bytes) else repr(value)
    except Exception:  # Python refuses to write a number of thousands of digits, and types of one's own what they like
        shown = f"<{type(value).__name__}>"
    return shown if len(shown) <= 100 else shown[:99] + "…"
