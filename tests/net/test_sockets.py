"""Sockets that connect, listen and are bound: both ends, time limits, several candidates, and nothing left over."""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from apart import run_apart, run_in_own_network
from stacks import (
    DATAGRAMS,
    DCCP,
    LINK_LOCAL,
    LINUX,
    PATHS,
    STREAMS,
    check_located,
    here,
    know_nothing,
    refusing,
    silent,
    stand_for,
)

from multiaddr_py import REGISTRY, ConversionError, Multiaddr
from multiaddr_py.net import DatagramSocket, Endpoint, Listener, bind, connect, from_socket, listen
from multiaddr_py.net._attempts import Deadline, located, within
from multiaddr_py.net._making import new_socket

SOON = 30.0
"""Seconds after which something that should have ended by itself hangs."""


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a working directory of its own, with a short path, which it leaves empty."""
    with TemporaryDirectory(prefix="maddr") as name:
        monkeypatch.chdir(name)
        yield
        assert os.listdir(name) == []
        monkeypatch.undo()


@pytest.fixture
def localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is this machine's; many know localhost as an address of IPv4 only."""
    stand_for(monkeypatch, "/ip6/::1/tcp/0", "/ip4/127.0.0.1/tcp/0")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let any name stand for some addresses."""
    return partial(stand_for, monkeypatch)


# Both ends


def check_streams(asked: Multiaddr) -> None:
    """Serve and dial a stack, and check that both ends agree on where they are."""
    rest = Endpoint.from_multiaddr(asked).rest
    with listen(asked) as listener:
        assert listener.address == (
            from_socket(listener.socket).encapsulate(rest) if rest else from_socket(listener.socket)
        )
        assert "/0" not in str(listener.address), "the port is a real one"
        assert listener.fileno() == listener.socket.fileno()
        assert repr(listener) == f"<Listener {listener.address}>"
        with connect(listener.address, timeout=SOON) as sock:
            accepted, peer = listener.accept()
            with accepted:
                assert sock.gettimeout() is None
                check_ends(sock, accepted, peer)
                sock.sendall(b"there")
                assert accepted.recv(9) == b"there"
                accepted.sendall(b"and back")
                assert sock.recv(9) == b"and back"
        assert Endpoint.from_multiaddr(listener.address).address == from_socket(listener.socket)
    assert listener.socket.fileno() == -1


def check_ends(sock: socket.socket, accepted: socket.socket, peer: Multiaddr) -> None:
    assert from_socket(sock, peer=True) == from_socket(accepted)
    if sock.family == socket.AF_UNIX:
        assert peer == Multiaddr()
    else:
        assert from_socket(sock) == from_socket(accepted, peer=True) == peer


def check_datagrams(asked: Multiaddr) -> None:
    rest = Endpoint.from_multiaddr(asked).rest
    with bind(asked) as server, bind(asked) as client:
        assert server.address == (from_socket(server.socket).encapsulate(rest) if rest else from_socket(server.socket))
        assert server.address != client.address
        assert server.fileno() == server.socket.fileno()
        assert repr(server) == f"<DatagramSocket {server.address}>"
        client.send(b"there", server.address)
        assert server.receive() == (b"there", from_socket(client.socket))
        server.send(bytearray(b"and back"), client.address)
        assert client.receive(3) == (b"and", from_socket(server.socket))
        with connect(server.address) as sock:
            assert from_socket(sock, peer=True) == from_socket(server.socket)
            sock.send(b"connected")
            assert server.receive() == (b"connected", from_socket(sock))
            client.send(b"from a stranger", from_socket(sock))
            server.send(memoryview(b"from the peer"), from_socket(sock))
            assert sock.recv(99) == b"from the peer"


@pytest.mark.parametrize("stack", [*STREAMS, *DCCP])
@pytest.mark.usefixtures("localhost")
def test_both_ends_of_a_stream_agree(stack: str) -> None:
    check_streams(here(stack))


@pytest.mark.parametrize("stack", DATAGRAMS)
@pytest.mark.usefixtures("localhost")
def test_both_ends_of_datagrams_agree(stack: str) -> None:
    check_datagrams(here(stack))


def check_link_local() -> None:
    for rest in ("", "/tls/ws"):
        check_streams(Multiaddr(f"{LINK_LOCAL}/tcp/0{rest}"))
        check_streams(Multiaddr(f"/ip6zone/1/ip6/fe80::1/tcp/0{rest}"))
        check_datagrams(Multiaddr(f"{LINK_LOCAL}/udp/0{rest and '/quic-v1'}"))
    with listen(f"{LINK_LOCAL}/tcp/0") as listener:
        assert str(listener.address).startswith(f"{LINK_LOCAL}/tcp/")
        with connect(listener.address, local_addr="/ip6zone/lo/ip6/fe80::2/tcp/0", timeout=SOON) as sock:
            assert str(from_socket(sock)).startswith("/ip6zone/lo/ip6/fe80::2/tcp/")
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == from_socket(sock)


def test_both_ends_agree_on_a_zone() -> None:
    run_in_own_network(check_link_local)


@pytest.mark.parametrize(
    "address", ["/ip4/127.0.0.1/tcp/0", b"\x04\x7f\0\0\1\x06\0\0", Multiaddr("/ip4/127.0.0.1/tcp/0")]
)
def test_an_address_is_text_bytes_or_an_object(address: Any) -> None:
    with listen(address) as listener, connect(bytes(listener.address)) as sock:
        assert from_socket(sock, peer=True) == listener.address


def test_a_listener_of_elsewhere_is_taken_over() -> None:
    with Listener(socket.create_server(("127.0.0.1", 0)), Multiaddr("/ws")) as listener:
        assert str(listener.address).endswith("/ws")
        with connect(listener.address) as sock:
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == from_socket(sock)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, DatagramSocket(sock) as taken:
        assert str(taken.address) == "/ip4/0.0.0.0/udp/0"


@pytest.mark.skipif(not LINUX, reason="only Linux has multipath TCP")
def test_a_listener_of_multipath_tcp_is_one_of_tcp() -> None:
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    except OSError as error:
        pytest.skip(f"not on this machine: {error}")
    with sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with Listener(sock) as listener, connect(listener.address, timeout=SOON) as client:
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == from_socket(client)


def test_a_registry_of_ones_own_is_kept() -> None:
    mine = REGISTRY.extended("455,256,wg,multibase,public key")
    rest = "wg/uAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
    for front, start in ("/ip4/127.0.0.1/tcp/0", listen), ("/ip6/::/udp/0", partial(bind, ipv6_only=False)):
        with start(Multiaddr(f"{front}/{rest}", registry=mine)) as bound:
            for address in (bound.address, *bound.addresses()):
                assert address.registry is mine
                assert str(address).endswith(rest)


def test_what_is_closed_still_says_where_it_was() -> None:
    with bind("/ip6/::/udp/0", ipv6_only=False) as sock:
        before = sock.addresses()
    assert sock.addresses() == before


def run_out_of_ports() -> None:
    """Linux answers as it does for a backlog that is full."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50001", "ascii")
    with bind("/ip4/127.0.0.1/udp/50000"), bind("/ip4/127.0.0.1/udp/50001"):
        with pytest.raises(BlockingIOError) as caught:
            connect("/ip4/127.0.0.1/udp/9")
        assert caught.value.filename == "/ip4/127.0.0.1/udp/9"


