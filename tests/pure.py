"""A second copy of the package in this process, without the accelerator."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from unittest import mock


def load_pure() -> ModuleType:
    """Import the package anew, in pure Python; what was imported before stays as it is."""
    own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "multiaddr_py"}
    with mock.patch.dict(sys.modules), mock.patch.dict(os.environ, MULTIADDR_PY_PURE="1"):
        for name in own:
            del sys.modules[name]
        return importlib.import_module("multiaddr_py")


PURE = load_pure()
