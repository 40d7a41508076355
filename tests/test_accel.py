"""The type in C and the one in Python are the same: what they read, write and refuse, and how they say it."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from conformance import CONFORMANCE, needs_conformance
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pure import PURE
from test_laws import EXAMPLES, RAWS, TEXTS
from test_vectors import FILES, rows, source_of

import multiaddr_py
from multiaddr_py import ACCELERATED, REGISTRY, Codec, Multiaddr, Protocol, Registry, _wire
from multiaddr_py.strategies import multiaddrs

pytestmark = pytest.mark.skipif(not ACCELERATED, reason="the accelerator was not built, or is turned off")

WIREGUARD = "455,256,wg,multibase,public key"
BASE: Any = Multiaddr.__mro__[1]


def seen(value: Any) -> object:
    """Return all that can be seen of a value, whichever copy of the package it is from."""
    if isinstance(value, Multiaddr | PURE.Multiaddr):
        spans = value._spans()
        return "address", bytes(value), str(value), repr(value), spans, hash(value), seen(value.registry)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [seen(item) for item in value]
    if isinstance(value, str | bytes | int | None):
        return type(value), value
    return repr(value)


def outcome(action: Callable[[ModuleType], object], package: ModuleType) -> object:
    """Return all that can be seen of what an action does with a copy of the package."""
    try:
        return seen(action(package))
    except (package.MultiaddrError, TypeError, ValueError) as error:
        return type(error).__name__, [seen(argument) for argument in error.args], str(error)


def check_same(action: Callable[[ModuleType], object]) -> None:
    assert outcome(action, multiaddr_py) == outcome(action, PURE)


def check_read(source: object) -> None:
    check_same(lambda package: package.Multiaddr(source))


def under(package: ModuleType, source: str | bytes, extended: bool) -> Any:
    """Read an address, under the default registry or one of its own."""
    registry = package.REGISTRY.extended(WIREGUARD) if extended else None
    return package.Multiaddr(source or (), registry=registry)


@pytest.fixture
def c_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever is handed over to the Python code fail."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"handed over: {arguments}")

    for name in ("text_to_bytes", "check_bytes", "bytes_to_text", "spans", "first_text", "last_place"):
        monkeypatch.setattr(_wire, name, refuse)


SOURCES = [source_of(row) for path in FILES for row in rows(path)]


def test_the_two_copies_run_on_different_paths() -> None:
    assert (ACCELERATED, PURE.ACCELERATED) == (True, False)
    assert BASE.__module__ == "multiaddr_py._accel"
    assert PURE.Multiaddr.__mro__[1].__module__ == "multiaddr_py._base"


@pytest.mark.parametrize("path", FILES, ids=["own", "shared"][: len(FILES)])
def test_vectors(path: Any) -> None:
    for row in rows(path):
        check_read(source_of(row))
        if "hex" in row and "canonical" in row:
            check_read(bytes.fromhex(row["hex"]))
            check_read(row["canonical"])


@needs_conformance
def test_addresses_in_use() -> None:
    for line in (CONFORMANCE / "real-world.txt").read_text(encoding="utf-8").splitlines():
        check_read(line)
        check_read(bytes(PURE.Multiaddr(line)))


def test_vectors_with_every_character_changed() -> None:
    """Where a parser in C would go wrong: one character less, one more, one other, at every place."""
    texts = sorted({source for source in SOURCES if isinstance(source, str) and len(source) < 80}, key=len)
    for text in texts[:: max(1, len(texts) // 150)]:
        for place in range(len(text) + 1):
            for strange in ("", "/", "%", ":", ".", "0", "=", "\0", "\x7f", "ä"):
                check_read(text[:place] + strange + text[place:])
                check_read(text[:place] + strange + text[place + 1 :])


def test_vectors_with_every_byte_changed() -> None:
    raws = sorted({bytes(Multiaddr(row["canonical"])) for row in rows(FILES[0]) if "canonical" in row}, key=len)
    for raw in (raw for raw in raws if len(raw) < 80):
        for place in range(len(raw)):
            check_read(raw[:place])
            check_read(raw[place:])
            for byte in (0, 1, 0x12, 0x2F, 0x7F, 0x80, 0xFF, raw[place] ^ 1):
                check_read(raw[:place] + bytes([byte]) + raw[place + 1 :])


@given(TEXTS)
@settings(max_examples=EXAMPLES)
@example("/unix/a/unix/%zz")
@example("/p2p/" + "1" * 60)
@example("/p2p/1" + "z" * 59)
@example("/p2p/1" + "z" * 60)
@example("/ip6/1:2:3:4:5:6:1.2.3.4")
@example("/ip6/1:2:3:4:5:6:7:1.2.3.4")
@example("/ip6/1::1.2.3.4::")
@example("/ip6/::1:2:3:4:5:6:7:8")
@example("/memory/18446744073709551616")
@example("/memory/" + "0" * 100 + "18446744073709551615")
def test_any_text(text: str) -> None:
    check_read(text)


@given(RAWS)
@settings(max_examples=EXAMPLES)
@example(b"\x35\x80\x01a")
@example(b"\x35\xff\xff\xff\xff\xff\xff\xff\xff\x7fa")
@example(b"\x35\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fa")
@example(b"\x84\x00\1\2\3\4")
def test_any_bytes(raw: bytes) -> None:
    check_read(raw)


@given(
    multiaddrs(min_size=0).map(bytes),
    multiaddrs(min_size=0).map(bytes),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["text", "bytes", "address", "component", "bytearray", "subclass", "junk"]),
)
def test_operands(left: bytes, right: bytes, left_extended: bool, right_extended: bool, form: str) -> None:
    class Text(str):
        __slots__ = ()

    def operand(package: ModuleType) -> object:
        address = under(package, right, right_extended)
        forms: dict[str, Callable[[], object]] = {
            "text": lambda: str(address),
            "bytes": lambda: right,
            "address": lambda: address,
            "component": lambda: address[-1] if address else None,
            "bytearray": lambda: bytearray(right),
            "subclass": lambda: Text(address),
            "junk": lambda: 5,
        }
        return forms[form]()

    for operation in ("encapsulate", "decapsulate", "startswith", "endswith", "__truediv__"):
        check_same(lambda package: getattr(under(package, left, left_extended), operation)(operand(package)))  # noqa: B023 # called at once
    check_same(lambda package: under(package, left + right, left_extended).startswith(left or package.Multiaddr()))
    check_same(lambda package: under(package, left + right, left_extended).endswith(right or package.Multiaddr()))
    # What occurs: once with an address, once with its text.
    for part in (right, str(PURE.Multiaddr(right or ()))):
        check_same(lambda package: under(package, left + right + left, left_extended).decapsulate(part or ()))  # noqa: B023 # called at once


def repeating(most: int) -> st.SearchStrategy[str]:
    """Draw addresses of two components that look alike: there one occurrence begins within another."""
    return st.lists(st.sampled_from(["/tls", "/unix/tls"]), max_size=most).map("".join)


@given(repeating(12), repeating(5))
@example("/tls" + "/unix/tls" * 4, "/tls" + "/unix/tls" * 3)
def test_decapsulating_from_what_repeats_itself(whole: str, part: str) -> None:
    check_same(lambda package: package.Multiaddr(whole or ()).decapsulate(package.Multiaddr(part or ())))


@given(multiaddrs(min_size=0).map(bytes), st.booleans())
def test_look_ups(raw: bytes, extended: bool) -> None:
    keys = [
        "tcp",
        "ipfs",
        "p2p",
        "tls",
        "dns",
        "certhash",
        "",
        "TCP",
        "wg",
        "ä",
        "\ud800",
        "x" * 40,
        6,
        421,
        -1,
        True,
        b"",
    ]
    for key in [*keys, *(protocol.name for protocol in Multiaddr(raw or ()).protocols())]:
        check_same(lambda package: under(package, raw, extended).value_for_protocol(key))  # noqa: B023 # called at once
        check_same(lambda package: under(package, raw, extended).get_all(key))  # noqa: B023 # called at once
    check_same(lambda package: under(package, raw, extended).value_for_protocol(package.REGISTRY["tcp"]))


@given(multiaddrs(min_size=0).map(bytes), st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([None, 1, 2, -1]))
def test_sequences(raw: bytes, start: int, stop: int, step: int | None) -> None:
    check_same(lambda package: under(package, raw, extended=False)[start:stop:step])
    check_same(lambda package: under(package, raw, extended=False).split(start))
    check_same(lambda package: list(under(package, raw, extended=True)))


@given(multiaddrs(min_size=0).map(bytes), multiaddrs(min_size=0).map(bytes))
def test_comparison_hash_and_copies(left: bytes, right: bytes) -> None:
    def everything(package: ModuleType) -> object:
        one, other = under(package, left, extended=False), under(package, right, extended=True)
        again = pickle.loads(pickle.dumps(one)) if package is multiaddr_py else one
        return [
            *(getattr(one, f"__{name}__")(other) for name in ("eq", "ne", "lt", "le", "gt", "ge")),
            *(
                getattr(one, f"__{name}__")(bytes(one)) is NotImplemented
                for name in ("eq", "ne", "lt", "le", "gt", "ge")
            ),
            *(again, copy.copy(one), copy.deepcopy(one), f"{one:x}|{one:>20}", one == again, hash(one) == hash(left)),
        ]

    check_same(everything)


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.Multiaddr(),
        lambda p: p.Multiaddr(()),
        lambda p: p.Multiaddr(5),
        lambda p: p.Multiaddr(None),
        lambda p: p.Multiaddr(registry=p.REGISTRY),
        lambda p: p.Multiaddr("/tls", registry=None),
        lambda p: p.Multiaddr("/tls", registry=p.REGISTRY),
        lambda p: p.Multiaddr("/tls", registry=p.REGISTRY.extended()),
        lambda p: p.Multiaddr("/tls", registry="tls"),
        lambda p: p.Multiaddr(p.Multiaddr("/tls"), registry=p.REGISTRY),
        lambda p: p.Multiaddr(p.Multiaddr("/tls"), registry=p.REGISTRY.extended()),
        lambda p: p.Multiaddr(p.Multiaddr("/tls", registry=p.REGISTRY.extended())),
        lambda p: p.Multiaddr(p.Component("tls")),
        lambda p: p.Multiaddr([p.Component("tls"), p.Component("tcp", 80)]),
        lambda p: p.Multiaddr([p.Component("tls"), 5]),
        lambda p: p.Multiaddr(memoryview(b"\x06\0\x50")),
        lambda p: p.Multiaddr(memoryview(b"\x06\0\0\0\x50")[::2]),
        lambda p: p.Multiaddr(bytearray(b"\x06\0")),
        lambda p: p.Multiaddr(type("Text", (str,), {"__str__": lambda self: "/ws"})("/tls")),
        lambda p: p.Multiaddr(type("Raw", (bytes,), {})(b"\x06\0\x50")),
    ],
)
def test_arguments(make: Callable[[ModuleType], object]) -> None:
    check_same(make)


@pytest.mark.parametrize("package", [multiaddr_py, PURE], ids=["C", "Python"])
def test_what_the_signature_does_not_have_is_refused(package: Any) -> None:
    with pytest.raises(TypeError):
        package.Multiaddr("/tls", package.REGISTRY)
    with pytest.raises(TypeError):
        package.Multiaddr(address="/tls")
    with pytest.raises(TypeError):
        package.Multiaddr("/tls", table=package.REGISTRY)


@pytest.mark.usefixtures("c_alone")
@pytest.mark.parametrize("name", [protocol.name for protocol in REGISTRY])
def test_every_protocol_of_the_table_is_known(name: str) -> None:
    """What the accelerator knows is the table itself, so nothing of it is left to the Python code."""
    values = {
        "ip4": "1.2.3.4",
        "ip6": "::1",
        "peer_id": "12D3KooWBdmLJjhpgJ9KZgLM3f894ff9xyBfPvPjFNn7MKJpyrC2",
        "multihash": "uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
        "multibase": "uAAAA",
        "onion": "aaimaq4ygg2iegci:80",
        "onion3": "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
        "garlic64": "A" * 516,
        "garlic32": "a" * 52,
    }
    codec = REGISTRY[name].codec
    value = None if codec is None else values.get(codec.name, "1")
    text = f"/{name}" if value is None else f"/{name}/{value}"
    address = Multiaddr(f"{text}/tls")
    assert str(Multiaddr(bytes(address))) == f"{text}/tls"
    assert address._spans()[0][0] == REGISTRY[name].code
    assert address._first_text(name) == (value or "")
    assert str(address.decapsulate("/tls")) == text


@pytest.mark.usefixtures("c_alone")
def test_aliases_of_the_table_are_known() -> None:
    peer = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
    assert [str(Multiaddr(f"/{alias}/{peer}")) for alias in REGISTRY.aliases] == [f"/p2p/{peer}"]


def refusing(text: str) -> bytes:
    raise ValueError("no value is good enough")


def test_nothing_of_the_default_registry_shows_through_another_one() -> None:
    """A registry may give a code or a name of the default one to something else."""
    own = Registry([Protocol(6, 8, "tcp", "uint8"), Protocol(4, None, "ip4", Codec("never", refusing, repr))])
    assert bytes(Multiaddr("/tcp/80", registry=own)) == b"\x06\x50"
    short = Multiaddr(b"\x06\x50", registry=own)
    assert (str(short), short._spans(), short.value_for_protocol("tcp")) == ("/tcp/80", [(6, 0, 1, 2)], "80")
    assert short.encapsulate("/tcp/7").decapsulate(b"\x06\x07") == short
    with pytest.raises(multiaddr_py.ParseError, match="no value is good enough"):
        short.encapsulate("/ip4/1.2.3.4")


def test_the_base_cannot_be_changed() -> None:
    for name in ("__str__", "__new__", "anything"):
        with pytest.raises(TypeError):
            setattr(BASE, name, None)
    address = Multiaddr("/tls")
    with pytest.raises(AttributeError, match=r"^Multiaddr is immutable: 'registry' cannot be set$"):
        address.registry = REGISTRY  # type: ignore[misc] # that is what is tested
    with pytest.raises(AttributeError, match=r"^Multiaddr is immutable: '_bytes' cannot be deleted$"):
        delattr(address, "_bytes")
    with pytest.raises((AttributeError, TypeError)):  # which one depends on the version of Python
        object.__setattr__(address, "registry", None)


def test_what_only_this_package_calls_is_safe_from_wrong_arguments() -> None:
    address: Any = Multiaddr("/tcp/80/tls")
    places: list[tuple[object, ...]] = [(), (1,), (0, 1, 2), (-1, 2), (2, 1), (0, 9), (0, 1 << 70), ("a", "b")]
    for arguments in places:
        with pytest.raises((TypeError, ValueError, OverflowError)):
            address._cut(*arguments)
    parts: list[tuple[object, ...]] = [(), (b"",), (bytearray(), REGISTRY), ("", REGISTRY)]
    for arguments in parts:
        with pytest.raises(TypeError):
            Multiaddr._make(*arguments)  # type: ignore[arg-type] # that is what is tested
    for bad in (None, (), (b"",), (b"", REGISTRY, 1), ("", REGISTRY), (bytearray(b"a"), REGISTRY)):
        liar = type(
            "Liar", (BASE,), {"_read": classmethod(lambda *_, bad=bad: bad), "_operand": lambda *_, bad=bad: bad}
        )
        with pytest.raises(TypeError):
            liar(5)
        with pytest.raises(TypeError):
            liar("/tls")._join(5)
    broken = Multiaddr._make(b"\x06\x00", REGISTRY)  # never made by the package
    for action in (str, Multiaddr._spans, len, lambda address: address.value_for_protocol("tcp")):
        with pytest.raises(multiaddr_py.ParseError):
            action(broken)
    assert bytes(Multiaddr(broken)) == b"\x06\x00"


def test_an_address_is_collected_with_the_registry_that_leads_back_to_it() -> None:
    class Function:
        def __call__(self, value: Any) -> Any:
            return value

    function = Function()
    registry = REGISTRY.extended(Protocol(455, None, "wg", Codec("own", function, function)))
    function.address = Multiaddr("/tls", registry=registry)  # type: ignore[attr-defined] # a cycle
    gone = weakref.ref(function)
    del function, registry
    gc.collect()
    assert gone() is None


def test_the_garbage_collector_goes_over_what_may_be_in_a_cycle_only() -> None:
    class Noted(BASE):  # type: ignore[misc] # any
        pass

    class Slotted(BASE):  # type: ignore[misc] # any
        __slots__ = ("note",)

    class Plain(BASE):  # type: ignore[misc] # any
        __slots__ = ()

    for kind in (Noted, Slotted, Plain):
        kind.own = kind("/tls")  # a cycle
        assert (str(kind.own), bytes(kind.own)) == ("/tls", bytes(Multiaddr("/tls")))
        assert gc.is_tracked(kind("/tls"))
    assert gc.is_tracked(Multiaddr("/tls", registry=REGISTRY.extended()))
    assert not gc.is_tracked(Multiaddr("/tls"))
    assert not gc.is_tracked(Multiaddr(b"\x06\0\x50") / "tls")
    gone = [weakref.ref(kind) for kind in (Noted, Slotted, Plain)]
    del kind, Noted, Slotted, Plain
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]


def test_there_is_no_way_around_the_constructor() -> None:
    with pytest.raises(TypeError):
        object.__new__(Multiaddr)
    with pytest.raises(TypeError):
        Multiaddr.__new__(int)  # type: ignore[type-var] # that is what is tested


def refused(source: str | bytes) -> None:
    with pytest.raises(multiaddr_py.ParseError):
        Multiaddr(source)


def refused_attribute(address: Any) -> None:
    with pytest.raises(AttributeError):
        address.anything = 1


OPERATIONS: dict[str, Callable[[Multiaddr], object]] = {
    "parse": lambda address: Multiaddr(str(address)),
    "from bytes": lambda address: Multiaddr(bytes(address)),
    "from an address": Multiaddr,
    "under a registry": lambda address: Multiaddr(str(address), registry=REGISTRY),
    "refused text": lambda address: refused(f"{address}/tcp/65536"),
    "refused bytes": lambda address: refused(bytes(address) + b"\0"),
    "surrogate": lambda address: refused(f"{address}/dns/\ud800"),
    "spans": lambda address: address._spans(),
    "first text": lambda address: [address._first_text("dns"), address._first_text(6), address._first_text("tls")],
    "operands": lambda address: [address / address / "tls" / b"\x06\x00\x50", address.decapsulate("/tls"), address[1:]],
    "comparison": lambda address: [address == Multiaddr(str(address)), address < address[1:], hash(address)],
    "pickle": lambda address: pickle.loads(pickle.dumps(address)),
    "immutable": refused_attribute,
}
ADDRESS = Multiaddr(
    "/ip6/2604:1380:1000:6000::1/dns/\u00e4"
    + "a" * 600
    + "/tcp/4001/unix/%00a/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN/tls"
)


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_leaks(name: str) -> None:
    action = OPERATIONS[name]

    def blocks() -> int:
        for _ in range(500):
            action(ADDRESS)
        gc.collect()
        return sys.getallocatedblocks()

    blocks()
    before = blocks()
    references = sys.getrefcount(REGISTRY), sys.getrefcount(Multiaddr)
    # A leak of one block a turn would show five hundred; caches of the interpreter's may grow by some.
    assert blocks() - before < 50
    for now, then in zip((sys.getrefcount(REGISTRY), sys.getrefcount(Multiaddr)), references, strict=True):
        assert now - then < 50


@pytest.mark.parametrize(
    "name", ["parse", "from bytes", "from an address", "spans", "first text", "operands", "str", "cut"]
)
def test_every_allocation_may_fail(name: str) -> None:
    """Let the first, the second, … allocation fail: a `MemoryError` comes out, nothing crashes, nothing is changed."""
    testing = pytest.importorskip("_testcapi")
    actions: dict[str, Callable[[Multiaddr], object]] = {
        **OPERATIONS,
        "str": str,
        "cut": lambda address: address._cut(0, 17),
    }
    # In ASCII, so that nothing is left to Python, whose generators do not bear it.
    address, action = Multiaddr(str(ADDRESS).replace("\u00e4", "a")), actions[name]
    expected = seen(action(address))
    failed = 0
    for number in range(1000):
        testing.set_nomemory(number, number + 1)
        try:
            result = action(address)
        except MemoryError:
            failed += 1
            continue
        finally:
            testing.remove_mem_hooks()
        if seen(result) == expected and number > 60:
            break
    assert seen(action(address)) == expected
    assert failed > 0


def run_python(code: str) -> str:
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


SUBINTERPRETER = '''
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = """
import sys
sys.path[:] = {path!r}
import multiaddr_py as m
print(m.ACCELERATED, repr(m.Multiaddr("/tcp/080")), flush=True)
"""
{before}
for _ in range(2):
    new = interpreters.create()
    interpreters.run_string(new, code.format(path=__import__("sys").path))
    interpreters.destroy(new)
import multiaddr_py as m
print(m.ACCELERATED, repr(m.Multiaddr("/tcp/080")))
'''


@pytest.mark.parametrize("before", ["import multiaddr_py", ""])
def test_another_interpreter_of_the_process_goes_without(before: str) -> None:
    """Only one has the accelerator; the others read the same."""
    lines = run_python(SUBINTERPRETER.replace("{before}", before)).splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["Multiaddr('/tcp/80')"] * 3
    assert "True" in {line.partition(" ")[0] for line in lines}
    if before:
        assert [line.partition(" ")[0] for line in lines] == ["False", "False", "True"]


def test_importing_anew_goes_without_as_long_as_the_first_copy_lives() -> None:
    code = """
