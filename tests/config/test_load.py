"""A flag beats EITK_* beats eitk.toml beats the default, and each value knows where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.config import load_config
from ei_toolkit.errors import ConfigurationError


@pytest.fixture
def folder_with_settings(tmp_path: Path) -> Path:
    (tmp_path / "eitk.toml").write_text('[training]\nepochs = 12\nlearning_rate = 1\n[project]\nlabels = ["a", "b"]\n')
    return tmp_path


def test_the_file_beats_the_default(folder_with_settings: Path) -> None:
    config = load_config(folder_with_settings, {})
    assert config.settings.training.epochs == 12
    assert config.origin("training.epochs") == str(folder_with_settings / "eitk.toml")
    assert config.origin("training.batch_size") == "default"


def test_the_environment_beats_the_file(folder_with_settings: Path) -> None:
    config = load_config(folder_with_settings, {"EITK_TRAINING_EPOCHS": "5", "EITK_PROJECT_LABELS": "rock, classical"})
    assert config.settings.training.epochs == 5
    assert config.settings.project.labels == ("rock", "classical")
    assert config.origin("training.epochs") == "EITK_TRAINING_EPOCHS"


def test_a_flag_beats_the_environment_and_none_means_not_given(folder_with_settings: Path) -> None:
    flags = {"training.epochs": 3, "training.batch_size": None}
    config = load_config(folder_with_settings, {"EITK_TRAINING_EPOCHS": "5"}, flags)
    assert (config.settings.training.epochs, config.settings.training.batch_size) == (3, 32)
    assert config.origin("training.epochs") == "flag"


def test_the_nearest_file_above_is_found(folder_with_settings: Path) -> None:
    below = folder_with_settings / "clips" / "rock"
    below.mkdir(parents=True)
    assert load_config(below, {}).paths.root == folder_with_settings


def test_a_folder_without_a_file_has_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path, {})
    assert config.file is None
    assert config.paths.manifest == tmp_path / ".eitk" / "windows" / "manifest.csv"


def test_whole_numbers_are_numbers(folder_with_settings: Path) -> None:
    rate = load_config(folder_with_settings, {}).settings.training.learning_rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[training]\nepoch = 1", "Did you mean epochs?"),
        ("[trainings]\nepochs = 1", "Did you mean training?"),
        ("[training]\nepochs = 1.5", "whole number"),
        ("[training]\nepochs = true", "whole number"),
        ("[training]\nint8 = 1", "true or false"),
        ("training = 3", "a table"),
        ('[slice]\nlevel = "loud"', "none, dc, rms"),
        ('[project]\nlabels = "rock"', "a list"),
        ("[board.colours]\nrock = 3", "text"),
        ("[board]\ncolours = 3", "a table"),
        ('[impulse.dsp]\ntype = "wavelet"', "spectrogram, mfe, mfcc"),
        ("[impulse.dsp]\nframe_length = [1]", "text, a number"),
        ("[impulse.dsp]\nfft_length = 64", "incomplete"),
        ("[training\n", "cannot be read"),
        ("[slice]\ntarget_dbfs = nan", "slice.target_dbfs = nan is not a finite number"),
        ("[slice]\nmax_gain_db = -inf", "slice.max_gain_db = -inf is not a finite number"),
        ("[slice.augment]\nnoise_snr_db = [nan, 5.0]", "slice.augment.noise_snr_db[0] = nan"),
        ("[impulse.dsp]\ntype = 'mfe'\nframe_length = inf", "a finite number"),
        (f"[training]\nlearning_rate = 1{'0' * 400}", "a finite number"),
        (f"[training]\nepochs = 1{'0' * 5000}", "cannot be read"),
        ("[studio]\nproject = -4", "studio.project = -4 is no project id"),
        ('[board]\nname = "foo"', "Set board.name to one of nano33ble, emulated, host."),
        ("[board]\nthreshold = 1.5", "board.threshold = 1.5 is not between 0 and 1"),
        ("[board]\nhysteresis = -0.1", "Set board.hysteresis to 0…1."),
    ],
)
def test_an_error_names_the_key_and_the_accepted_values(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "eitk.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})
    assert word in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("EITK_TRAINING_EPOCHS", "many", "whole number"),
        ("EITK_TRAINING_INT8", "perhaps", "true or false"),
        ("EITK_SLICE_TARGET_DBFS", "nan", "a finite number"),
        ("EITK_SLICE_AUGMENT_NOISE_SNR_DB", "5, inf", "a finite number"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_config(tmp_path, {name: value})
    assert word in str(caught.value)


def test_a_wrong_flag_is_refused_like_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"board\.name = 'foo' is not one of"):
        load_config(tmp_path, {}, {"board.name": "foo"})


def test_one_dsp_table_is_a_list_of_one_and_unknown_keys_are_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text('[impulse.dsp]\ntype = "mfe"\nfft_length = 512\n')
    (block,) = load_config(tmp_path, {}).settings.impulse.dsp
    assert (block.type, dict(block.params), block.implementation_version) == ("mfe", {"fft_length": 512}, 4)


def test_every_value_is_listed_once(folder_with_settings: Path) -> None:
    keys = [key for key, _ in load_config(folder_with_settings, {}).values()]
    assert len(keys) == len(set(keys))
    assert "slice.augment.gain_db" in keys
