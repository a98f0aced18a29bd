from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ei_toolkit.config import load_config
from ei_toolkit.config.recipes import recipe_names, recipe_text, write_recipe
from ei_toolkit.config.recipes.write import load_recipe, script_text
from ei_toolkit.errors import ConfigurationError, UsageError


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_a_valid_configuration(tmp_path: Path, name: str) -> None:
    write_recipe(name, tmp_path, clips=None, name="NightlyRun Music", force=False)
    settings = load_config(tmp_path, {}).settings
    assert settings.project.name == "NightlyRun Music"
    has_network = settings.impulse.dsp and (settings.impulse.layers or settings.impulse.script)
    assert bool(has_network) == (settings.classifier.kind == "none")


def test_the_reference_recipe_is_the_published_project(tmp_path: Path) -> None:
    write_recipe("reference", tmp_path, clips=None, name=None, force=False)
    settings = load_config(tmp_path, {}).settings
    (block,) = settings.impulse.dsp
    assert dict(block.params) == {
        "frame_length": 0.025,
        "frame_stride": 0.025,
        "fft_length": 64,
        "noise_floor_db": -50,
    }
    assert (settings.training.epochs, settings.training.learning_rate) == (30, 0.005)
    assert [layer.filters for layer in settings.impulse.layers if layer.type == "conv2d"] == [8, 16, 32]


def test_the_clips_folder_is_written_relative_to_the_file(tmp_path: Path) -> None:
    for label in ("classical", "rock"):
        (tmp_path / "data" / label).mkdir(parents=True)
    write_recipe("robust", tmp_path / "project", clips=tmp_path / "data", name=None, force=False)
    assert load_config(tmp_path / "project", {}).settings.dataset.root == "../data"


def test_labels_of_the_users_own_replace_those_of_the_recipe(tmp_path: Path) -> None:
    labels = ("classical", "Blues Rock", "rock")
    write_recipe("robust", tmp_path, clips=None, name=None, force=False, labels=labels)
    assert load_config(tmp_path, {}).settings.project.labels == labels


def test_a_board_that_nobody_knows_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'foo': must be one of nano33ble, emulated, host"):
        write_recipe("robust", tmp_path / "project", clips=None, name=None, force=False, board="foo")
    assert not (tmp_path / "project").exists()


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("# mine\n")
    with pytest.raises(ConfigurationError, match="already there"):
        write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    assert (tmp_path / "eitk.toml").read_text() == "# mine\n"
    write_recipe("robust", tmp_path, clips=None, name=None, force=True)
    assert "[impulse.dsp]" in (tmp_path / "eitk.toml").read_text()


def test_an_unknown_recipe_is_named_beside_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="soup") as caught:
        write_recipe("soup", tmp_path, clips=None, name=None, force=False)
    assert "robust" in caught.value.hint


def test_a_clips_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        write_recipe("robust", tmp_path, clips=tmp_path / "nowhere", name=None, force=False)


def test_the_training_script_is_written_beside_the_file(tmp_path: Path) -> None:
    write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    settings = load_config(tmp_path, {}).settings
    assert "model.fit(" in (tmp_path / settings.impulse.script).read_text()
    assert not list(tmp_path.glob("*.part"))


def test_a_script_of_the_users_own_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "robust.py").write_text("# mine\n")
    with pytest.raises(ConfigurationError, match="already there"):
        write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    assert not (tmp_path / "eitk.toml").exists()
    assert (tmp_path / "robust.py").read_text() == "# mine\n"


def test_force_keeps_a_changed_script_each_time_and_reports_it(tmp_path: Path) -> None:
    notes: list[str] = []
    for text in ("# mine\n", "# mine, better\n"):
        (tmp_path / "robust.py").write_text(text)
        write_recipe("robust", tmp_path, clips=None, name=None, force=True, say=notes.append)
    assert (tmp_path / "robust.py.bak").read_text() == "# mine\n"
    assert (tmp_path / "robust.py.bak2").read_text() == "# mine, better\n"
    assert "model.fit(" in (tmp_path / "robust.py").read_text()
    assert notes[0] == "robust.py was changed: it is kept as robust.py.bak"
    write_recipe("robust", tmp_path, clips=None, name=None, force=True, say=notes.append)
    assert len(notes) == 2 and not (tmp_path / "robust.py.bak3").exists()


def test_a_script_that_was_not_changed_is_no_obstacle(tmp_path: Path) -> None:
    write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    (tmp_path / "eitk.toml").unlink()
    write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    assert (tmp_path / "eitk.toml").exists()


@pytest.mark.parametrize("name", ['Rock "live" \\ 2', "Größe – 音楽", "a\nb", "'"])
def test_a_name_with_any_characters_is_written_so_that_it_reads_back(tmp_path: Path, name: str) -> None:
    write_recipe("reference", tmp_path, clips=None, name=name, force=False)
    assert load_config(tmp_path, {}).settings.project.name == name


def test_the_board_is_written_and_the_rest_of_the_recipe_stays_with_its_comments(tmp_path: Path) -> None:
    file = write_recipe("robust", tmp_path / "new" / "project", clips=None, name=None, force=False, board="emulated")
    assert file == tmp_path / "new" / "project" / "eitk.toml"
    assert load_config(file.parent, {}).settings.board.name == "emulated"
    shipped, written = recipe_text("robust").splitlines(), file.read_text().splitlines()[1:]
    changed = [line for line in written if line not in shipped]
    assert changed == ['name = "emulated"'] and len(written) == len(shipped)


def test_empty_values_keep_those_of_the_recipe(tmp_path: Path) -> None:
    write_recipe("reference", tmp_path, clips=None, name="", force=False, board=None, labels=())
    schema, _, written = (tmp_path / "eitk.toml").read_text().partition("\n")
    assert (schema, written) == ("#:schema ./.eitk/eitk.schema.json", recipe_text("reference"))


def test_a_file_as_the_folder_of_clips_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").touch()
    with pytest.raises(UsageError, match=r"there is no folder .*clip\.wav") as caught:
        write_recipe("robust", tmp_path / "new", clips=tmp_path / "clip.wav", name=None, force=False)
    assert caught.value.hint == "Give a folder with one folder of clips for each label."
    assert not (tmp_path / "new").exists()


def test_clips_behind_a_symbolic_link_are_written_with_their_real_place(tmp_path: Path) -> None:
    (tmp_path / "real" / "clips").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_recipe("reference", tmp_path / "project", clips=tmp_path / "link" / "clips", name=None, force=False)
    assert load_config(tmp_path / "project", {}).settings.dataset.root == "../real/clips"


def test_a_disk_error_while_eitk_toml_is_written_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_recipe("robust", tmp_path, clips=None, name=None, force=False)
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_is_loaded_with_its_script_or_without_one() -> None:
    settings, script = load_recipe("robust")
    assert (settings.impulse.script, settings.impulse.layers) == ("robust.py", ())
    assert script == script_text("robust.py")
    assert load_recipe("reference")[1] == ""
    with pytest.raises(UsageError, match=r"there is no recipe '\.\./robust'"):
        load_recipe("../robust")


@pytest.mark.parametrize("file", ["robust.py", "ten_genres.py", "tuned.py"])
def test_a_script_has_what_it_shares_with_others_inside_itself(file: str) -> None:
    text = script_text(file)
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert {"Schedule", "AverageWeights", "fit"} <= set(names)
    assert len(names) == len(set(names))
    assert "# insert" not in text
    assert "ei_toolkit" not in text
