"""Results as plain data, as tables of pandas, and as HTML; steps out of order, and wrong values, raise exceptions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import soundfile
import tiny_model
from support import write_clips

import ei_toolkit as eitk
from ei_toolkit.api.results import SHOWN_ROWS, Result, shown
from ei_toolkit.config import Config
from ei_toolkit.impulse import dsp
from ei_toolkit.report.figures import learning_curves

SHELL = "IPython.core.interactiveshell"  # which ipykernel brings


@dataclass(frozen=True)
class Numbers(Result):
    """A result with a row for each number."""

    rows: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        return {"rows": [dict(row) for row in self.rows]}

    def records(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.rows]


def test_a_result_is_a_table_of_pandas() -> None:
    frame = Numbers(({"name": "a", "value": 1.5}, {"name": "b", "value": None})).to_frame()
    assert list(frame.columns) == ["name", "value"]
    assert frame["value"].iloc[0] == 1.5
    assert pandas.isna(frame["value"].iloc[1])


def test_without_pandas_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(eitk.MissingToolError, match="pandas is not installed") as caught:
        Numbers(()).to_frame()
    assert "pip install 'eitk[notebook]'" in caught.value.hint


def test_texts_in_a_notebook_are_escaped() -> None:
    html = Numbers(({"<name>": "<img onerror=alert(1)>"},))._repr_html_()
    assert "&lt;img onerror=alert(1)&gt;" in html
    assert "&lt;name&gt;" in html
    assert "<img" not in html


def test_a_long_table_is_cut_with_a_note() -> None:
    html = Numbers(tuple({"value": number} for number in range(SHOWN_ROWS + 1)))._repr_html_()
    assert f"(the first {SHOWN_ROWS} of {SHOWN_ROWS + 1} rows)" in html
    assert html.count("<tr>") == SHOWN_ROWS + 1


def test_a_notebook_shows_figures_as_pictures() -> None:
    interactive = pytest.importorskip(SHELL)
    shell = interactive.InteractiveShell.instance()
    try:
        figure = shown(learning_curves({"loss": [0.5, 0.4], "accuracy": [0.7, 0.8]}))
        assert shell.display_formatter.format(figure)[0]["image/png"].startswith(b"\x89PNG")
    finally:
        interactive.InteractiveShell.clear_instance()


def test_an_empty_result_is_an_empty_table() -> None:
    assert Numbers(())._repr_html_().endswith("<tbody></tbody></table>")


@pytest.fixture
def project(sliced: Config) -> eitk.Project:
    """A project of eight clips of each label, which were cut."""
    return eitk.open_project(sliced.paths.root)


def test_features_are_those_of_the_processing_block_with_named_axes(project: eitk.Project) -> None:
    features = eitk.compute_features(project, "testing")
    block, cut = project.settings.impulse.dsp[0], project.settings.slice
    assert features.axes == ("window", "frame", "bin")
    assert features.values.dtype == np.float32
    assert set(features.splits) == {"testing"}
    assert len(features.values) == len(features.labels) == len(features.groups)
    window = features.windows[3]
    samples = soundfile.read(project.config.paths.windows / window.file, dtype="int16")[0]
    expected = dsp.run(block.type, samples, cut.sample_rate, block.implementation_version, **block.params)
    np.testing.assert_array_equal(features.flat()[3], expected.astype(np.float32))
    assert features.values.shape[1] * features.frame_ms == pytest.approx(cut.window_ms)
    assert features.figure(3).axes[0].get_ylabel() == "feature bin"
    with pytest.raises(eitk.UsageError, match="there is no window 999"):
        features.figure(999)


def test_progress_counts_the_windows(project: eitk.Project) -> None:
    seen: list[eitk.Progress] = []
    features = eitk.compute_features(project, on_progress=seen.append)
    count = len(features.values)
    assert (seen[-1].stage, seen[-1].done, seen[-1].total) == ("computing features", count, count)


def test_a_block_that_the_impulse_does_not_have_is_named(project: eitk.Project) -> None:
    with pytest.raises(eitk.ConfigurationError, match="the impulse has no processing block 5"):
        eitk.compute_features(project, block=5)


def test_samples_of_another_length_are_refused(project: eitk.Project) -> None:
    with pytest.raises(eitk.UsageError, match=r"the shape of the samples is \(1, 7\), and must be \(windows, 48000\)"):
        eitk.features_of(project, np.zeros((1, 7), np.int16))


def test_a_split_that_does_not_exist_is_named(project: eitk.Project) -> None:
    with pytest.raises(eitk.UsageError, match="there is no split 'test'"):
        eitk.compute_features(project, "test")  # type: ignore[arg-type]


def test_steps_out_of_order_raise_the_error_of_the_missing_step(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", seconds=4)
    project = eitk.create_project(tmp_path / "new", clips=tmp_path / "clips", board="host")
    with pytest.raises(eitk.MissingStepError) as caught:
        eitk.compute_features(project)
    assert "eitk slice" in caught.value.hint
    with pytest.raises(eitk.MissingStepError, match="no model is trained"):
        eitk.classify(project, [tmp_path / "clips"])
    with pytest.raises(eitk.MissingStepError, match="there is no library"):
        eitk.flash(project)
    with pytest.raises(eitk.BoardError, match="host"):
        next(eitk.predictions(project, 1))
    with pytest.raises(eitk.ConfigurationError, match=r"eitk\.toml is already there"):
        eitk.create_project(tmp_path / "new")
    assert not eitk.stop_board(project)
    assert not eitk.stop_studio(project)


def test_all_wrong_settings_are_in_one_error(tmp_path: Path) -> None:
    with pytest.raises(eitk.SettingsError) as caught:
        eitk.open_project(tmp_path, {"training.epochs": 0, "slice.hop_ms": "fast", "slice.loud": 1})
    assert [fault.key for fault in caught.value.faults] == ["slice.hop_ms", "slice.loud", "training.epochs"]


def test_a_setting_of_the_program_replaces_that_of_the_file_and_the_environment(tmp_path: Path) -> None:
    environ = {"EITK_TRAINING_EPOCHS": "7"}
    project = eitk.create_project(tmp_path, environ=environ)
    assert project.settings.training.epochs == 7
    assert project.with_settings({"training.epochs": 5}).settings.training.epochs == 5
    assert project.with_settings({"training.epochs": 5}).with_settings({"slice.hop_ms": 500}).overrides == {
        "training.epochs": 5, "slice.hop_ms": 500,
    }  # fmt: skip
    assert project.to_dict()["training.epochs"] == 7


def test_a_key_in_the_environment_is_not_shown(tmp_path: Path) -> None:
    assert "ei_secret" not in repr(eitk.open_project(tmp_path, environ={"EI_API_KEY": "ei_secret"}))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(eitk.UsageError, match="there is no folder"):
        eitk.open_project(tmp_path / "none")


def test_too_few_synthetic_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(eitk.UsageError, match="7 clips of a label are too few"):
        eitk.synthesize_clips(tmp_path, 7)


def test_a_model_is_checked_from_its_bytes_or_its_file(tmp_path: Path) -> None:
    model = tiny_model.classifier(4, 2)
    (tmp_path / "model.tflite").write_bytes(model)
    assert eitk.check_model(model) == eitk.check_model(str(tmp_path / "model.tflite"))
    assert [row["layer"] for row in eitk.compile_model(model).records()] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert eitk.compile_model(model).files == ()
    with pytest.raises(eitk.DataError, match="cannot read"):
        eitk.check_model(tmp_path / "none.tflite")