import gc, sys

def forget():
    for name in [name for name in sys.modules if name.startswith("multiaddr_py")]:
        del sys.modules[name]

import multiaddr_py as first
forget()
import multiaddr_py as second
print(first.ACCELERATED, second.ACCELERATED, first.Multiaddr("/tls"), second.Multiaddr("/tls"))
del first, second
forget()
gc.collect()
import multiaddr_py as third
print(third.ACCELERATED, third.Multiaddr("/tls"))
"""
    assert run_python(code) == "True False /tls /tls\nTrue /tls\n"


TABLES = """
import os
os.environ["MULTIADDR_PY_PURE"] = "1"
import multiaddr_py
from multiaddr_py import CODECS, REGISTRY, Codec, Component, Multiaddr, Protocol, _wire, multiaddr, registry

class Rows:
    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)

class Row:
    def __init__(self, *fields):
        self._fields = lambda: fields

for rows in (5, [5], [Row()], [Row(1, 8, 5, None, "")], [Row(1, "8", "a", None, "")], [Row(-1, 8, "a", None, "")],
             [Row(1, 8, "a", 5, "")], [Row(1, 8, "a\\0b", None, "")]):
    registry.REGISTRY = Rows(rows)
    try:
        import multiaddr_py._accel
    except (AttributeError, TypeError, ValueError, OverflowError):
        continue
    raise AssertionError(rows)

