"""All output of the commands: results on stdout, everything else on stderr, without control characters of others.

Rich is imported in the functions that use it, because `eitk --help` loads this module.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any, TextIO

import typer

from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.untrusted_text import printable, printable_json
from ei_toolkit.errors import EitkError, Interrupted, JobFailed, SettingsError, UsageError

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType

PIPE_COLUMNS = 10_000  # a row of a table is one line for `grep`
PLAIN_INTERVAL_S = 30.0  # without a terminal, progress is one line in this time
PLAIN_FIRST_S = 1.0  # and work that takes longer than this has its title printed


@dataclass
class Progress:
    """A progress display; `advance` may be called from the thread that opened it."""

    _show: Callable[[float, str], None]
    done: float = 0.0
    columns: int = 0
    """Width of the terminal that shows the bar; 0 without a bar, where the two methods at the end print nothing."""
    _print: Callable[[RenderableType], None] = lambda _: None
    _draw: Callable[[RenderableType], None] = lambda _: None

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Count `amount` more as done and show `note` beside the bar."""
        self.done += amount
        self._show(self.done, note)

    def to(self, done: float, note: str = "") -> None:
        """Set what is done so far."""
        self.done = done
        self._show(done, note)

    def print_above(self, text: RenderableType) -> None:
        """Print something that stays, above the bar."""
        self._print(text)

    def draw_below(self, view: RenderableType) -> None:
        """Show a view below the bar, in place of an earlier one, until the bar ends."""
        self._draw(view)


