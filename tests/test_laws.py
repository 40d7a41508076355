"""What holds for every address, and for every input that is none."""

from __future__ import annotations

import os
import pickle

from addresses import components, multiaddrs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multiaddr_py import REGISTRY, Component, Multiaddr, MultiaddrError, ParseError

THOROUGH = os.environ.get("MULTIADDR_PROFILE") == "thorough"
EXAMPLES = 50_000 if THOROUGH else settings().max_examples
"""Of each of the two laws about any input."""

# Text that gets past the first check: names and values of all kinds, in any order.
SEGMENTS = st.one_of(
    st.sampled_from([protocol.name for protocol in REGISTRY] + list(REGISTRY.aliases)),
    components().map(lambda component: component.value or ""),
    st.text(max_size=8),
    st.sampled_from(["", "%", "%2F", "0", "65536", "1.2.3.4", "::", "a", "u", "1", "Qm", ":80", "=", "\ud800"]),
)
LIKELY_TEXTS = st.lists(SEGMENTS, max_size=8).map(lambda segments: "/" + "/".join(segments))
# Bytes that do: codes and values of all kinds, one of them damaged.
LIKELY_BYTES = st.builds(
    lambda address, position, junk, cut: address[: position % (len(address) + 1)] + junk + address[position + cut :],
    multiaddrs(min_size=0).map(bytes),
    st.integers(0, 80),
    st.binary(max_size=3),
    st.integers(0, 3),
)


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


@given(st.one_of(LIKELY_TEXTS, st.text()))
@settings(max_examples=EXAMPLES)
@example("/unix/a/unix/%zz")
@example("/unix/a/unix/b/\ud800")
@example("/unix/%2Fa/unix//\udfff/")
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refuse(text)


@given(st.one_of(LIKELY_BYTES, st.binary()))
@settings(max_examples=EXAMPLES)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    read_or_refuse(raw)


@given(st.one_of(LIKELY_TEXTS, st.text(), LIKELY_BYTES, st.binary()), st.sampled_from(list(REGISTRY)))
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


SHORT = st.lists(st.sampled_from(["tls", "ws", "noise"]).map(Component), max_size=6).map(Multiaddr)


@given(SHORT, SHORT)
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
