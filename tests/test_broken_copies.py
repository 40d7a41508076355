"""Each law can fail: a copy of the package in which one place was changed is caught by it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import test_accel
import test_laws
from broken import Break, broken_copy
from hypothesis import Phase, settings
from hypothesis.errors import HypothesisException

from multiaddr_py import ACCELERATED

LAWS = {
    "any_text_is_read_or_refused": Break(
        "_wire.py", '"an address has at least one component", text, len(text)', '"none", text, len(text) + 1'
    ),
    "any_bytes_are_read_or_refused": Break(
        "_varint.py", 'raise ValueError("a varint is cut off")', 'raise IndexError("a varint is cut off")'
    ),
    "any_text_and_bytes_are_a_value_or_refused": Break(
        "component.py",
        "_wire.value_error(error, protocol, shown, shown, 0)",
        "_wire.value_error(error, protocol, shown, shown, 1)",
    ),
    "reading_what_was_written_gives_it_back": Break("codecs/percent.py", '0123456789-._~"', '0123456789-._~%"'),
    "other_spellings_are_read_as_the_canonical_one": Break(
        "codecs/number.py", 'digits = text.lstrip("0")', "digits = text"
    ),
    "what_is_almost_an_address_is_refused_for_what_is_wrong": Break(
        "codecs/onion.py", r'raw.endswith(b"\0\0")', r'raw.endswith(b"\0\0\0")'
    ),
    "canonical_text_is_a_fixed_point": Break(
        "codecs/name.py", "return text.encode()", "return text.swapcase().encode()"
    ),
    "components_joined_give_the_address": Break(
        "multiaddr.py", "cuts.append(len(bytes(self)))", "cuts.append(len(bytes(self)) - 1)"
    ),
    "a_typed_value_gives_its_component_back": Break(
        "codecs/onion.py", "int.from_bytes(raw[-2:]))", 'int.from_bytes(raw[-2:], "little"))'
    ),
    "encapsulate_and_decapsulate_undo_each_other": Break(
        "_wire.py", "if matched == len(sought):", "if matched > len(sought):"
    ),
    "decapsulate_finds_the_last_run_of_equal_components": Break(
        "_wire.py", "borders.append(border + (item == sought[border]))", "borders.append(0)"
    ),
    "order_agrees_with_that_of_the_bytes": Break(
        "_frozen.py", "return self._bytes < other._bytes", "return self._bytes[1:] < other._bytes[1:]"
    ),
    "a_pickled_address_is_the_same_one": Break(
        "multiaddr.py", "_load, (bytes(self), self.registry)", "_load, (bytes(self[:1]), self.registry)"
    ),
    "look_ups_agree_with_the_components": Break(
        "multiaddr.py", "for span in self._spans() if span[0] == code]", "for span in self._spans() if span[0] >= code]"
    ),
    "a_slice_is_that_of_the_components": Break(
        "multiaddr.py", "index.step in (None, 1)", "index.step in (None, 1, -1)"
    ),
    "a_replaced_value_is_the_only_thing_that_changes": Break(
        "multiaddr.py", "bytes(component) + bytes(self)[stop:]", "bytes(component)"
    ),
    "the_peer_is_the_last_one_behind_the_last_relay": Break(
        "multiaddr.py",
        "if span[0] == _P2P_CIRCUIT:\n                return None",
        "if span[0] == _P2P_CIRCUIT:\n                continue",
    ),
    "a_peer_id_in_any_notation_is_the_same_one": Break("peer_id.py", "bytes([1, _LIBP2P_KEY])", "bytes([1, 0x70])"),
    "addresses_of_another_registry_keep_the_laws": Break(
        "multiaddr.py", "registry = component.registry if registry is None", "registry = REGISTRY if registry is None"
    ),
}
"""What breaks a law of `test_laws`, by its name."""

SAME = {
    "any_text": Break(
        "codecs/ip.py", 'raise ValueError(":: stands once at most")', 'raise ValueError(":: stands once")'
    ),
    "any_bytes": Break("_wire.py", "if length == 0:", "if length == 1:"),
    "operands": Break("multiaddr.py", "return bytes(self).startswith(", "return bytes(self).endswith("),
    "decapsulating_from_what_repeats_itself": Break(
        "_wire.py", "borders.append(border + (item == sought[border]))", "borders.append(0)"
    ),
    "look_ups": Break("_wire.py", "if protocol.code == code:", "if protocol.code >= code:"),
    "sequences": Break("multiaddr.py", "del cuts[maxsplit + 1 :]", "del cuts[maxsplit + 2 :]"),
    "comparison_hash_and_copies": Break("_frozen.py", "return hash(self._bytes)", "return hash(self._bytes) + 1"),
}
"""What makes the copy in pure Python differ, by the name of the law of `test_accel` that says that it does not."""


def laws_of(module: object) -> set[str]:
    return {name.removeprefix("test_") for name, law in vars(module).items() if hasattr(law, "hypothesis")}


@pytest.fixture(autouse=True)
def _quickly() -> Iterator[None]:
    """A failure counts, not its smallest example."""
    settings.register_profile(
        "broken",
        max_examples=2000,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
    )
    settings.load_profile("broken")
    yield
    settings.load_profile(os.environ.get("MULTIADDR_PROFILE", "quick"))


def is_caught(law: object) -> bool:
    try:
        law()  # type: ignore[operator] # a test without fixtures
    except HypothesisException:
        raise  # it is not the law that failed
    except Exception:  # an assertion, or whatever the broken copy raises
        return True
    return False


def test_every_law_has_a_break() -> None:
    assert laws_of(test_laws) == LAWS.keys()
    assert laws_of(test_accel) == SAME.keys()


def test_every_law_holds_for_a_copy_in_which_nothing_is_broken(tmp_path: Path) -> None:
    """What is caught below is caught for what was changed, not since it is a copy."""
    settings.register_profile("broken", settings.get_profile("broken"), max_examples=20)
    settings.load_profile("broken")
    with broken_copy(tmp_path, Break("errors.py", "The root of", "The root  of")):
        laws = importlib.import_module("test_laws")
        for name in LAWS:
            getattr(laws, f"test_{name}")()


@pytest.mark.parametrize("name", LAWS)
def test_a_law_catches_a_broken_copy(name: str, tmp_path: Path) -> None:
    with broken_copy(tmp_path, LAWS[name]):
        laws = importlib.import_module("test_laws")
        assert is_caught(getattr(laws, f"test_{name}")), f"{name} holds for a copy that is broken"


@pytest.mark.skipif(not ACCELERATED, reason="the accelerator was not built, or is turned off")
@pytest.mark.parametrize("name", SAME)
def test_a_copy_that_differs_from_the_accelerator_is_caught(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken_copy(tmp_path, SAME[name]) as package:
        monkeypatch.setattr(test_accel, "PURE", package)
        assert is_caught(getattr(test_accel, f"test_{name}")), f"{name} holds for a copy that differs"
