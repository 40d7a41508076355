"""Which addresses a program dials or announces: rules over networks, ports, transports, scopes and peers.

As text, a filter has one rule a line, and its default as the last one:

    # what a public node dials
    allow peer=12D3KooWQF6Q3i1QkziJQ9mkNNcyFD8GPQz6R6oEvT75wgsVXm4v
    deny scope=private,loopback,link-local
    deny network=203.0.113.0/24,2001:db8::/32 port=1-1023 transport=tcp
    deny transport=p2p-circuit  # relayed ones
    default allow

The first rule that matches decides. It matches where all its conditions hold; of the values of one, any will do.
A rule without conditions matches everything. `#` begins a comment, wherever it stands; blanks are spaces and tabs.
The default has to be said, and last: a file that was cut off is no filter, instead of a more generous one.

| condition | its values | asks for |
|---|---|---|
| `network` | `10.0.0.0/8`, `fc00::/7`, `192.0.2.1`, `/ip4/10.0.0.0/ipcidr/8` | the IP address at the front |
| `port` | `4001`, `4000-4999` | the port of the transport behind it |
| `transport` | the name of any protocol | the components up to the first `p2p-circuit` |
| `scope` | the name of a `Scope` | what `scope()` finds |
| `peer` | a peer ID | the peer that one ends up talking to, not its relay |

An IPv6 address that carries an IPv4 one (mapped, 6to4, Teredo, NAT64) is in the networks of both.
A name is in no network, even one that is a number: whoever looks it up asks again, about what was found,
as `connect(address, allow=filter.allows)` does.
`deny scope=reserved` keeps the numbers out, `deny transport=dns,dns4,dns6,dnsaddr` all names.
What stands behind a `p2p-circuit` is for the relay to dial, so that only its last peer is asked for.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from multiaddr_py import Multiaddr, ParseError
from multiaddr_py._arguments import plain
from multiaddr_py._frozen import Record, final
from multiaddr_py.errors import quote
from multiaddr_py.net._conditions import CONDITIONS, Facts, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from ipaddress import IPv4Address, IPv6Address
    from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

    from multiaddr_py import PeerId
    from multiaddr_py.net._conditions import Network, Test
    from multiaddr_py.net.scopes import Scope
    from multiaddr_py.net.sockaddr import AddressLike
    from multiaddr_py.registry import Key

    T = TypeVar("T")
    Action: TypeAlias = Literal["allow", "deny"]
    NetworkLike: TypeAlias = str | IPv4Network | IPv6Network | IPv4Address | IPv6Address | Multiaddr

_ACTIONS: Final = ("allow", "deny")
_SINGLE: Final = (str, bytes, range, IPv4Network, IPv6Network, Multiaddr)
"""What can be iterated over, but is meant as one value: a network would become the list of its addresses."""
_BLANKS: Final = "no blanks stand around = and commas"


@final
class Rule(Record):
    """What to do with the addresses for which all conditions hold; of the values of one, any will do.

    A condition that is None is not asked. One without values raises `ValueError`:
    no address would match, or, if the empty list stood for None, every one.
    Networks, scopes and peers are read from text and from objects, ports from numbers, text and ranges,
    transports from names, codes and protocols. A wrong value raises `ParseError`.

    >>> rule = Rule("deny", networks=["10.0.0.0/8"], ports=[22, range(6000, 6064)])
    >>> str(rule)
    'deny network=10.0.0.0/8 port=22,6000-6063'
    >>> rule.networks
    (IPv4Network('10.0.0.0/8'),)
    """

    __match_args__ = ("action", "networks", "ports", "transports", "scopes", "peers")
    __slots__ = (*__match_args__, "_tests")
    action: Action
    networks: tuple[Network, ...] | None
    ports: tuple[range, ...] | None
    transports: tuple[str, ...] | None
    """Canonical names of protocols."""
    scopes: tuple[Scope, ...] | None
    peers: tuple[PeerId, ...] | None
    _tests: tuple[Test, ...]

    def __init__(
        self,
        action: Action,
        *,
        networks: Iterable[NetworkLike] | None = None,
        ports: Iterable[int | str | range] | None = None,
        transports: Iterable[Key] | None = None,
        scopes: Iterable[Scope | str] | None = None,
        peers: Iterable[PeerId | str | bytes] | None = None,
    ) -> None:
        given = zip(CONDITIONS, (networks, ports, transports, scopes, peers), strict=True)
        conditions = {key: _read_values(key, values) for key, values in given}
        tests = [CONDITIONS[key].test(values) for key, values in conditions.items() if values is not None]
        self._fill(action=_read_action(action), _tests=tuple(tests))
        self._fill(**{f"{key}s": values for key, values in conditions.items()})

    def _texts(self) -> Iterator[tuple[str, list[str]]]:
        """Return the conditions that are asked, with the texts of their values."""
        for key, condition in CONDITIONS.items():
            values = getattr(self, f"{key}s")
            if values is not None:
                yield key, [condition.write(value) for value in values]

    def __str__(self) -> str:
        """Return the rule's line."""
        return " ".join([self.action, *(f"{key}={','.join(texts)}" for key, texts in self._texts())])

    def __repr__(self) -> str:
        arguments = [repr(self.action), *(f"{key}s={texts!r}" for key, texts in self._texts())]
        return f"Rule({', '.join(arguments)})"


