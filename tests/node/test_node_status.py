"""A status is a text that fits a terminal and commands none, or a line of JSON that says all."""

from __future__ import annotations

import json
import os
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiaddr_py import Component, Multiaddr, PeerId
from node.status import (
    AddressRow,
    BucketRow,
    ContactRow,
    PeerRow,
    Status,
    Traffic,
    cut,
    memory_in_use,
    of_peer,
    shortened,
    show,
    span,
)

OWN, ONE, TWO = (PeerId.from_key("Ed25519", bytes([number]) * 32) for number in range(3))
LISTENING = Multiaddr(f"/ip4/192.0.2.1/tcp/4001/p2p/{OWN}")
HOSTILE = Multiaddr("/dns4/\x1b[2J\x9b31m\u202e.example/udp/1")
RELAYED = Multiaddr(f"/ip6/2001:db8::7/tcp/4001/p2p/{ONE}/p2p-circuit/p2p/{TWO}")

EMPTY = Status(OWN, (), 0.0, 0, Traffic(0, 0), Traffic(0, 0), None, (), (), ())
FULL = Status(
    peer_id=OWN,
    listening=(LISTENING, Multiaddr(f"/ip6/2001:db8::1/tcp/4001/p2p/{OWN}")),
    uptime=3725.9,
    height=17,
    messages=Traffic(120, 130),
    datagrams=Traffic(1024, 998),
    memory=47_290_000,
    peers=(
        PeerRow(ONE, Multiaddr("/ip4/203.0.113.7/tcp/4001"), "out", 61.0),
        PeerRow(TWO, RELAYED, "in", 5.0),
    ),
    buckets=(
        BucketRow(0, (ContactRow(ONE, Multiaddr("/ip4/203.0.113.7/udp/4001")), ContactRow(TWO, HOSTILE))),
        BucketRow(11, (ContactRow(TWO, Multiaddr("/ip6/2001:db8::7/udp/4001")),)),
    ),
    addresses=(
        AddressRow(of_peer(Multiaddr("/ip4/203.0.113.7/tcp/4001"), ONE), "dialled", 0, None),
        AddressRow(RELAYED, "failed", 12, 90_061.0),
    ),
)

FACTS = """\
peer ID      12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw
running for  1 h 2 min
items        17
messages     120 sent, 130 received
datagrams    1024 sent, 998 received
memory       45.1 MiB

listening on
/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw
/ip6/2001:db8::1/tcp/4001/p2p/12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw

"""
TEXTS = {
    80: r"""
peers: 2
WAY        FOR  ADDRESS
out  1 min 1 s  /ip4/203.0.113.7/tcp/4001/p2p/…SNCVeH3e
in         5 s  /ip6/2001:db8::7/tcp/4001/p2p/……CVeH3e/p2p-circuit/p2p/…VkF6PcNM

contacts in buckets: 3
BITS  ADDRESS
   0  /ip4/203.0.113.7/udp/4001/p2p/…SNCVeH3e
   0  /dns4/\x1b[2J\x9b31m\u202e.example/udp/1/p2p/…VkF6PcNM
  11  /ip6/2001:db8::7/udp/4001/p2p/…VkF6PcNM

addresses: 2
STATE    FAILED     NEXT  ADDRESS
dialled       0           /ip4/203.0.113.7/tcp/4001/p2p/…SNCVeH3e
failed       12  1 d 1 h  /ip6/2001:db8::7/tcp/4001/…e/p2p-circuit/p2p/…VkF6PcNM""",
    200: r"""
peers: 2
WAY        FOR  ADDRESS
out  1 min 1 s  /ip4/203.0.113.7/tcp/4001/p2p/ONE
in         5 s  /ip6/2001:db8::7/tcp/4001/p2p/ONE/p2p-circuit/p2p/TWO

contacts in buckets: 3
BITS  ADDRESS
   0  /ip4/203.0.113.7/udp/4001/p2p/ONE
   0  /dns4/\x1b[2J\x9b31m\u202e.example/udp/1/p2p/TWO
  11  /ip6/2001:db8::7/udp/4001/p2p/TWO

addresses: 2
STATE    FAILED     NEXT  ADDRESS
dialled       0           /ip4/203.0.113.7/tcp/4001/p2p/ONE
failed       12  1 d 1 h  /ip6/2001:db8::7/tcp/4001/p2p/ONE/p2p-circuit/p2p/TWO""",
}


