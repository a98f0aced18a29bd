"""The parts of a running studio, and the time of its last request."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ei_toolkit.studio.http.upload_turns import UploadTurns
from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.jobs.inspectors import Inspectors
from ei_toolkit.studio.jobs.runner import Runner
from ei_toolkit.studio.live.hub import Hub, Tokens
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.remote.connected import ConnectedDevices
from ei_toolkit.studio.sessions import Sessions
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.blobs import make_private_folder
from ei_toolkit.studio.store.garbage import collect_garbage


class Activity:
    """Counts active requests and records the end of the last one, so that an unused studio can stop."""

    def __init__(self) -> None:
        self.active = 0
        self._last = time.monotonic()

    def begin(self) -> None:
        """Count a request that starts."""
        self.active += 1

    def end(self) -> None:
        """Count a request that has ended."""
        self.active -= 1
        self._last = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request; 0 during a request."""
        return 0.0 if self.active else time.monotonic() - self._last


@dataclass(frozen=True)
class Studio:
    """The parts of one running studio."""

    options: Options
    store: Store
    runner: Runner
    hub: Hub
    tokens: Tokens
    sessions: Sessions
    compute_worker: ComputeWorker
    inspectors: Inspectors
    upload_turns: UploadTurns
    activity: Activity
    devices: ConnectedDevices

    @classmethod
    def open(cls, options: Options) -> Studio:
        """Open a data folder. No job runs yet."""
        store, hub = Store.open(options.data), Hub()
        make_private_folder(options.logs)
        store.blobs.delete_incoming()
        collect_garbage(store)
        runner, compute_worker, inspectors = Runner(options, store, hub), ComputeWorker(options), Inspectors(options)
        return cls(
            options, store, runner, hub, Tokens(), Sessions(), compute_worker, inspectors, UploadTurns(), Activity(),
            ConnectedDevices(),
        )  # fmt: skip

    def close(self) -> None:
        """Stop the workers and close the store."""
        self.compute_worker.close()
        self.inspectors.close()
        self.upload_turns.close()
        self.store.close()
