"""Files that a command skipped or warned of: the first ones as warnings, all of them in a CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.outcomes import SHOWN, show_outcomes, write_outcomes
from ei_toolkit.report.file_outcomes import FileOutcome


def shown(folder: Path, count: int, **flags: bool) -> list[str]:
    err = io.StringIO()
    env = Environment(Console(io.StringIO(), err, **flags), folder, {})
    show_outcomes(env, [FileOutcome(f"{n}.wav", "skipped", "the file is empty") for n in range(count)])
    return err.getvalue().splitlines()


@pytest.mark.parametrize("count", [0, 1, SHOWN])
def test_few_files_are_all_named(tmp_path: Path, count: int) -> None:
    assert shown(tmp_path, count) == [f"warning: skipped: {n}.wav: the file is empty" for n in range(count)]


def test_of_many_files_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    lines = shown(tmp_path, SHOWN + 7)
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "warning: … and 7 more; --verbose shows all of them"
    assert len(shown(tmp_path, SHOWN + 7, verbose=True)) == SHOWN + 7


def test_quiet_does_not_hide_them(tmp_path: Path) -> None:
    assert len(shown(tmp_path, 3, quiet=True)) == 3


def test_a_warning_needs_no_name_of_the_outcome(tmp_path: Path) -> None:
    err = io.StringIO()
    env = Environment(Console(io.StringIO(), err), tmp_path, {})
    show_outcomes(env, [FileOutcome("a [live].wav", "warned", "samples are clipped")])
    assert err.getvalue() == "warning: a [live].wav: samples are clipped\n"


def test_the_csv_has_every_file_and_any_text(tmp_path: Path) -> None:
    outcomes = [
        FileOutcome("größe, 1.wav", "skipped", 'the header has "no"\nand ends'),
        *(FileOutcome(f"{n}.wav", "warned", "clipped") for n in range(SHOWN * 2)),
    ]
    env = Environment(Console(io.StringIO(), io.StringIO()), tmp_path, {})
    write_outcomes(env, Path("new") / "files.csv", outcomes)
    with (tmp_path / "new" / "files.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [["path", "outcome", "reason"], *([one.path, one.outcome, one.reason] for one in outcomes)]


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    write_outcomes(Environment(Console(io.StringIO(), io.StringIO()), tmp_path, {}), None, [])
    assert list(tmp_path.iterdir()) == []
