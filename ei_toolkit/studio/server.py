"""The server process of a data folder: `python -m ei_toolkit.studio.server FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import uvicorn

from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.errors import ConfigurationError, EitkError
from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.app import api_app, ingestion_app, remote_management_app
from ei_toolkit.studio.http.connections import BoundedConnection, Connections, largest_number
from ei_toolkit.studio.options import API_PORT, INGESTION_PORT, Options, RunningServer
from ei_toolkit.studio.remote.messages import LARGEST_MESSAGE
from ei_toolkit.studio.server_log import configure_log

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # options of mallopt, from malloc.h
IDLE_CHECK_S = 5.0
PING_INTERVAL_S = 10.0  # of WebSockets; the connection of a device that is gone without a word ends after two of them


def serve(options: Options, on_start: Callable[[RunningServer, Studio], None] = lambda *_: None) -> None:
    """Serve a data folder until stopped; `on_start` is called when the ports are bound, before the first request.

    Raises ConfigurationError if the folder is served already, was written by a newer eitk, or a port is in use.
    """
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        lock_data_folder(options),
        _bind(options.host, options.port) as api,
        _bind(options.host, options.ingestion_port) as ingestion,
        _bind(options.host, options.port_of_devices) as devices,
    ):
        studio = Studio.open(options)
        ports = [listener.getsockname()[1] for listener in (api, ingestion, devices)]
        running = RunningServer(os.getpid(), options.host, ports[0], ports[1], remote_management_port=ports[2])
        running.write(options.data)
        on_start(running, studio)
        try:
            asyncio.run(_run(studio, (api, ingestion, devices)))
        finally:
            options.running.unlink(missing_ok=True)
            studio.close()


@contextlib.contextmanager
def lock_data_folder(options: Options) -> Iterator[None]:
    """Hold the lock of a data folder for the block. Raises ConfigurationError if another process holds it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(acquire_lock(options.lock))
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{options.data} is served by another studio already",
                hint="use that one (eitk studio status), stop it (eitk studio stop), or name another --data folder",
            ) from error
        yield


def keep_freed_memory() -> None:
    """Configure glibc to keep up to 64 MB of freed memory; do nothing for other C libraries.

    By default glibc returns large blocks to the system at once. Each received body then causes a page fault for every
    4 kB, which takes about a tenth of the time of an upload.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 64 * 2**20)
        mallopt(M_TOP_PAD, 4 * 2**20)
        mallopt(M_MMAP_THRESHOLD, 32 * 2**20)


async def _run(studio: Studio, listeners: Sequence[socket.socket]) -> None:
    connections = Connections(largest_number())
    servers = [_server(app(studio), connections) for app in (api_app, ingestion_app, remote_management_app)]
    runner = asyncio.create_task(studio.runner.run())
    idle = asyncio.create_task(_stop_when_idle(studio, servers))
    with _stop_on_signal(servers):
        await asyncio.gather(*(server.serve([port]) for server, port in zip(servers, listeners, strict=True)))
    for task in (idle, runner):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.contextmanager
def _stop_on_signal(servers: list[_Server]) -> Iterator[None]:
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
    """A uvicorn server without signal handlers: this process runs several servers and handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: object, connections: Connections) -> _Server:
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=partial(BoundedConnection, connections=connections),  # type: ignore[arg-type]  # any callable is used
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
            server_header=False,
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=PING_INTERVAL_S,
            ws_ping_timeout=PING_INTERVAL_S,
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
def _bind(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With an explicit protocol asyncio sets TCP_NODELAY; otherwise each response waits 40 ms for a delayed ACK.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {host} cannot be used",
                why=error.strerror or str(error),
                hint="stop the process that uses it, or choose other ports with --port and --ingestion-port, "
                "or --remote-management-port",
            ) from error
        listener.listen(2048)
        yield listener


def parse(arguments: list[str]) -> Options:
    """Return the options of the server process."""
    parser = argparse.ArgumentParser(prog="python -m ei_toolkit.studio.server", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=API_PORT)
    parser.add_argument("--ingestion-port", type=int, default=INGESTION_PORT)
    parser.add_argument("--remote-management-port", type=int)
    parser.add_argument("--jobs", type=int, default=1, dest="jobs_per_project")
    parser.add_argument("--job-limit", type=float, default=3600.0, dest="job_limit_s")
    parser.add_argument("--allow-scripts", action="store_true")
    parser.add_argument("--idle", type=float, default=0.0, dest="idle_s")
    return Options(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Run the server process; return its exit code."""
    options = parse(sys.argv[1:])
    configure_log(options.data)
    keep_freed_memory()
    try:
        serve(options)
    except EitkError as error:
        print(f"{error}. {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