class Console:
    """The streams of one command and its output options."""

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
        self._bar_console: RichConsole | None = None  # of the bar that is shown now, which prints above it

    @property
    def interactive(self) -> bool:
        """Whether stderr is a terminal that can show a progress bar."""
        return self.stderr.isatty() and not self.quiet

    def result(self, data: Any, view: RenderableType | None = None) -> None:
        """Print the result: one JSON object with --json, else `view` (a Rich renderable or text)."""
        if self.json_output or view is None:
            self._write(printable_json(json_text(data, indent=2 if self.stdout.isatty() else None)))
        elif isinstance(view, str):
            self._print(self.stdout, printable(view))
        else:
            self.rich(self.stdout).print(_fitted(view))

    def event(self, data: dict[str, Any]) -> None:
        """Print one line of NDJSON on stdout."""
        self._write(printable_json(json_text(data)))

    def line(self, text: str) -> None:
        """Print one plain line of a result on stdout."""
        self._write(printable(text))

    def note(self, text: str) -> None:
        """Print a message on stderr, unless --quiet is set."""
        if not self.quiet:
            self._print(self.stderr, printable(text))

    def detail(self, text: str) -> None:
        """Print a message on stderr if --verbose is set."""
        if self.verbose:
            self.note(text)

    def warn(self, text: str) -> None:
        """Print a warning, also with --quiet."""
        self._styled("warning: ", "yellow", text)

    def error(self, error: EitkError) -> None:
        """Print an error with its reason and its hint; one JSON object in one line with --json."""
        if self.json_output:
            found = {"code": error.exit_code, "message": error.what, "why": error.why, "hint": error.hint}
            self.stderr.write(json_text(found | _details(error)) + "\n")
            return
        if isinstance(error, Interrupted):
            self._styled("", "", error.with_hint)
            return
        for line in error.what.split("\n") if isinstance(error, SettingsError) else [error.what]:
            self._styled("error: ", "bold red", line)
        if isinstance(error, JobFailed):
            for line in error.log:
                self._styled("  | ", "dim", line)
        if error.why:
            self._styled("  why: ", "bold", error.why)
        if error.hint:
            self._styled("  try: ", "bold green", error.hint)

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question on the terminal; the end of the input is a no.

        Raises UsageError without a terminal.
        """
        if not (self.stderr.isatty() and sys.stdin.isatty()):
            raise UsageError(
                f"this needs a confirmation, and there is no terminal: {question}", hint="Confirm it with --yes."
            )
        try:
            return typer.confirm(printable(question), err=True)
        except typer.Abort as error:
            if isinstance(error.__context__, EOFError):  # the end of the input, such as Ctrl-D
                return False
            raise

    @contextmanager
    def progress(self, title: str, total: float | None = None) -> Iterator[Progress]:
        """Show progress: a bar with rate and estimate on a terminal, else the title after 1 s and a line every 30 s."""
        if self.quiet:
            yield Progress(lambda _done, _note: None)
        elif self.interactive:
            with self._bar(title, total) as progress:
                yield progress
        else:
            title_line = threading.Timer(PLAIN_FIRST_S, self.note, [f"{title} …"])
            title_line.daemon = True
            title_line.start()
            try:
                yield Progress(self._plain_progress(title, total))
            finally:
                title_line.cancel()

    @contextmanager
    def _bar(self, title: str, total: float | None) -> Iterator[Progress]:
        from rich import progress as rp

        columns = (
            rp.TextColumn("{task.description}", markup=False), rp.BarColumn(), rp.MofNCompleteColumn(),
            rp.TextColumn("{task.fields[rate]}"), rp.TimeRemainingColumn(),
            rp.TextColumn("{task.fields[note]}", markup=False),
        )  # fmt: skip

        class BarWithView(rp.Progress):
            """A bar with a view below it."""

            view: RenderableType = ""

            def get_renderables(self) -> Iterator[RenderableType]:
                yield from super().get_renderables()
                if self.view:
                    yield self.view

        with BarWithView(*columns, console=self.rich(self.stderr), transient=True) as bar:
            task = bar.add_task(title, total=total, note="", rate="")

            def show(done: float, note: str) -> None:
                speed = bar.tasks[0].speed
                bar.update(task, completed=done, note=note, rate=f"{speed:.1f}/s" if speed else "")

            def draw(view: RenderableType) -> None:
                bar.view = view
                bar.refresh()

            self._bar_console = bar.console
            try:
                yield Progress(show, 0.0, bar.console.width, bar.console.print, draw)
            finally:
                self._bar_console = None

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

    def _write(self, text: str) -> None:
        self.stdout.write(text + "\n")
        self.stdout.flush()

    def _styled(self, prefix: str, style: str, text: str) -> None:
        self._print(self.stderr, printable(text), (prefix, style))

    def _print(self, stream: TextIO, text: str, head: tuple[str, str] = ("", "")) -> None:
        """Print text behind a prefix with its style; on a terminal, lines are broken before a word."""
        from rich.text import Text

        console, (prefix, style) = self.rich(stream), head
        lines = f"{prefix}{text}"
        if stream.isatty():
            lines = "\n".join(_broken_before_words(line, console.width) for line in lines.split("\n"))
        console.print(Text.assemble((prefix, style), lines[len(prefix) :]), soft_wrap=True)

    def rich(self, stream: TextIO) -> RichConsole:
        """Return a Rich console on a stream: no markup, colours only on a terminal and without NO_COLOR.

        While a bar is shown, that of stderr is the bar's: what it prints comes above the bar.
        """
        if self._bar_console and stream is self.stderr:
            return self._bar_console
        from ei_toolkit.cli.terminal import PrintableConsole

        width = None if stream.isatty() else PIPE_COLUMNS
        return PrintableConsole(file=stream, markup=False, emoji=False, highlight=False, width=width)


def _broken_before_words(line: str, width: int) -> str:
    """Return a line as several that fit a terminal; a word that is too long, such as a path, stays whole."""
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    wrapper = TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.wrap(line))


def _details(error: EitkError) -> dict[str, Any]:
    """What an error has beside its message."""
    if isinstance(error, JobFailed):
        return {"log": error.log}
    return {"faults": [asdict(fault) for fault in error.faults]} if isinstance(error, SettingsError) else {}


def _fitted(view: RenderableType) -> RenderableType:
    """Return the same with tables that do not break words."""
    from rich.console import Group
    from rich.table import Table

    from ei_toolkit.report.fitted_table import FittedTable

    if isinstance(view, Group):
        return Group(*map(_fitted, view.renderables))
    return FittedTable(view) if isinstance(view, Table) else view
