"""Worker processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import TypeVar

from ei_toolkit.compute.threads import one_blas_thread
from ei_toolkit.errors import DataError

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"TF_NUM_INTRAOP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
)
"""Variables of a worker: TensorFlow uses one core in each, and the same operations in all."""

BLAS_OF_CLIPS = ("numpy",)
"""What the work on clips multiplies matrices with. SciPy, which takes a third of a second to import, is not needed."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(do: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Yield the result of `do` for every item, in order. Raises DataError where a worker dies."""
    if jobs == 1:
        for item in items:
            with one_blas_thread(BLAS_OF_CLIPS):
                result = do(item)
            yield result
        return
    pool = ProcessPoolExecutor(jobs, _context(), initializer=_start_clip_worker)
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


def _start_clip_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    one_blas_thread(BLAS_OF_CLIPS)


def _context() -> BaseContext:
    """Workers forked from a clean process that has done the imports once; plain forking is not safe with threads."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["ei_toolkit.dataset.cutting", "soundfile", "soxr"])
    return context


def process_pool(jobs: int) -> ProcessPoolExecutor:
    """Return a pool of processes that end with this one; TensorFlow uses one core in each."""
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start_worker)


def workers_of(pool: Executor) -> list[BaseProcess]:
    """Return the processes of a pool that were started; none for an executor of another kind."""
    return list((getattr(pool, "_processes", None) or {}).values())


def _start_worker() -> None:
    """Limit TensorFlow and BLAS to one core; ignore Ctrl-C, which the parent handles; end when the parent ends."""
    os.environ |= ENVIRONMENT
    one_blas_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
