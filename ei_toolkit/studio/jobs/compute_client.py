"""The server's side of the compute worker: a process that does the short computations that requests wait for.

The two processes exchange JSON lines: `{"operation": …}` to the worker, `{"result": …}` or `{"error": …}` back. The
worker is started at the first computation. It is started again after it has ended or was killed by the time limit.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.confinement import confined_command
from ei_toolkit.studio.jobs.process import child_environment
from ei_toolkit.studio.options import Options

TIME_LIMIT_S = 60.0
LARGEST_RESPONSE = 64 * 2**20


class ComputeWorker:
    """Runs computations in the worker process, one at a time. May be used from any thread."""

    def __init__(
        self,
        options: Options,
        time_limit_s: float = TIME_LIMIT_S,
        module: str = "ei_toolkit.studio.jobs.compute_worker",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.time_limit_s = time_limit_s
        self._options, self._module, self._environment = options, module, dict(environment or {})
        self._lock = threading.Lock()
        self._catalogue: Sequence[Mapping[str, Any]] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running worker; None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def compute(self, operation: str, **arguments: Any) -> Any:
        """Return the result of an operation of `compute_worker.OPERATIONS`.

        Raises ApiError for an error of the operation, for a computation that exceeds the time limit, and for a worker
        that ends during the computation.
        """
        request = json.dumps({"operation": operation, **arguments}).encode() + b"\n"
        with self._lock:
            response = self._exchange(operation, request)
        if "error" in response:
            raise ApiError(str(response["error"]))
        return response["result"]

    def catalogue(self) -> Sequence[Mapping[str, Any]]:
        """Return the descriptions of all processing blocks. They are requested once."""
        if self._catalogue is None:
            self._catalogue = self.compute("catalogue")
        return self._catalogue

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._end()

    def _exchange(self, operation: str, request: bytes) -> dict[str, Any]:
        expired = threading.Event()
        try:
            process = self._running()
            timer = threading.Timer(self.time_limit_s, _kill, (process, expired))
            timer.start()
            try:
                return _read_response(process, request)
            finally:
                timer.cancel()
        except (OSError, ValueError) as error:
            code = self._end()
            reason = f"it took longer than {self.time_limit_s:g} s" if expired.is_set() else _describe_end(code, error)
            raise ApiError(f"The computation {operation!r} was not completed: {reason}") from error

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                confined_command([sys.executable, "-P", "-m", self._module]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**child_environment(os.environ), **self._environment},
                cwd=self._options.data,
            )
        return self._process

    def _end(self) -> int | None:
        """End the worker if there is one; return its exit code if it had ended by itself."""
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            code = process.wait(0.1)
        except subprocess.TimeoutExpired:
            code = None
            process.kill()
        try:
            process.communicate()
        except OSError:  # The rest of a request that the worker did not read cannot be flushed.
            process.wait()
        return code


def _kill(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    process.kill()


def _read_response(process: subprocess.Popen[bytes], request: bytes) -> dict[str, Any]:
    """Send a request and return the response. Raises OSError or ValueError if the worker ends or responds wrongly."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request)
    process.stdin.flush()
    line = process.stdout.readline(LARGEST_RESPONSE)
    if not line.endswith(b"\n"):
        raise OSError(f"the response is incomplete after {len(line)} bytes")
    response: dict[str, Any] = json.loads(line)
    return response


def _describe_end(code: int | None, error: Exception) -> str:
    if code is None:
        return str(error)
    return f"the compute worker ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