def _read_action(action: object) -> Action:
    if not isinstance(action, str):
        raise TypeError(f"an action is 'allow' or 'deny', not {type(action).__name__}")
    if action not in _ACTIONS:
        raise unknown("action", action, _ACTIONS)
    return "allow" if action == "allow" else "deny"


def _read_values(key: str, values: Iterable[object] | None) -> tuple[object, ...] | None:
    if values is None:
        return None
    if isinstance(values, _SINGLE) or not hasattr(values, "__iter__"):
        raise TypeError(f"{key}s is a list of values, not {type(values).__name__}")
    read = tuple(map(CONDITIONS[key].read, values))
    if not read:
        raise ValueError(f"{key}s has no values: no address would match; leave it out to match any")
    return read


class Decision(NamedTuple):
    """What a filter says of an address, and which rule said so."""

    allowed: bool
    rule: Rule | None
    """The first rule that matched; None where the default decided."""


@final
class Filter(Record):
    """An immutable list of rules, of which the first that matches an address decides; if none does, the default.

    `help("multiaddr_py.net.filters")` says what stands in a rule.

    >>> dialled = Filter.parse('''
    ... deny network=10.0.0.0/8
    ... allow port=4001
    ... default deny''')
    >>> dialled.allows("/ip4/192.0.2.1/tcp/4001")
    True

    Nobody hides an IPv4 address in an IPv6 one, but a name is not looked up:

    >>> dialled.decide("/ip6/::ffff:10.0.0.1/tcp/4001")
    Decision(allowed=False, rule=Rule('deny', networks=['10.0.0.0/8']))
    >>> dialled.decide("/dns/ten.example/tcp/4001")
    Decision(allowed=True, rule=Rule('allow', ports=['4001']))

    Of many addresses, `filter(dialled.allows, addresses)` gives those that are allowed.
    """

    __match_args__ = ("rules", "default")
    __slots__ = __match_args__
    rules: tuple[Rule, ...]
    default: Action

    def __init__(self, rules: Iterable[Rule], *, default: Action) -> None:
        if isinstance(rules, str):
            raise TypeError("a filter is made of Rules; Filter.parse reads text")
        rules = tuple(rules)
        for rule in rules:
            if not isinstance(rule, Rule):
                raise TypeError(f"a filter is made of Rules, not of {type(rule).__name__}")
        self._fill(rules=rules, default=_read_action(default))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter from its lines; raise `ParseError` at the first fault, with the number of its line.

        >>> Filter.parse("deny port=2-1")
        Traceback (most recent call last):
        multiaddr_py.errors.ParseError: 'deny port=2-1': line 1: '2-1' is no port: \