@pytest.mark.skipif(not LINUX, reason="only Linux has network namespaces")
def test_no_port_that_is_free_is_an_error() -> None:
    run_in_own_network(run_out_of_ports)


@pytest.mark.parametrize("host", ["::ffff:1", "::ffff:0:7f00:1"])
def test_not_all_that_looks_mapped_is(host: str) -> None:
    endpoint = Endpoint.from_multiaddr(f"/ip6/{host}/tcp/80")
    with new_socket(endpoint, ipv6_only=True) as sock:
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_a_port_is_not_shared_by_those_who_only_send() -> None:
    """Of two sockets with one port, one would hear nothing."""
    with (
        bind("/ip4/127.0.0.1/udp/0") as far,
        connect(far.address, local_addr="/ip4/127.0.0.1/udp/0") as near,
        pytest.raises(OSError, match="in use"),
    ):
        connect(far.address, local_addr=from_socket(near))


def test_a_name_that_is_in_use_is_not_listened_at_elsewhere(names: Callable[..., None]) -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        port = listener.socket.getsockname()[1]
        names(listener.address, f"/ip4/127.0.0.2/tcp/{port}")
        with pytest.raises(OSError) as caught:
            listen(f"/dns/node.example/tcp/{port}")
        check_located(caught.value, errno.EADDRINUSE, listener.address)


