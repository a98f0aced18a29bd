"""Damaged files of six formats: 60 of each that scripts/bench reads 10,000 of."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts/benchmarks/mutations.py"))


@pytest.mark.parametrize("suffix", SCRIPT["FORMATS"])
def test_a_damaged_file_is_refused_or_warned_of_or_read_as_well_as_ffmpeg_reads_it(suffix: str, tmp_path: Path) -> None:
    file = SCRIPT["original"](suffix, tmp_path)
    outcomes = {number: SCRIPT["outcome"](file, number, tmp_path) for number in range(60)}
    assert {number: one for number, one in outcomes.items() if one.startswith("lost")} == {}
    assert "refused" in outcomes.values()
    assert "same" in outcomes.values()
