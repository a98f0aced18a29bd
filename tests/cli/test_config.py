"""`eitk config`: values and where they come from, all faults at once, and changes that keep comments."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import eitk, write_clips

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
        ('[board]\nname = "uno"\n', "board.name = 'uno': must be one of"),
        ("[board]\nthreshold = 1.5\n", "board.threshold = 1.5: must be at most 1"),
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


FAULTS = {  # each passed `eitk slice --dry-run` and was refused by a later command
    "[training]\nepochs = -3\n": "eitk.toml:2: training.epochs = -3: must be at least 1",
    "[impulse.dsp]\ntype = 'mfe'\nnum_filter = 3\n": "eitk.toml:3: impulse.dsp[0].num_filter: the mfe block has no",
    "[impulse.dsp]\ntype = 'mfe'\nimplementation_version = 9\n":
        "eitk.toml:3: impulse.dsp[0].implementation_version = 9: must be one of 3, 4",
    "[impulse.dsp]\ntype = 'mfe'\nfft_length = 100\n": "toml:3: impulse.dsp[0]: fft_length = 100: must be a power of",
    "[studio]\nurl = 'htp://x/v1'\n": "eitk.toml:2: studio.url = 'htp://x/v1' is not the address of a studio",
    "[studio]\nurl = 'https://x/v1'\ningestion_url = 'ftp://x'\n": "toml:3: studio.ingestion_url = 'ftp://x' is",
    "[build]\nengine = 'eon'\n": "eitk.toml:2: build.engine = 'eon': must be one of tflite-eon,",
    "[build]\nengine = 'tensorrt'\n": "must be one of tflite-eon, tflite-eon-ram-optimized, tflite, because studio.url",
    "[build]\ntarget = 'mac'\n": "eitk.toml:2: build.target = 'mac': must be one of arduino, zip, runner-linux-x86_64,",
    "[board]\nthreshold = 1.2\n": "eitk.toml:2: board.threshold = 1.2: must be at most 1",
    "[board]\nsmoothing = 65\n": "eitk.toml:2: board.smoothing = 65: must be at most 64",
    "[gate]\nmin_robust_accuracy = 101\n": "eitk.toml:2: gate.min_robust_accuracy = 101.0: must be at most 100",
    "[dataset]\ngroup_pattern = '('\n": "eitk.toml:2: dataset.group_pattern = '(' is not a regular expression",
    "[[impulse.layers]]\ntype = 'dense'\n": "eitk.toml:1: impulse.layers[0].units = 0: must be at least 1",
    "[slice]\nwindow_ms = 20000\n[impulse.dsp]\ntype = 'mfe'\n": "eitk.toml:3: impulse.dsp[0]: the window would have",
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS.items())
def test_every_command_refuses_settings_that_a_later_one_could_not_use(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "eitk.toml").write_text(text)
    for command in ("config check", "config show", "slice --dry-run", "runs list"):
        code, out, err = eitk(tmp_path, *command.split())
        assert (code, out) == (3, "")
        assert message in err
        assert "  try: " in err


def test_all_faults_are_in_one_message_and_in_json(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 0\n[studio]\nurl = 'x'\n[board]\nfoo = 1\n")
    err = eitk(tmp_path, "config", "check").err.replace(f"{tmp_path}/", "").splitlines()
    assert [line.split(" ")[1] for line in err] == ["eitk.toml:2:", "eitk.toml:4:", "eitk.toml:6:"]
    error = json.loads(eitk(tmp_path, "config", "check", "--json").err)
    assert error["code"] == 3
    assert [fault["key"] for fault in error["faults"]] == ["training.epochs", "studio.url", "board.foo"]
    assert [fault["place"].rpartition(":")[2] for fault in error["faults"]] == ["2", "4", "6"]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A project with clips of 2 s and windows of 1 s."""
    write_clips(tmp_path / "clips", clips=2, seconds=2.0)
    assert eitk(tmp_path, "init", "--recipe", "reference", "--clips", "clips").code == 0
    assert eitk(tmp_path, "config", "set", "slice.window_ms", "1000").code == 0
    return tmp_path


def test_a_project_without_faults_is_checked(clips: Path) -> None:
    assert eitk(clips, "config", "check", "--json").data == {
        "file": str(clips / "eitk.toml"), "faults": [], "warnings": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("slice.window_ms", "2500", "slice.window_ms = 2500: must be at most 2000, the length of the longest clip of"),
        ("project.labels", '["rock", "jazz"]', "project.labels: no clips for the label jazz"),
        ("dataset.root", "gone", "dataset.root: "),
        ("impulse.script", "gone.py", "impulse.script: "),
    ],
)
def test_what_contradicts_the_files_is_found_by_check(clips: Path, key: str, value: str, message: str) -> None:
    assert eitk(clips, "config", "set", key, value).code == 0
    code, out, err = eitk(clips, "config", "check")
    assert (code, out) == (3, "")
    assert re.search(rf"eitk\.toml:\d+: {re.escape(message)}", err)


