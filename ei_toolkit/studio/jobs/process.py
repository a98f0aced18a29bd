"""The process of a job and the log of its output, which is a file with one JSON object per line."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ei_toolkit.studio.code_policy import ALLOW_SCRIPTS
from ei_toolkit.studio.jobs.confinement import confined_command
from ei_toolkit.studio.store.blobs import INCOMING, scratch_prefix
from ei_toolkit.studio.wire_format import now
from ei_toolkit.system import signal_group

logger = logging.getLogger("ei_toolkit.studio")
LARGEST_LOG_BYTES = 64 * 2**20
LONGEST_LINE = 16_384  # characters


@dataclass(frozen=True)
class LogEntry:
    """One line of a log."""

    created: str
    data: str
    level: str = "info"


class JobLog:
    """The log file of one job."""

    def __init__(self, folder: Path, job: int) -> None:
        self.path = folder / f"{job}.ndjson"

    def append(self, text: str, level: str = "info") -> LogEntry:
        """Append one line; return it. Past the largest size, and after an I/O error, it is not stored."""
        entry = LogEntry(now(), text[:LONGEST_LINE] + "\n", level)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                if file.tell() < LARGEST_LOG_BYTES:
                    file.write(json.dumps(asdict(entry)) + "\n")
        except OSError as error:  # A full disk must not stop the reader of the job's output, which would block the job.
            logger.warning("a line of the job log %s could not be stored: %s", self.path, error)
        return entry

    def entries(self) -> Iterator[LogEntry]:
        """Yield every entry, oldest first. An incomplete line, which a killed process leaves, is skipped."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield LogEntry(**json.loads(line))
                except ValueError:
                    continue

    def newest(self, limit: int, level: str | None = None) -> tuple[list[LogEntry], int]:
        """Return the last entries, newest first, and the number of all entries (of a level if one is given)."""
        kept: deque[LogEntry] = deque(maxlen=limit)
        total = 0
        for entry in self.entries():
            if level in (None, "all", entry.level):
                kept.append(entry)
                total += 1
        return list(reversed(kept)), total


LINE_END = re.compile(rb"[\r\n]+")
STOP_GRACE_S = 5.0  # between SIGTERM and SIGKILL
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}
SECRET_VARIABLES = ("EI_API_KEY", "EI_PASSWORD", "EITK_API_KEY")


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a job process: no keys, unbuffered output, TensorFlow with few messages on the CPU."""
    kept = {name: value for name, value in environ.items() if name not in SECRET_VARIABLES}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **QUIET_TENSORFLOW}


@dataclass
class JobProcess:
    """A running job process. `stop_reason` is why it was stopped; empty if it was not."""

    process: asyncio.subprocess.Process
    stop_reason: str = ""
    last_line: str = ""
    _kill_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, data: Path, job: int, *, allow_scripts: bool) -> JobProcess:
        """Start the process of a job. Its standard input stays open; the process ends when it closes (see `worker`)."""
        command = [sys.executable, "-P", "-m", "ei_toolkit.studio.jobs.worker", str(data), str(job)]
        command += [ALLOW_SCRIPTS] if allow_scripts else []
        scratch = data / INCOMING / f"{scratch_prefix(job)}tmp"
        process = await asyncio.create_subprocess_exec(
            *confined_command(command, writable=data, scratch=scratch),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=child_environment(os.environ),
            cwd=data,
        )
        return cls(process)

    async def follow(self, on_line: Callable[[str], None], limit_s: float) -> int:
        """Pass every line of output to `on_line` until the process ends; return its exit code.

        The exit code is negative if a signal ended the process. After `limit_s` the process is killed.
        """
        reader = asyncio.ensure_future(self._read(on_line))
        try:
            async with asyncio.timeout(limit_s):
                code = await self.process.wait()
        except TimeoutError:
            self.stop(f"it took longer than its limit of {limit_s:g} s", force=True)
            code = await self.process.wait()
        finally:
            signal_group(self.process.pid, kill=True)
            if self._kill_timer is not None:  # Another process may have the same id when the timer expires.
                self._kill_timer.cancel()
        await asyncio.wait([reader], timeout=STOP_GRACE_S)
        reader.cancel()
        return code

    def stop(self, reason: str, *, force: bool = False) -> None:
        """End the process and its child processes: by SIGTERM and, after a grace period or if forced, by SIGKILL."""
        self.stop_reason = self.stop_reason or reason
        signal_group(self.process.pid, kill=force)
        if not force:
            kill = partial(signal_group, self.process.pid, kill=True)
            self._kill_timer = asyncio.get_running_loop().call_later(STOP_GRACE_S, kill)

    async def _read(self, on_line: Callable[[str], None]) -> None:
        assert self.process.stdout is not None
        rest = b""
        while chunk := await self.process.stdout.read(65_536):
            *lines, rest = LINE_END.split(rest + chunk)
            if len(rest) > LONGEST_LINE:  # Output without line ends must not fill the memory.
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._handle_line(line, on_line)
        if rest:
            self._handle_line(rest, on_line)

    def _handle_line(self, line: bytes, on_line: Callable[[str], None]) -> None:
        self.last_line = line.decode("utf-8", "replace")
        on_line(self.last_line)
