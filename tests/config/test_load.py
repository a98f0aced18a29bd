"""A flag beats EITK_* beats eitk.toml beats the default, and each value knows where it came from."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config import Settings, find_config, load_config
from ei_toolkit.config.load import unknown_variables
from ei_toolkit.config.parse import parse_table
from ei_toolkit.config.settings import plain
from ei_toolkit.errors import ConfigurationError, SettingsError, UsageError


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
        ("[board.colours]\nrock = 3", "one of red, orange"),
        ("[board]\ncolours = 3", "a table"),
        ('[impulse.dsp]\ntype = "wavelet"', "spectrogram, mfe, mfcc"),
        ("[impulse.dsp]\nframe_length = [1]", "text, a number"),
        ("[impulse.dsp]\nfft_length = 64", "the key type is missing"),
        ("[training\n", "cannot be read"),
        ("[slice]\ntarget_dbfs = nan", "slice.target_dbfs = nan: must be a finite number"),
        ("[slice]\nmax_gain_db = -inf", "slice.max_gain_db = -inf: must be a finite number"),
        ("[slice.augment]\nnoise_snr_db = [nan, 5.0]", "slice.augment.noise_snr_db[0] = nan"),
        ("[impulse.dsp]\ntype = 'mfe'\nframe_length = inf", "a finite number"),
        (f"[training]\nlearning_rate = 1{'0' * 400}", "a finite number"),
        (f"[training]\nepochs = 1{'0' * 5000}", "cannot be read"),
        ("[studio]\nproject = -4", "studio.project = -4: must be at least 0"),
        ('[board]\nname = "foo"', "must be one of nano33ble, emulated, host"),
        ("[board]\nthreshold = 1.5", "board.threshold = 1.5: must be at most 1"),
        ("[board]\nhysteresis = -0.1", "Set board.hysteresis to at least 0 and at most 1."),
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
    with pytest.raises(ConfigurationError, match=r"board\.name = 'foo': must be one of"):
        load_config(tmp_path, {}, {"board.name": "foo"})


def test_one_dsp_table_is_a_list_of_one_and_unknown_keys_are_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text('[impulse.dsp]\ntype = "mfe"\nfft_length = 512\n')
    (block,) = load_config(tmp_path, {}).settings.impulse.dsp
    assert (block.type, dict(block.params), block.implementation_version) == ("mfe", {"fft_length": 512}, 4)


def test_every_value_is_listed_once(folder_with_settings: Path) -> None:
    keys = [key for key, _ in load_config(folder_with_settings, {}).values()]
    assert len(keys) == len(set(keys))
    assert "slice.augment.gain_db" in keys


def scalar_keys(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and default of each setting that is one number, text or boolean."""
    for field in fields(node):
        value = getattr(node, field.name)
        if is_dataclass(value):
            yield from scalar_keys(value, f"{prefix}{field.name}.")
        elif isinstance(value, (str, int, float)):
            yield prefix + field.name, value


def value_of(settings: Settings, key: str) -> Any:
    node: Any = settings
    for name in key.split("."):
        node = getattr(node, name)
    return node


@pytest.mark.parametrize(("key", "default"), list(scalar_keys(Settings())))
def test_each_scalar_setting_can_be_given_by_its_variable(tmp_path: Path, key: str, default: Any) -> None:
    name = f"EITK_{key.replace('.', '_').upper()}"
    text = str(default).lower() if isinstance(default, bool) else str(default)
    config = load_config(tmp_path, {name: text})
    assert value_of(config.settings, key) == default
    assert (config.origin(key), dict(config.origins)) == (name, {key: name})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("YES", True), ("1", True), ("On", True), ("False", False), ("no", False), ("0", False)],
)
def test_a_boolean_may_be_written_in_several_words(tmp_path: Path, text: str, expected: bool) -> None:
    assert load_config(tmp_path, {"EITK_TRAINING_SPEC_AUGMENT": text}).settings.training.spec_augment is expected


@pytest.mark.parametrize(
    ("text", "labels"),
    [("", ()), ("rock", ("rock",)), (" rock , , hip hop,", ("rock", "hip hop")), ("ロック,größe", ("ロック", "größe"))],
)
def test_a_variable_with_several_values_is_split_at_commas(tmp_path: Path, text: str, labels: tuple[str, ...]) -> None:
    assert load_config(tmp_path, {"EITK_PROJECT_LABELS": text}).settings.project.labels == labels


def test_numbers_in_a_list_may_be_negative_and_whole(tmp_path: Path) -> None:
    config = load_config(tmp_path, {"EITK_SLICE_AUGMENT_NOISE_SNR_DB": "-5, 1e1"})
    assert config.settings.slice.augment.noise_snr_db == (-5.0, 10.0)