@pytest.mark.parametrize("width", TEXTS)
def test_a_status_is_shown_in_tables(width: int) -> None:
    expected = FACTS + TEXTS[width].removeprefix("\n").replace("ONE", str(ONE)).replace("TWO", str(TWO))
    assert show(FULL, width=width) == expected


def test_without_a_width_nothing_is_left_out() -> None:
    assert show(FULL) == show(FULL, width=200)


def test_what_there_is_none_of_is_said() -> None:
    assert (
        show(EMPTY, width=80)
        == """\
peer ID      12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw
running for  0 s
items        0
messages     0 sent, 0 received
datagrams    0 sent, 0 received
memory       unknown

listening nowhere

no peers yet

no contacts in buckets yet

no addresses yet"""
    )


# Laws

hosts = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=80)


@given(hosts, st.integers(0, 250))
def test_a_table_fits_and_commands_no_terminal_whatever_is_in_an_address(host: str, width: int) -> None:
    address = Multiaddr([Component("dns", host), Component("tcp", "1")])
    rows = (AddressRow(address, "heard", 0, 1.0),)
    lines = show(msgspec.structs.replace(EMPTY, listening=(address,), addresses=rows), width=width).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(len(line) <= max(width, 60) for line in lines[lines.index("addresses: 1") :])


@given(st.text(st.characters(exclude_characters="…")), st.integers(3, 100))
def test_what_is_cut_keeps_its_ends_and_takes_its_room(text: str, room: int) -> None:
    short = cut(text, room)
    assert len(short) == min(len(text), room)
    start, mark, end = short.partition("…")
    assert bool(mark) is (len(text) > room)
    assert text.startswith(start)
    assert text.endswith(end)


@pytest.mark.parametrize("status", [EMPTY, FULL])
def test_json_is_one_line_that_says_all(status: Status) -> None:
    line = show(status, as_json=True, width=10)
    assert line.isascii()
    assert line.isprintable()
    assert msgspec.convert(json.loads(line), Status, dec_hook=lambda kind, value: kind(value)) == status


# Parts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(-5.0, "0 s"), (59.99, "59 s"), (60.0, "1 min 0 s"), (3599.0, "59 min 59 s"), (3600.0, "1 h 0 min")],
        *[(86_399.0, "23 h 59 min"), (86_400.0, "1 d 0 h"), (8_640_000.0, "100 d 0 h")],
    ],
)
def test_a_time_is_in_the_units_that_matter(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_an_address_has_its_peer_once() -> None:
    assert of_peer(LISTENING, OWN) == LISTENING
    assert str(of_peer(LISTENING, ONE)) == f"{LISTENING}/p2p/{ONE}"
    assert shortened(of_peer(LISTENING, ONE)) == "/ip4/192.0.2.1/tcp/4001/p2p/…Nz9ttwiw/p2p/…SNCVeH3e"


@pytest.mark.skipif(os.name != "posix", reason="Windows does not say")
def test_memory_is_that_of_this_process_in_bytes() -> None:
    before = memory_in_use()
    held = b"1" * 100_000_000
    after = memory_in_use()
    assert before is not None
    assert after is not None
    assert 1_000_000 < before < after < 100_000_000_000
    if sys.platform == "linux":
        assert after - before > len(held) // 2


def test_a_system_that_does_not_say_has_no_memory_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory_in_use() is None
