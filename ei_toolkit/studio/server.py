"""Keeping memory that was freed. By default glibc gives large pieces back to the system at once, and each body that
arrives then costs a page fault for every 4 kB: about a tenth of the time of an upload."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn

from ei_toolkit import __version__
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import ConfigurationError, EitkError
from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.app import api_app, ingestion_app
from ei_toolkit.studio.options import API_PORT, INGESTION_PORT, Options

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # malloc.h
KEPT, GROWTH, LARGEST_KEPT = 64 * 2**20, 4 * 2**20, 32 * 2**20


def keep_freed_memory() -> None:
    """Have this process keep up to 64 MB for what comes next; does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((TRIM_THRESHOLD, KEPT), (TOP_PAD, GROWTH), (MMAP_THRESHOLD, LARGEST_KEPT)):
            mallopt(option, value)


IDLE_CHECK_S = 5.0


@dataclass(frozen=True)
class Running:
    """What `server.json` says of the process that serves a data folder."""

    pid: int
    host: str
    port: int
    ingestion_port: int
    version: str = __version__

    @property
    def api_url(self) -> str:
        """Address of the API, ending in /v1."""
        return f"http://{self._name}:{self.port}/v1"

    @property
    def ingestion_url(self) -> str:
        """Address of uploads, a host root."""
        return f"http://{self._name}:{self.ingestion_port}"

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def serve(options: Options, tell: Callable[[Running], None] = lambda _: None) -> None:
    """Serve until stopped; `tell` hears the addresses once they are bound.

    Raises ConfigurationError if the folder is served already, was written by a newer eitk, or a port is in use.
    """
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        hold(options.lock),
        _bind(options.host, options.port) as api,
        _bind(options.host, options.ingestion_port) as ingestion,
    ):
        studio = Studio.open(options)
        running = Running(os.getpid(), options.host, api.getsockname()[1], ingestion.getsockname()[1])
        write_text(options.running, json.dumps(asdict(running)))
        tell(running)
        try:
            asyncio.run(_run(studio, api, ingestion))
        finally:
            options.running.unlink(missing_ok=True)
            studio.close()


async def _run(studio: Studio, api: socket.socket, ingestion: socket.socket) -> None:
    servers = [_server(api_app(studio)), _server(ingestion_app(studio))]
    runner = asyncio.create_task(studio.runner.run())
    idle = asyncio.create_task(_stop_when_idle(studio, servers))
    with _one_signal_stops_both(servers):
        await asyncio.gather(*(server.serve([port]) for server, port in zip(servers, (api, ingestion), strict=True)))
    for task in (idle, runner):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.contextmanager
def _one_signal_stops_both(servers: list[_Server]) -> Iterator[None]:
    def stop(*_: object) -> None:
        for server in servers:
            server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process that runs two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: object) -> _Server:
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
            server_header=False,
            ws_max_size=65_536,
        )
    )


async def _stop_when_idle(studio: Studio, servers: list[_Server]) -> None:
    limit = studio.options.idle_s
    while limit > 0:
        await asyncio.sleep(min(IDLE_CHECK_S, limit))
        if studio.activity.idle_s > limit and not studio.runner.busy:
            for server in servers:
                server.should_exit = True


@contextlib.contextmanager
def hold(lock: Path) -> Iterator[None]:
    """Hold a file lock as long as the process lives; another holder is an error."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(acquire_lock(lock))
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{lock.parent} is served by another studio already",
                hint="use that one (eitk studio status), stop it (eitk studio stop), or name another --data folder",
            ) from error
        yield


@contextlib.contextmanager
def _bind(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sets TCP_NODELAY; without, every answer waits 40 ms for a delayed ACK.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {host} cannot be used",
                why=error.strerror or str(error),
                hint="stop what uses it, or choose other ports with --port and --ingestion-port",
            ) from error
        listener.listen(2048)
        yield listener


def parse(arguments: list[str]) -> Options:
    """Options of the server process."""
    parser = argparse.ArgumentParser(prog="python -m ei_toolkit.studio.server", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=API_PORT)
    parser.add_argument("--ingestion-port", type=int, default=INGESTION_PORT)
    parser.add_argument("--jobs", type=int, default=1, dest="jobs_per_project")
    parser.add_argument("--job-limit", type=float, default=3600.0, dest="job_limit_s")
    parser.add_argument("--allow-scripts", action="store_true")
    parser.add_argument("--idle", type=float, default=0.0, dest="idle_s")
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Entry point of the server process."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    keep_freed_memory()
    try:
        serve(parse(sys.argv[1:]))
    except EitkError as error:
        print(f"{error}. {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
