"""What is alike for sockets, asyncio and AnyIO: which addresses are dialled, from where, and how long that may take."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from stacks import stand_for

import multiaddr_py.net.anyio
import multiaddr_py.net.asyncio
from multiaddr_py import ConversionError, Multiaddr
from multiaddr_py.net import Endpoint, Filter, Rule, bind, connect, from_socket, listen

Ends = tuple[Multiaddr, Multiaddr]
SOON = 30.0
PEER = "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2"


def ends(sock: Any) -> Ends:
    return from_socket(sock), from_socket(sock, peer=True)


def dial(address: str | Multiaddr, **options: Any) -> Ends:
    options.setdefault("timeout", SOON)
    with connect(address, **options) as sock:
        return ends(sock)


def dial_with_asyncio(address: str | Multiaddr, **options: Any) -> Ends:
    options.setdefault("timeout", SOON)

    async def main() -> Ends:
        _, writer = await multiaddr_py.net.asyncio.open_connection(address, **options)
        try:
            return ends(writer.get_extra_info("socket"))
        finally:
            writer.close()
            await writer.wait_closed()

    return asyncio.run(main())


def dial_with_anyio(address: str | Multiaddr, *, backend: str, **options: Any) -> Ends:
    options.setdefault("timeout", SOON)

    async def main() -> Ends:
        async with await multiaddr_py.net.anyio.connect_stream(address, **options) as stream:
            return ends(stream.extra(anyio.abc.SocketAttribute.raw_socket))

    return anyio.run(main, backend=backend)


def send_with_asyncio(address: str, **options: Any) -> Ends:
    async def main() -> Ends:
        transport, _ = await multiaddr_py.net.asyncio.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=address, **options
        )
        try:
            return ends(transport.get_extra_info("socket"))
        finally:
            transport.close()
            await asyncio.sleep(0)

    return asyncio.run(main())


def send_with_anyio(address: str, **options: Any) -> Ends:
    async def main() -> Ends:
        async with await multiaddr_py.net.anyio.create_udp(remote_addr=address, **options) as udp:
            return ends(udp.extra(anyio.abc.SocketAttribute.raw_socket))

    return anyio.run(main)


def send_with_a_bound_socket(address: str) -> None:
    with bind("/ip4/127.0.0.1/udp/0") as sock:
        sock.send(b"?", address)


async def create_datagram(*addresses: str, protocol_factory: Any = asyncio.DatagramProtocol, **options: Any) -> None:
    await multiaddr_py.net.asyncio.create_datagram_endpoint(protocol_factory, *addresses, **options)


create_udp = multiaddr_py.net.anyio.create_udp
Dial = Callable[..., Ends]
DIALS = [
    pytest.param(dial, id="sockets"),
    pytest.param(dial_with_asyncio, id="asyncio"),
    pytest.param(partial(dial_with_anyio, backend="asyncio"), id="anyio-asyncio"),
    pytest.param(partial(dial_with_anyio, backend="trio"), id="anyio-trio"),
]
SENDS = [
    pytest.param(partial(connect, timeout=SOON), id="sockets"),
    pytest.param(send_with_asyncio, id="asyncio"),
    pytest.param(send_with_anyio, id="anyio"),
]


@pytest.mark.parametrize("dial", DIALS)
def test_a_filter_is_asked_about_each_address_that_a_name_has(dial: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address listens; a filter keeps the caller from it."""
    asked = []

    def allow(address: Multiaddr) -> bool:
        asked.append(str(address))
        return filter_.allows(address)

    filter_ = Filter([Rule("deny", networks=["127.0.0.2"])], default="allow")
    with listen("/ip4/0.0.0.0/tcp/0") as listener:
        port = listener.socket.getsockname()[1]
        stand_for(monkeypatch, f"/ip4/127.0.0.2/tcp/{port}", f"/ip4/127.0.0.1/tcp/{port}")
        _, peer = dial(f"/dns4/node.example/tcp/{port}/p2p/{PEER}", allow=allow)
    assert str(peer) == f"/ip4/127.0.0.1/tcp/{port}"
    assert asked == [f"/ip4/{host}/tcp/{port}/p2p/{PEER}" for host in ("127.0.0.2", "127.0.0.1")]