def test_variables_of_other_programs_and_unknown_ones_do_not_matter(tmp_path: Path) -> None:
    environ = {"EITK_TRAINING_EPOCH": "5", "EITK_BOARD_COLOURS": "red", "PATH": "/bin", "eitk_training_epochs": "5"}
    config = load_config(tmp_path, environ)
    assert config.settings == Settings() and dict(config.origins) == {}


def test_an_invalid_value_of_the_file_is_an_error_even_where_a_flag_replaces_it(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 'many'\n")
    with pytest.raises(ConfigurationError, match=r"training\.epochs = 'many': must be a whole number"):
        load_config(tmp_path, {}, {"training.epochs": 3})


def test_a_valid_flag_replaces_a_board_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[board]\nname = 'foo'\n")
    assert load_config(tmp_path, {}, {"board.name": "host"}).settings.board.name == "host"


def test_a_folder_named_eitk_toml_is_not_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 9\n")
    (tmp_path / "inner" / "eitk.toml").mkdir(parents=True)
    assert find_config(tmp_path / "inner") == tmp_path / "eitk.toml"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[project]\nname = '\xe9'\n", "codec can't decode"),
        (b"a = 1\na = 2\n", "overwrite"),
        (b"\xef\xbb\xbf", "line 1"),
    ],
)
def test_a_file_that_is_not_toml_in_utf_8_is_named_with_the_way_out(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "eitk.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"eitk\.toml(:\d+:\d+:)? cannot be read \(.*{reason}") as caught:
        load_config(tmp_path, {})
    assert caught.value.hint == "Correct the file, or write a new one with: eitk init"


def test_a_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "eitk.toml").touch()
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(ConfigurationError, match=r"eitk\.toml cannot be read \(.*Permission denied"):
        load_config(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[training]\nzzz = 1", "training.zzz is not a setting", "Known keys: epochs, learning_rate, batch_size,"),
        ("[slice.augment]\ngain = 3", "slice.augment.gain is not a setting", "Did you mean gain_db?"),
        ("colour = 1", "colour is not a setting", "Known keys: project, studio, dataset,"),
        ("[[impulse.layers]]\ntype = 'dense'\n[[impulse.layers]]\ntype = 'dense'\nunits = '3'",
         "impulse.layers[1].units = '3': must be a whole number", "Set impulse.layers[1].units to a whole number."),
        ("[[impulse.layers]]\nunits = 3", "impulse.layers[0]: the key type is missing", ""),
        ("[[impulse.layers]]\ntype = 'conv2d'\npool = 'first'", "pool = 'first': must be one of last, each", ""),
        ("[dataset]\nsplit = 'random'", "dataset.split = 'random': must be one of group,", "Set dataset.split to"),
        ("[dataset]\nsources = ['http://a', 3]", "dataset.sources[1] = 3: must be text", ""),
        ("[training]\nint8 = 1", "training.int8 = 1: must be true or false", "Set training.int8 to true or false."),
        ("[board.colours]\n'hip hop' = true", "board.colours.hip hop = True: must be one of red, orange, yellow", ""),
        ("[impulse]\nlayers = 3", "impulse.layers = 3: must be a list", "Set impulse.layers to a list."),
        ("[slice]\naugment = [1]", "slice.augment = [1]: must be a table", ""),
        ("[slice]\nwindow_ms = 1979-05-27", "slice.window_ms = datetime.date(1979, 5, 27): must be a whole number", ""),
        ("[studio]\nurl = 5", "studio.url = 5: must be text", ""),
        ("[build]\nmodel_type = 'int16'", "build.model_type = 'int16': must be one of int8, float32", ""),
    ],
)  # fmt: skip
def test_a_message_has_the_place_the_value_and_the_next_step(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    (tmp_path / "eitk.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_tables_and_lists_have_the_origin_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[slice.augment]\ncopies = 2\n[[impulse.layers]]\ntype = 'flatten'\n")
    config = load_config(tmp_path, {})
    assert {key for key, origin in config.origins.items() if origin == str(tmp_path / "eitk.toml")} == {
        "slice", "slice.augment", "slice.augment.copies", "impulse", "impulse.layers",
    }  # fmt: skip


TOML_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["mfe", "host", "dense"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "rock", "units"]), inner),
    max_leaves=4,
)


@given(st.sampled_from([key for key, _ in load_config(Path("/"), {}).values()]), TOML_VALUES)
def test_any_value_of_any_key_is_accepted_or_refused_by_name(key: str, value: Any) -> None:
    table: Any = value
    for name in reversed(key.split(".")):
        table = {name: table}
    try:
        settings = parse_table(Settings, table, "")
    except ConfigurationError as error:
        assert str(error).lstrip("[").startswith(key)
    else:
        assert parse_table(Settings, plain(settings), "") == settings


