"""The reference pages are generated, and these tests check that they are current."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ei_toolkit.config.load import load_config

ROOT = Path(__file__).resolve().parents[2]


def test_the_generated_pages_are_current() -> None:
    done = subprocess.run([ROOT / "scripts/docs", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_setting_is_in_the_reference(tmp_path: Path) -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    for key, _ in load_config(tmp_path, {}).values():
        table, _, name = key.rpartition(".")
        section = page.split(f"## [{table}]\n", 1)[1].split("\n## ", 1)[0]
        assert f"| `{name}` |" in section, f"{key} has no description"
