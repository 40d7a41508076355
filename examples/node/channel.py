"""Channels: connections that nobody can read or change on their way, between two ends that know who the other is.

A connection becomes one by the handshake of libp2p (https://github.com/libp2p/specs/tree/master/noise), which is
Noise_XX_25519_ChaChaPoly_SHA256: three messages, in the last two of which the ends show, one after the other, that the
key of their peer ID has signed the key that they use here. Whom is dialled shows that first, so nobody else is told who
dials. All that goes over the wire, then and later, is frames: two bytes that say how many follow, and those.

Peers of libp2p agree on `/noise` with multistream-select before. This node's peers speak nothing else, and leave that
out.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseInvalidMessage, NoiseMaxNonceError, NoiseValueError

from multiaddr_py import PeerId

from .identity import KEY_TYPE, Identity, IdentityError, check_signature

PROTOCOL: Final = b"Noise_XX_25519_ChaChaPoly_SHA256"
SIGNED: Final = b"noise-libp2p-static-key:"  # and the key, are what is signed
LARGEST: Final = 0xFFFF  # bytes of a frame
LARGEST_CONTENT: Final = LARGEST - 16  # bytes that a frame encrypts; the others show that it is whole
LARGEST_OF_HANDSHAKE: Final = 4096  # more than any key and signature; what speaks another protocol says more at once
LINGER: Final = 1.0  # seconds that the other end has, to end the connection too
PATIENCE: Final = 5.0  # seconds that the last bytes have, to be sent

ED25519_KEY: Final = b"\x08\x01\x12\x20"  # the specification has one way to write a public key; the rest is the key
OTHER_KEYS: Final = {b"\x08\x00": "RSA", b"\x08\x02": "Secp256k1", b"\x08\x03": "ECDSA"}


class ChannelError(Exception):
    """A connection has ended, or what came over it is not what a channel's other end sends."""


