"""Small calculations that a request waits for, done in one helper process: the server computes nothing.

The helper speaks JSON lines: `{"op":…}` in, `{"result":…}` or `{"error":…}` out. It is started at the first use,
started again if it dies, and ended if an answer takes too long.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.process import child_environment
from ei_toolkit.studio.options import Options

LONGEST_S = 60.0
LARGEST_ANSWER = 64 * 2**20


class ComputeWorker:
    """Asks the helper; one question at a time, from any thread."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._catalogue: Sequence[Mapping[str, Any]] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, op: str, **values: Any) -> Any:
        """The result of an operation of `work/service.py`; its errors are refusals."""
        with self._lock:
            try:
                reply = self._exchange(json.dumps({"op": op, **values}).encode() + b"\n")
            except (OSError, ValueError) as error:
                self._end()
                raise ApiError(f"The calculation {op} could not be finished") from error
        if "error" in reply:
            raise ApiError(str(reply["error"]))
        return reply["result"]

    def catalogue(self) -> Sequence[Mapping[str, Any]]:
        """The processing blocks that there are, asked once."""
        if self._catalogue is None:
            self._catalogue = self.ask("catalogue")
        return self._catalogue

    def close(self) -> None:
        """End the helper."""
        with self._lock:
            self._end()

    def _exchange(self, question: bytes) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(question)
        process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._read_line(process))
        return reply

    def _read_line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        received = bytearray()
        while not received.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], LONGEST_S)
            chunk = os.read(process.stdout.fileno(), 1 << 20) if ready else b""
            if not chunk or len(received) > LARGEST_ANSWER:
                raise OSError("no answer")
            received += chunk
        return bytes(received)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", "ei_toolkit.studio.jobs.compute_worker", str(self._options.data)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=child_environment(os.environ),
                cwd=self._options.data,
            )
        return self._process

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None