def test_a_listener_waits_in_a_selector() -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        assert select.select([listener], [], [], 0)[0] == []
        with connect(listener.address):
            assert select.select([listener], [], [], SOON)[0] == [listener]


def test_what_is_closed_twice_is_closed() -> None:
    for opened in (listen("/ip4/127.0.0.1/tcp/0"), bind("/ip4/127.0.0.1/udp/0"), listen("/unix/a.sock")):
        address = opened.address
        opened.close()
        opened.close()
        with opened:
            pass
        assert opened.fileno() == -1
        assert opened.address == address, "it still says where it was"


@pytest.mark.skipif(not LINUX, reason="other systems refuse connections when the backlog is full")
@pytest.mark.parametrize("backlog", [0, 3])
def test_a_backlog_is_kept(backlog: int) -> None:
    with listen("/unix/a.sock", backlog=backlog) as listener, ExitStack() as clients:
        for _ in range(backlog + 1):  # Linux adds one
            clients.enter_context(connect(listener.address))
        with pytest.raises(TimeoutError):
            connect(listener.address, timeout=0.05)


# Which peers are heard


def test_ip6_only_is_what_it_says() -> None:
    here("/ip6/::/tcp/0")
    with listen("/ip6/::/tcp/0") as listener:
        port = listener.socket.getsockname()[1]
        assert listener.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        with pytest.raises(ConnectionRefusedError):
            connect(f"/ip4/127.0.0.1/tcp/{port}", timeout=SOON)
        with listen(f"/ip4/0.0.0.0/tcp/{port}"):  # the port of IPv4 is free
            connect(f"/ip6/::1/tcp/{port}", timeout=SOON).close()


def test_ip4_peers_of_a_dual_stack_listener_are_ip4() -> None:
    here("/ip6/::/tcp/0")
    with listen("/ip6/::/tcp/0/ws", ipv6_only=False) as listener:
        port = listener.socket.getsockname()[1]
        assert str(listener.address) == f"/ip6/::/tcp/{port}/ws"
        for host in ("/ip4/127.0.0.1", "/ip6/::1"):
            with connect(f"{host}/tcp/{port}", timeout=SOON) as sock:
                accepted, peer = listener.accept()
                with accepted:
                    assert peer == from_socket(sock) == from_socket(accepted, peer=True)
                    assert str(from_socket(accepted)) == f"{host}/tcp/{port}"


def test_a_dual_stack_socket_answers_ip4_peers() -> None:
    here("/ip6/::/udp/0")
    with bind("/ip6/::/udp/0", ipv6_only=False) as server:
        port = server.socket.getsockname()[1]
        for host in ("/ip4/127.0.0.1", "/ip6/::1"):
            with bind(f"{host}/udp/0") as client:
                client.send(b"?", f"{host}/udp/{port}")
                payload, peer = server.receive()
                assert (payload, peer) == (b"?", client.address)
                server.send(b"!", peer)
                assert client.receive() == (b"!", Multiaddr(f"{host}/udp/{port}"))


def test_an_address_that_ip4_is_mapped_into_can_be_used() -> None:
    here("/ip6/::ffff:127.0.0.1/tcp/0")
    with listen("/ip6/::ffff:127.0.0.1/tcp/0") as listener:
        assert listener.address[0].name == "ip4"
        port = listener.address[1].typed_value
        with connect(f"/ip6/::ffff:127.0.0.1/tcp/{port}", timeout=SOON) as sock:
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == from_socket(sock)
            assert peer[0].name == "ip4"


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the platform has none")
@pytest.mark.parametrize("host", ["/ip4/127.0.0.1", "/ip6/::1"])
def test_a_port_is_shared_where_all_say_so(host: str) -> None:
    here(f"{host}/tcp/0")
    with listen(f"{host}/tcp/0", reuse_port=True) as one:
        with listen(one.address, reuse_port=True) as other:
            assert one.address == other.address
        with pytest.raises(OSError) as caught:
            listen(one.address)
        check_located(caught.value, errno.EADDRINUSE, one.address)
    with bind(f"{host}/udp/0", reuse_port=True) as first, bind(first.address, reuse_port=True) as second:
        assert first.address == second.address