class Channel:
    """A connection to `peer_id`, who has proven to be that; one task at a time may read.

    Whatever is raised, the channel is to be closed.
    """

    def __init__(self, frames: _Frames, noise: _Noise, peer_id: PeerId) -> None:
        self.peer_id = peer_id
        self._frames = frames
        self._noise = noise
        self._content = bytearray()  # at most what a reader wants, and one frame
        self._is_over = False

    async def read(self, size: int) -> bytes:
        """Return the next `size` bytes; raises `ChannelError`, also where the other end has ended the connection.

        That may be whoever is in between: those who talk must say themselves that they have said everything.
        """
        while len(self._content) < size:
            # A frame that was tampered with does not count for the cipher, so those behind it could be read.
            if self._is_over:
                raise ChannelError("a frame before was not the other end's, or empty")
            await asyncio.sleep(0)  # thousands of frames may have come already, and others are to have their turn
            frame = await self._frames.read(LARGEST)
            try:
                content = self._noise.decrypt(frame)
                if not content:  # nobody here sends one, and whoever reads would count nothing of a flood of them
                    raise ChannelError("an empty frame came")
            except ChannelError:
                self._is_over = True
                self.abort()
                raise
            self._content += content
        wanted = bytes(self._content[:size])
        del self._content[:size]
        return wanted

    def write(self, content: bytes) -> None:
        """Send bytes, in the order of the calls, as far as the connection takes them; the rest is `unsent`.

        What is written after the end is lost. Raises `ChannelError` after 2**64 - 1 frames.
        """
        for start in range(0, len(content), LARGEST_CONTENT):
            self._frames.write(self._noise.encrypt(content[start : start + LARGEST_CONTENT]))

    async def drain(self) -> None:
        """Wait until little is unsent, for as long as that takes; raises `ChannelError` where it never will be."""
        try:
            await self._frames.writer.drain()
        except OSError as error:
            raise ChannelError("the connection has ended") from error

    def unsent(self) -> int:
        """Return how many bytes wait until the connection takes them."""
        return self._frames.writer.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection, whatever is unsent."""
        _abort(self._frames.writer)

    async def part(self) -> None:
        """Close a connection whose other end was told so, and give that `LINGER` seconds to end it, too.

        Else what comes meanwhile, and nobody reads, has the system forget what was sent last.
        """
        try:
            with suppress(ChannelError, OSError):  # TimeoutError is one
                async with asyncio.timeout(LINGER):
                    self._frames.end()
                    while True:
                        await self._frames.read(LARGEST)
        finally:
            await self.close()

    async def close(self) -> None:
        """Send what is unsent, and end the connection, in `PATIENCE` seconds at most; it may be called again."""
        self._frames.writer.close()
        closed = asyncio.ensure_future(self._frames.writer.wait_closed())
        closed.add_done_callback(_forget)  # it may fail when nobody waits any more
        try:
            # Who gives up waiting must not cancel it: asyncio has others wait for the same.
            await asyncio.wait([closed], timeout=PATIENCE)
        finally:
            self.abort()


def _forget(task: asyncio.Future[None]) -> None:
    """Take note of how a task has ended, which asyncio would complain about else."""
    if not task.cancelled():
        task.exception()


async def secure_outbound(
    reader: StreamReader, writer: StreamWriter, identity: Identity, expected: PeerId | None
) -> Channel:
    """Make a channel of a connection that this node has opened, to the expected peer if that is known.

    The connection is the channel's from here on: where there will be none, also since this is cancelled, it is aborted.
    There is no limit of time but the caller's. Raises `ChannelError`, and `IdentityError` where the other end is
    somebody else or nobody.
    """
    with _aborted_on_failure(writer):
        frames, noise = _Frames(reader, writer), _Noise(initiator=True)
        frames.write(noise.write(b""))
        peer_id = _proven(noise.read(await frames.read(LARGEST_OF_HANDSHAKE)), noise)
        if expected is not None and peer_id != expected:
            raise IdentityError(f"this is {peer_id}, not {expected}")
        frames.write(noise.write(_proof(identity, noise)))
        return Channel(frames, noise, peer_id)


async def secure_inbound(reader: StreamReader, writer: StreamWriter, identity: Identity) -> Channel:
    """Make a channel of a connection that has come in; all else is as with `secure_outbound`."""
    with _aborted_on_failure(writer):
        frames, noise = _Frames(reader, writer), _Noise(initiator=False)
        noise.read(await frames.read(LARGEST_OF_HANDSHAKE))
        frames.write(noise.write(_proof(identity, noise)))
        peer_id = _proven(noise.read(await frames.read(LARGEST_OF_HANDSHAKE)), noise)
        return Channel(frames, noise, peer_id)


@contextmanager
def _aborted_on_failure(writer: StreamWriter) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _abort(writer)
        raise


def _abort(writer: StreamWriter) -> None:
    # asyncio fails to abort what was closed and then could send the rest, such as a channel that is closed twice.
    if not writer.is_closing() or writer.transport.get_write_buffer_size():
        writer.transport.abort()


class _Frames:
    """The frames of a connection."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._is_ended = False
        self._size: int | None = None  # of the frame that is being read; who is cancelled meanwhile may go on later

    async def read(self, largest: int) -> bytes:
        try:
            if self._size is None:
                self._size = int.from_bytes(await self._reader.readexactly(2))
            if self._size > largest:
                raise ChannelError(f"a frame of {self._size} bytes came, where {largest} are the most")
            frame = await self._reader.readexactly(self._size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ChannelError("the connection has ended") from error
        self._size = None
        return frame

    def write(self, frame: bytes) -> None:
        if not self.writer.is_closing() and not self._is_ended:  # asyncio fails then, if it has sent all meanwhile
            self.writer.write(len(frame).to_bytes(2) + frame)

    def end(self) -> None:
        """Send what is unsent, and nothing more."""
        if not self.writer.is_closing() and not self._is_ended:
            self._is_ended = True
            self.writer.write_eof()


class _Noise:
    """One end of the handshake, and the ciphers that come of it: the library's, with types, and `ChannelError`s."""

    def __init__(self, *, initiator: bool) -> None:
        # Another key for each connection, which the specification leaves open: there is none to keep or to lose.
        key = X25519PrivateKey.generate()
        self.static: Final = key.public_key().public_bytes_raw()
        self._noise: Any = NoiseConnection.from_name(PROTOCOL)
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, key.private_bytes_raw())
        (self._noise.set_as_initiator if initiator else self._noise.set_as_responder)()
        self._noise.start_handshake()
        self._state = self._noise.noise_protocol.handshake_state  # which the library itself forgets at the end

    @property
    def remote_static(self) -> bytes:
        """The other end's key, once it is known."""
        return bytes(self._state.rs.public_bytes)

    def write(self, payload: bytes) -> bytes:
        with _told_as_errors():  # what was read last may be a key that no secret can be agreed on with
            return bytes(self._noise.write_message(payload))

    def read(self, message: bytes) -> bytes:
        with _told_as_errors():
            return bytes(self._noise.read_message(message))

    def encrypt(self, content: bytes) -> bytes:
        with _told_as_errors():
            return bytes(self._noise.encrypt(content))

    def decrypt(self, frame: bytes) -> bytes:
        with _told_as_errors():
            return bytes(self._noise.decrypt(frame))


