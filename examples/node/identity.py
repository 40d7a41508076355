"""Who a node is: an Ed25519 key, and the peer ID that contains its public half."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from multiaddr_py import PeerId

KEY_TYPE: Final = "Ed25519"


class IdentityError(Exception):
    """Somebody is not who was expected, or nobody can be."""


class Identity:
    """A private key, with which a node proves to be the one of its `peer_id`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.peer_id = PeerId.from_key(KEY_TYPE, key.public_key().public_bytes_raw())

    def sign(self, context: bytes, message: bytes) -> bytes:
        """Return the signature, 64 bytes, of a message; a context keeps it from being taken for one of another kind."""
        return self._key.sign(context + message)


def check_signature(peer_id: PeerId, context: bytes, message: bytes, signature: bytes) -> None:
    """Raise `IdentityError` unless it is this peer that has signed a message."""
    if peer_id.key is None or peer_id.key[0] != KEY_TYPE:
        raise IdentityError(f"{peer_id} is no peer ID of an {KEY_TYPE} key")
    try:
        Ed25519PublicKey.from_public_bytes(peer_id.key[1]).verify(signature, context + message)
    except (InvalidSignature, ValueError):  # the latter of a key that is not on the curve
        raise IdentityError(f"{peer_id} has not signed this") from None


def new_identity() -> Identity:
    """Return somebody new."""
    return Identity(Ed25519PrivateKey.generate())


def load_identity(path: Path) -> Identity:
    """Return who a file says, in PEM; a new one is made where there is none, which its owner alone can read.

    Raises `OSError`, and `IdentityError` where the file has no such key.
    """
    if not path.exists():
        # Complete before it has its name: a program that is killed meanwhile leaves no half of a key.
        handle, unfinished = mkstemp(dir=path.parent, prefix=f"{path.name}.")  # its owner's alone
        try:
            with open(handle, "wb") as file:
                key = Ed25519PrivateKey.generate()
                file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another program was faster: then that is who both are
                os.link(unfinished, path)
        finally:
            os.unlink(unfinished)
    try:
        known = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # the second of a key that a password protects
        raise IdentityError(f"{str(path)!r} has no private key in PEM") from error
    if not isinstance(known, Ed25519PrivateKey):
        raise IdentityError(f"{str(path)!r} has no {KEY_TYPE} key")
    return Identity(known)