def test_a_port_is_not_shared_otherwise() -> None:
    with bind("/ip4/127.0.0.1/udp/0/quic-v1") as first:
        with pytest.raises(OSError) as caught:
            bind(first.address)
        check_located(caught.value, errno.EADDRINUSE, first.address[:2])


def test_a_platform_without_shared_ports_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT", raising=False)
    with listen("/ip4/127.0.0.1/tcp/0") as server:
        for attempt in (
            partial(listen, "/ip4/127.0.0.1/tcp/0/ws"),
            partial(connect, server.address, local_addr="/ip4/127.0.0.1/tcp/0"),
        ):
            with pytest.raises(OSError) as caught:
                attempt(reuse_port=True)
            check_located(caught.value, errno.EOPNOTSUPP, Multiaddr("/ip4/127.0.0.1/tcp/0"))
            assert caught.value.strerror == "this platform has no reuse_port"


def test_a_server_starts_again_at_once() -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        sock = connect(listener.address)
        accepted, _ = listener.accept()
        accepted.close()  # first, so that this end of the connection stays for a while
        assert sock.recv(1) == b""
        sock.close()
    listen(listener.address).close()


# The address of one's own


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("reuse_port", [False, hasattr(socket, "SO_REUSEPORT")])
def test_a_socket_is_bound_before_it_connects(kind: str, reuse_port: bool) -> None:
    serve: Callable[..., Listener | DatagramSocket] = listen if kind == "tcp" else bind
    with (
        serve(f"/ip4/127.0.0.1/{kind}/0") as server,
        bind("/ip4/127.0.0.1/udp/0") if kind == "udp" else listen("/ip4/127.0.0.1/tcp/0", reuse_port=True) as own,
    ):
        port = own.address[1].value if reuse_port and kind == "tcp" else 0
        with connect(server.address, local_addr=f"/ip4/127.0.0.1/{kind}/{port}", reuse_port=reuse_port) as sock:
            assert from_socket(sock)[0].value == "127.0.0.1"
            assert not port or from_socket(sock) == own.address


def test_where_the_own_address_is_taken_it_is_named() -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as server, listen("/ip4/127.0.0.1/tcp/0") as own:
        with pytest.raises(OSError) as caught:
            connect(server.address, local_addr=own.address.encapsulate("/ws"))
        check_located(caught.value, errno.EADDRINUSE, own.address)