@contextmanager
def _told_as_errors() -> Iterator[None]:
    try:
        yield
    except NoiseMaxNonceError as error:
        raise ChannelError("all has been said that one key is good for") from error
    except (InvalidTag, NoiseInvalidMessage) as error:
        raise ChannelError("a frame is not the other end's, or not as that has sent it") from error
    except (NoiseValueError, ValueError) as error:
        raise ChannelError("the other end's frame has no key that can be used") from error


def _proof(identity: Identity, noise: _Noise) -> bytes:
    """Write the payload that shows whose key this end uses, as a message of Protocol Buffers."""
    key = bytes(identity.peer_id)[2:]  # a peer ID has it as it is written here, behind the code and size of a multihash
    signature = identity.sign(SIGNED, noise.static)
    return b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(signature)]) + signature


def _proven(payload: bytes, noise: _Noise) -> PeerId:
    """Return whose key the other end uses."""
    fields = _fields(payload)
    key = fields.get(1, b"")
    if key[:2] in OTHER_KEYS:
        raise IdentityError(f"the other end has a key of {OTHER_KEYS[key[:2]]}, where only {KEY_TYPE} is known")
    if not key.startswith(ED25519_KEY) or len(key) != len(ED25519_KEY) + 32:
        raise IdentityError("the other end has no public key")
    peer_id = PeerId.from_key(KEY_TYPE, key[len(ED25519_KEY) :])
    check_signature(peer_id, SIGNED, noise.remote_static, fields.get(2, b""))
    return peer_id


def _fields(message: bytes) -> dict[int, bytes]:
    """Read a message of Protocol Buffers: the fields that are bytes, by number. Of several, the last one counts.

    Fields of other types are skipped, as is whatever else nobody asks for.
    """
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        match tag & 7:
            case 0:
                _, position = _varint(message, position)
            case 1:
                position += 8
            case 2:
                size, position = _varint(message, position)
                fields[tag >> 3] = message[position : position + size]
                position += size
            case 5:
                position += 4
            case _:
                raise ChannelError("a field of the payload has a type that there is not")
    if position > len(message):
        raise ChannelError("the payload is cut off")
    return fields


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Read a number; return it, and where the next thing begins."""
    number = 0
    for shift, byte in enumerate(message[position : position + 10]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, position + shift + 1
    raise ChannelError("a number of the payload is cut off, or too large")
