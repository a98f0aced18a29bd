"""C++ text from Python values: numbers, strings, comments and tables. Every generator of C++ in eitk uses these."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import wrap

import numpy as np


def float_literal(value: float) -> str:
    """Return the float32 nearest to `value`, with enough digits to restore it exactly."""
    return _with_point(f"{float(np.float32(value)):.9g}") + "f"


def double_literal(value: float) -> str:
    """Return a float64, with enough digits to restore it exactly."""
    return _with_point(repr(float(value)))


def string_literal(text: str) -> str:
    """Return a string literal with the UTF-8 bytes of any text.

    Quotes and backslashes are escaped, and question marks, because two of them could begin a trigraph. Characters that
    are not printable become octal escapes of exactly three digits, so that a following digit is not part of them.
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def comment_text(text: str) -> str:
    """Return `text` for a comment: printable, on one line, and without what ends, continues or begins a comment."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    without_trigraphs = re.sub(r"\?(?=\?)", "? ", printable.replace("\\", "/"))
    return " ".join(re.sub(r"\*(?=/)|/(?=\*)", r"\g<0> ", without_trigraphs).split())


def array(kind: str, name: str, values: Iterable[str]) -> str:
    """Return a constant table with wrapped lines."""
    lines = wrap(", ".join(values), width=108, break_long_words=False)
    return f"constexpr {kind} {name}[] = {{\n    " + "\n    ".join(lines) + "};\n"


def _with_point(digits: str) -> str:
    return digits if any(c in digits for c in ".en") else digits + ".0"


def _escaped(character: str) -> str:
    if character in '"\\?':
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
