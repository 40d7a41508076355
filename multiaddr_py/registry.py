"""Protocols, and the immutable table of them that a registry is.

The default table is `protocols.csv` beside this module: one row is one protocol, or another name of one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from multiaddr_py._arguments import is_integer, spell
from multiaddr_py._frozen import Frozen, Record, final
from multiaddr_py._varint import MOST, write_varint
from multiaddr_py.codecs import CODECS, Codec
from multiaddr_py.errors import ProtocolNotFoundError, RegistryError, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import SourceFileLoader
    from typing import TextIO, TypeAlias, TypeVar, overload
    from zipimport import zipimporter

    T = TypeVar("T")

_COLUMNS = ["code", "size", "name", "codec", "comment"]


@final
class Protocol(Record):
    """A protocol: what a component's name and code stand for, and how its value is written.

    `size` is in bits, 0 for no value, None for a value with its length in front.
    `codec` is a `Codec`, or the name of one of the package's own; None exactly when the size is 0.
    Raises `RegistryError` where these do not fit each other.

    >>> Protocol(455, 256, "wg", "multibase", "public key")
    <Protocol 455,256,wg,multibase,public key>
    """

    __match_args__ = ("code", "size", "name", "codec", "comment")
    __slots__ = (*__match_args__, "_length", "_prefix")
    code: int
    size: int | None
    name: str
    codec: Codec | None
    comment: str
    _prefix: bytes
    """What a component begins with in bytes: the code as a varint."""
    _length: int | None
    """How many bytes a value has; None where they say so themselves."""

    def __init__(
        self, code: int, size: int | None, name: str, codec: Codec | str | None = None, comment: str = ""
    ) -> None:
        if isinstance(codec, str):
            codec = _codec_named(codec, CODECS)
        _check_protocol(code, size, name, codec, comment)
        name, comment = str.__str__(name), str.__str__(comment)
        self._fill(code=code, size=size, name=name, codec=codec, comment=comment)
        self._fill(_prefix=write_varint(code), _length=None if size is None else size // 8)

    def __repr__(self) -> str:
        return f"<Protocol {self._row()}>"

    def _row(self) -> str:
        size = "V" if self.size is None else self.size
        codec = "" if self.codec is None else self.codec.name
        return f"{self.code},{size},{self.name},{codec},{self.comment}"

    def __reduce__(self) -> tuple[object, ...]:
        code, size, name, codec, comment = self._fields()
        if self.codec is not None and CODECS.get(self.codec.name) is self.codec:
            codec = self.codec.name
        return Protocol, (code, size, name, codec, comment)


def _check_protocol(code: int, size: int | None, name: str, codec: Codec | None, comment: str) -> None:
    if not (
        is_integer(code)
        and (size is None or is_integer(size))
        and isinstance(name, str)
        and (codec is None or isinstance(codec, Codec))
        and isinstance(comment, str)
    ):
        raise TypeError("a Protocol has an int, an int or None, a str, a Codec or its name or None, and a str")
    if not 0 <= code <= MOST:
        raise RegistryError(f"a code is a number from 0 to {MOST}, not {quote(spell(code))}")
    if size is not None and not (0 <= size <= MOST and size % 8 == 0):
        raise RegistryError(f"a size is 0, V or a multiple of 8 bits, not {quote(spell(size))}")
    if not name or not name.isprintable() or "/" in name or " " in name:
        raise RegistryError(f"a name has no slash, no blank and at least one character: {quote(name)}")
    if size == 0 and codec is not None:
        raise RegistryError(f"a protocol of size 0 has no value, so it has no codec: {codec.name!r}")
    if size != 0 and codec is None:
        raise RegistryError("a protocol with a value has a codec")
    if codec is not None and codec.takes_rest and size is not None:
        raise RegistryError(f"codec {codec.name!r} takes values of any length, so it needs a size of V, not {size}")
    if codec is not None and codec.size not in (None, size):
        raise RegistryError(f"codec {codec.name!r} needs a size of {codec.size}, not {'V' if size is None else size}")


Key: TypeAlias = str | int | Protocol
"""What names a protocol: its name, an alias, its code, or itself."""


@final
class Registry(Frozen, Collection[Protocol]):
    """An immutable table of protocols.

    It is a collection of its protocols, one for each code, in the order of the table.
    `registry[key]` and `get` take a name, an alias, a code or a `Protocol`,
    which is found when the registry's protocol of that code equals it.
    Of several protocols with one code the first is the canonical one; the names of the others read as its aliases.

    >>> REGISTRY["tcp"].code, REGISTRY[6].name, REGISTRY["ipfs"].name
    (6, 'tcp', 'p2p')
    """

    __slots__ = ("_base", "_by_code", "_by_name", "_by_prefix", "aliases", "rows")
    rows: tuple[Protocol, ...]
    """All that the registry was made of, aliases included: `Registry(registry.rows)` equals it."""
    _by_name: dict[str, Protocol]
    _by_code: dict[int, Protocol]
    _by_prefix: dict[bytes, Protocol]
    _base: Registry | None
    """The registry that this one extends by its last rows."""
    aliases: Mapping[str, Protocol]
    """The protocols by their further names."""

    def __init__(self, protocols: Iterable[Protocol]) -> None:
        """Make a registry of `protocols`; raise `RegistryError` where two of them cannot stand together."""
        self._init(tuple(protocols), None)

    def _init(self, rows: tuple[Protocol, ...], base: Registry | None) -> None:
        by_name: dict[str, Protocol] = {}
        by_code: dict[int, Protocol] = {}
        aliases: dict[str, Protocol] = {}
        for row in rows:
            if not isinstance(row, Protocol):
                raise TypeError(f"a registry is made of Protocols, not of {type(row).__name__}")
            canonical = by_code.setdefault(row.code, row)
            if row.name in by_name:
                raise RegistryError(f"two protocols have the name {row.name!r}", row._row())
            if (row.size, row.codec) != (canonical.size, canonical.codec):
                reason = f"{row.name!r} has the code of {canonical.name!r}, but another size or codec"
                raise RegistryError(reason, row._row())
            by_name[row.name] = canonical
            if row is not canonical:
                aliases[row.name] = canonical
        by_prefix = {protocol._prefix: protocol for protocol in by_code.values()}
        self._fill(rows=rows, _base=base, aliases=MappingProxyType(aliases))
        self._fill(_by_name=by_name, _by_code=by_code, _by_prefix=by_prefix)

    @classmethod
    def from_csv(
        cls, path_or_file: str | os.PathLike[str] | TextIO, *, codecs: Mapping[str, Codec] = CODECS
    ) -> Registry:
        """Read a table with the columns `code,size,name,codec,comment`.

        `size` is in bits, `0` for no value, `V` for a length in front of the value.
        `codec` is a key of `codecs`, empty exactly when the size is 0.
        `comment` is last and may contain commas. Blanks around a cell do not count.
        Raises `RegistryError`, which names the row and the rule.
        """
        if isinstance(path_or_file, str | os.PathLike):
            with open(path_or_file, encoding="utf-8-sig") as file:
                return cls(_read_csv(file, codecs))
        return cls(_read_csv(path_or_file, codecs))

    def extended(self, *additions: Protocol | str) -> Registry:
        """Return a registry with further protocols, each a `Protocol` or a row of CSV naming a codec of the package.

        Raises `RegistryError` for what is no protocol, or cannot stand beside those that are there.

        >>> REGISTRY.extended("455,256,wg,multibase,public key")["wg"].code
        455
        """
        rows = tuple(_read_row(row, CODECS) if isinstance(row, str) else row for row in additions)
        return _extended(self, rows)

    def __iter__(self) -> Iterator[Protocol]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def __contains__(self, key: object) -> bool:
        try:
            return self._find(key) is not None
        except TypeError:
            return False

    def __getitem__(self, key: Key) -> Protocol:
        protocol = self._find(key)
        if protocol is None:
            raise ProtocolNotFoundError(key, "the registry")
        return protocol

    if TYPE_CHECKING:

        @overload
        def get(self, key: Key) -> Protocol | None: ...
        @overload
        def get(self, key: Key, default: T) -> Protocol | T: ...

    def get(self, key: Key, default: object = None) -> object:
        """Return the protocol of this name, alias or code, otherwise `default`."""
        protocol = self._find(key)
        return default if protocol is None else protocol

    def _find(self, key: object) -> Protocol | None:
        if isinstance(key, str):
            return self._by_name.get(key)
        if is_integer(key):
            return self._by_code.get(key)
        if isinstance(key, Protocol):
            protocol = self._by_code.get(key.code)
            return protocol if protocol == key else None
        raise TypeError(f"a protocol is looked up by its name, its code or a Protocol, not by {type(key).__name__}")

    def __eq__(self, other: object) -> bool:
        return self.rows == other.rows if isinstance(other, Registry) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.rows)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} protocols>"

    def __reduce__(self) -> str | tuple[object, ...]:
        if self is REGISTRY:
            return "REGISTRY"
        if self._base is None:
            return Registry, (self.rows,)
        return _extended, (self._base, self.rows[len(self._base.rows) :])


def _extended(base: Registry, rows: tuple[Protocol, ...]) -> Registry:
    registry = Registry.__new__(Registry)
    # Never a chain of registries: pickling one would recurse.
    registry._init(base.rows + rows, base if base._base is None else base._base)
    return registry


def _read_csv(lines: Iterable[str], codecs: Mapping[str, Codec]) -> Iterator[Protocol]:
    try:
        header, *rows = list(lines) or [""]
    except UnicodeDecodeError as error:
        raise RegistryError("the table is not UTF-8") from error
    if not isinstance(header, str):
        raise TypeError(f"a table is read from a file of text, not of {type(header).__name__}")
    if [cell.strip() for cell in header.split(",")] != _COLUMNS:
        raise RegistryError(f"the table begins with the columns {','.join(_COLUMNS)}", header.strip())
    return (_read_row(row, codecs) for row in rows if row.strip())


def _read_row(row: str, codecs: Mapping[str, Codec]) -> Protocol:
    cells = [cell.strip() for cell in row.split(",", len(_COLUMNS) - 1)]
    try:
        if len(cells) < len(_COLUMNS):
            raise RegistryError(f"column {_COLUMNS[len(cells)]!r} is missing")
        code, size, name, codec, comment = cells
        return Protocol(
            _number(code, "code"),
            None if size == "V" else _number(size, "size"),
            name,
            _codec_named(codec, codecs) if codec else None,
            comment,
        )
    except RegistryError as error:
        raise RegistryError(error.reason, row.strip()) from None


def _number(cell: str, column: str) -> int:
    # Nineteen digits hold every code; `int` would refuse or be slow on very many.
    if not (cell.isascii() and cell.isdigit()) or len(cell) > 19:
        raise RegistryError(f"{quote(cell)} is no {column}")
    return int(cell)


def _codec_named(name: str, codecs: Mapping[str, Codec]) -> Codec:
    codec = codecs.get(name)
    if codec is None:
        raise RegistryError(f"there is no codec {quote(name)}; there are {', '.join(codecs)}")
    return codec


def _default_table() -> Registry:
    # Through the module's own loader, which also reads from a zip; `importlib.resources` takes long to import.
    loader: SourceFileLoader | zipimporter = __spec__.loader  # type: ignore[assignment, unused-ignore] # never None
    table = loader.get_data(os.path.join(os.path.dirname(__file__), "protocols.csv"))
    return Registry(_read_csv(table.decode().splitlines(), CODECS))


REGISTRY = _default_table()
"""The registry of the package's own table."""
