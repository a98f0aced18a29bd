"""Draw docs/images/training.svg, the curves that `eitk train` shows on a terminal, from the CSV log of a training.

eitk train --log csv
.venv/bin/python scripts/picture_of_training.py .eitk/logs/train-TIME.csv docs/images/training.svg
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from picture_of_tail import WEB_FONT
from rich.console import Console

from ei_toolkit.client.jobs.epochs import MEASURES
from ei_toolkit.report.terminal_plot import PLOT_COLUMNS, training_plot


def main(log: Path, picture: Path) -> None:
    """Draw the values of all epochs and save them as a picture of a terminal."""
    rows = list(csv.DictReader(log.read_text(encoding="utf-8").splitlines()))
    history = {name: [float(row[name]) for row in rows if row[name]] for name in MEASURES}
    canvas = Console(record=True, width=PLOT_COLUMNS, file=io.StringIO(), force_terminal=True)
    canvas.print(training_plot(history))
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(WEB_FONT.sub("", canvas.export_svg(title="eitk train")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
