"""Things that are done at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def first_of(*works: Coroutine[object, object, object]) -> None:
    """Run several things until one of them ends, and end as it does."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        errors = [task.exception() for task in tasks if not task.cancelled()]
    for error in errors:
        if error is not None:
            raise error
