"""The C code built with sanitizers, to be loaded in a process that has libFuzzer and their runtime preloaded.

That is the one that atheris comes with, `asan_with_fuzzer.so`; so nothing of the compiler's own is linked.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

FLAGS = ["-g", "-O1", "-fno-omit-frame-pointer", "-fPIC", "-fno-sanitize-recover=all"]
# What sees calls through a pointer of another type is newer than the runtime.
CLANG = ["-fsanitize=address,undefined,fuzzer-no-link", "-fno-sanitize=function"]
# Not where the code has been, which gcc counts in a way that libFuzzer does not know, but what it has compared.
GCC = ["-fsanitize=address,undefined", "-fsanitize-coverage=trace-cmp"]


def atheris() -> Path | None:
    """Return the directory that atheris is installed in, None if it is not."""
    found = importlib.util.find_spec("atheris")
    return None if found is None or found.origin is None else Path(found.origin).parents[1]


def compiler() -> str | None:
    """Return the compiler: what CC says, else the newest clang, else gcc; None if there is none."""
    names = [os.environ.get("CC", ""), "clang", *(f"clang-{version}" for version in range(29, 13, -1)), "gcc"]
    return next((name for name in names if shutil.which(name)), None)


def build(package: Path, copy: Path) -> None:
    """Copy `multiaddr_py` from one directory to another one, and build the C code in it; raise `CalledProcessError`."""
    shutil.copytree(
        package / "multiaddr_py", copy / "multiaddr_py", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    source, built = copy / "multiaddr_py" / "_accel.c", copy / "accel.o"
    cc = compiler() or "cc"
    options = [*FLAGS, *(CLANG if "clang" in Path(cc).name else GCC), f"-I{sysconfig.get_path('include')}"]
    for command in (
        [cc, *options, "-c", str(source), "-o", str(built)],
        [cc, "-shared", str(built), "-o", str(source.with_name("_accel.abi3.so"))],
    ):
        subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)


def environment() -> dict[str, str]:
    """Return what the environment of a process that loads it has to say."""
    return {
        "MULTIADDR_PY_PURE": "0",
        "LD_PRELOAD": f"{atheris()}/asan_with_fuzzer.so",
        "PYTHONMALLOC": "malloc",  # in Python's own blocks, which lie side by side, reading too far is not seen
        "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=64",  # Python does not free all when it ends
    }