@pytest.mark.parametrize("dial", DIALS)
@pytest.mark.parametrize("front", ["/ip4/127.0.0.1", "/ip6/::ffff:127.0.0.1", "/dns4/node.example"])
def test_what_a_filter_refuses_is_not_dialled(dial: Dial, front: str, monkeypatch: pytest.MonkeyPatch) -> None:
    public = Filter.parse("deny scope=loopback\ndefault allow")
    with listen("/ip4/0.0.0.0/tcp/0") as listener:
        port = listener.socket.getsockname()[1]
        stand_for(monkeypatch, f"/ip4/127.0.0.1/tcp/{port}", f"/ip4/127.0.0.2/tcp/{port}")
        address = f"{front}/tcp/{port}"
        with pytest.raises(PermissionError) as caught:
            dial(f"{address}/ws", allow=public.allows)
        listener.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert str(caught.value) == f"[Errno {errno.EACCES}] no address of it is allowed: '{address}'"


@pytest.mark.parametrize("send", SENDS)
def test_no_datagram_goes_to_what_a_filter_refuses(send: Callable[..., object]) -> None:
    with bind("/ip4/127.0.0.1/udp/0") as sock, pytest.raises(PermissionError, match="no address of it is allowed"):
        send(sock.address, allow=Filter([], default="deny").allows)


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this platform has no reuse_port")
@pytest.mark.parametrize("dial", DIALS)
def test_a_connection_can_come_from_the_port_of_a_listener(dial: Dial) -> None:
    with listen("/ip4/127.0.0.1/tcp/0", reuse_port=True) as own, listen("/ip4/127.0.0.1/tcp/0") as other:
        found, _ = dial(other.address, local_addr=own.address, reuse_port=True)
        assert found == own.address
        with pytest.raises(OSError, match="in use") as caught:
            dial(other.address, local_addr=own.address)
        assert caught.value.filename == str(own.address)


@pytest.mark.parametrize("dial", DIALS)
@pytest.mark.parametrize("front", ["/ip4/127.0.0.1/tcp/0", "/dns/node.example/tcp/0"])
def test_port_0_is_not_dialled(dial: Dial, front: str) -> None:
    with pytest.raises(ConversionError) as caught:
        dial(f"{front}/ws")
    assert str(caught.value) == (
        f"{front!r}: port 0 is for listening, at any port that is free; dial the address that the listener says it has"
    )


@pytest.mark.parametrize("send", [*SENDS, pytest.param(send_with_a_bound_socket, id="bound")])
def test_nothing_is_sent_to_port_0(send: Callable[..., object]) -> None:
    with pytest.raises(ConversionError, match="port 0 is for listening"):
        send("/ip4/127.0.0.1/udp/0")


def in_asyncio(function: Callable[..., Any]) -> Callable[..., object]:
    return lambda address: asyncio.run(function(address))


LISTENS = [
    pytest.param(listen, "tcp", id="listen"),
    pytest.param(bind, "udp", id="bind"),
    pytest.param(in_asyncio(partial(multiaddr_py.net.asyncio.start_server, print)), "tcp", id="start_server"),
    pytest.param(
        in_asyncio(partial(multiaddr_py.net.asyncio.create_datagram_endpoint, asyncio.DatagramProtocol)),
        "udp",
        id="create_datagram_endpoint",
    ),
    pytest.param(in_asyncio(multiaddr_py.net.anyio.create_listener), "tcp", id="create_listener"),
    pytest.param(in_asyncio(multiaddr_py.net.anyio.create_udp), "udp", id="create_udp"),
]


@pytest.mark.parametrize(("start", "transport"), LISTENS)
def test_nobody_listens_at_a_relay_with_a_socket(start: Callable[..., object], transport: str) -> None:
    address = f"/ip4/127.0.0.1/{transport}/0/p2p/{PEER}/p2p-circuit"
    with pytest.raises(ConversionError) as caught:
        start(address)
    assert caught.value.source == address
    assert (caught.value.reason, caught.value.hint) == (
        "whoever listens through a relay needs the relay, not a socket",
        f"to listen at the part before it use /ip4/127.0.0.1/{transport}/0",
    )


