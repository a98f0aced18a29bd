"""The recorded dialogue of Edge Impulse's daemon with a board and a studio: `from official_daemon import ...`.

official_daemon.json has what the unmodified program sent and received on the serial line, and its messages to the
remote management. Values that differ each time are written in braces. tests/contract/test_official_daemon.py runs the
program itself.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def fill(text: str, values: dict[str, str]) -> str:
    """Return a recorded text with the values of a run."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def pattern(reply: str) -> re.Pattern[str]:
    """Return the expression that a reply of a board must match; what is in braces may be anything."""
    return re.compile(re.sub(r"\\\{[a-z\\ ]+\\\}", ".*", re.escape(reply)), re.DOTALL)
