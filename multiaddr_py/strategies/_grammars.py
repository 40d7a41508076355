"""What stands behind what in an address, and how often: tables, and how they are restricted.

A grammar has a row for each state: a protocol's name, and a slash and more where two have one name;
`""` is the beginning. A row has the states that may follow, each with its weight, the simplest first:
that is what examples shrink to. `END` is the end and `ANY` any protocol; no protocol has a slash in its name.
The weights of `WORLD` are about those of some 2,000 addresses in use: boot nodes, defaults, logs, documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Rows = Mapping[str, Mapping[str, int]]

END: Final = "/end"
ANY: Final = "/any"
CLIP: Final = 64
"""What counts as any number of components: a grammar has fewer states, so whoever comes so far went in a circle."""

WORLD: Final[Rows] = {
    "": {"ip4": 36, "dns": 20, "dns4": 12, "ip6": 12, "dnsaddr": 5, "dns6": 2, "ip6zone": 1, "p2p": 2, "unix": 2,
         "memory": 1, "onion3": 1, ANY: 6},
    "ip4": {"tcp": 56, "udp": 30, END: 4, "ipcidr": 3, ANY: 7},
    "ip6": {"tcp": 56, "udp": 30, END: 4, "ipcidr": 3, ANY: 7},
    "ip6zone": {END: 1, "ip6": 20},
    "dns": {"tcp": 80, "udp": 10, END: 3, "https": 1, ANY: 6},
    "dns4": {"tcp": 80, "udp": 10, END: 3, "https": 1, ANY: 6},
    "dns6": {"tcp": 80, "udp": 10, END: 3, ANY: 6},
    "dnsaddr": {"p2p": 50, END: 30, "tcp": 15, ANY: 5},
    "tcp": {END: 16, "p2p": 40, "wss": 15, "ws": 9, "tls": 5, "http": 2, "https": 2, "x-parity-wss": 1, "noise": 1,
            ANY: 9},
    "udp": {END: 10, "quic-v1": 50, "webrtc-direct": 15, "quic": 8, "utp": 2, "udt": 1, ANY: 14},
    "tls": {END: 10, "sni": 40, "ws": 30, "http": 10, "ech": 5, ANY: 5},
    "sni": {"ws": 60, "http": 10, END: 20, ANY: 10},
    "ws": {END: 30, "p2p": 60, ANY: 10},
    "wss": {END: 20, "p2p": 70, ANY: 10},
    "http": {END: 50, "http-path": 40, ANY: 10},
    "quic": {END: 30, "p2p": 60, ANY: 10},
    "quic-v1": {END: 30, "p2p": 35, "webtransport": 30, ANY: 5},
    "webtransport": {END: 40, "certhash": 50, ANY: 10},
    "webrtc-direct": {END: 30, "certhash": 60, ANY: 10},
    "certhash": {END: 25, "p2p": 40, "certhash": 30, ANY: 5},
    "p2p": {END: 85, "p2p-circuit": 12, ANY: 3},
    "p2p-circuit": {END: 25, "p2p": 50, "webrtc": 20, ANY: 5},
    "webrtc": {END: 30, "p2p": 60, ANY: 10},
}  # fmt: skip

COMMON: Final = {
    **dict.fromkeys(("ip4", "tcp", "p2p"), 8),
    **dict.fromkeys(("ip6", "udp"), 6),
    **dict.fromkeys(("dns", "dns4", "quic-v1", "certhash", "ws", "wss"), 3),
}
"""How often protocols are drawn that are not drawn once, where no others stand beside them."""

_FURTHER: Final = {END: 85, ANY: 15}
"""The row of a protocol that has none in `WORLD`."""

THIN_WAIST: Final[Rows] = {
    "": {"ip4": 3, "ip6": 2},
    "ip4": {"tcp": 1, "udp": 1},
    "ip6": {"tcp": 1, "udp": 1},
    "tcp": {END: 1},
    "udp": {END: 1},
}

_TRANSPORTS: Final = {"tcp": 3, "udp": 2}
_PEERS: Final = {END: 1, "p2p": 2}
_CERTIFICATES: Final = {END: 1, "certhash": 2}

DIALABLE: Final[Rows] = {
    "": {"ip4": 5, "ip6": 3, "dns": 3, "dns4": 2, "dns6": 1, "unix": 1},
    **dict.fromkeys(("ip4", "ip6", "dns", "dns4", "dns6"), _TRANSPORTS),
    "unix": {END: 3, "http": 1, "p2p": 1},
    "tcp": {END: 2, "p2p": 5, "ws": 2, "wss": 2, "tls": 1, "noise": 1, "http": 1, "https": 1},
    "udp": {END: 1, "quic-v1": 5, "quic": 1, "webrtc-direct": 2},
    "tls": {END: 1, "ws": 2, "sni": 2, "http": 1, "p2p": 1},
    "sni": {"ws": 2, "http": 1, END: 1},
    "http": {END: 2, "http-path": 1},
    "http-path": {END: 1},
    "https": {END: 1},
    **dict.fromkeys(("ws", "wss", "noise", "quic"), _PEERS),
    "quic-v1": {END: 2, "p2p": 3, "webtransport": 2},
    **dict.fromkeys(("webtransport", "webrtc-direct"), _CERTIFICATES),
    "certhash": {END: 1, "certhash": 1, "p2p": 2},
    "p2p": {END: 1},
}

_RELAY: Final = "p2p/relay"
_NO_RELAY: Final = ("unix", "http", "http-path", "https")
"""Where nobody runs a relay."""


def _towards_a_relay(row: Mapping[str, int]) -> dict[str, int]:
    """Return a row of `DIALABLE` in which the peer is the relay, and the address does not end before it."""
    return {
        _RELAY if state in (END, "p2p") else state: weight for state, weight in row.items() if state not in _NO_RELAY
    }


RELAYED: Final[Rows] = {
    **{state: _towards_a_relay(row) for state, row in DIALABLE.items() if state not in _NO_RELAY},
    _RELAY: {"p2p-circuit": 1},
    "p2p-circuit": {END: 1, "p2p": 6, "webrtc": 1},
    "webrtc": {"p2p": 1},
    "p2p": {END: 1},
}


def protocol_of(state: str) -> str:
    """Return the name of the protocol that a state stands for."""
    return state.partition("/")[0]


def weighed(weights: Mapping[str, int]) -> list[str]:
    """Return each as often as it weighs; once each comes first, since shrinking tries the small places one by one."""
    return [*weights, *(name for name, weight in weights.items() for _ in range(weight - 1))]


class Grammar(NamedTuple):
    """A grammar: its rows, and how many components can follow a state at least and at most, up to `CLIP`.

    From each of its states there is a way to the end.
    """

    rows: Rows
    least: Mapping[str, int]
    most: Mapping[str, int]

    def fits(self, state: str, needed: int, room: int) -> bool:
        """Say whether at least `needed` and at most `room` components can follow a state."""
        return self.least[state] <= room and self.most[state] >= min(needed, CLIP)

    def row(self, state: str, needed: int, room: int) -> list[str]:
        """Return what may follow a state, each as often as it weighs, so that `needed` to `room` components do."""
        return weighed(
            {
                follower: weight
                for follower, weight in self.rows[state].items()
                if (needed <= 0 if follower == END else self.fits(follower, needed - 1, room - 1))
            }
        )


def world(names: Collection[str]) -> Grammar:
    """Return the grammar of all addresses of some protocols: any of them may stand behind any."""
    rows = {}
    for state in ("", *names):
        row = WORLD.get(state, _FURTHER)
        followers = {name: weight for name, weight in row.items() if name in names}
        rows[state] = {END: row.get(END, 1), **followers, ANY: row.get(ANY, 1)}
    states = ("", ANY, *names)
    return Grammar(rows, dict.fromkeys(states, 0), dict.fromkeys(states, CLIP))


def closed(rows: Rows, names: Collection[str]) -> Grammar:
    """Return a grammar without the protocols that are not among some, and without what then leads nowhere."""
    rows = {state: row for state, row in rows.items() if not state or protocol_of(state) in names}
    least: dict[str, int] = {END: -1}
    most: dict[str, int] = {END: -1}
    for _ in range(CLIP + len(rows)):  # round a circle until it counts as any number, and from there to the beginning
        for state, row in rows.items():
            followers = [follower for follower in row if follower in least]
            if followers:
                least[state] = 1 + min(least[follower] for follower in followers)
                most[state] = min(CLIP, 1 + max(most[follower] for follower in followers))
    rows = {
        state: {follower: weight for follower, weight in row.items() if follower in least}
        for state, row in rows.items()
        if state in least
    }
    return Grammar(rows, least, most)
