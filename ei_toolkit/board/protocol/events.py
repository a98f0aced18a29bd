"""What a line of a board can mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

UNCERTAIN = "undecided"


@dataclass(frozen=True)
class Prediction:
    """One answer of the board. What its format does not tell is None; times are microseconds."""

    scores: Mapping[str, float]
    winner: str
    source: str  # "eitk", "sketch" (stock sketches) or "sdk" (current firmware)
    dsp_us: int | None = None
    nn_us: int | None = None
    seq: int | None = None
    end: int | None = None  # samples heard when the window ended
    ms: int | None = None
    model: str | None = None
    level_dbfs: float | None = None
    q: tuple[int, ...] | None = None
    led: str | None = None
    overruns: int | None = None


@dataclass(frozen=True)
class Info:
    """Something that the board tells about itself."""

    text: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Warning:
    """Something went wrong on the board, or with the line to it."""

    text: str


@dataclass(frozen=True)
class Unknown:
    """A line in no known format."""

    text: str


Event = Prediction | Info | Warning | Unknown


def event_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object, without what is not known."""
    kind = {"event": type(event).__name__.lower()}
    values = {key: value for key, value in vars(event).items() if value is not None}
    if isinstance(event, Prediction):
        values["scores"] = dict(event.scores)
        values["q"] = list(event.q) if event.q is not None else None
    if isinstance(event, Info):
        values["data"] = dict(event.data)
    return kind | {key: value for key, value in values.items() if value is not None and value != {}}
