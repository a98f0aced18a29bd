"""Do one thing to many clips on all cores, in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from typing import TypeVar

from ei_toolkit.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_clips(do: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """`do` of every item, in order; `do` and what it takes and gives must be picklable.

    With one job everything stays in this process. Raises DataError where a worker dies.
    """
    if jobs == 1:
        yield from map(do, items)
        return
    ignore_interrupt = (signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    pool = ProcessPoolExecutor(jobs, _context(), initializer=signal.signal, initargs=ignore_interrupt)
    try:
        yield from pool.map(do, items)
    except BrokenProcessPool:
        raise DataError(
            "a worker process died while it read a clip",
            why="a decoder crashed, or memory ran out",
            hint="Run again with --jobs 1 to see how far it comes.",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Workers forked from a clean process that has done the imports once; plain forking is not safe with threads."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["ei_toolkit.dataset.cutting", "soundfile", "soxr"])
    return context
