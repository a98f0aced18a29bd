"""One job process: started niced in a session of its own, heard line by line, and gone when it is over."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
        command = (sys.executable, "-P", "-m", "ei_toolkit.studio.worker", str(data), str(job))
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
