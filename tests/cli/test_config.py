"""`eitk config show`: the value of every setting and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import eitk

KEY = "ei_" + "a1b2c3d4" * 5


def shown(folder: Path, *options: str, environ: dict[str, str] | None = None) -> Any:
    return eitk(folder, "config", "show", "--json", *options, environ=environ).data


def test_without_a_file_every_value_is_a_default(tmp_path: Path) -> None:
    data = shown(tmp_path, "--origin")
    assert {entry["origin"] for entry in data.values()} == {"default"}
    assert data["slice.window_ms"] == {"value": 3000, "origin": "default"}


def test_the_origin_of_a_value_is_the_variable_the_file_or_the_default(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 5\nbatch_size = 8\n")
    data = shown(tmp_path, "--origin", environ={"EITK_TRAINING_EPOCHS": "9"})
    assert data["training.epochs"] == {"value": 9, "origin": "EITK_TRAINING_EPOCHS"}
    assert data["training.batch_size"]["value"] == 8
    assert "eitk.toml" in data["training.batch_size"]["origin"]
    assert data["training.seed"]["origin"] == "default"


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text('[project]\nname = "größe"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert shown(below)["project.name"] == "größe"


def test_the_api_key_is_not_a_setting(tmp_path: Path) -> None:
    done = eitk(tmp_path, "config", "show", "--origin", environ={"EI_API_KEY": KEY})
    assert done.code == 0
    assert KEY not in done.out + done.err


def test_the_table_has_one_line_for_each_setting(tmp_path: Path) -> None:
    lines = eitk(tmp_path, "config", "show").out.splitlines()
    assert lines[0].split() == ["setting", "value"]
    assert len(lines) == 1 + len(shown(tmp_path))
    assert eitk(tmp_path, "config", "show", "--origin").out.splitlines()[0].split() == ["setting", "value", "origin"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nepochs = \n", "eitk.toml"),
        ("[trainings]\n", "trainings"),
        ("[training]\nepochs = true\n", "epochs"),
        ('[board]\nname = "uno"\n', "board.name = 'uno' is not one of"),
        ("[board]\nthreshold = 1.5\n", "board.threshold = 1.5 is not between 0 and 1"),
    ],
)
def test_a_wrong_file_is_a_configuration_error_with_a_hint(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "eitk.toml").write_text(text)
    code, out, err = eitk(tmp_path, "config", "show")
    assert (code, out) == (3, "")
    assert message in err
    assert "Traceback" not in err


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "config", "show", environ={"EITK_TRAINING_EPOCHS": "many"})
    assert code == 3
    assert "EITK_TRAINING_EPOCHS" in err
