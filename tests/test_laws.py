"""What holds for every address, and for every input that is none."""

from __future__ import annotations

import os
import pickle

from hypothesis import example, given, settings
from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Codec, Component, Multiaddr, MultiaddrError, ParseError, PeerId, Protocol
from multiaddr_py.strategies import (
    NearMiss,
    Spelling,
    components,
    hostile,
    multiaddr_texts,
    multiaddrs,
    near_misses,
    peer_ids,
)

THOROUGH = os.environ.get("MULTIADDR_PROFILE") == "thorough"
EXAMPLES = 50_000 if THOROUGH else settings().max_examples
"""Of each of the two laws about any input."""

TEXTS = hostile(str, max_size=1000) | multiaddr_texts().map(lambda spelling: spelling.text)
RAWS = hostile(bytes, max_size=1000) | multiaddrs().map(bytes)


def read_or_refuse(source: str | bytes) -> None:
    try:
        address = Multiaddr(source)
    except MultiaddrError as error:
        assert isinstance(error, ParseError)
        assert error.source == source
        assert 0 <= error.offset <= len(source)
        assert str(error).isprintable()
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.args, str(again)) == (type(error), error.args, str(error))
        return
    assert Multiaddr(str(address)) == address
    assert Multiaddr(bytes(address)) == address
    assert Multiaddr(list(address)) == address


@given(TEXTS)
@settings(max_examples=EXAMPLES)
@example("/unix/a/unix/%zz")
@example("/unix/a/unix/b/\ud800")
@example("/unix/%2Fa/unix//\udfff/")
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refuse(text)


@given(RAWS)
@settings(max_examples=EXAMPLES)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    read_or_refuse(raw)


@given(TEXTS | RAWS, st.sampled_from(list(REGISTRY)))
def test_any_text_and_bytes_are_a_value_or_refused(source: str | bytes, protocol: object) -> None:
    try:
        component = Component(protocol, source)  # type: ignore[arg-type] # drawn from the registry
    except MultiaddrError as error:
        assert isinstance(error, ParseError)
        assert (error.source, error.offset) == (source, 0)
        return
    assert Multiaddr(str(component)) == Multiaddr([component])


@given(multiaddrs())
def test_reading_what_was_written_gives_it_back(address: Multiaddr) -> None:
    assert Multiaddr(str(address)) == address
    assert Multiaddr(bytes(address)) == address


@given(multiaddr_texts())
def test_other_spellings_are_read_as_the_canonical_one(spelling: Spelling) -> None:
    address = Multiaddr(spelling.text)
    assert str(address) == spelling.canonical
    assert address == Multiaddr(spelling.canonical)


@given(near_misses())
def test_what_is_almost_an_address_is_refused_for_what_is_wrong(miss: NearMiss[str] | NearMiss[bytes]) -> None:
    try:
        address = Multiaddr(miss.source)
    except ParseError as error:
        assert (error.offset, error.protocol) == (miss.offset, miss.protocol), error
    else:
        raise AssertionError(f"{miss.reason}, and it is read as {address!r}")


@given(multiaddrs())
def test_canonical_text_is_a_fixed_point(address: Multiaddr) -> None:
    assert str(Multiaddr(str(address))) == str(address)


@given(multiaddrs(min_size=0))
def test_components_joined_give_the_address(address: Multiaddr) -> None:
    assert Multiaddr(list(address)) == address
    assert Multiaddr.join(*address.split()) == address
    assert b"".join(map(bytes, address)) == bytes(address)
    assert "".join(map(str, address)) == str(address)
    assert len(address) == len(list(address)) == len(address.protocols())


@given(components())
def test_a_typed_value_gives_its_component_back(component: Component) -> None:
    assert Component(component.protocol, component.typed_value, registry=component.registry) == component
    assert Component(component.name, component.value) == component


@given(multiaddrs(), multiaddrs())
def test_encapsulate_and_decapsulate_undo_each_other(left: Multiaddr, right: Multiaddr) -> None:
    whole = left / right
    assert str(whole) == str(left) + str(right)
    assert whole.startswith(left)
    assert whole.endswith(right)
    rest = whole.decapsulate(right)
    # What is cut off begins with `right`, nothing behind it contains `right` again, and nothing is lost.
    assert whole[len(rest) :].startswith(right)
    assert whole[len(rest) + 1 :].decapsulate(right) == whole[len(rest) + 1 :]


REPEATING = st.lists(st.sampled_from(["tls", "ws"]).map(Component), max_size=12).map(Multiaddr)


