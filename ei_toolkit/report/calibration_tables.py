"""Tables of `eitk calibrate`: the trade-off curve, and the chosen settings on both halves of the groups."""

from __future__ import annotations

from ei_toolkit.config.settings import BoardSettings
from ei_toolkit.config.units import counted, percent
from ei_toolkit.evaluation.calibration import Calibration, Result
from ei_toolkit.report.tables import Table

MOST_ROWS = 12


def curve_table(found: Calibration, board: BoardSettings) -> Table:
    """Return some of the settings that no others exceed, from the highest recall to the fewest false accepts."""
    step = max(1, -(-len(found.curve) // MOST_ROWS))
    chosen = found.validation.point
    shown = [one for place, one in enumerate(found.curve) if place % step == 0 or one.decisions == chosen.decisions]
    rows = tuple(
        (
            f"{one.decisions.threshold:.2f}", one.decisions.smoothing, f"{one.decisions.hold * board.hop_ms} ms",
            f"{one.false_per_hour:.1f}", percent(one.recall),
        )
        for one in shown
    )  # fmt: skip
    head = ("threshold", "smoothing", "hold time", "false accepts per hour", "recall")
    return Table("Trade-off on the validation groups", head, rows)


def calibration_table(found: Calibration) -> Table:
    """Return the results of the chosen settings."""
    own = found.chosen
    title = f"Chosen: threshold {own.threshold:.2f}, smoothing {own.smoothing}, hold of {counted(own.hold, 'window')}"
    rows = (_row("validation groups", found.validation), _row("groups kept back", found.kept_back))
    head = ("recordings of", "number", "hours", "false accepts per hour", "recall", "false rejects")
    return Table(title, head, rows)


def _row(name: str, result: Result) -> tuple[str, ...]:
    rate, recall, point = result.false_per_hour, result.recall, result.point
    return (
        name,
        f"{result.recordings} of {counted(result.groups, 'group')}",
        f"{point.hours:.3g}",
        f"{rate.value:.1f} (95 % interval {rate.low:.1f} to {rate.high:.1f})",
        f"{percent(point.recall)} ({percent(recall.low)} to {percent(recall.high)})" if point.labelled else "–",
        f"{point.labelled - point.recognised} of {point.labelled}",
    )
