"""The hooks of pre-commit: every eitk.toml is checked, and audio files are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from support import eitk

from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.cli.pre_commit import main

HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}


def test_a_correct_file_passes_and_each_wrong_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name in ("right", "wrong", "torn"):
        (tmp_path / name).mkdir()
        eitk(tmp_path / name, "init", "--recipe", "reference")
        files.append(str(tmp_path / name / "eitk.toml"))
    assert main(files) == 0
    wrong, torn = Path(files[1]), Path(files[2])
    wrong.write_text(re.sub(r"epochs = \d+", "epochs = 0", wrong.read_text()))
    torn.write_text("[project\n")
    assert main(files) == 1
    errors = capsys.readouterr().err
    assert "training.epochs = 0: must be at least 1" in errors
    assert f"{torn}:1" in errors.replace("\n", "") or "torn/eitk.toml" in errors
    assert "right" not in errors


@pytest.mark.parametrize(
    ("file", "is_checked"), [("eitk.toml", True), ("music/eitk.toml", True), ("my-eitk.toml", False)]
)
def test_the_files_that_are_checked(file: str, is_checked: bool) -> None:
    assert bool(re.search(HOOKS["eitk-config"]["files"], file)) == is_checked


def test_every_format_of_sound_that_eitk_reads_is_refused() -> None:
    pattern = HOOKS["eitk-no-audio"]["files"]
    assert [suffix for suffix in SUFFIXES if not re.search(pattern, f"clips/rock{suffix.upper()}")] == []
    assert not re.search(pattern, "clips/README.md")
    assert not re.search(pattern, "waves")
    assert HOOKS["eitk-no-audio"]["language"] == "fail"
