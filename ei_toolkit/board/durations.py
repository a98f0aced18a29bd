"""Times as people write them: 45s, 5m, 1h, or plain seconds."""

from __future__ import annotations

import re

from ei_toolkit.errors import UsageError

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|)$")


def parse_duration(text: str) -> float:
    """Seconds. Raises UsageError."""
    match = DURATION.match(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a time", hint="Write 45s, 5m or 1h.")
    return float(match[1]) * UNITS[match[2]]
