"""The lint of the vocabulary finds replaced words in names and prose, and nothing else."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/vocabulary"


@pytest.fixture(scope="module")
def vocabulary() -> ModuleType:
    loader = SourceFileLoader("vocabulary", str(SCRIPT))
    spec = importlib.util.spec_from_loader("vocabulary", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    [
        "def read_heard(file): ...",  # old name
        "class HeardWindow:",  # old name
        "STAND_INS = ()",  # old name
        "# clips that the model has never heard",  # old name
        "PATIENCE_S = 3.0",  # old name
        "raise Refusal(404)",  # old name
    ],
)
def test_replaced_words_are_found_in_names_and_prose(
    vocabulary: ModuleType, tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "module.py").write_text(f"import os\n{line}\n")
    assert vocabulary.report(tmp_path / "module.py") == 1
    assert "module.py:2: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        "linear = colours[years]",
        "def tell(self) -> int:",
        "NIGHTLY_DATASET = 'synth'",
        "the connection was refused",
        "HEARD_NAME = 'heard.json'  # old name",
    ],
)
def test_other_words_are_not_found(vocabulary: ModuleType, tmp_path: Path, line: str) -> None:
    (tmp_path / "module.py").write_text(line + "\n")
    assert vocabulary.report(tmp_path / "module.py") == 0


def test_the_project_uses_no_replaced_word(vocabulary: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert vocabulary.main([str(SCRIPT.parents[1])]) == 0, capsys.readouterr().out
