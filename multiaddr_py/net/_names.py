"""What can be looked up as the name of a host."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_HEX: Final = frozenset("0123456789abcdefABCDEF")


def fault_of_name(name: str) -> tuple[str, str | None] | None:
    """Say which rule a name breaks, and what would do; None for one that is fine.

    RFC 1123, section 2.1, with the underscore that many names have.
    Resolvers take more: `127.1` and `0x7f000001` for 127.0.0.1, `fe80::1%eth0`, names that end at a zero byte.
    What an address calls a name has to be one, or a filter that looks for IP addresses would be passed by.
    """
    if not name.isascii():
        return "a host name in DNS is ASCII", "write its A-labels, xn--…"
    name = name.removesuffix(".")
    if len(name) > 253:
        return "a host name has at most 253 characters", None
    labels = name.split(".")
    if not all(labels) or max(map(len, labels)) > 63:
        return "a label of a host name has 1 to 63 characters", None
    if not "".join(labels).replace("-", "").replace("_", "").isalnum():
        return "a host name has letters, digits, hyphens and dots", "use ip6" if ":" in name else None
    if _is_number(labels[-1]):
        return "a host name does not end in a number", "use ip4"
    return None


def _is_number(label: str) -> bool:
    return label.isdigit() or (label[:2] in ("0x", "0X") and _HEX.issuperset(label[2:]))
