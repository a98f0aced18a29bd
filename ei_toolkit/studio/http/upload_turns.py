"""Turns of uploads: a few work at a time, and the keys that wait have their turns one after the other.

A key that sends many files at once delays its own uploads only: other keys wait for one turn at most, and other
requests have threads of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from ei_toolkit.studio.http.errors import TooManyRequests

TURNS = 4
TURNS_OF_KEY = 2
REQUESTS_OF_KEY = 64  # more than the official uploaders send at once
P = ParamSpec("P")
R = TypeVar("R")


class UploadTurns:
    """The turns of one studio. Its methods are called in the event loop."""

    def __init__(self, turns: int = TURNS, of_key: int = TURNS_OF_KEY, requests_of_key: int = REQUESTS_OF_KEY) -> None:
        self._free, self._of_key, self._requests_of_key = turns, of_key, requests_of_key
        self._threads = ThreadPoolExecutor(turns, "upload")
        self._requests: Counter[int] = Counter()
        self._working: Counter[int] = Counter()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}  # the key whose turn is next is the first

    @contextmanager
    def request(self, key: int) -> Iterator[None]:
        """Count an upload of a key for the block. Raises TooManyRequests if the key has too many at once."""
        if self._requests[key] >= self._requests_of_key:
            raise TooManyRequests(
                f"The key has {self._requests_of_key} uploads at once, which is the limit: wait until one has ended"
            )
        self._requests[key] += 1
        try:
            yield
        finally:
            self._requests -= Counter([key])

    async def run(self, key: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function in a thread when it is the key's turn."""
        await self._take(key)
        try:
            work = partial(function, *args, **kwargs)
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._free += 1
            self._working -= Counter([key])
            self._give()

    def close(self) -> None:
        """End the threads when they have no work."""
        self._threads.shutdown(wait=False)

    async def _take(self, key: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the turn was given at the same moment
                self._free += 1
                self._working -= Counter([key])
            self._give()
            raise

    def _give(self) -> None:
        """Give the free turns to the keys that wait; a key that gets one is the last of them from then on."""
        for key in [*self._waiting]:
            if not self._free:
                return
            if self._working[key] >= self._of_key:
                continue
            turns = self._waiting.pop(key)
            while turns and turns[0].done():  # cancelled
                turns.popleft()
            if turns:
                turns.popleft().set_result(None)
                self._free -= 1
                self._working[key] += 1
            if turns:
                self._waiting[key] = turns