def test_a_missing_script_is_found_before_clips_are_cut(clips: Path) -> None:
    eitk(clips, "config", "set", "impulse.script", "gone.py")
    assert eitk(clips, "slice", "--dry-run").code == 3


def test_a_colour_of_an_unknown_label_and_limits_of_the_board_are_warnings(clips: Path) -> None:
    eitk(clips, "config", "set", "board.colours.jazz", "red")
    eitk(clips, "config", "set", "slice.sample_rate", "8000")
    code, out, err = eitk(clips, "config", "check")
    assert (code, "no setting is wrong" in out) == (0, True)
    assert "warning: board.colours.jazz has no effect: there is no label jazz" in err
    assert "warning: the nano33ble board cannot run this impulse" in err


@pytest.mark.parametrize(
    ("key", "text", "data"),
    [
        ("training.epochs", "30\n", 30),
        ("training.int8", "true\n", True),
        ("board.name", "nano33ble\n", "nano33ble"),
        ("slice.augment.noise_snr_db", "[5.0, 30.0]\n", [5.0, 30.0]),
    ],
)
def test_one_value_is_printed(tmp_path: Path, key: str, text: str, data: Any) -> None:
    assert eitk(tmp_path, "config", "get", key).out == text
    assert eitk(tmp_path, "config", "get", key, "--json").data == data


def test_an_unknown_key_is_a_usage_error_with_a_similar_one(tmp_path: Path) -> None:
    code, out, err = eitk(tmp_path, "config", "get", "training.epoch")
    assert (code, out) == (2, "")
    assert "Did you mean training.epochs?" in err


COMMENTED = "# mine\n[training]\nepochs = 3   # few\n\n# next\n[board]\nname = 'host'\n"


@pytest.mark.parametrize(
    ("key", "value", "after"),
    [
        ("training.epochs", "5", COMMENTED.replace("= 3", "= 5")),
        ("board.name", "emulated", COMMENTED.replace("'host'", '"emulated"')),
        ("board.hop_ms", "250", COMMENTED + "hop_ms = 250\n"),
        ("build.engine", "tflite", COMMENTED + '\n[build]\nengine = "tflite"\n'),
    ],
)
def test_a_change_keeps_everything_else(tmp_path: Path, key: str, value: str, after: str) -> None:
    file = tmp_path / "eitk.toml"
    file.write_text(COMMENTED)
    assert eitk(tmp_path, "config", "set", key, value, "--dry-run").code == 0
    assert file.read_text() == COMMENTED
    done = eitk(tmp_path, "config", "set", key, value, "--json")
    assert done.data["key"] == key
    assert file.read_text() == after
    assert str(eitk(tmp_path, "config", "get", key, "--json").data) == value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training.epochs", "-5", "training.epochs = -5: must be at least 1"),
        ("training.epochs", "many", "training.epochs = 'many': must be a whole number"),
        ("training.epoch", "5", "training.epoch is not a setting"),
        ("build.engine", "tensorrt", 'because studio.url is "local"'),
        ("impulse.layers[1].units", "5", "impulse.layers[1].units cannot be set"),
    ],
)
def test_a_value_that_is_refused_is_not_written(tmp_path: Path, key: str, value: str, message: str) -> None:
    file = tmp_path / "eitk.toml"
    file.write_text(COMMENTED)
    code, out, err = eitk(tmp_path, "config", "set", key, value)
    assert (code, out) == (2, "")
    assert message in err
    assert file.read_text() == COMMENTED


def test_a_wrong_file_can_be_corrected_one_value_after_another(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 0\n[board]\nthreshold = 2\n")
    assert eitk(tmp_path, "config", "set", "training.epochs", "0").code == 2
    assert eitk(tmp_path, "config", "set", "training.epochs", "1").code == 0
    assert eitk(tmp_path, "config", "set", "board.threshold", "0.5").code == 0
    assert eitk(tmp_path, "config", "check").code == 0


def test_without_a_file_nothing_can_be_set(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "config", "set", "training.epochs", "5")
    assert (code, "  try: eitk init" in err) == (3, True)


@pytest.mark.parametrize("option", ["-o training.epochs=5", "--set training.epochs=5", "--set=training.epochs=5"])
def test_an_option_is_before_or_behind_the_command(tmp_path: Path, option: str) -> None:
    words = option.split()
    for line in ([*words, "config", "get", "training.epochs"], ["config", "get", "training.epochs", *words]):
        assert eitk(tmp_path, *line).out == "5\n"


def test_a_file_to_write_is_no_setting(tmp_path: Path) -> None:
    assert eitk(tmp_path, "runs", "export", "-o", "runs.csv", "-o", "training.epochs=5").code == 0
    assert (tmp_path / "runs.csv").is_file()


def test_an_unknown_variable_is_a_warning_with_a_similar_name(tmp_path: Path) -> None:
    done = eitk(tmp_path, "config", "get", "training.epochs", environ={"EITK_TRAINING_EPOCH": "3"})
    assert (done.code, done.out) == (0, "30\n")
    assert "warning: the environment variable EITK_TRAINING_EPOCH has no effect; did you mean" in done.err