a range goes from the lower port to the higher one (at character 10)
        """
        source = plain(text)
        if not isinstance(source, str):
            raise TypeError(f"a filter is read from text, not from {type(text).__name__}")
        rules: list[Rule] = []
        default: Action | None = None
        for number, words in _lines(source):
            try:
                if default is not None:
                    raise ParseError(_AFTER_DEFAULT, source, words[0][0])
                if words[0][1] == "default":
                    default = _read_default(words)
                else:
                    rules.append(_read_rule(words))
            except ParseError as error:
                reason = f"line {number}: {error.reason}"
                raise ParseError(reason, source, error.offset, error.protocol, error.hint) from error
        if default is None:
            raise ParseError("a filter ends with the line 'default allow' or 'default deny'", source, len(source))
        return cls(rules, default=default)

    def __str__(self) -> str:
        """Return the filter's text, which `parse` reads."""
        return "\n".join([*map(str, self.rules), f"default {self.default}"])

    def __repr__(self) -> str:
        return f"Filter({list(self.rules)!r}, default={self.default!r})"

    def decide(self, address: AddressLike) -> Decision:
        """Say whether an address is allowed, and which rule said so; raise `ParseError` for what is no address."""
        facts = Facts(address if isinstance(address, Multiaddr) else Multiaddr(address))
        for rule in self.rules:
            for test in rule._tests:
                if not test(facts):
                    break
            else:
                return Decision(rule.action == "allow", rule)
        return Decision(self.default == "allow", None)

    def allows(self, address: AddressLike) -> bool:
        """Say whether an address is allowed; raise `ParseError` for what is no address."""
        return self.decide(address).allowed


# The text, in pieces that come with their offsets

_AFTER_DEFAULT: Final = "nothing follows the default"


def _pieces(text: str, separator: str, offset: int) -> Iterator[tuple[int, str]]:
    for piece in text.split(separator):
        yield offset, piece
        offset += len(piece) + 1


def _lines(text: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Return the number of each line that has words, and these."""
    if text.startswith("\ufeff"):  # which some editors write, and none shows; a blank keeps the offsets right
        text = " " + text[1:]
    for number, (start, line) in enumerate(_pieces(text, "\n", 0), 1):
        said = line.removesuffix("\r").partition("#")[0].replace("\t", " ")
        words = [(offset, word) for offset, word in _pieces(said, " ", start) if word]
        if words:
            yield number, words


def _read_default(words: list[tuple[int, str]]) -> Action:
    (start, word), *others = words
    if not others:
        raise ParseError("default is followed by allow or deny", word, start + len(word))
    (offset, action), *surplus = others
    if surplus:
        raise ParseError(_AFTER_DEFAULT, word, surplus[0][0])
    return _placed(_read_action, action, offset)


def _read_rule(words: list[tuple[int, str]]) -> Rule:
    (start, action), *conditions = words
    if action not in _ACTIONS:
        raise unknown("action", action, (*_ACTIONS, "default"), start)
    arguments: dict[str, Any] = {}
    for offset, word in conditions:
        key, equals, values = word.partition("=")
        if not equals:
            raise ParseError(f"{quote(word)} is no condition: it has no =", word, offset, None, _BLANKS)
        if key not in CONDITIONS:
            raise unknown("condition", key, CONDITIONS, offset)
        if f"{key}s" in arguments:
            raise ParseError(f"{key} stands twice in the rule", word, offset, None, "put commas between its values")
        pieces = _pieces(values, ",", offset + len(key) + 1)
        arguments[f"{key}s"] = [_read_value(key, value, place) for place, value in pieces]
    return Rule(_read_action(action), **arguments)


def _read_value(key: str, value: str, offset: int) -> object:
    if not value:
        raise ParseError(f"{key} has an empty value", value, offset, None, _BLANKS)
    return _placed(CONDITIONS[key].read, value, offset)


def _placed(read: Callable[[object], T], value: str, offset: int) -> T:
    """Read a value that stands at `offset`."""
    try:
        return read(value)
    except ParseError as error:
        raise ParseError(error.reason, value, offset + error.offset, error.protocol, error.hint) from error
