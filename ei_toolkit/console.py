"""The only place that prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from ei_toolkit.errors import EitkError, JobFailed

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType

PLAIN_INTERVAL_S = 30.0  # without a terminal, progress is one line in this time


@dataclass
class Progress:
    """Handle of a running progress display; `advance` may be called from the thread that opened it."""

    _show: Callable[[float, str], None]
    done: float = 0.0

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Count `amount` more as done and show `note` beside the bar."""
        self.done += amount
        self._show(self.done, note)

    def to(self, done: float, note: str = "") -> None:
        """Set what is done so far."""
        self.done = done
        self._show(done, note)


class Console:
    """Streams of one command and how it was asked to speak."""

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        *,
        json_output: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.json_output = json_output
        self.quiet = quiet
        self.verbose = verbose

    @property
    def interactive(self) -> bool:
        """Whether stderr is a terminal that can show a moving bar."""
        return self.stderr.isatty() and not self.quiet

    def result(self, data: Any, view: RenderableType | None = None) -> None:
        """Print the result: one JSON object with --json, else `view` (a Rich renderable or text)."""
        if self.json_output or view is None:
            self.stdout.write(
                json.dumps(data, ensure_ascii=False, indent=None if not self.stdout.isatty() else 2) + "\n"
            )
            self.stdout.flush()
        else:
            self.rich(self.stdout).print(view)

    def event(self, data: dict[str, Any]) -> None:
        """Print one line of NDJSON on stdout."""
        self.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
        self.stdout.flush()

    def line(self, text: str) -> None:
        """Print one plain line of a result on stdout."""
        self.stdout.write(text + "\n")
        self.stdout.flush()

    def note(self, text: str) -> None:
        """Say what is going on (stderr; not with --quiet)."""
        if not self.quiet:
            self.rich(self.stderr).print(text, markup=False, highlight=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """Say what only --verbose wants to hear."""
        if self.verbose:
            self.note(text)

    def warn(self, text: str) -> None:
        """Print a warning; --quiet does not silence it."""
        self._styled("warning: ", "yellow", text)

    def error(self, error: EitkError) -> None:
        """Print what happened, why, and what to try."""
        self._styled("error: ", "bold red", error.what)
        if isinstance(error, JobFailed):
            for line in error.log:
                self._styled("  | ", "dim", line)
        if error.why:
            self._styled("  why: ", "bold", error.why)
        if error.hint:
            self._styled("  try: ", "bold green", error.hint)

    @contextmanager
    def progress(self, title: str, total: float | None = None) -> Iterator[Progress]:
        """Show progress: a bar with rate and estimate on a terminal, else a line every 30 s."""
        if self.quiet:
            yield Progress(lambda _done, _note: None)
        elif self.interactive:
            with self._bar(title, total) as progress:
                yield progress
        else:
            yield Progress(self._plain_progress(title, total))

    @contextmanager
    def _bar(self, title: str, total: float | None) -> Iterator[Progress]:
        from rich import progress as rp

        columns = (
            rp.TextColumn("{task.description}"), rp.BarColumn(), rp.MofNCompleteColumn(),
            rp.TextColumn("{task.fields[rate]}"), rp.TimeRemainingColumn(), rp.TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        with rp.Progress(*columns, console=self.rich(self.stderr), transient=True) as bar:
            task = bar.add_task(title, total=total, note="", rate="")

            def show(done: float, note: str) -> None:
                speed = bar.tasks[0].speed
                bar.update(task, completed=done, note=note, rate=f"{speed:.1f}/s" if speed else "")

            yield Progress(show)

    def _plain_progress(self, title: str, total: float | None) -> Callable[[float, str], None]:
        start = last = time.monotonic()

        def show(done: float, note: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < PLAIN_INTERVAL_S:
                return
            last = now
            rate = done / (now - start)
            left = f", {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
            of = f"{done:g}/{total:g}" if total else f"{done:g}"
            self.note(f"{title}: {of} ({rate:.1f}/s{left}) {note}".rstrip())

        return show

    def _styled(self, prefix: str, style: str, text: str) -> None:
        from rich.text import Text

        self.rich(self.stderr).print(Text.assemble((prefix, style), text), soft_wrap=True)

    def rich(self, stream: TextIO) -> RichConsole:
        """A Rich console on a stream; it honours NO_COLOR and knows a terminal from a file."""
        from rich.console import Console as RichConsole

        return RichConsole(file=stream, highlight=False, width=None if stream.isatty() else 120)
