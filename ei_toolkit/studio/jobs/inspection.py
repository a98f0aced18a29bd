"""What an uploaded file contains. Its values are read here, in a job process or in `eitk studio import`."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from ei_toolkit.audio.values import ValueChecks
from ei_toolkit.config.settings import Reading
from ei_toolkit.dataset.time_series import parse_time_series
from ei_toolkit.errors import DataError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.acquisition import inspect_acquisition
from ei_toolkit.studio.jobs.windows import wav_blocks


def inspect_content(content: bytes, form: str, name: str, hmac_key: str) -> dict[str, Any]:
    """Return the values of `studio.http.ingestion.Contents` for a data acquisition file (`form` json or cbor) or CSV.

    For a WAV file, check that its values can be sound, and return nothing. Raises ApiError with the reason why a file
    cannot be stored.
    """
    if form == "wav":
        _check_wav(content, name)
        return {}
    if form == "csv":
        return _read_csv(content, name)
    found = inspect_acquisition(content, form, hmac_key)
    return {
        "format": form,
        "interval_ms": found.interval_ms,
        "sensors": found.sensors,
        "values_count": found.count,
        "device_name": found.device_name,
        "device_type": found.device_type,
        "signature_valid": found.signature_valid,
    }


def _read_csv(content: bytes, name: str) -> dict[str, Any]:
    """Read the file as `eitk upload` reads one without options."""
    try:
        series = parse_time_series(name, content)
    except DataError as error:
        raise ApiError(str(error)) from error
    return {
        "format": "csv",
        "interval_ms": series.interval_ms,
        "sensors": series.sensors,
        "values_count": len(series.values),
        "label": series.label,
        "ranges": series.ranges,
    }


def _check_wav(content: bytes, name: str) -> None:
    blocks, floats = wav_blocks(content)
    checks = ValueChecks(name, Reading(), floats)
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is rejected
            deque(checks.mono(blocks), maxlen=0)
        deque(checks.at_the_end(), maxlen=0)
    except DataError as error:
        raise ApiError(error.with_hint) from error
