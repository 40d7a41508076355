"""Noise_XX_25519_ChaChaPoly_SHA256 by the letter of its specification, of primitives alone: a second opinion.

It is an end of a handshake that may also say what no honest one says.
"""

from __future__ import annotations

import hmac
from asyncio import StreamReader, StreamWriter
from hashlib import sha256
from itertools import count

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from node.identity import Identity

PATTERN = ("e", "e ee s es", "s se")


class Cipher:
    """A key, and how often it was used."""

    def __init__(self, key: bytes) -> None:
        self._key = ChaCha20Poly1305(key)
        self._nonces = count()

    def _nonce(self) -> bytes:
        return bytes(4) + next(self._nonces).to_bytes(8, "little")

    def encrypt(self, content: bytes, associated: bytes = b"") -> bytes:
        return self._key.encrypt(self._nonce(), content, associated)

    def decrypt(self, frame: bytes, associated: bytes = b"") -> bytes:
        return self._key.decrypt(self._nonce(), frame, associated)


def hkdf(key: bytes, material: bytes) -> tuple[bytes, bytes]:
    secret = hmac.digest(key, material, "sha256")
    first = hmac.digest(secret, b"\x01", "sha256")
    return first, hmac.digest(secret, first + b"\x02", "sha256")


class ByHand:
    """One end, over a connection if it has one."""

    def __init__(
        self,
        *,
        initiator: bool,
        static: bytes | None = None,
        ephemeral: bytes | None = None,
        connection: tuple[StreamReader, StreamWriter] | None = None,
    ) -> None:
        self.initiator = initiator
        self.keys = {
            "s": X25519PrivateKey.from_private_bytes(static) if static else X25519PrivateKey.generate(),
            "e": X25519PrivateKey.from_private_bytes(ephemeral) if ephemeral else X25519PrivateKey.generate(),
        }
        self.remote: dict[str, bytes] = {}
        self._pattern = iter(PATTERN)
        self._chaining = b"Noise_XX_25519_ChaChaPoly_SHA256"  # as long as a hash, so it is the first one as it is
        self._hash = sha256(self._chaining + b"").digest()  # with the empty prologue
        self._cipher: Cipher | None = None
        if connection is not None:
            self.reader, self.writer = connection

    @property
    def static(self) -> bytes:
        return self.keys["s"].public_key().public_bytes_raw()

    def write(self, payload: bytes = b"") -> bytes:
        """Write the next message of the handshake."""
        message = b""
        for token in next(self._pattern).split():
            if token in self.keys:
                public = self.keys[token].public_key().public_bytes_raw()
                message += self._mixed(public) if token == "e" else self._encrypted(public)
            else:
                self._agree(token)
        return message + self._encrypted(payload)

    def read(self, message: bytes) -> bytes:
        """Read the next message of the handshake; return its payload."""
        for token in next(self._pattern).split():
            if token in self.keys:
                size = 32 if self._cipher is None else 48
                self.remote[token] = (self._mixed if token == "e" else self._decrypted)(message[:size])
                message = message[size:]
            else:
                self._agree(token)
        return self._decrypted(message)

    def ciphers(self) -> tuple[Cipher, Cipher]:
        """Return what encrypts and what decrypts, after the handshake."""
        ciphers = [Cipher(key) for key in hkdf(self._chaining, b"")]
        sending, receiving = ciphers if self.initiator else reversed(ciphers)
        return sending, receiving

    def _mixed(self, content: bytes) -> bytes:
        self._hash = sha256(self._hash + content).digest()
        return content

    def _agree(self, token: str) -> None:
        """Mix in what two keys have in common: that of the initiator is named first."""
        mine, other = [*token] if self.initiator else [*reversed(token)]
        secret = self.keys[mine].exchange(X25519PublicKey.from_public_bytes(self.remote[other]))
        self._chaining, key = hkdf(self._chaining, secret)
        self._cipher = Cipher(key)

    def _encrypted(self, content: bytes) -> bytes:
        return self._mixed(content if self._cipher is None else self._cipher.encrypt(content, self._hash))

    def _decrypted(self, content: bytes) -> bytes:
        found = content if self._cipher is None else self._cipher.decrypt(content, self._hash)
        self._mixed(content)
        return found

    # Over the connection

    async def receive(self) -> bytes:
        """Return the next frame."""
        return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(2)))

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        self.writer.write(len(frame).to_bytes(2) + frame)

    async def shake(self, payload: bytes) -> bytes:
        """Do all of the handshake, with a payload; return the other end's, as far as it comes to one."""
        if self.initiator:
            self.send(self.write())
            answer = self.read(await self.receive())
            self.send(self.write(payload))
            return answer
        self.read(await self.receive())
        self.send(self.write(payload))
        return self.read(await self.receive())


def field(number: int, content: bytes) -> bytes:
    """Write a field of bytes of a message of Protocol Buffers."""
    assert number < 16
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(number: int) -> bytes:
    written = b""
    while number > 0x7F:
        written += bytes([number & 0x7F | 0x80])
        number >>= 7
    return written + bytes([number])


def public_key(kind: int, key: bytes) -> bytes:
    """Write a public key as libp2p does."""
    return b"\x08" + varint(kind) + field(2, key)


def payload(identity: Identity, static: bytes) -> bytes:
    """Write what an honest end says."""
    _, key = identity.peer_id.key or ("", b"")
    return field(1, public_key(1, key)) + field(2, identity.sign(b"noise-libp2p-static-key:", static))
