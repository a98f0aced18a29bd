"""Draw docs/images/pipeline.svg, the steps from clips to predictions and where each takes place.

.venv/bin/python scripts/picture_of_pipeline.py docs/images/pipeline.svg
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from ei_toolkit.config.palette import PALETTE


class Step(NamedTuple):
    """A box of the pipeline, and the command that leads to the next one."""

    name: str
    note: str
    command: str


STEPS = (
    Step("Clips", "one folder per label", "eitk slice"),
    Step("Windows", "3 s, split by artist", "eitk upload"),
    Step("Samples", "in the studio", "eitk train"),
    Step("int8 model", "8,738 weights", "eitk build"),
    Step("C++ library", "EON-style compiler", "eitk flash"),
    Step("Board", "predictions on serial", "eitk tail"),
)
PLACES = (
    ("your machine", 0, 2, "blue"),
    ("studio: local studio or Edge Impulse cloud (HTTP)", 2, 5, "green"),
    ("board (serial)", 5, 6, "orange"),
)  # name, first step, the step after the last one, colour
TITLE = "The eitk pipeline"
DESCRIPTION = (
    "Clips are cut into windows, uploaded as samples to a studio (the local studio or the Edge Impulse cloud), trained"
    " to an int8 model, compiled to a C++ library and flashed to a board (real, emulated or a program of this machine),"
    " which prints predictions."
)
FOOTNOTE = "The same commands work with the cloud and the local studio, and with a real, an emulated and a host board."
BOX, GAP, MARGIN, TOP, HEIGHT = 140, 36, 24, 64, 64
WIDTH, TOTAL_HEIGHT = 2 * MARGIN + len(STEPS) * (BOX + GAP) - GAP, 216
GROUND, INK, SOFT, BLUE = (PALETTE[name][0] for name in ("ground", "ink", "soft", "blue"))
FONT = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
CODE_FONT = "ui-monospace, Menlo, Consolas, monospace"


def main(picture: Path) -> None:
    """Write the diagram as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOTAL_HEIGHT}" role="img"'
        f' aria-labelledby="title description" font-family="{FONT}" text-anchor="middle">',
        f'<title id="title">{TITLE}</title><desc id="description">{DESCRIPTION}</desc>',
        f'<rect width="{WIDTH}" height="{TOTAL_HEIGHT}" rx="10" fill="{GROUND}"/>',
        *(_place(*place) for place in PLACES),
        *(_step(number, step) for number, step in enumerate(STEPS)),
        _text(WIDTH / 2, 200, FOOTNOTE, 13, SOFT),
        "</svg>",
    ]
    picture.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _left(step: int) -> int:
    return MARGIN + step * (BOX + GAP)


def _place(name: str, first: int, end: int, colour: str) -> str:
    left, right = _left(first) - GAP / 3, _left(end) - GAP + GAP / 3
    colours = f'fill="{PALETTE[colour][0]}" opacity="0.14"'
    box = f'<rect x="{left}" y="12" width="{right - left}" height="168" rx="10" {colours}/>'
    return box + _text((left + right) / 2, 40, name, 14, INK, weight=600)


def _step(number: int, step: Step) -> str:
    left, is_last = _left(number), number == len(STEPS) - 1
    middle = left + BOX / 2
    line = f'stroke="{BLUE}" stroke-width="2"'
    box = f'<rect x="{left}" y="{TOP}" width="{BOX}" height="{HEIGHT}" rx="8" fill="{GROUND}" {line}/>'
    arrow = f'<path d="M{left + BOX + 4} {TOP + HEIGHT / 2}h{GAP - 8}m-7 -6l7 6l-7 6" fill="none" {line}/>'
    return "".join((
        box,
        _text(middle, TOP + 27, step.name, 17, INK, weight=600),
        _text(middle, TOP + 48, step.note, 12, SOFT),
        "" if is_last else arrow,
        _text(middle if is_last else left + BOX + GAP / 2, 156, step.command, 13, INK, font=CODE_FONT),
    ))  # fmt: skip


def _text(x: float, y: float, text: str, size: int, colour: str, *, weight: int = 400, font: str = "") -> str:
    family = f' font-family="{font}"' if font else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}"{family}>{text}</text>'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
