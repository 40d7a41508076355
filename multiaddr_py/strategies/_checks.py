"""Checks of the arguments of strategies: what makes no sense is refused on the call, as Hypothesis's own are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hypothesis.errors import InvalidArgument
from hypothesis.strategies import SearchStrategy

from multiaddr_py import MultiaddrError, Protocol, Registry

if TYPE_CHECKING:
    from typing import TypeAlias

    from multiaddr_py.registry import Key

    Values: TypeAlias = (
        Mapping[str, SearchStrategy[object]]
        | Mapping[int, SearchStrategy[object]]
        | Mapping[Protocol, SearchStrategy[object]]
        | Mapping[Key, SearchStrategy[object]]
    )
    """Of any kind of key: those of a `Mapping` are of one type exactly."""

_LONGEST = 10_000_000  # characters or bytes: an address of more says nothing new, and takes seconds
_MORE = 9
"""How many components over the least number an address has at most, where nobody says."""


def checked_registry(registry: Registry) -> Registry:
    """Return a registry that has protocols."""
    if not isinstance(registry, Registry):
        raise InvalidArgument(f"registry={registry!r} is no Registry")
    if not registry:
        raise InvalidArgument("the registry has no protocols")
    return registry


def checked_protocol(protocol: Key, registry: Registry, argument: str) -> Protocol:
    """Return a protocol of the registry."""
    try:
        return registry[protocol]
    except (MultiaddrError, TypeError) as error:
        raise InvalidArgument(f"{argument}: {error}") from error


def checked_protocols(protocols: Iterable[Key] | None, registry: Registry) -> list[Protocol]:
    """Return the protocols of the registry that are wanted, in the order of its table; all where nobody says."""
    if protocols is None:
        return list(registry)
    if isinstance(protocols, str | bytes) or not isinstance(protocols, Iterable):
        raise InvalidArgument(f"protocols={protocols!r} is no collection of protocols; write [{protocols!r}] for one")
    wanted = {checked_protocol(protocol, registry, f"{protocols=}").code for protocol in protocols}
    if not wanted:
        raise InvalidArgument(f"{protocols=} leaves no protocol")
    return [protocol for protocol in registry if protocol.code in wanted]


def _check_size(argument: str, size: int, least: int) -> None:
    if not isinstance(size, int) or isinstance(size, bool):
        raise InvalidArgument(f"{argument}={size!r} is no int")
    if size < least:
        raise InvalidArgument(f"{argument}={size} is less than {least}")


def checked_sizes(min_size: int, max_size: int | None) -> tuple[int, int]:
    """Return the least and the greatest number of components."""
    _check_size("min_size", min_size, 0)
    if max_size is None:
        return min_size, min_size + _MORE
    _check_size("max_size", max_size, 0)
    if max_size < min_size:
        raise InvalidArgument(f"{max_size=} is less than {min_size=}")
    return min_size, max_size


def check_length(max_size: int) -> None:
    """Refuse what is no greatest number of characters or bytes; of fewer than some nothing hostile is left."""
    _check_size("max_size", max_size, 64)
    if max_size > _LONGEST:
        raise InvalidArgument(f"{max_size=} is more than {_LONGEST}")


def _is_empty(strategy: SearchStrategy[object]) -> bool:
    try:
        empty: bool = strategy.is_empty
    except NameError:  # it is deferred, and what it stands for comes later
        return False
    return empty


def checked_values(
    values: Values | None, registry: Registry, protocols: list[Protocol]
) -> dict[str, SearchStrategy[object]]:
    """Return the strategies that are given for the values of protocols, by name."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidArgument(f"values={values!r} is no mapping from protocols to strategies")
    by_name = {}
    for key, strategy in values.items():
        protocol = checked_protocol(key, registry, "values")
        if protocol not in protocols:
            raise InvalidArgument(f"values has a strategy for {protocol.name}, which is not drawn here")
        if protocol.codec is None:
            raise InvalidArgument(f"values has a strategy for {protocol.name}, which has no value")
        if not isinstance(strategy, SearchStrategy):
            raise InvalidArgument(f"values[{key!r}]={strategy!r} is no strategy; st.just(…) makes one of a value")
        if _is_empty(strategy):
            raise InvalidArgument(f"values[{key!r}] draws nothing")
        if protocol.name in by_name:
            raise InvalidArgument(f"values has two strategies for {protocol.name}")
        by_name[protocol.name] = strategy
    return by_name


def check_kind(kind: type | None) -> None:
    """Refuse what is no kind of source."""
    if kind not in (None, str, bytes):
        raise InvalidArgument(f"{kind=} is neither str nor bytes nor None")


def checked_key_types(key_types: Iterable[str] | None, known: Sequence[str]) -> list[str] | None:
    """Return the types of keys that are wanted; None where nobody says."""
    if key_types is None:
        return None
    if isinstance(key_types, str) or not isinstance(key_types, Iterable):
        raise InvalidArgument(f"key_types={key_types!r} is no collection of types; write [{key_types!r}] for one")
    wanted = list(key_types)
    if not wanted:
        raise InvalidArgument(f"{key_types=} leaves no type")
    for key_type in wanted:
        if key_type not in known:
            raise InvalidArgument(f"{key_type!r} is no type of key; there are {', '.join(known)}")
    return wanted