@pytest.mark.parametrize(
    ("address", "local", "message"),
    [
        (
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/127.0.0.1/udp/0",
            "'/ip4/127.0.0.1/udp/0': a socket that connects to /ip4/127.0.0.1/tcp/1 cannot be bound to it",
        ),
        (
            "/unix/a",
            "/unix/b",
            "'/unix/b': a socket that connects to /unix/a cannot be bound to it",
        ),
        (
            "/ip4/127.0.0.1/tcp/1/ws",
            "/ip6/::1/tcp/0",
            "'/ip4/127.0.0.1/tcp/1': a socket that is bound to /ip6/::1/tcp/0 cannot connect to it",
        ),
        (
            "/ip4/127.0.0.1/tcp/1",
            "/dns4/localhost/tcp/0",
            "'/dns4/localhost/tcp/0': localhost is a name; resolve() gives its addresses",
        ),
        (
            "/dns/localhost/tcp/1",
            "/dns/localhost/tcp/0",
            "'/dns/localhost/tcp/0': localhost is a name; resolve() gives its addresses",
        ),
    ],
)
def test_an_own_address_that_does_not_fit_is_refused(address: str, local: str, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        connect(address, local_addr=local)
    assert str(caught.value) == message


def test_of_a_name_those_addresses_are_tried_that_the_own_one_reaches(names: Callable[..., None]) -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        names(f"/ip6/::1/tcp/{listener.address[1].value}", listener.address)
        with connect("/dns/node.example/tcp/1", local_addr="/ip4/127.0.0.1/tcp/0", timeout=SOON) as sock:
            assert from_socket(sock, peer=True) == listener.address


# Bad input


@pytest.mark.parametrize(
    ("attempt", "address", "message"),
    [
        (connect, "/ip4/127.0.0.1", "'/ip4/127.0.0.1': ip4 has no port; put /tcp/PORT or /udp/PORT behind it"),
        (
            listen,
            "/ip4/127.0.0.1/udp/0/quic-v1",
            "'/ip4/127.0.0.1/udp/0': udp has no connections to accept; bind() receives datagrams",
        ),
        (bind, "/ip4/127.0.0.1/tcp/0", "'/ip4/127.0.0.1/tcp/0': only udp has datagrams; listen() accepts connections"),
        (bind, "/unix/a.sock", "'/unix/a.sock': only udp has datagrams; listen() accepts connections"),
        (
            connect,
            "/ip6/fe80::1/tcp/1",
            "'/ip6/fe80::1/tcp/1': a link-local address needs a zone; put /ip6zone/INTERFACE in front",
        ),
        (
            listen,
            "/ip6/fe80::1/tcp/1",
            "'/ip6/fe80::1/tcp/1': a link-local address needs a zone; put /ip6zone/INTERFACE in front",
        ),
    ],
)
def test_an_address_that_will_not_do_is_refused_with_the_reason(
    attempt: Callable[[str], object], address: str, message: str
) -> None:
    with pytest.raises(ConversionError) as caught:
        attempt(address)
    assert str(caught.value) == message


@pytest.mark.parametrize("timeout", [0, -1, 0.0, float("nan")])
def test_a_time_limit_is_over_zero(timeout: float) -> None:
    with pytest.raises(ValueError) as caught:
        connect("/ip4/127.0.0.1/tcp/1", timeout=timeout)
    assert str(caught.value) == f"a timeout is a number of seconds over 0 or None, not {timeout!r}"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/ip4/127.0.0.1/tcp/1", "'/ip4/127.0.0.1/tcp/1': only udp has datagrams; connect() has connections"),
        ("/unix/a", "'/unix/a': only udp has datagrams; connect() has connections"),
        ("/dns/localhost/udp/1", "'/dns/localhost/udp/1': localhost is a name; resolve() gives its addresses"),
        ("/ip6/::1/udp/1", "'/ip6/::1/udp/1': a socket of another family cannot use it"),
    ],
)
def test_datagrams_go_to_addresses_of_udp_only(address: str, message: str) -> None:
    with bind("/ip4/127.0.0.1/udp/0") as sock:
        with pytest.raises(ConversionError) as caught:
            sock.send(b"?", address)
        assert str(caught.value) == message


def test_what_cannot_be_sent_says_whereto() -> None:
    with bind("/ip4/127.0.0.1/udp/0") as sock:
        with pytest.raises(OSError) as caught:
            sock.send(bytes(0xFFFF), "/ip4/127.0.0.1/udp/9/quic-v1")
        check_located(caught.value, errno.EMSGSIZE, Multiaddr("/ip4/127.0.0.1/udp/9"))


# Failures


@pytest.mark.parametrize("timeout", [None, SOON])
def test_who_refuses_is_named(timeout: float | None) -> None:
    with refusing() as address:
        with pytest.raises(ConnectionRefusedError) as caught:
            connect(address.encapsulate("/ws"), timeout=timeout)
        check_located(caught.value, errno.ECONNREFUSED, address)


def test_an_address_of_another_machine_cannot_be_listened_at() -> None:
    with pytest.raises(OSError) as caught:
        listen("/ip4/192.0.2.99/tcp/0/ws")
    check_located(caught.value, errno.EADDRNOTAVAIL, Multiaddr("/ip4/192.0.2.99/tcp/0"))


