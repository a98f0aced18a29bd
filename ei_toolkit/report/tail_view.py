"""The live view of `eitk tail`: predicted label, a bar for each score, level, the last minute, timings."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ei_toolkit.board.protocol.events import Event, Info, Prediction, Warning
from ei_toolkit.config.boards import BOARDS, MICROPHONE_RATE_HZ
from ei_toolkit.config.palette import LED_COLOURS
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.config.units import classification_time, counted

HISTORY_S = 60.0
BAR_COLUMNS = 32
METER_COLUMNS = 32
FLOOR_DBFS = -60.0
UNCERTAIN_COLOUR, OTHER_COLOUR = "blue", "white"
BANNER = re.compile(
    r"^(Edge Impulse Inferencing|Inferencing settings|Interval:|Frame size:|Sample length:|No\. of classes:)"
)


@dataclass
class View:
    """The state of the view; `render` draws it."""

    board: str
    colours: Mapping[str, str]
    last: Prediction | None = None
    note: str = ""
    predictions: int = 0
    history: deque[tuple[float, str]] = field(default_factory=deque)
    started: float = field(default_factory=time.monotonic)

    def add(self, event: Event) -> None:
        """Update the state with an event."""
        if isinstance(event, Prediction):
            self.last, self.predictions = event, self.predictions + 1
            self._remember(event)
        elif isinstance(event, Warning):
            self.note = event.text
        elif isinstance(event, Info):
            self.note = info_text(event) or self.note

    def _remember(self, event: Prediction) -> None:
        """Keep the last minute, by the board's clock where it is known: clips may be streamed faster than they last."""
        now = event.end / MICROPHONE_RATE_HZ if event.end is not None else time.monotonic()
        if self.history and now < self.history[-1][0]:
            self.history.clear()  # the microphone was restarted
        self.history.append((now, event.winner))
        while self.history[0][0] < now - HISTORY_S:
            self.history.popleft()

    def render(self) -> RenderableType:
        """Return the view for the terminal."""
        if self.last is None:
            return Panel(Text(self.note or "waiting for the first prediction", style="dim"), title=self.board, width=64)
        parts = [self._headline(self.last), self._bars(self.last), self._strip(), self._footer(self.last)]
        return Panel(Group(*parts), title=self.board, width=64)

    def _colour(self, label: str) -> str:
        name = UNCERTAIN_COLOUR if label == UNCERTAIN else self.colours.get(label, OTHER_COLOUR)
        return f"rgb({','.join(map(str, LED_COLOURS[name]))})"

    def _headline(self, prediction: Prediction) -> RenderableType:
        return Text(f"● {prediction.winner}\n", style=f"bold {self._colour(prediction.winner)}")

    def _bars(self, prediction: Prediction) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for label, score in prediction.scores.items():
            table.add_row(label, _Bar(score, BAR_COLUMNS, self._colour(label)), f"{score:.3f}")
        if prediction.level_dbfs is not None:
            share = (prediction.level_dbfs - FLOOR_DBFS) / -FLOOR_DBFS
            table.add_row("level", _Bar(share, METER_COLUMNS, "dim"), f"{prediction.level_dbfs:.0f} dBFS")
        return table

    def _strip(self) -> RenderableType:
        seconds = {int(at): winner for at, winner in self.history}  # the last prediction of each second
        strip = Text()
        for second in range(max(seconds) - int(HISTORY_S) + 1, max(seconds) + 1):
            winner = seconds.get(second)
            strip.append(
                " " if winner is None else "▂" if winner == UNCERTAIN else "█", style=self._colour(winner or "")
            )
        return Group("", _Strip(strip))

    def _footer(self, prediction: Prediction) -> RenderableType:
        seconds = int(time.monotonic() - self.started)
        lines: list[str] = []
        parts = [f"{counted(self.predictions, 'prediction')} in {seconds // 60}:{seconds % 60:02}"]
        if prediction.dsp_us is not None and prediction.nn_us is not None:
            time_text = classification_time(prediction.dsp_us / 1000, prediction.nn_us / 1000)
            lines.append(f"{time_text}{time_mark(self.board)}")
        if prediction.overruns:
            parts.append(f"{prediction.overruns} overruns")
        return Text("\n".join([" · ".join(parts), *lines, *([self.note] if self.note else [])]), style="dim")


def time_mark(board: str) -> str:
    """Return the addition to a time that a virtual board printed: it is not the time of a real board."""
    spec = BOARDS.get(board)
    if spec is None or not spec.virtual:
        return ""
    return " on this machine" if spec.clock_hz is None else " emulated"


def plain_line(event: Event, board: str = "") -> str:
    """Return an event as one line, for output that is not a terminal; empty for events that are not shown.

    `board` is the board that printed the event, so that times of a virtual board are marked.
    """
    if isinstance(event, Info):
        return info_text(event)
    if not isinstance(event, Prediction):
        return event.text
    scores = "  ".join(f"{label} {score:.3f}" for label, score in event.scores.items())
    times = (
        f"  {event.dsp_us / 1000:.1f}+{event.nn_us / 1000:.1f} ms{time_mark(board)}"
        if event.dsp_us is not None and event.nn_us is not None
        else ""
    )
    end = f"{event.end / MICROPHONE_RATE_HZ:7.2f} s  " if event.end is not None else ""
    return f"{end}{event.winner:<12}{scores}{times}"


def info_text(event: Info) -> str:
    """Return a message of the board about its state as text; empty for the lines that it prints at the start."""
    state, info, test = (event.data.get(key) for key in ("state", "info", "selftest"))
    if state == "running":
        return "the microphone restarts"
    if state is not None:
        return f"the board is {state}"
    if isinstance(info, dict):
        return f"model {info.get('model')}, labels {info.get('labels')}, threshold {info.get('threshold')}"
    if isinstance(test, dict):
        return f"self-test: {'ok' if test.get('ok') else 'failed'}, scores {test.get('scores_crc')}"
    return "" if BANNER.match(event.text) else event.text


@dataclass(frozen=True)
class _Bar:
    """A bar of `columns`, or of those that a narrow terminal leaves for it."""

    share: float
    columns: int
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = min(self.columns, options.max_width)
        filled = round(max(0.0, min(1.0, self.share)) * columns)
        yield Text("━" * filled + "╌" * (columns - filled), style=self.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(self.columns, options.max_width))


@dataclass(frozen=True)
class _Strip:
    """A line of text of which a narrow terminal shows the end."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text[-options.max_width :]
