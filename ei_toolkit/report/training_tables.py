"""Results of training, test and profile as tables, in the shape of the reference project's tables 2, 3 and 4."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.api.results import DeviceProfile, Evaluation
from ei_toolkit.report.tables import Cell, Table


def score_table(title: str, evaluations: Sequence[Evaluation]) -> Table:
    """Variants side by side: accuracy, loss, AUC and weighted averages."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("accuracy", *(_percent(e.accuracy) for e in evaluations)),
        ("loss", *(_number(e.loss) for e in evaluations)),
        ("area under ROC curve", *(_number(e.auc) for e in evaluations)),
        ("precision (weighted)", *(_number(e.average("precision")) for e in evaluations)),
        ("recall (weighted)", *(_number(e.average("recall")) for e in evaluations)),
        ("F1 (weighted)", *(_number(e.average("f1")) for e in evaluations)),
        ("windows", *(e.windows for e in evaluations)),
    )
    return Table(title, ("", *(e.variant for e in evaluations)), rows)


def confusion_table(title: str, evaluation: Evaluation) -> Table:
    """Each label's windows: what they were called, as parts of the row, and the label's F1."""
    rows: list[tuple[Cell, ...]] = []
    for score, counts in zip(evaluation.scores, evaluation.confusion, strict=True):
        parts = (f"{count} ({count / score.support:.1%})" if score.support else "0" for count in counts)
        rows.append((score.label, *parts, _number(score.f1)))
    return Table(title, ("heard \\ called", *evaluation.columns, "F1"), tuple(rows))


def evaluation_tables(name: str, evaluations: Sequence[Evaluation]) -> list[Table]:
    """Scores, then a confusion matrix for each variant. `name` is `validation` or `test`."""
    if not evaluations:
        return []
    matrices = [confusion_table(f"{name}, {e.variant}", e) for e in evaluations]
    return [score_table(name, evaluations), *matrices]


def profile_table(profiles: Sequence[DeviceProfile]) -> Table:
    """Latency, RAM and ROM of each variant, device and engine."""
    rows = tuple(
        (p.variant, p.name, engine.engine, _ms(p.latency_ms), _kb(engine.ram), _kb(engine.rom), _kb(engine.arena))
        for p in profiles
        for engine in p.engines
    )
    return Table("on the device (estimates)", ("model", "device", "engine", "latency", "RAM", "ROM", "arena"), rows)


def _percent(value: float) -> str:
    return f"{value:.2%}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f} ms"


def _kb(value: int) -> str | None:
    return f"{value / 1024:.1f}K" if value else None
