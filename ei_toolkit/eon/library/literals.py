"""C++ literals and tables."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

import numpy as np


def float_literal(value: float) -> str:
    """The float32 next to `value`, in as many digits as give it back."""
    return _with_point(f"{float(np.float32(value)):.9g}") + "f"


def double_literal(value: float) -> str:
    """A float64, in as many digits as give it back."""
    return _with_point(repr(float(value)))


def array(kind: str, name: str, values: Iterable[str]) -> str:
    """A constant table, wrapped."""
    lines = wrap(", ".join(values), width=108, break_long_words=False)
    return f"constexpr {kind} {name}[] = {{\n    " + "\n    ".join(lines) + "};\n"


def _with_point(digits: str) -> str:
    return digits if any(c in digits for c in ".en") else digits + ".0"
