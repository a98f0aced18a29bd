"""When the studio was last used, so that one started on demand can stop by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.jobs.runner import Runner
from ei_toolkit.studio.live.hub import Hub, Tokens
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.garbage import collect_garbage


class Activity:
    """Counts requests under way and remembers the end of the last one."""

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()

    def begin(self) -> None:
        """A request has come in."""
        self.under_way += 1

    def end(self) -> None:
        """A request is answered."""
        self.under_way -= 1
        self._last = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request; 0 while one is under way."""
        return 0.0 if self.under_way else time.monotonic() - self._last


@dataclass(frozen=True)
class Studio:
    """One running studio."""

    options: Options
    store: Store
    runner: Runner
    hub: Hub
    tokens: Tokens
    compute_worker: ComputeWorker
    activity: Activity

    @classmethod
    def open(cls, options: Options) -> Studio:
        """A studio on a data folder; nothing runs yet."""
        store, hub = Store.open(options.data), Hub()
        store.blobs.delete_incoming()
        collect_garbage(store)
        compute_worker = ComputeWorker(options)
        return cls(options, store, Runner(options, store, hub), hub, Tokens(), compute_worker, Activity())

    def close(self) -> None:
        """Let go of everything that is open."""
        self.compute_worker.close()
        self.store.close()
