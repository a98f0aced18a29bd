"""The change log has the form of Keep a Changelog, and a release moves what is unreleased."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SMALL = """# Changelog

## [Unreleased]

### Added

* A command,
  with a second line.

### Fixed

* An error.

## [0.1.0] - 2026-11-21

### Added

* Everything.
"""


@pytest.fixture(scope="module")
def changelog() -> ModuleType:
    spec = importlib.util.spec_from_file_location("changelog", ROOT / "scripts/changelog.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", [LOG, SMALL], ids=["of eitk", "small"])
def test_the_change_log_has_the_form_of_keep_a_changelog(changelog: ModuleType, text: str) -> None:
    assert list(changelog.faults(text)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# Changelog", "# Changes", "first line"),
        ("## [Unreleased]", "## [0.2.0] - 2026-12-01", "not '[Unreleased]'"),
        ("[0.1.0] - 2026-11-21", "0.1.0", "'## 0.1.0' is not"),
        ("[0.1.0] - 2026-11-21", "[0.1.0] - 2026-13-21", "is not '## [MAJOR"),
        ("## [0.1.0]", "## [0.0.9] - 2026-11-20\n\n## [0.1.0]", "descending order"),
        ("### Fixed", "### Added", "Unreleased]: the sections Added, Added"),
        ("### Fixed", "### Repaired", "the sections Added, Repaired"),
        ("* An error.\n", "", "section Fixed does not begin"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n* An entry.\n", "above the first section"),
        ("  with a second", "with a second", "neither an entry nor a continuation"),
    ],
)
def test_each_deviation_is_named(changelog: ModuleType, old: str, new: str, fault: str) -> None:
    assert old in SMALL
    assert any(fault in found for found in changelog.faults(SMALL.replace(old, new, 1)))


def test_a_release_gives_the_unreleased_changes_its_version(changelog: ModuleType) -> None:
    after = changelog.released(SMALL, "0.2.0", "2026-12-01")
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n* A command" in after
    assert list(changelog.faults(after)) == []
    with pytest.raises(ValueError, match="no entry under"):
        changelog.released(after, "0.3.0", "2026-12-02")
