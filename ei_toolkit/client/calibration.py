"""The parameters of a performance calibration that were saved in a studio."""

from __future__ import annotations

from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response


class StandardParameters(Response, frozen=True):
    """Times in ms: scores are averaged over one, and other detections are suppressed for the other."""

    average_window_duration_ms: float
    detection_threshold: float
    suppression_ms: float


class _Parameters(Response, frozen=True):
    parameters_standard: StandardParameters | None = None


class _Saved(Response, frozen=True):
    params: _Parameters | None = None


def saved_parameters(studio: Studio) -> StandardParameters | None:
    """Return the parameters of the impulse; None if none were saved."""
    found = studio.transport.read(studio.path("performance-calibration", "parameters"), _Saved)
    return found.params.parameters_standard if found.params else None