@given(REPEATING, REPEATING.filter(lambda part: len(part) < 6))
@example(Multiaddr("/tls/ws/ws/ws/ws"), Multiaddr("/tls/ws/ws/ws"))
def test_decapsulate_finds_the_last_run_of_equal_components(whole: Multiaddr, part: Multiaddr) -> None:
    runs = [start for start in range(len(whole)) if part and whole[start : start + len(part)] == part]
    assert whole.decapsulate(part) == (whole[: runs[-1]] if runs else whole)


@given(st.lists(multiaddrs(min_size=0), max_size=6))
def test_order_agrees_with_that_of_the_bytes(addresses: list[Multiaddr]) -> None:
    assert [bytes(address) for address in sorted(addresses)] == sorted(bytes(address) for address in addresses)


@given(multiaddrs(min_size=0), st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_a_pickled_address_is_the_same_one(address: Multiaddr, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(address, protocol))
    assert (again, str(again), hash(again)) == (address, str(address), hash(address))


@given(multiaddrs())
def test_look_ups_agree_with_the_components(address: Multiaddr) -> None:
    for protocol in REGISTRY:
        found = [component for component in address if component.protocol == protocol]
        assert list(address.get_all(protocol)) == found
        assert address.get(protocol) == (found[0] if found else None)
        assert address.count(protocol) == len(found)
        assert (protocol in address) == bool(found)
        if found:
            assert address.value_for_protocol(protocol) == found[0].value
            assert address[address.index(protocol)] == found[0]
            assert len(address.decapsulate_code(protocol)) == max(
                index for index, component in enumerate(address) if component.protocol == protocol
            )


@given(
    multiaddrs(),
    st.integers(-12, 12) | st.none(),
    st.integers(-12, 12) | st.none(),
    st.sampled_from([None, 1, 2, -1, -3]),
)
def test_a_slice_is_that_of_the_components(
    address: Multiaddr, start: int | None, stop: int | None, step: int | None
) -> None:
    assert list(address[start:stop:step]) == list(address)[start:stop:step]
    assert list(reversed(address)) == list(address)[::-1]


@given(multiaddrs(), st.data())
def test_a_replaced_value_is_the_only_thing_that_changes(address: Multiaddr, data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(list(address)))
    new = data.draw(components(protocols=[old.protocol]))
    replaced = address.replace(old.protocol, new.value)
    place = address.index(old.protocol)
    assert replaced[place] == new
    assert (replaced[:place], replaced[place + 1 :]) == (address[:place], address[place + 1 :])


@given(multiaddrs(protocols=["ip4", "tcp", "p2p", "p2p-circuit"], max_size=8))
def test_the_peer_is_the_last_one_behind_the_last_relay(address: Multiaddr) -> None:
    names = [component.name for component in address]
    behind = len(names) - names[::-1].index("p2p-circuit") if "p2p-circuit" in names else 0
    peers = [component.typed_value for component in address[behind:] if component.name == "p2p"]
    assert address.peer_id == (peers[-1] if peers else None)


@given(peer_ids())
def test_a_peer_id_in_any_notation_is_the_same_one(peer_id: PeerId) -> None:
    for notation in (str(peer_id), bytes(peer_id), peer_id.to_cid(), peer_id.to_cid("base36"), peer_id):
        assert PeerId(notation) == peer_id
    if peer_id.key is not None:
        assert PeerId.from_key(*peer_id.key) == peer_id


def _reversed(raw: bytes) -> str:
    return raw[::-1].hex()


def _unreversed(text: str) -> bytes:
    if text != text.lower():
        raise ValueError("hex is in lower case here")
    return bytes.fromhex(text)[::-1]


OWN = REGISTRY.extended(
    "455,256,wg,multibase,",
    "456,V,label,text,",
    Protocol(0x7FFF_FFFF_FFFF_FFFF, None, "reversed", Codec("reversed", _unreversed, _reversed)),
)


@given(multiaddrs(registry=OWN), multiaddrs(protocols=["wg", "label", "reversed"], registry=OWN))
def test_addresses_of_another_registry_keep_the_laws(left: Multiaddr, right: Multiaddr) -> None:
    whole = left / right
    assert whole.registry is OWN
    assert Multiaddr(str(whole), registry=OWN) == whole
    assert Multiaddr(bytes(whole), registry=OWN) == whole
    assert Multiaddr(list(whole)) == whole
    assert pickle.loads(pickle.dumps(whole)) == whole
