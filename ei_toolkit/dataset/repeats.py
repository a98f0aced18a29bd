"""Clips that repeat the samples of another clip: the same recording twice, perhaps under two labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ei_toolkit.config.units import counted
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.manifest import Window


@dataclass(frozen=True)
class Repeat:
    """A clip of which `windows` windows have the samples of windows of the clip `of_clip`, which comes first."""

    clip: str
    label: str
    split: Split
    of_clip: str
    of_label: str
    windows: int

    @property
    def warning(self) -> str:
        """State the duplicate in words."""
        return (
            f"left out {counted(self.windows, 'window')} with the samples of windows of {self.of_clip}, which has the"
            f" label {self.of_label}"
        )


def repeats_of(windows: Sequence[Window], firsts: Sequence[bool]) -> list[Repeat]:
    """Return which clips repeat which; `firsts` marks the first window of each content. Repeats in a clip are none."""
    first = {window.sha256: window for window, is_first in zip(windows, firsts, strict=True) if is_first}
    pairs = Counter(
        (window.clip, window.label, window.split, first[window.sha256].clip, first[window.sha256].label)
        for window, is_first in zip(windows, firsts, strict=True)
        if not is_first and window.clip != first[window.sha256].clip
    )
    return [Repeat(*pair, number) for pair, number in sorted(pairs.items())]
