"""Show a job while it runs, as a progress bar or NDJSON, and handle Ctrl-C. Used by several commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import typer

from ei_toolkit.cli.console import Progress
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.jobs.epochs import Epoch, Epochs, WriteEpoch
from ei_toolkit.client.jobs.job import Job, Started, cancel_job
from ei_toolkit.client.jobs.wait import Listener, TrainingProgress, after, wait_for
from ei_toolkit.client.project import Studio
from ei_toolkit.errors import Interrupted
from ei_toolkit.report.terminal_plot import PLOT_COLUMNS, training_plot

OnInterrupt = Literal["ask", "cancel", "detach"]


@dataclass(frozen=True)
class Follower:
    """Follows jobs of one command. Calling it returns the ended job; raises JobFailed, NetworkError, Interrupted."""

    env: Environment
    studio: Studio
    timeout_s: float | None = None
    on_interrupt: OnInterrupt = "ask"
    on_epoch: Sequence[WriteEpoch] = ()

    def __call__(self, started: Started, title: str, epochs: int | None = None) -> Job:
        """Show a job until it ends."""
        console = self.env.console
        if started.attached:
            console.note(f"job {started.id} was running before; following it")
        self._event({"event": "job", "job": started.id, "title": title, "attached": started.attached})
        try:
            with console.progress(title, epochs) as progress:
                found = Epochs()
                job = self._wait(started.id, self._reader(started.id, title, progress, found))
                self._ended(found.end(), found, progress)
                if found.history and progress.columns >= PLOT_COLUMNS:
                    progress.print_above(training_plot(found.history))
        except KeyboardInterrupt:
            self._interrupted(started.id)
            raise
        console.detail(f"{title}: job {job.id} has succeeded")
        self._event({"event": "done", "job": job.id, "title": title})
        return job

    def print_log(self, job: int) -> Job:
        """Print the log of a job on stdout as it grows: lines, or NDJSON with --json."""
        console = self.env.console

        def show(line: str) -> None:
            if console.json_output:
                console.event({"event": "log", "job": job, "line": line})
            else:
                console.line(line)

        try:
            return self._wait(job, show)
        except KeyboardInterrupt:
            self._interrupted(job)
            raise

    def _wait(self, job: int, line: Callable[[str], None]) -> Job:
        return wait_for(self.studio, job, Listener(line, self.env.console.warn), timeout_s=self.timeout_s)

    def _reader(self, job: int, title: str, progress: Progress, epochs: Epochs) -> Callable[[str], None]:
        now = TrainingProgress()

        def read(line: str) -> None:
            nonlocal now
            self.env.console.detail(f"  | {line}")
            before, now = now, after(now, line)
            self._ended(epochs.add(line, now), epochs, progress)
            if now != before:
                progress.to(now.epoch, now.text)
                self._event({"event": "progress", "job": job, "title": title, **_known_values(now)})

        return read

    def _ended(self, epoch: Epoch | None, epochs: Epochs, progress: Progress) -> None:
        """Log an epoch and show it on a terminal: as curves, or as a line where they do not fit."""
        if epoch is None:
            return
        for write in self.on_epoch:
            write(epoch)
        if progress.columns >= PLOT_COLUMNS:
            progress.draw_below(training_plot(epochs.history))
        else:
            values = ", ".join(f"{name} {value:.3f}" for name, value in epoch.values.items())
            progress.print_above(f"epoch {epoch.number}: {values}")

    def _event(self, data: dict[str, object]) -> None:
        if self.env.console.json_output:
            self.env.console.event(data)

    def _interrupted(self, job: int) -> None:
        """Cancel the job or leave it running, as `on_interrupt` states; always raises Interrupted."""
        if self.on_interrupt == "cancel" or (self.on_interrupt == "ask" and self._wants_cancel(job)):
            cancel_job(self.studio, job)
            raise Interrupted(f"job {job} was cancelled") from None
        raise Interrupted(f"job {job} continues in the studio", hint=f"eitk jobs follow {job}") from None

    def _wants_cancel(self, job: int) -> bool:
        if not self.env.console.interactive:
            return False
        return typer.confirm(f"\ncancel job {job} in the studio as well?", default=False, err=True)


def _known_values(progress: TrainingProgress) -> dict[str, object]:
    return {name: value for name, value in asdict(progress).items() if value is not None}
