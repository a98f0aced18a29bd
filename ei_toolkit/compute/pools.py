"""Choose where work runs: `map_items` for a function of every item, `executor` for work of several kinds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from ei_toolkit.compute import processes
from ei_toolkit.errors import ConfigurationError, MissingToolError

PROCESSES = "processes"
"""The value of [compute] scheduler for processes of this machine."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_items(
    do: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    scheduler: str = PROCESSES,
    reach: Sequence[Path] = (),
) -> Iterator[Result]:
    """Yield the result of `do` for every item, in order; `do` and what it takes and gives must be picklable.

    `reach` are files and folders that the workers of a Dask scheduler must have under the same paths. With one job and
    no scheduler everything stays in this process. Raises DataError where workers die, ConfigurationError for a
    scheduler whose workers cannot be used, NetworkError for one that does not answer.
    """
    if check_scheduler(scheduler) == PROCESSES:
        yield from processes.map_in_processes(do, items, jobs)
        return
    with executor(jobs, scheduler, reach) as pool:
        yield from pool.map(do, items)


def executor(
    jobs: int,
    scheduler: str = PROCESSES,
    reach: Sequence[Path] = (),
    further_versions: Callable[[], Mapping[str, str]] = dict,
) -> Executor:
    """Return where work is submitted to: `jobs` processes with one core each, or the workers of a Dask scheduler.

    `further_versions` are called here and on every worker, and must be the same. Raises as `map_items` does.
    """
    if check_scheduler(scheduler) == PROCESSES:
        return processes.process_pool(jobs)
    try:
        # an optional dependency, whose import takes a second
        from ei_toolkit.compute.dask_cluster import DaskCluster
    except ImportError as error:
        raise MissingToolError(
            f"[compute] scheduler = {scheduler!r} needs Dask", why=str(error), hint="pip install 'eitk[distributed]'"
        ) from None
    return DaskCluster(scheduler, reach, further_versions)


def check_scheduler(scheduler: str) -> str:
    """Return the value of [compute] scheduler. Raises ConfigurationError for one that is neither of the two kinds."""
    if scheduler != PROCESSES and not re.fullmatch(r"(tcp|tls)://\S+:\d+", scheduler):
        raise ConfigurationError(
            f"[compute] scheduler is {scheduler!r}",
            why="it is neither processes nor the address of a Dask scheduler",
            hint='Write "processes", or an address such as "tcp://192.168.1.20:8786" or "tls://192.168.1.20:8786".',
            key="compute.scheduler",
        )
    return scheduler


def pool_size(pool: Executor, jobs: int) -> int:
    """Return how many tasks an executor runs at once: `jobs`, or the number of workers of a Dask scheduler."""
    return max(1, getattr(pool, "size", jobs))


def end_at_once(pool: Executor) -> None:
    """End the work of an executor without waiting for it: processes are ended, tasks of a scheduler are cancelled.

    A task that a worker of a scheduler has begun goes on to its end, and nobody takes its result.
    """
    workers = processes.workers_of(pool)  # `shutdown` forgets them
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
