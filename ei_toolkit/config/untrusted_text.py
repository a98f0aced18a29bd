"""Text of others (servers, boards, job logs, file names) before it is shown or logged.

A terminal interprets control characters: they can clear it, change its title or write over earlier lines.
Bidirectional controls show a text in another order than it has.
"""

from __future__ import annotations

import re

ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, positions, clearing
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC: titles, links, device strings
    r"|\x1b[ -/]*[0-Z\\`-~]"  # two characters, such as a reset
)
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
UNSAFE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{BIDIRECTIONAL}]")
REPLACEMENT = "\ufffd"


def printable(text: str) -> str:
    r"""Return text without escape sequences and backspaces, and with U+FFFD for every other control character.

    Line ends, which become `\n`, and tabs stay.
    """
    if not UNSAFE.search(text):
        return text
    text = ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n")).replace("\b", "")
    return UNSAFE.sub(REPLACEMENT, text)


def printable_line(text: str) -> str:
    r"""Return text as one line: as `printable`, with `\n` and `\t` for line ends and tabs."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def printable_json(text: str) -> str:
    r"""Return JSON text with `\uXXXX` for the characters that `printable` replaces: the data is the same.

    `text` has no such characters outside of its strings, as `json.dumps` writes it.
    """
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
