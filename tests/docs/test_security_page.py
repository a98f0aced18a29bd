"""docs/security.md: each attack has an outcome, and the tests that carry it out exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ATTACKS = PAGE.partition("## Faults of every kind at once")[0]
ROWS = [line.strip("| ").split(" | ") for line in ATTACKS.splitlines() if line.startswith("| ")]


def test_every_row_names_an_attack_what_happens_and_tests() -> None:
    assert len(ROWS) > 30
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []


def test_the_tests_of_the_page_exist() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([\w/]+\.py)`", row[-1])}
    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / "tests" / name).is_file()) == []