@pytest.mark.parametrize(("start", "transport"), LISTENS)
def test_a_name_of_other_machines_is_not_listened_at(
    start: Callable[..., object], transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [f"/ip4/192.0.2.{host}/{transport}/0" for host in (98, 99)]
    stand_for(monkeypatch, *others)
    with pytest.raises(OSError, match="assign requested address") as caught:
        start(f"/dns/node.example/{transport}/0")
    assert (caught.value.errno, caught.value.filename) == (errno.EADDRNOTAVAIL, others[0])
    assert [note for note in caught.value.__notes__ if others[1] in note]


@pytest.mark.parametrize("start", [create_datagram, create_udp], ids=["asyncio", "anyio"])
def test_a_filter_is_about_who_is_dialled(start: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"^allow is asked about a remote address, and there is none$"):
        asyncio.run(start("/ip4/127.0.0.1/udp/0", allow=bool))


@pytest.mark.parametrize("dial", DIALS)
@pytest.mark.parametrize("error", [OSError("my database is down"), TimeoutError("my database is slow"), ValueError()])
def test_the_errors_of_a_filter_are_its_own(dial: Dial, error: Exception) -> None:
    def allow(address: Multiaddr) -> bool:
        raise error

    with pytest.raises(type(error)) as caught:
        dial("/ip4/127.0.0.1/tcp/1", allow=allow)
    assert caught.value is error
    assert getattr(error, "filename", None) is None


def test_the_errors_of_a_protocol_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no reason to try the next address."""
    stand_for(monkeypatch, "/ip4/127.0.0.1/udp/9", "/ip4/127.0.0.2/udp/9")
    made = []

    def factory() -> asyncio.DatagramProtocol:
        made.append(1)
        raise OSError("my own fault")

    with pytest.raises(OSError, match=r"^my own fault$"):
        asyncio.run(create_datagram(protocol_factory=factory, remote_addr="/dns/node.example/udp/9"))
    assert made == [1]


@pytest.mark.parametrize("dial", DIALS)
@pytest.mark.parametrize("options", [{}, {"interleave": 1}], ids=str)
def test_a_name_of_ip6_is_not_reached_from_ip4(
    dial: Dial, options: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if options and dial is not dial_with_asyncio:
        pytest.skip("only asyncio has it")
    stand_for(monkeypatch, "/ip6/::1/tcp/1")
    names = ["/dns6/node.example/tcp/1"] if options else ["/dns6/node.example/tcp/1", "/dns/node.example/tcp/1"]
    for name in names:
        with pytest.raises(ConversionError) as caught:
            dial(name, local_addr="/ip4/127.0.0.1/tcp/0", **options)
        assert str(caught.value) == f"{name!r}: a socket that is bound to /ip4/127.0.0.1/tcp/0 cannot connect to it"


@pytest.mark.parametrize("timeout", ["1", b"1", [1]])
def test_a_time_limit_is_a_number(timeout: Any) -> None:
    message = f"^a timeout is a number of seconds or None, not {type(timeout).__name__}$"
    for address in ("/ip4/127.0.0.1/tcp/1", "/dns/node.example/tcp/1"):
        with pytest.raises(TypeError, match=message):
            connect(address, timeout=timeout)
        with pytest.raises(TypeError, match=message):
            Endpoint.from_multiaddr(address).resolve(timeout=timeout)
        with pytest.raises(TypeError, match=message):
            asyncio.run(multiaddr_py.net.asyncio.resolve(address, timeout=timeout))
        with pytest.raises(TypeError, match=message):
            asyncio.run(multiaddr_py.net.anyio.resolve(address, timeout=timeout))


@pytest.mark.parametrize("dial", DIALS)
def test_no_time_at_all_is_an_error_with_the_address(dial: Dial) -> None:
    with pytest.raises(TimeoutError) as caught:
        dial("/ip4/127.0.0.1/tcp/1", timeout=1e-9)
    assert caught.value.filename == "/ip4/127.0.0.1/tcp/1"


@pytest.mark.parametrize("options", [{"reuse_port": True}, {"allow": bool}], ids=str)
def test_what_asyncio_itself_tries_cannot_be_filtered(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^reuse_port and allow do not go with happy_eyeballs_delay and interleave$"):
        dial_with_asyncio("/dns4/node.example/tcp/80", happy_eyeballs_delay=0.1, **options)


@pytest.mark.parametrize("timeout", [float("inf"), 1e300, 10**12])
def test_a_time_limit_may_be_as_long_as_one_likes(timeout: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("/ip4/127.0.0.1/tcp/0") as listener:
        stand_for(monkeypatch, listener.address)
        name = Multiaddr("/dns4/node.example").encapsulate(listener.address[1:])
        endpoint = Endpoint.from_multiaddr(listener.address)
        assert Endpoint.from_multiaddr(name).resolve(timeout=timeout) == (endpoint,)
        with connect(name, timeout=timeout) as sock:
            assert from_socket(sock, peer=True) == listener.address

        async def main() -> None:
            assert await multiaddr_py.net.asyncio.resolve(name, timeout=timeout) == (endpoint,)
            _, writer = await multiaddr_py.net.asyncio.open_connection(name, timeout=timeout)
            writer.close()
            await writer.wait_closed()

        asyncio.run(main())

        async def main_of_anyio() -> None:
            assert await multiaddr_py.net.anyio.resolve(name, timeout=timeout) == (endpoint,)
            await (await multiaddr_py.net.anyio.connect_stream(name, timeout=timeout)).aclose()

        for backend in ("asyncio", "trio"):
            anyio.run(main_of_anyio, backend=backend)
