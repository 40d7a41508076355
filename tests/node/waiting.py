"""Running a test that leaves no task behind, and waiting for what comes to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

PATIENCE: Final = 60.0  # seconds, of a test that hangs


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, which leaves no task behind, not even one that is about to end."""

    async def within_patience() -> None:
        async with asyncio.timeout(PATIENCE):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(within_patience(), debug=False)  # which takes half of the time


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():
        await asyncio.sleep(0.005)
