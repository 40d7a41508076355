"""Hostile sizes: what is a million long is read, or refused with an error of this package, and rightly."""

from __future__ import annotations

import pytest

from multiaddr_py import REGISTRY, Multiaddr, ParseError, PeerId, UnknownProtocolError

MILLION = 1_000_000
WITH_VALUE = [protocol.name for protocol in REGISTRY if protocol.codec is not None]

TEXTS = {
    "ones": "1" * MILLION,
    "zeros": "0" * MILLION,
    "letters": "a" * MILLION,
    "colons": ":" * MILLION,
    "groups": "1:" * (MILLION // 2),
    "octets": "1." * (MILLION // 2),
    "percent signs": "%" * MILLION,
    "escapes": "%41" * (MILLION // 3),
    "padding": "=" * MILLION,
    "hex": "f" + "00" * (MILLION // 2),
    "base 32": "b" + "a" * MILLION,
    "padded base 32": "c" + "a" * MILLION,
    "base 36": "k" + "z" * MILLION,
    "base 58": "z" + "z" * MILLION,
    "base 64": "u" + "A" * MILLION,
    "multihash": "f1e80897a" + "00" * MILLION,
    "blanks": " " * MILLION,
    "a surrogate": "a" * MILLION + "\ud800",
    "emoji": "\U0001f310" * (MILLION // 4),
}
NAMES = {"ip6zone", "dns", "dns4", "dns6", "dnsaddr", "sni"}
ANY = NAMES | {"unix", "http-path", "x-parity-ws", "x-parity-wss"}
NUMBERS = {"tcp", "udp", "dccp", "sctp", "ipcidr", "memory"}
READ: dict[str, set[str]] = {
    "ones": ANY | {"garlic64"},
    "zeros": ANY | NUMBERS | {"garlic64"},
    "letters": ANY | {"garlic64", "garlic32"},
    "percent signs": NAMES,
    "hex": ANY | {"ech"},
    "base 32": ANY | {"ech"},
    "padded base 32": ANY | {"ech"},
    "base 64": ANY | {"ech"},
    "multihash": ANY | {"ech"},
    "a surrogate": set(),
}
"""The protocols that read a text as their value; those of `ANY` where nothing is said."""


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", WITH_VALUE)
def test_a_value_of_a_million_characters_is_read_or_refused(name: str, kind: str) -> None:
    text = f"/{name}/{TEXTS[kind]}"
    if name in READ.get(kind, ANY):
        address = Multiaddr(text)
        assert [protocol.name for protocol in address.protocols()] == [name]
        assert Multiaddr(bytes(address)) == address
    else:
        with pytest.raises(ParseError) as caught:
            Multiaddr(text)
        assert (caught.value.protocol, caught.value.offset) == (name, len(name) + 2)


LENGTH = b"\xc0\x84\x3d"  # 1,000,000 as a varint


@pytest.mark.parametrize("byte", [b"\0", b"a", b"/", b"\x80", b"\xff"])
@pytest.mark.parametrize("name", [name for name in WITH_VALUE if REGISTRY[name].size is None])
def test_a_value_of_a_million_bytes_is_read_or_refused(name: str, byte: bytes) -> None:
    code = REGISTRY[name].code
    prefix = b"\xc0\x03" + (bytes([code]) if code < 0x80 else bytes([code & 0x7F | 0x80, code >> 7]))
    raw = prefix + LENGTH + byte * MILLION
    refused = name in {"p2p", "certhash"} or (name in NAMES and byte not in b"\0a")
    if refused:
        with pytest.raises(ParseError) as caught:
            Multiaddr(raw)
        assert (caught.value.protocol, caught.value.offset) == (name, len(prefix) + len(LENGTH))
    else:
        address = Multiaddr(raw)
        assert bytes(address) == raw
        assert Multiaddr(str(address)) == address


def test_a_digest_of_a_million_bytes_is_read_and_written() -> None:
    address = Multiaddr("/certhash/f1e" + LENGTH.hex() + "ab" * MILLION)
    assert bytes(address).endswith(b"\x1e" + LENGTH + b"\xab" * MILLION)
    assert Multiaddr(str(address)) == address


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_of_a_million_characters_is_a_peer_id_or_an_address_without_a_slash(kind: str) -> None:
    for read in (PeerId, Multiaddr):
        with pytest.raises(ParseError):
            read(TEXTS[kind])


@pytest.mark.parametrize("kind", TEXTS)
def test_a_name_of_a_million_characters_is_no_protocol(kind: str) -> None:
    with pytest.raises(UnknownProtocolError) as caught:
        Multiaddr(f"/tls/{TEXTS[kind]}/ws")
    assert caught.value.offset == 5


def test_a_text_of_a_million_slashes_has_no_component() -> None:
    with pytest.raises(ParseError) as caught:
        Multiaddr("/" * MILLION)
    assert caught.value.offset == MILLION


def test_a_million_slashes_at_the_end_are_ignored() -> None:
    assert Multiaddr("/tls" + "/" * MILLION) == Multiaddr("/tls")


def test_bytes_that_continue_a_varint_a_million_times_are_refused() -> None:
    for raw, offset in ((b"\xff" * MILLION, 0), (b"\x35" + b"\x80" * MILLION, 1), (b"\x80" * MILLION, 0)):
        with pytest.raises(ParseError, match="a varint has more than 9 bytes") as caught:
            Multiaddr(raw)
        assert caught.value.offset == offset


# A million components


def test_a_million_components_are_read_and_written() -> None:
    address = Multiaddr("/tls" * MILLION)
    assert bytes(address) == b"\xc0\x03" * MILLION
    assert str(address) == "/tls" * MILLION
    assert len(address) == MILLION
    assert address[-1].name == "tls"


def test_the_fault_behind_a_million_components_is_found_in_its_place() -> None:
    with pytest.raises(ParseError) as caught:
        Multiaddr("/tls" * MILLION + "/tcp/x")
    assert (caught.value.protocol, caught.value.offset) == ("tcp", 4 * MILLION + 5)
    with pytest.raises(ParseError) as caught:
        Multiaddr(b"\xc0\x03" * MILLION + b"\x06\0")
    assert (caught.value.protocol, caught.value.offset) == ("tcp", 2 * MILLION + 1)


@pytest.mark.parametrize(
    ("times", "end", "path"),
    [
        (MILLION, "/nope", b"/a/nope"),
        (100_000, "//tls", b"/a//tls"),
        (100_000, "/tcp/99999", b"/a/tcp/99999"),
        (100_000, "/tcp", b"/a/tcp"),
        (100_000, "/unix/%zz", b"/a/unix/%zz"),
    ],
)
def test_a_fault_behind_very_many_unix_paths_makes_the_last_one_take_the_rest(
    times: int, end: str, path: bytes
) -> None:
    address = Multiaddr("/unix/a" * times + end)
    assert bytes(address) == b"\x90\x03\x01a" * (times - 1) + b"\x90\x03" + bytes([len(path)]) + path


def test_what_no_path_can_hold_makes_the_first_of_a_million_unix_paths_wrong() -> None:
    with pytest.raises(ParseError) as caught:
        Multiaddr("/unix/a" * MILLION + "/\ud800")
    assert (caught.value.protocol, caught.value.offset) == ("unix", 6)


def test_the_rest_of_a_million_segments_is_one_path() -> None:
    address = Multiaddr("/unix" + "/x" * MILLION)
    assert [component.raw_value for component in address] == [b"/x" * MILLION]


# An address that repeats itself, the worst case of a search at every place

TIMES = 100_000


def test_decapsulate_finds_nothing_in_an_address_that_almost_repeats_the_argument() -> None:
    address = Multiaddr("/tcp/1" * TIMES)
    assert address.decapsulate("/tcp/1" * (TIMES // 2) + "/tcp/2") is address
    assert address.decapsulate("/tcp/2" + "/tcp/1" * (TIMES // 2)) is address


def test_decapsulate_cuts_at_the_last_of_overlapping_occurrences() -> None:
    address = Multiaddr("/tcp/1" * TIMES)
    assert address.decapsulate("/tcp/1" * (TIMES // 2)) == Multiaddr("/tcp/1" * (TIMES // 2))
    assert address.decapsulate(address) == Multiaddr()
    mixed = Multiaddr(("/tcp/1" * 9 + "/tcp/2") * (TIMES // 10))
    part = Multiaddr(("/tcp/1" * 9 + "/tcp/2") * (TIMES // 20))
    assert mixed.decapsulate(part) == part


def test_decapsulate_does_not_take_bytes_across_components_for_an_occurrence() -> None:
    # The bytes of `/tcp/1` occur in the value of every one of these, and no component does.
    address = Multiaddr(b"\x89\x06" + b"\x06\0\1" * 2 + b"\0\0" + b"\x36\x03\x06\0\1" * TIMES)
    assert address.decapsulate("/tcp/1") is address
