"""What a model of another implementation gives: the outcome it predicts, and what was met on the way.

A model reads an address component by component, as its peer does. Each component's outcome there is set beside ours;
what no single component shows (slashes, varints, lengths) is noted by the id of the difference that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from outcomes import Kind, Outcome, Source, kind_of, ours

from multiaddr_py import REGISTRY, Protocol


class RefusedError(Exception):
    """The peer refuses the input, for whatever reason."""


class Meeting(NamedTuple):
    """One component as it was met: the name that it goes by, its text or bytes, and its outcomes."""

    protocol: str
    source: Source
    ours: Outcome
    theirs: Outcome

    @property
    def kind(self) -> Kind | None:
        return kind_of(self.ours, self.theirs)


class Reading:
    """One input's way through a model."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.meetings: list[Meeting] = []
        self._whole: list[tuple[bytes, str | None]] = []
        self._refused = False

    def note(self, difference: str) -> None:
        """Note a difference that no single component shows."""
        self.notes.append(difference)

    def meet(self, protocol: str, source: Source, theirs: Callable[[], tuple[bytes, str | None]]) -> None:
        """Meet a component, of which `theirs` gives what the peer makes; any error of it is a refusal."""
        try:
            outcome = theirs()
        except (RefusedError, ValueError, LookupError, TypeError, OverflowError) as error:
            self.meetings.append(Meeting(protocol, source, ours(source), None))
            raise RefusedError from error
        self.meetings.append(Meeting(protocol, source, ours(source), outcome))
        self._whole.append(outcome)

    def append(self, raw: bytes, text: str | None) -> None:
        """Add to the outcome what no component of ours corresponds to."""
        self._whole.append((raw, text))

    def refuse(self) -> None:
        """Say that the peer refuses the whole."""
        self._refused = True

    @property
    def theirs(self) -> Outcome:
        """What the model predicts."""
        if self._refused:
            return None
        texts = [text for _, text in self._whole if text is not None]
        whole = b"".join(raw for raw, _ in self._whole)
        return whole, "".join(texts) if len(texts) == len(self._whole) else None


Model: TypeAlias = Callable[[Source], Reading]


def is_old_form(text: str) -> bool:
    """Say whether a text is read here only because a path may be the rest of an address."""
    if "/unix/" not in text or ours(text) is None:
        return False
    segments = iter(text.rstrip("/").split("/")[1:])
    for name in segments:
        protocol = REGISTRY.get(name)
        if protocol is None:
            return True
        if protocol.codec is not None:
            try:
                if not protocol.codec.to_raw(next(segments, "")):
                    return True
            except ValueError:
                return True
    return False


def varint(number: int) -> bytes:
    """Write a varint."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def framed(protocol: Protocol, raw: bytes) -> bytes:
    """Write a component whose value need not be valid."""
    if protocol.codec is None:
        return varint(protocol.code)
    return varint(protocol.code) + (varint(len(raw)) if protocol.size is None else b"") + raw
