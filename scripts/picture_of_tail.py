"""Draw docs/images/tail.svg, the live view of `eitk tail`, from recorded predictions of a board.

eitk play CLIP && eitk tail --count 55 --json > predictions.jsonl
.venv/bin/python scripts/picture_of_tail.py predictions.jsonl docs/images/tail.svg
"""

from __future__ import annotations

import io
import json
import re
import sys
import time
from pathlib import Path

from rich.console import Console

from ei_toolkit.board.protocol.events import Prediction
from ei_toolkit.config import BoardSettings
from ei_toolkit.report.tail_view import View

WEB_FONT = re.compile(
    r',\s*url\("https?://[^)]*\) format\("\w+"\)'
)  # so that the picture loads nothing from the network


def main(recorded: Path, picture: Path) -> None:
    """Show the events to the view and save what it draws at the end."""
    view = View("emulated", BoardSettings().colours)
    for line in recorded.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "prediction":
            view.add(Prediction(**{key: value for key, value in event.items() if key not in ("time", "event")}))
    view.started = time.monotonic() - (view.last.ms or 0) / 1000 if view.last else view.started
    canvas = Console(record=True, width=66, file=io.StringIO(), force_terminal=True)
    canvas.print(view.render())
    picture.parent.mkdir(parents=True, exist_ok=True)
    drawing = WEB_FONT.sub("", canvas.export_svg(title="eitk tail"))
    picture.write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
