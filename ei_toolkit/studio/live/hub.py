"""Who listens to which job. Lives in the server's event loop; nothing here waits."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str, bool | None], None]  # a line of the log, or the end: ("", success)


class Hub:
    """Hands each line of a job's log to everybody who listens."""

    def __init__(self) -> None:
        self._listeners: dict[int, set[Listener]] = {}

    def listen(self, job: int, listener: Listener) -> None:
        """Start to hear a job."""
        self._listeners.setdefault(job, set()).add(listener)

    def leave(self, job: int, listener: Listener) -> None:
        """Stop hearing a job."""
        listeners = self._listeners.get(job, set())
        listeners.discard(listener)
        if not listeners:
            self._listeners.pop(job, None)

    def line(self, job: int, text: str) -> None:
        """A new line of a job's log."""
        for listener in tuple(self._listeners.get(job, ())):
            listener(text, None)

    def end(self, job: int, success: bool) -> None:
        """A job has ended."""
        for listener in tuple(self._listeners.get(job, ())):
            listener("", success)
