"""The inspection workers of a studio, which read uploaded files. A key has one of them at a time."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from typing import Any

from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.options import Options

WORKERS = 2
MODULE = "ei_toolkit.studio.jobs.inspection_worker"
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),  # memory of a larger array is returned when it is freed
}


class Inspectors:
    """Some workers, each started when it is needed for the first time. May be used from any thread."""

    def __init__(self, options: Options) -> None:
        self._workers = [ComputeWorker(options, module=MODULE, environment=ENVIRONMENT) for _ in range(WORKERS)]
        self._idle: queue.LifoQueue[ComputeWorker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._of_key: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def inspect(self, key: int, **arguments: Any) -> dict[str, Any]:
        """Return what a file contains. Raises ApiError with the reason why it cannot be stored."""
        with self._of_key[key]:
            worker = self._idle.get()
            try:
                found: dict[str, Any] = worker.compute("inspect", **arguments)
            finally:
                self._idle.put(worker)
        return found

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.close()
