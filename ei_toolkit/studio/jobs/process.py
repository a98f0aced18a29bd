"""The log of a job: one JSON line an entry, in a file of its own, complete and in order."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.studio.wire_format import now

LARGEST_LOG = 64 * 2**20
LONGEST_LINE = 16_384


@dataclass(frozen=True)
class Entry:
    """One line of a log."""

    created: str
    data: str
    level: str = "info"


class JobLog:
    """Appends to and reads one job's log."""

    def __init__(self, folder: Path, job: int) -> None:
        self.path = folder / f"{job}.ndjson"

    def append(self, text: str, level: str = "info") -> Entry:
        """Write one line; past the largest size lines are heard live but no longer kept."""
        entry = Entry(now(), text[:LONGEST_LINE] + "\n", level)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", errors="replace") as file:
            if file.tell() < LARGEST_LOG:
                file.write(json.dumps(asdict(entry)) + "\n")
        return entry

    def entries(self) -> Iterator[Entry]:
        """Every entry, oldest first; a line cut off by a kill is passed over."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield Entry(**json.loads(line))
                except ValueError:
                    continue

    def newest(self, limit: int, level: str | None = None) -> tuple[list[Entry], int]:
        """The last entries, newest first, and how many there are in all."""
        kept: deque[Entry] = deque(maxlen=limit)
        total = 0
        for entry in self.entries():
            if level in (None, "all", entry.level):
                kept.append(entry)
                total += 1
        return list(reversed(kept)), total


LINE_END = re.compile(rb"[\r\n]+")
GRACE_S = 5.0
QUIET_TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}
SECRETS = ("EI_API_KEY", "EI_PASSWORD", "EITK_API_KEY")


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a job: no keys in it, output unbuffered, TensorFlow quiet and on the CPU."""
    kept = {name: value for name, value in environ.items() if name not in SECRETS}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **QUIET_TENSORFLOW}


@dataclass
class JobProcess:
    """A running process and why it was told to stop, if it was."""

    process: asyncio.subprocess.Process
    stop_reason: str = ""
    last_line: str = ""

    @classmethod
    async def start(cls, data: Path, job: int) -> JobProcess:
        """Start the worker of a job. Its standard input stays open: when it closes, the server is gone."""
        command = (sys.executable, "-P", "-m", "ei_toolkit.studio.jobs.worker", str(data), str(job))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=child_environment(os.environ),
            cwd=data,
        )
        return cls(process)

    async def follow(self, hear: Callable[[str], None], limit_s: float) -> int:
        """Hand on every line until the process ends; returns its exit code (negative: the signal that ended it)."""
        reader = asyncio.ensure_future(self._read(hear))
        try:
            async with asyncio.timeout(limit_s):
                code = await self.process.wait()
        except TimeoutError:
            self.stop(f"it took longer than its limit of {limit_s:.0f} s", force=True)
            code = await self.process.wait()
        finally:
            self._kill(signal.SIGKILL)
        await asyncio.wait([reader], timeout=GRACE_S)
        reader.cancel()
        return code

    def stop(self, reason: str, *, force: bool = False) -> None:
        """End the process and everything it started; politely first, unless forced."""
        self.stop_reason = self.stop_reason or reason
        self._kill(signal.SIGKILL if force else signal.SIGTERM)
        if not force:
            asyncio.get_running_loop().call_later(GRACE_S, self._kill, signal.SIGKILL)

    def _kill(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    async def _read(self, hear: Callable[[str], None]) -> None:
        assert self.process.stdout is not None
        rest = b""
        while chunk := await self.process.stdout.read(65_536):
            *lines, rest = LINE_END.split(rest + chunk)
            for line in lines:
                self._heard(line, hear)
        if rest:
            self._heard(rest, hear)

    def _heard(self, line: bytes, hear: Callable[[str], None]) -> None:
        self.last_line = line.decode("utf-8", "replace")
        hear(self.last_line)
