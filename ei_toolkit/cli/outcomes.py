"""Files that a command skipped, rejected or warned of: as warnings on stderr, and as a CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.report.file_outcomes import FileOutcome, outcomes_csv

SHOWN = 10  # warnings without --verbose


def show_outcomes(env: Environment, outcomes: Sequence[FileOutcome]) -> None:
    """Print one warning for each, the first ones only without --verbose."""
    warn_of_some(env, [
        f"{one.path}: {one.reason}" if one.outcome == "warned" else f"{one.outcome}: {one.path}: {one.reason}"
        for one in outcomes
    ])  # fmt: skip


def warn_of_some(env: Environment, texts: Sequence[str], noun: str = "") -> None:
    """Print one warning for each text, the first ones only without --verbose; `noun` names what the others are."""
    for text in texts if env.console.verbose else texts[:SHOWN]:
        env.console.warn(text)
    if len(texts) > SHOWN and not env.console.verbose:
        more = f"{len(texts) - SHOWN} more {noun}".rstrip()
        env.console.warn(f"… and {more}; --verbose shows all of them")


def write_outcomes(env: Environment, file: Path | None, outcomes: Sequence[FileOutcome]) -> None:
    """Write `path,outcome,reason` rows as CSV, in one step; nothing without a file. Raises OSError."""
    if file is not None:
        write_text(env.cwd / file, outcomes_csv(outcomes))
