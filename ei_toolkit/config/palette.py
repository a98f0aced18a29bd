"""The colours of the report, the figures, the terminal and the studio in a browser, in light and in dark mode."""

from __future__ import annotations

PALETTE = {
    "ground": ("#fcfcfa", "#161618"),
    "panel": ("#f1f1ec", "#202024"),
    "ink": ("#1d1d1b", "#ececea"),
    "soft": ("#5d5d57", "#a5a5a0"),
    "rule": ("#d9d9d2", "#38383d"),
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#d55e00", "#f0a04b"),
    "green": ("#00805c", "#4cc9a0"),
    "purple": ("#882e72", "#e6a0cc"),
}
"""Name: (colour in light mode, colour in dark mode).

Lines and bars use the colours of Okabe and Ito (Color Universal Design, 2008), which people with any common colour
vision deficiency can distinguish, changed in lightness so that each has a contrast of 3:1 or more with the ground.
"""

LED_COLOURS = {
    "red": (255, 0, 0),
    "orange": (255, 64, 0),
    "yellow": (255, 255, 0),
    "lime": (96, 255, 0),
    "green": (0, 255, 0),
    "mint": (0, 255, 128),
    "cyan": (0, 255, 255),
    "blue": (0, 0, 255),
    "magenta": (255, 0, 255),
    "pink": (255, 128, 128),
    "white": (255, 255, 255),
}
"""Colours of the LED of a board: the light of its red, green and blue part, 0 to 255.

The distance in CIE Lab between any two of them is 30 or more. Blue means uncertain, so ten are for labels.
"""

LABEL_COLOURS = (
    ("#0000ff", "#8099ff"),
    ("#990000", "#cc4d00"),
    ("#4d804d", "#66ff80"),
    ("#cc4dcc", "#ffccff"),
    ("#00334d", "#999999"),
    ("#ff3300", "#e6b300"),
    ("#660099", "#9933ff"),
    ("#e64d99", "#cc00b3"),
    ("#66001a", "#99664d"),
    ("#994dff", "#b3e6b3"),
)
"""Colours of labels, by their position modulo the number of colours: (light mode, dark mode).

Of the colours with a contrast of 3:1 or more with the ground, these were found by a search for the largest distance in
CIE Lab between any two of them, for people with and without a colour vision deficiency. It is 24 or more. A label is
always written beside its colour.
"""
