"""Where the vectors and addresses are that are shared with other implementations, if they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CONFORMANCE = Path(os.environ.get("MULTIADDR_CONFORMANCE", Path(__file__).parents[2] / "shared" / "conformance"))

needs_conformance = pytest.mark.skipif(
    not CONFORMANCE.is_dir(), reason="the shared vectors are not here; MULTIADDR_CONFORMANCE says where they are"
)