def test_settings_keep_their_tables_when_a_worker_process_receives_them(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text(
        "[board.colours]\njazz = 'blue'\n[impulse.dsp]\ntype = 'mfe'\nnum_filters = 20\n"
    )
    settings = load_config(tmp_path, {}).settings
    received = pickle.loads(pickle.dumps(settings))
    assert received == settings
    with pytest.raises(TypeError):
        received.board.colours["jazz"] = "red"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_thresholds_may_be_at_either_end(tmp_path: Path, value: float) -> None:
    flags = {"board.threshold": value, "board.hysteresis": value}
    assert load_config(tmp_path, {}, flags).settings.board.threshold == value


FAULTY = """\
[training]
epochs = -3
learning_rat = 0.1

[board]
threshold = "high"   # text
"""


def test_all_faults_of_a_file_are_in_one_error_in_the_order_of_their_lines(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text(FAULTY)
    with pytest.raises(SettingsError) as caught:
        load_config(tmp_path, {})
    assert caught.value.what.replace(f"{tmp_path}/", "").splitlines() == [
        "eitk.toml:2: training.epochs = -3: must be at least 1",
        "eitk.toml:3: training.learning_rat is not a setting. Did you mean learning_rate?",
        "eitk.toml:6: board.threshold = 'high': must be a number",
    ]
    assert [fault.key for fault in caught.value.faults] == [
        "training.epochs", "training.learning_rat", "board.threshold",
    ]  # fmt: skip


def test_the_path_is_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 0\n")
    (tmp_path / "below").mkdir()
    for folder, name in ((tmp_path, "eitk.toml:2: "), (tmp_path / "below", "../eitk.toml:2: ")):
        monkeypatch.chdir(folder)
        with pytest.raises(SettingsError) as caught:
            load_config(folder, {})
        assert caught.value.what.startswith(name)


def test_a_wrong_value_of_a_variable_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_config(tmp_path, {"EITK_TRAINING_EPOCHS": "0", "EITK_BOARD_HOP_MS": "x"})
    assert [fault.place for fault in caught.value.faults] == ["EITK_BOARD_HOP_MS", "EITK_TRAINING_EPOCHS"]


@pytest.mark.parametrize(
    ("option", "key", "value"),
    [
        ("training.epochs=5", "training.epochs", 5),
        ("training.learning_rate = 1e-3", "training.learning_rate", 0.001),
        ("board.name=host", "board.name", "host"),
        ('board.name="host"', "board.name", "host"),
        ("project.name=2026", "project.name", "2026"),
        ("project.name=a=b", "project.name", "a=b"),
        ('project.labels=["a", "b"]', "project.labels", ("a", "b")),
        ("training.int8=false", "training.int8", False),
        ("slice.augment.noise_snr_db=[1, 2]", "slice.augment.noise_snr_db", (1.0, 2.0)),
    ],
)
def test_an_option_replaces_file_and_variable(tmp_path: Path, option: str, key: str, value: Any) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepochs = 9\n[project]\nname = 'x'\n")
    config = load_config(tmp_path, {"EITK_TRAINING_EPOCHS": "8"}, None, [option])
    assert value_of(config.settings, key) == value
    assert config.origin(key) == "-o"
    assert plain(value) == config.options[key]


def test_an_option_changes_a_layer_and_the_only_block_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[impulse.dsp]\ntype = 'mfe'\n[[impulse.layers]]\ntype = 'dense'\nunits = 3\n")
    for block in ("impulse.dsp", "impulse.dsp[0]"):
        config = load_config(tmp_path, {}, None, [f"{block}.num_filters=20", "impulse.layers[0].units=8"])
        assert config.settings.impulse.dsp[0].params == {"num_filters": 20}
        assert config.settings.impulse.layers[0].units == 8


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("training.epochs=0", "-o: training.epochs = 0: must be at least 1"),
        ("training.epoch=5", "-o: training.epoch is not a setting"),
        ("impulse.layers[3].units=5", "-o: impulse.layers[3].units cannot be set: there is no such table or element"),
    ],
)
def test_a_wrong_option_is_named_and_a_usage_error(tmp_path: Path, option: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_config(tmp_path, {}, None, [option])
    assert (caught.value.what, caught.value.exit_code) == (message, 2)


@pytest.mark.parametrize("option", ["training.epochs", "=5", "5=6", ""])
def test_an_option_without_key_and_value_is_a_usage_error(tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match="is no KEY=VALUE"):
        load_config(tmp_path, {}, None, [option])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("EITK_TRAININ_EPOCHS", "has no effect; did you mean EITK_TRAINING_EPOCHS?"),
        ("EITK_XYZ", "the environment variable EITK_XYZ has no effect"),
    ],
)
def test_an_unknown_variable_is_named_with_a_similar_one(name: str, sentence: str) -> None:
    (found,) = unknown_variables({name: "1", "EITK_TRAINING_EPOCHS": "3", "PATH": "/bin"})
    assert found.endswith(sentence)