def test_who_is_silent_is_given_up() -> None:
    with silent() as address:
        start = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            connect(address.encapsulate("/ws"), timeout=0.2)
        assert time.monotonic() - start < SOON
        check_located(caught.value, errno.ETIMEDOUT, address)


@pytest.mark.skipif(not LINUX, reason="other systems refuse connections when the backlog is full")
def test_a_full_backlog_of_a_unix_socket_is_waited_for() -> None:
    with listen("/unix/a.sock/http", backlog=0) as listener, connect(listener.address):
        with pytest.raises(TimeoutError) as caught:
            connect(listener.address, timeout=0.1)
        check_located(caught.value, errno.ETIMEDOUT, listener.address[:1])
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(connect, listener.address, timeout=SOON)
            time.sleep(0.05)  # the most likely order; every other one will do as well
            listener.accept()[0].close()
            accepted, _ = listener.accept()
            with waiting.result() as sock, accepted:
                sock.sendall(b"?")
                assert accepted.recv(1) == b"?"


def test_candidates_are_tried_in_the_resolvers_order(names: Callable[..., None]) -> None:
    with refusing() as closed, listen("/ip4/127.0.0.1/tcp/0") as one, listen("/ip4/127.0.0.1/tcp/0") as other:
        for addresses in ((closed, one.address, other.address), (one.address, closed), (one.address, other.address)):
            names(*addresses)
            with connect("/dns/node.example/tcp/1/ws", timeout=SOON) as sock:
                assert from_socket(sock, peer=True) == one.address


def test_a_candidate_that_is_silent_leaves_time_to_the_next(names: Callable[..., None]) -> None:
    with silent() as address, listen("/ip4/127.0.0.1/tcp/0") as listener:
        names(address, listener.address)
        with connect("/dns/node.example/tcp/1", timeout=4) as sock:
            assert from_socket(sock, peer=True) == listener.address


def test_where_all_candidates_fail_each_is_told(names: Callable[..., None]) -> None:
    with refusing() as first, refusing() as second, silent() as third:
        names(first, second, third)
        with pytest.raises(ConnectionRefusedError) as caught:
            connect("/dns/node.example/tcp/1", timeout=0.5)
        check_located(caught.value, errno.ECONNREFUSED, first)
        assert caught.value.__notes__ == [
            f"also [Errno {number}] {os.strerror(number)}: '{address}'"
            for number, address in ((errno.ECONNREFUSED, second), (errno.ETIMEDOUT, third))
        ]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="contextlib's own frames refer to the error")
def test_an_error_is_gone_when_it_was_handled(names: Callable[..., None]) -> None:
    """Nothing refers to itself, which would keep the variables of all callers until the collector comes."""
    with refusing() as address:
        names(address, address)
        gc.collect()
        with suppress(ConnectionRefusedError):
            connect("/dns/node.example/tcp/1", timeout=SOON)
        assert gc.collect() == 0


def test_link_local_addresses_that_dns_has_are_passed_over(names: Callable[..., None], monkeypatch: Any) -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 1, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.socket.getsockname()),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        with connect("/dns/node.example/tcp/1", timeout=SOON) as sock:
            assert from_socket(sock, peer=True) == listener.address
        del found[1]
        with pytest.raises(socket.gaierror) as caught:
            connect("/dns/node.example/tcp/1", timeout=SOON)
        assert caught.value.filename == "/dns/node.example/tcp/1"
        assert caught.value.strerror == "it has no address, or link-local ones only"


def test_a_name_is_listened_at_where_it_is_this_machine(names: Callable[..., None]) -> None:
    names("/ip4/192.0.2.99/tcp/0", "/ip4/127.0.0.1/tcp/0")
    with listen("/dns/node.example/tcp/0/ws") as listener:
        assert str(listener.address) == f"/ip4/127.0.0.1/tcp/{listener.socket.getsockname()[1]}/ws"
    with bind("/dns/node.example/udp/0") as sock:
        assert str(sock.address) == f"/ip4/127.0.0.1/udp/{sock.socket.getsockname()[1]}"
    names("/ip4/192.0.2.99/tcp/0", "/ip4/192.0.2.98/tcp/0")
    for attempt, kind in ((listen, "tcp"), (bind, "udp")):
        with pytest.raises(OSError) as caught:
            attempt(f"/dns/node.example/{kind}/0")
        check_located(caught.value, errno.EADDRNOTAVAIL, Multiaddr(f"/ip4/192.0.2.99/{kind}/0"))
        assert caught.value.__notes__ == [
            f"also [Errno {errno.EADDRNOTAVAIL}] {os.strerror(errno.EADDRNOTAVAIL)}: '/ip4/192.0.2.98/{kind}/0'"
        ]


