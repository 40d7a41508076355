"""Names of hosts and zones: UTF-8 as it stands, without case folding or IDNA."""

from __future__ import annotations

from multiaddr_py.codecs._codec import Codec


def encode_utf8(text: str) -> bytes:
    """Write text as UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("a lone surrogate is no character") from error


def _to_text(raw: bytes) -> str:
    return raw.decode()


def _check(raw: bytes) -> None:
    if b"/" in raw:
        raise ValueError("a name has no slash")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError("a name is UTF-8") from error


TEXT = Codec("text", encode_utf8, _to_text, _check)