own = Codec("own", str.encode, bytes.decode)
table = REGISTRY.extended(
    Protocol(1, 24, "three", "text"),
    Protocol(2, None, "own", own),
    Protocol(3, None, "x" * 31, "text"),
    Protocol(5, None, "y" * 30, "text"),
    Protocol(0, 0, "zero"),
    Protocol(2**63 - 1, 0, "last"),
    Protocol(7, 0, "\\u00e9t\\u00e9"),
    *(Protocol(1000 + number, 0, f"many{number}") for number in range(300)),
    Protocol(448, 0, "secure"),
    Protocol(3, None, "short", "text"),
    *(Protocol(448, 0, f"alias{number}") for number in range(600)),
)
registry.REGISTRY = multiaddr.REGISTRY = table
from multiaddr_py._accel import Base

class Address(Base):
    _read = classmethod(multiaddr.Multiaddr._read.__func__)

values = {"three": "abc", "own": "a", "x" * 31: "a", "y" * 30: "a", "short": "a"}
for name in [*values, "zero", "last", "\\u00e9t\\u00e9", "many0", "many299", "secure", "alias599", "alias0"]:
    text = f"/{name}/{values[name]}" if name in values else f"/{name}"
    python = Multiaddr(text, registry=table)
    for address in (Address(text), Address(bytes(python))):
        assert (str(address), bytes(address)) == (str(python), bytes(python)), text
        assert address._spans() == python._spans()
        assert address._first_text(name) == python._first_text(name)
try:
    Address("/three/ab")
except multiaddr_py.ParseError as error:
    print(error)
"""


def test_a_table_that_the_accelerator_does_not_have_codecs_for() -> None:
    """What it cannot learn is left to Python; rows that are none are refused, and all is forgotten then."""
    assert "has 3 bytes, not 2" in run_python(TABLES.replace("\\\\", "\\"))


def test_a_long_address_that_repeats_itself_is_cut_in_linear_time() -> None:
    whole, part = "/tls" * 3000, "/tls" * 1000
    check_same(lambda package: package.Multiaddr(whole).decapsulate(part + "/ws"))
    check_same(lambda package: package.Multiaddr(whole).decapsulate(part))
    check_same(lambda package: package.Multiaddr(part).decapsulate(whole))
