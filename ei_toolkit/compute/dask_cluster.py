"""Work on the workers of a Dask scheduler. A task whose worker is lost, restarted or killed for its memory runs again.

Whoever may connect to the scheduler runs code on all workers and on this machine, as Dask exchanges pickles.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from distributed import CancelledError, Client, KilledWorker

from ei_toolkit.compute.processes import ENVIRONMENT
from ei_toolkit.compute.threads import one_blas_thread
from ei_toolkit.config.code_version import code_version
from ei_toolkit.config.units import counted
from ei_toolkit.errors import ConfigurationError, DataError, NetworkError

CONNECT_TIMEOUT_S = 10
NO_WORKERS_TIMEOUT_S = 60  # without any worker, before a run gives up; a nanny restarts one within seconds
POLL_S = 2.0
RESULT_TIMEOUT_S = 60.0  # for the transfer of the result of a task
TASKS_PER_WORKER = 16  # that items are gathered into: few enough to cost little, and many enough to share the work well
LARGEST_TASK = 128  # items, which are all done again if their worker is lost
WORKERS_NAMED = 3  # in an error
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt
LARGEST_KEPT = 32 * 2**20  # bytes; the limit up to which glibc adapts itself in a process with its default settings
PACKAGES = (
    "ai-edge-litert", "keras", "librosa", "numpy", "scikit-learn", "scipy", "soundfile", "soxr", "tensorflow-cpu",
)  # fmt: skip
"""Packages that results depend on, with Python and eitk itself."""


class DaskCluster(Executor):
    """An executor for the workers of a Dask scheduler, which are checked before any work starts.

    `reach` are files and folders that every worker must have under the same paths, `further_versions` returns what
    must be the same beside `versions`. Raises NetworkError where no scheduler answers, ConfigurationError for workers
    with other versions, threads or files.
    """

    def __init__(
        self,
        scheduler: str,
        reach: Sequence[Path] = (),
        further_versions: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.scheduler = scheduler
        try:
            self._client = _connect(scheduler)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the Dask scheduler at {scheduler} cannot be connected to",
                why=str(error).splitlines()[0],
                hint="tls:// needs the certificates of distributed.comm.tls in the configuration of Dask.",
            ) from None
        except (OSError, RuntimeError) as error:
            raise NetworkError(
                f"no Dask scheduler answers at {scheduler}",
                why=str(error).splitlines()[0] if str(error) else type(error).__name__,
                hint='Start one (dask scheduler), correct [compute] scheduler, or set it to "processes".',
            ) from None
        try:
            self._check(reach, further_versions)
        except BaseException:  # KeyboardInterrupt, too: nobody else closes the connection yet
            self._client.close()
            raise

    @property
    def size(self) -> int:
        """Return the number of workers."""
        return len(self._threads())

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 0
    ) -> Iterator[Any]:
        """Yield results in the order of the items. Tasks have at least `chunksize` items, and up to LARGEST_TASK.

        A task takes about 10 ms of processor time beside its items, more than an item of a pool of processes.
        """
        items = list(zip(*iterables, strict=True))
        size = max(1, chunksize, min(LARGEST_TASK, len(items) // (TASKS_PER_WORKER * max(1, self.size))))
        # a task of its own, and so computed again if the workers that hold it are lost
        function = self._connected().submit(_same, fn, pure=False)
        tasks = [
            self._connected().submit(_each, function, items[first : first + size], code_version(), pure=False)
            for first in range(0, len(items), size)
        ]
        return self._results(tasks)

    def _results(self, tasks: list[Any]) -> Iterator[Any]:
        try:
            for place, task in enumerate(tasks):
                yield from self._result(task)
                tasks[place] = None  # the scheduler forgets a task that nobody refers to
        finally:
            self._client.cancel([task for task in tasks if task is not None])

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start one task and return its result in the future."""
        task = self._connected().submit(_one, fn, args, kwargs, code_version(), pure=False)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        threading.Thread(target=self._complete, args=(task, future), daemon=True).start()
        return future

    def _complete(self, task: Any, future: Future[Any]) -> None:
        try:
            future.set_result(self._result(task))
        except BaseException as error:  # noqa: BLE001  whoever waits for the future raises it
            future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the connection; the workers stay."""
        self._client.close()

    def _result(self, task: Any) -> Any:
        """Wait for a task. Raises its error, DataError if it ends every worker, NetworkError for a lost cluster."""
        without_workers_since = None
        while True:
            try:
                error = task.exception(timeout=POLL_S)
                if error is None:
                    return task.result(timeout=RESULT_TIMEOUT_S)
            except TimeoutError:
                if self._threads():
                    without_workers_since = None
                    continue
                without_workers_since = without_workers_since or time.monotonic()
                if time.monotonic() - without_workers_since > NO_WORKERS_TIMEOUT_S:
                    raise self._lost(f"it has had no worker for {NO_WORKERS_TIMEOUT_S} s") from None
            except (CancelledError, OSError) as lost:
                raise self._lost(str(lost)) from None
            else:
                raise _killed(error) if isinstance(error, KilledWorker) else error

    def _connected(self) -> Client:
        """Return the client. Raises NetworkError once it is closed, as Dask's own errors then name no scheduler."""
        if self._client.status == "closed":
            raise self._lost("the connection is closed")
        return self._client

    def _threads(self) -> dict[str, int]:
        """Return the number of threads of each worker by its address."""
        try:
            return dict(self._connected().nthreads())
        except (OSError, CancelledError) as error:
            raise self._lost(str(error)) from None

    def _lost(self, why: str) -> NetworkError:
        return NetworkError(
            f"the Dask scheduler at {self.scheduler} was lost",
            why=why,
            hint="Start scheduler and workers, then the same command again: the files that it wrote are kept.",
        )

    def _check(self, reach: Sequence[Path], further_versions: Callable[[], Mapping[str, str]]) -> None:
        threads = self._threads()
        if not threads:
            raise ConfigurationError(
                f"the Dask scheduler at {self.scheduler} has no workers",
                hint=f"Start some: dask worker {self.scheduler} --nthreads 1 --nworkers 2",
            )
        self._refuse(
            {worker: f"runs {number} tasks in one process" for worker, number in threads.items() if number != 1},
            "Decoders and TensorFlow need a process of their own: dask worker ADDRESS --nthreads 1 --nworkers N",
        )
        own, found = versions(further_versions), self._on_each_worker(versions, further_versions)
        self._refuse(
            {worker: text for worker, other in found.items() if (text := _differences(own, other))},
            "Install the same versions on all machines, and start the workers again.",
        )
        self._check_reach(reach)

    def _check_reach(self, reach: Sequence[Path]) -> None:
        """Check that each worker sees the files, and files that were just written to the folders."""
        marks = [path / f".worker-check-{uuid.uuid4().hex}" for path in reach if path.is_dir()]
        wanted = [*marks, *(path for path in reach if path.is_file())]
        try:
            for mark in marks:
                mark.write_bytes(b"")
            missing = self._on_each_worker(_missing, [str(path) for path in wanted])
        finally:
            for mark in marks:
                mark.unlink(missing_ok=True)
        self._refuse(
            {worker: f"does not see {_without_mark(names[0])}" for worker, names in missing.items() if names},
            "Mount the folders of clips and of the project under the same paths on all machines.",
        )

    def _on_each_worker(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Return the result of each worker by its address. Raises ConfigurationError where it cannot be run."""
        try:
            results = dict(self._connected().run(function, *args, on_error="return"))
        except OSError as error:
            raise self._lost(str(error)) from None
        self._refuse(
            {worker: f"{type(one).__name__}: {one}" for worker, one in results.items() if isinstance(one, Exception)},
            "Install the same version of eitk on all machines.",
        )
        return results

    def _refuse(self, reasons: dict[str, str], hint: str) -> None:
        """Raise ConfigurationError for workers that cannot be used, with the reasons of the first of them."""
        if not reasons:
            return
        named = "; ".join(f"{worker}: {reason}" for worker, reason in list(reasons.items())[:WORKERS_NAMED])
        raise ConfigurationError(
            f"{counted(len(reasons), 'worker')} of {self.scheduler} cannot be used", why=named, hint=hint
        )


def _connect(scheduler: str) -> Client:
    """Connect to a scheduler, once more where Dask could not start its thread. Raises RuntimeError if it cannot again.

    Dask waits 10 s for the thread and then raises an AssertionError without a text, as when a machine was suspended.
    """
    for _ in range(2):
        with suppress(AssertionError):
            return Client(scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    raise RuntimeError("Dask could not start a thread within 10 s; this machine has too much else to do")


def _killed(error: KilledWorker) -> DataError:
    return DataError(
        f"every worker that tried a task has ended, {error.allowed_failures + 1} of them",
        why=f"a decoder crashed, or memory ran out; the last was {error.last_worker.address}",
        hint='Give the workers more memory, or see which clip it is: [compute] scheduler = "processes" and --jobs 1.',
    )


def versions(further: Callable[[], Mapping[str, str]] = dict) -> dict[str, str]:
    """Return the versions of what results depend on: Python, the kind of processor, eitk with its code, packages.

    `further` returns those that only some work depends on.
    """
    found = {"Python": platform.python_version(), "machine": platform.machine(), "eitk": code_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {**found, **further()}


def _differences(own: dict[str, str], other: dict[str, str]) -> str:
    """Return what a worker has in another version than this process, "" for nothing."""
    return ", ".join(
        f"{name} {other.get(name, 'unknown')} (here: {version})"
        for name, version in own.items()
        if other.get(name) != version
    )


def _missing(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if not Path(path).exists()]


def _without_mark(path: str) -> str:
    return str(Path(path).parent if Path(path).name.startswith(".worker-check-") else path)


def _same(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _each(function: Callable[..., Any], items: Sequence[tuple[Any, ...]], code: str) -> list[Any]:
    """Do the items of one task. Runs in a worker."""
    _prepare_worker(code)
    with one_blas_thread():
        return [function(*item) for item in items]


def _one(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], code: str) -> Any:
    """Do one task. Runs in a worker."""
    _prepare_worker(code)
    with one_blas_thread():
        return function(*args, **kwargs)


@cache
def _keep_freed_memory() -> None:
    """Let the allocator of this process use the memory of freed arrays again; glibc only.

    Dask starts workers with MALLOC_TRIM_THRESHOLD_=65536, with which glibc neither keeps more than 64 KiB nor adapts
    itself: every array of 128 KiB or more would be new memory, whose pages the kernel sets to zero one by one.
    """
    if platform.system() != "Linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_KEPT)


def _prepare_worker(code: str) -> None:
    """Set the variables of a worker; refuse one that has started since the check and has other code."""
    os.environ |= ENVIRONMENT
    _keep_freed_memory()
    if code != code_version():
        raise ConfigurationError(
            "a worker that has just started has another version of eitk",
            why=f"{code_version()}, and this machine {code}",
            hint="Install the same version of eitk on all machines, and start the workers again.",
        )
