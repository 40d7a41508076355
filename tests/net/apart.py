"""Functions of tests that run in a process of their own: where every warning counts, or in a network of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

NETWORK = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
SET_UP = "ip link set lo up && for ip in fe80::1/64 fe80::2/64 127.0.0.1/16; do ip addr add $ip dev lo || exit 1; done"


def run_apart(function: Callable[[], None], *, before: tuple[str, ...] = ()) -> None:
    """Run a function of a test module in development mode; fail if it fails, or leaves anything open."""
    call = f"import gc, {function.__module__} as m; m.{function.__name__}(); gc.collect()"
    here = Path(__file__).parent
    paths = [str(here.parents[1]), str(here.parent), str(here), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [*before, sys.executable, "-X", "dev", "-W", "error", "-c", call],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    if done.returncode or done.stderr:
        pytest.fail(f"{function.__name__} ended with {done.returncode}: {done.stderr}")


def run_in_own_network(function: Callable[[], None]) -> None:
    """Run a function like `run_apart`, where `lo` is all that there is; it has fe80::1, fe80::2 and 127.0.0.1 twice."""
    fault = fault_of_own_network()
    if fault is not None:
        pytest.skip(f"no network of one's own: {fault}")
    run_apart(function, before=(*NETWORK, f'{SET_UP} && exec "$@"', "sh"))


@cache
def fault_of_own_network() -> str | None:
    """Say why there can be no network of one's own, None if there can."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "the commands unshare and ip are wanted"
    done = subprocess.run([*NETWORK, SET_UP], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None
