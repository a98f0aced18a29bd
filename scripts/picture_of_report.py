"""Draw docs/images/report.png, the top of the page that `eitk report` writes, with Chromium.

eitk report -o report.html
.venv/bin/python scripts/picture_of_report.py report.html docs/images/report.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
WIDTH, HEIGHT = 1000, 1190


def main(report: Path, picture: Path) -> None:
    """Photograph the page in a window of WIDTH × HEIGHT pixels."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"picture_of_report: none of {', '.join(BROWSERS)} is installed. Install one, for example with apt.")
    picture.parent.mkdir(parents=True, exist_ok=True)
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run([browser, *options, f"--screenshot={picture.resolve()}", report.resolve().as_uri()], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
