"""The events that the lines of a board are parsed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """One prediction of the board. Values that its format does not contain are None; `dsp_us` and `nn_us` are times in
    microseconds."""

    scores: Mapping[str, float]
    winner: str
    source: str  # "eitk", "sketch" (stock sketches) or "sdk" (current firmware)
    dsp_us: int | None = None
    nn_us: int | None = None
    seq: int | None = None
    end: int | None = None  # samples recorded up to the end of the window
    ms: int | None = None
    model: str | None = None
    level_dbfs: float | None = None
    q: tuple[int, ...] | None = None
    led: str | None = None
    overruns: int | None = None


@dataclass(frozen=True)
class Info:
    """Information that is not a prediction: settings, state, results of commands."""

    text: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Warning:
    """An error on the board, or of the connection to it."""

    text: str


@dataclass(frozen=True)
class Unknown:
    """A line in no known format."""

    text: str


@dataclass(frozen=True)
class Line:
    """A line as the board printed it, which was not parsed."""

    text: str


Event = Prediction | Info | Warning | Unknown | Line


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object, without values that are None."""
    kind = {"event": type(event).__name__.lower()}
    values = {key: value for key, value in vars(event).items() if value is not None}
    if isinstance(event, Prediction):
        values["scores"] = dict(event.scores)
        values["q"] = list(event.q) if event.q is not None else None
    if isinstance(event, Info):
        values["data"] = dict(event.data)
    return kind | {key: value for key, value in values.items() if value is not None and value != {}}
