"""Limits the total time of a response. The timeouts of requests are for one read only, and a server that sends a byte
now and then, or interim responses (100 Continue) without end, never exceeds one.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

CHUNK_BYTES = 2**16


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose responses must have begun, with all of their headers, within the read timeout."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> urllib3.PoolManager:
        """Make the pools of connections through a proxy. Those of SOCKS proxies stay as they are."""
        manager: urllib3.PoolManager = super().proxy_manager_for(*args, **options)
        if isinstance(manager, urllib3.ProxyManager):
            manager.pool_classes_by_scheme = POOLS
        return manager


def limited_body(response: requests.Response, max_bytes: int, limit_s: float) -> Iterator[bytes]:
    """Yield the body of a streamed response, and one chunk more than `max_bytes` of it at most.

    Raises requests.ReadTimeout if the body has not ended after `limit_s` seconds.
    """
    total = 0
    with _ended_after(limit_s, lambda: response.raw.shutdown()) as has_expired:
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                if has_expired.is_set():
                    break
                total += len(chunk)
                yield chunk
                if total > max_bytes:
                    return
        except requests.RequestException:
            if not has_expired.is_set():
                raise
    if has_expired.is_set():
        raise requests.ReadTimeout(f"the body had not ended after {limit_s:g} s")


class _HeaderLines:
    """The file of a response, which remembers the last line that was read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.file.readline(limit)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class _Response(http.client.HTTPResponse):
    fp: Any  # replaced while the headers are read

    def begin(self) -> None:
        """Read the headers. Raises RemoteDisconnected if they end without an empty line.

        http.client takes such headers as complete: a response that is cut off before its Content-Length would have an
        empty body, and no error.
        """
        lines = self.fp = _HeaderLines(self.fp)
        super().begin()
        if self.fp is lines:  # a response without a body has closed it
            self.fp = lines.file
        if lines.last not in (b"\r\n", b"\n"):
            self.close()
            raise http.client.RemoteDisconnected("the connection was closed within the headers")


class _Connection(HTTPConnection):
    response_class = _Response

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        """Wait for the headers of a response; raises TimeoutError if they are not complete within the read timeout."""
        limit_s, connected = self.timeout, self.sock
        if not isinstance(limit_s, int | float) or connected is None:
            return super().getresponse()
        with _ended_after(limit_s, lambda: connected.shutdown(socket.SHUT_RDWR)) as has_expired:
            try:
                response = super().getresponse()
            except (OSError, http.client.HTTPException):
                if not has_expired.is_set():
                    raise
            if has_expired.is_set():  # headers that are cut off seem complete
                raise TimeoutError(f"the headers were not complete after {limit_s:g} s")
            return response


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}


@contextmanager
def _ended_after(limit_s: float, end: Callable[[], object]) -> Iterator[threading.Event]:
    """Call `end` if the block takes longer than `limit_s` seconds; the event is set just before that."""
    has_expired = threading.Event()

    def expire() -> None:
        has_expired.set()
        with suppress(OSError, RuntimeError, ValueError):  # the response has ended at the same moment
            end()

    timer = threading.Timer(limit_s, expire)
    timer.daemon = True
    timer.start()
    try:
        yield has_expired
    finally:
        timer.cancel()
