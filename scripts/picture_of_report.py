"""Draw docs/images/report.png, the top of the page that `eitk report` writes, with Chromium.

eitk report -o report.html
.venv/bin/python scripts/picture_of_report.py report.html docs/images/report.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1000, 1400
COLOURS = 64  # a palette makes the file a quarter of its size; the page has few colours


def main(report: Path, picture: Path) -> None:
    """Photograph the page in a window of WIDTH × HEIGHT pixels and save it with a palette."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"picture_of_report: none of {', '.join(BROWSERS)} is installed. Install one, for example with apt.")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run([browser, *options, f"--screenshot={shot}", report.resolve().as_uri()], check=True)
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