def test_a_name_that_nothing_is_known_of_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", know_nothing)
    with pytest.raises(socket.gaierror) as caught:
        connect("/dns/nothing.invalid/tcp/1/ws", timeout=SOON)
    assert caught.value.filename == "/dns/nothing.invalid/tcp/1"
    assert str(caught.value) == (f"[Errno {socket.EAI_NONAME}] Name or service not known: '/dns/nothing.invalid/tcp/1'")


@pytest.mark.parametrize(
    "attempt", [connect, lambda text, timeout: Endpoint.from_multiaddr(text).resolve(timeout=timeout)]
)
def test_a_resolver_that_is_slow_is_cut_off(attempt: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: done.wait(SOON) and [])
    try:
        with pytest.raises(TimeoutError) as caught:
            attempt("/dns/slow.example/tcp/1", timeout=0.1)
        assert not done.is_set()
    finally:
        done.set()
    check_located(caught.value, errno.ETIMEDOUT, Multiaddr("/dns/slow.example/tcp/1"))


def test_an_interrupt_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left open is a warning, and warnings are errors."""

    calls = 0

    def interrupt(*_: object) -> None:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    with listen("/ip4/127.0.0.1/tcp/0") as listener, connect(listener.address):
        attempts: list[Callable[[], Any]] = [
            lambda: connect(listener.address, local_addr="/ip4/127.0.0.1/tcp/0"),
            lambda: listen("/ip4/127.0.0.1/tcp/0"),
            lambda: listen("/unix/a.sock"),
            lambda: listen("/ip6/::1/tcp/0"),
            lambda: bind("/ip4/127.0.0.1/udp/0"),
        ]
        for place in ("bind", "connect", "listen", "setsockopt", "getsockname", "settimeout"):
            calls = 0
            with monkeypatch.context() as patch:
                patch.setattr(socket.socket, place, interrupt)
                for attempt in attempts:
                    with suppress(KeyboardInterrupt, OSError):
                        attempt().close()
                    assert os.listdir() == []
            assert calls
            gc.collect()
        with monkeypatch.context() as patch:
            patch.setattr("multiaddr_py.net.sockets.from_sockaddr", interrupt)
            with pytest.raises(KeyboardInterrupt):
                listener.accept()
    gc.collect()


@pytest.mark.skipif(not LINUX, reason="signals go to the thread that is meant on Linux")
def test_a_real_interrupt_ends_the_wait_and_leaves_nothing() -> None:
    main = threading.get_ident()

    def connect_until_interrupted(address: Multiaddr) -> None:
        timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        connect(address, timeout=SOON)

    with silent() as address, pytest.raises(KeyboardInterrupt):
        connect_until_interrupted(address)
    gc.collect()


# Time limits and errors by themselves


def test_a_time_limit_is_shared() -> None:
    assert Deadline(None).left() is None
    assert Deadline(None).share(3) is None
    deadline = Deadline(100)
    assert 50 < (deadline.left() or 0) <= 100
    assert 25 < (deadline.share(2) or 0) <= 50
    assert 1 < (Deadline(2.5).share(10) or 0) <= 2, "a candidate that is slow but alive gets two seconds"
    assert 0 < (Deadline(1).share(10) or 0) <= 1
    past = Deadline(1e-9)
    time.sleep(0.001)
    for ask in (past.left, lambda: past.share(2)):
        with pytest.raises(TimeoutError):
            ask()


def test_what_cannot_be_interrupted_hands_over_results_and_errors() -> None:
    assert within(SOON, divmod, 7, 2) == within(None, divmod, 7, 2) == (3, 1)
    for timeout in (SOON, None):
        with pytest.raises(ZeroDivisionError):
            within(timeout, divmod, 7, 0)


@pytest.mark.parametrize(
    ("error", "kind", "number"),
    [
        (TimeoutError("timed out"), TimeoutError, errno.ETIMEDOUT),
        (ConnectionResetError(), ConnectionResetError, errno.ECONNRESET),
        (ConnectionAbortedError("SSL handshake is taking longer"), ConnectionAbortedError, errno.ECONNABORTED),
        (OSError("AF_UNIX path too long"), OSError, errno.EINVAL),
        (OSError(errno.EPERM, "no"), PermissionError, errno.EPERM),
        (OSError(errno.EPERM, "no", b"/path"), PermissionError, errno.EPERM),
        (ssl.SSLCertVerificationError(1, "bad certificate"), ssl.SSLCertVerificationError, 1),
    ],
)
def test_an_error_keeps_its_class_and_gets_a_place(error: OSError, kind: type, number: int) -> None:
    address = Multiaddr("/ip4/127.0.0.1/tcp/1")
    with pytest.raises(OSError) as caught, located(address):
        raise error
    assert type(caught.value) is kind
    assert (caught.value.errno, caught.value.filename) == (number, str(address))


def test_the_place_that_is_nearer_stays() -> None:
    near = Multiaddr("/ip4/127.0.0.1/tcp/1")
    with pytest.raises(OSError) as caught, located(Multiaddr("/unix/far")), located(near):
        raise TimeoutError
    assert caught.value.filename == str(near)


# Nothing is left


def everything() -> None:
    """Do all that there is, with and without failures, where each warning is an error."""
    pytest.MonkeyPatch().setattr(socket, "getaddrinfo", know_nothing)
    with TemporaryDirectory(prefix="maddr") as name:
        os.chdir(name)
        for stack in ("/ip4/127.0.0.1/tcp/0", "/unix/a.sock"):
            check_streams(Multiaddr(stack))
        check_datagrams(Multiaddr("/ip4/127.0.0.1/udp/0"))
        with (
            listen("/ip4/127.0.0.1/tcp/0") as listener,
            bind("/ip4/127.0.0.1/udp/0") as sock,
            listen("/unix/a.sock", backlog=0) as file,
            connect(file.address),
            refusing() as closed,
        ):
            attempts: list[Callable[[], object]] = [
                lambda: listen(listener.address),
                lambda: bind(sock.address),
                lambda: listen(file.address),
                lambda: listen("/unix/none%2Fa.sock"),
                lambda: listen("/unix/" + "x" * 108),
                lambda: listen("/ip4/127.0.0.1/tcp/0", mode=0o600),
                lambda: connect(closed),
                lambda: connect(closed, timeout=SOON),
                lambda: connect(listener.address, local_addr=listener.address),
                lambda: connect("/ip6/fe80::1/tcp/1"),
                lambda: listen("/ip6/fe80::1/tcp/1"),
                lambda: connect("/unix/none"),
                lambda: connect("/dns/nothing.invalid/tcp/1", timeout=SOON),
                lambda: listen("/ip4/192.0.2.99/tcp/0"),
            ]
            if LINUX:
                attempts.insert(0, lambda: connect(file.address, timeout=0.05))
            for attempt in attempts:
                try:
                    attempt()
                except (OSError, ValueError):
                    continue
                raise AssertionError("it should have failed")
        if LINUX:
            with silent() as address:
                try:
                    connect(address, timeout=0.1)
                except TimeoutError:
                    pass
                else:
                    raise AssertionError("it should have failed")
        assert os.listdir() == []
        os.chdir("/")


def test_nothing_is_left_open() -> None:
    run_apart(everything)


def test_no_file_descriptor_is_left() -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("Linux has it")
    gc.collect()
    before = len(os.listdir(descriptors))
    for stack in ("/ip4/127.0.0.1/tcp/0", PATHS[0]):
        check_streams(Multiaddr(stack))
    with refusing() as address, pytest.raises(ConnectionRefusedError):
        connect(address)
    assert len(os.listdir(descriptors)) == before
