"""Build `_accel`, where that is possible: without it the package does the same, only slower.

Everything else that setuptools has to know is in pyproject.toml.
"""

from __future__ import annotations

import os
import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

ACCEL = Extension(
    "multiaddr_py._accel",
    ["multiaddr_py/_accel.c"],
    depends=["multiaddr_py/_accel_bases.h", "multiaddr_py/_accel_codecs.h", "multiaddr_py/_accel_wire.h"],
    extra_compile_args=["-g0"] if os.name == "posix" else [],  # a third of the size
    py_limited_api=True,
)


def can_load_it() -> bool:
    """Say whether this Python could: PyPy and CPython without its lock have no stable ABI."""
    return sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")


class BuildIfPossible(build_ext):
    """Build the extension, or go on without."""

    def run(self) -> None:
        """Run, and take the extension out of the distribution where it could not be built."""
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            self.warn(f"the C accelerator is left out, all works without it: {error}")
            for output in self.get_outputs():
                if os.path.exists(output):  # of an earlier build
                    os.remove(output)
            self.distribution.ext_modules = None
            self.extensions = []


class TaggedByWhatIsInIt(bdist_wheel):
    """Make a wheel of the stable ABI if there is an extension in it, and a pure one if there is none."""

    def run(self) -> None:
        """Build the extension first, then say what kind of wheel it is."""
        if self.distribution.has_ext_modules():
            self.run_command("build_ext")
            self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


wanted = can_load_it() and os.environ.get("MULTIADDR_PY_PURE", "0") in ("", "0")
setup(
    ext_modules=[ACCEL] if wanted else None,
    cmdclass={"build_ext": BuildIfPossible, "bdist_wheel": TaggedByWhatIsInIt},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if wanted else {},
)
