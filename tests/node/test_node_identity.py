"""A node is who its file says, once there is one, and nobody else can sign for it."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from multiaddr_py import PeerId
from node.identity import Identity, IdentityError, check_signature, load_identity, new_identity

# The Ed25519 key of libp2p's specification of peer IDs: the private half and the public one, as it writes them,
SPEC_PRIVATE = "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
SPEC_PUBLIC = "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
# and the peer ID that js-libp2p gives it.
SPEC_PEER_ID = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"

ALICE, BOB = new_identity(), new_identity()
FEW = settings(max_examples=max(settings().max_examples // 2, 1))


def pem(key: PrivateKeyTypes, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def test_the_key_of_the_specification_has_its_peer_id(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SPEC_PRIVATE))
    assert key.public_key().public_bytes_raw().hex() == SPEC_PUBLIC
    (tmp_path / "key").write_bytes(pem(key))
    assert load_identity(tmp_path / "key").peer_id == Identity(key).peer_id == PeerId(SPEC_PEER_ID)


# Signatures


@given(st.binary(max_size=50), st.binary(max_size=200))
def test_who_has_signed_is_who_is_checked(context: bytes, message: bytes) -> None:
    check_signature(ALICE.peer_id, context, message, ALICE.sign(context, message))


@FEW
@given(st.binary(max_size=50), st.binary(max_size=200), st.binary(max_size=80))
def test_nothing_else_is_a_signature(context: bytes, message: bytes, other: bytes) -> None:
    signed = ALICE.sign(context, message)
    for signature in (other, b"", signed[:-1], signed + b"\0", bytes(64), BOB.sign(context, message)):
        with pytest.raises(IdentityError, match=f"^{ALICE.peer_id} has not signed this$"):
            check_signature(ALICE.peer_id, context, message, signature)
    for said in ((b"x" + context, message), (context, message + b"x")):
        with pytest.raises(IdentityError):
            check_signature(ALICE.peer_id, *said, signed)


@pytest.mark.parametrize(
    "peer_id",
    [
        PeerId.from_key("RSA", bytes(294)),
        PeerId.from_key("Secp256k1", b"\x02" + bytes(32)),
        PeerId("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"),
    ],
    ids=str,
)
def test_only_the_peer_id_of_an_ed25519_key_can_be_checked(peer_id: PeerId) -> None:
    with pytest.raises(IdentityError, match="is no peer ID of an Ed25519 key"):
        check_signature(peer_id, b"", b"", bytes(64))


@FEW
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_any_peer_id_can_be_checked_whether_or_not_its_key_is_one(key: bytes, signature: bytes) -> None:
    with pytest.raises(IdentityError):
        check_signature(PeerId.from_key("Ed25519", key), b"context", b"message", signature)


def test_an_error_pickles() -> None:
    assert str(pickle.loads(pickle.dumps(IdentityError("why")))) == "why"


# The file


def test_the_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        identity = load_identity(tmp_path / "key")
    finally:
        os.umask(mask)
    made = (tmp_path / "key").read_bytes()
    assert load_identity(tmp_path / "key").peer_id == identity.peer_id
    assert (tmp_path / "key").read_bytes() == made
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    message = identity.sign(b"a", b"b")
    check_signature(load_identity(tmp_path / "key").peer_id, b"a", b"b", message)


def test_two_files_are_two_nodes(tmp_path: Path) -> None:
    assert load_identity(tmp_path / "one").peer_id != load_identity(tmp_path / "two").peer_id


GOOD = pem(Ed25519PrivateKey.generate())
BAD = {
    "empty": b"",
    "half-written": GOOD[: len(GOOD) // 2],
    "without its end": GOOD[: GOOD.index(b"-----END")],
    "of zeros, as a crash may leave it": bytes(len(GOOD)),
    "text": "Grüße".encode(),
    "garbled": GOOD[:40] + b"!!!!" + GOOD[44:],
    "with a password": pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret")),
    "of RSA": pem(rsa.generate_private_key(65537, 2048)),
    "of secp256k1": pem(ec.generate_private_key(ec.SECP256K1())),
    "of Ed448": pem(ed448.Ed448PrivateKey.generate()),
    "of a kind that nobody knows": (
        b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDKwUBBCIEIKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCg\n"
        b"-----END PRIVATE KEY-----\n"
    ),
    "the public half": Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "as libp2p writes it": bytes.fromhex("08011240" + SPEC_PRIVATE + SPEC_PUBLIC),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_file_without_such_a_key_is_named_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some key"
    path.write_bytes(content)
    with pytest.raises(IdentityError, match=r"has no .*key") as caught:
        load_identity(path)
    assert repr(str(path)) in str(caught.value)
    assert path.read_bytes() == content


@FEW
@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_any_content_of_a_file_is_a_key_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(GOOD[:at] + content + GOOD[at:])
    try:
        load_identity(path)
    except IdentityError as error:
        assert repr(str(path)) in str(error)


def test_where_there_can_be_no_file_that_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_identity(tmp_path / "no" / "key")
    with pytest.raises(OSError, match=str(tmp_path.name)):
        load_identity(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        load_identity(tmp_path / "dangling")
    assert [path.name for path in tmp_path.iterdir()] == ["dangling"]


START = """
import sys
from pathlib import Path
from node.identity import load_identity
print("ready", flush=True)
sys.stdin.readline()
print(load_identity(Path(sys.argv[1])).peer_id)
"""


def test_programs_that_start_at_the_same_time_are_the_same_node(tmp_path: Path) -> None:
    search = os.pathsep.join(sys.path)
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(tmp_path / "key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": search},
        )
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    said = {program.communicate(timeout=60)[0].strip() for program in programs}
    assert said == {str(load_identity(tmp_path / "key").peer_id)}
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_who_loses_the_race_for_the_file_is_who_has_won_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another program had made the file after this one saw none."""
    winner = load_identity(tmp_path / "key")
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert load_identity(tmp_path / "key").peer_id == winner.peer_id
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
