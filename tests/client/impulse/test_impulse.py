"""The impulse as code against a real local studio: applied once, then nothing differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.impulse.apply import apply_impulse, diff
from ei_toolkit.client.impulse.current import current_impulse, require_impulse
from ei_toolkit.client.impulse.pull import pulled_tables, write_pulled
from ei_toolkit.client.impulse.state import ImpulseState, check_impulse, wanted_impulse
from ei_toolkit.client.project import Studio
from ei_toolkit.config import DspBlock, Layer, Settings, load_config
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.errors import ConfigurationError, MissingStepError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    return load_config(tmp_path, {}).settings


@pytest.fixture
def wanted(settings: Settings, tmp_path: Path) -> ImpulseState:
    return wanted_impulse(settings, tmp_path)


def with_dsp(settings: Settings, *blocks: DspBlock) -> Settings:
    return replace(settings, impulse=replace(settings.impulse, dsp=blocks))


def with_layers(settings: Settings, *layers: Layer) -> Settings:
    return replace(settings, impulse=replace(settings.impulse, layers=layers))


def posts(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of POST requests from now on."""
    seen: list[str] = []
    real = studio.transport.post
    monkeypatch.setattr(studio.transport, "post", lambda path, *a, **k: (seen.append(path), real(path, *a, **k))[1])
    return seen


def test_apply_creates_the_impulse_and_a_second_apply_sends_nothing(
    studio: Studio, wanted: ImpulseState, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert current_impulse(studio) is None
    apply_impulse(studio, wanted)
    assert diff(require_impulse(studio).state, wanted) == ()
    sent = posts(studio, monkeypatch)
    assert apply_impulse(studio, wanted) == ()
    assert sent == []


def test_only_what_differs_is_sent_and_blocks_keep_their_ids(
    studio: Studio, settings: Settings, wanted: ImpulseState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_impulse(studio, wanted)
    before = require_impulse(studio)
    block = settings.impulse.dsp[0]
    changed = with_dsp(settings, replace(block, params={**block.params, "noise_floor_db": -60}))
    sent = posts(studio, monkeypatch)
    (change,) = apply_impulse(studio, wanted_impulse(changed, tmp_path))
    assert (change.key, change.there, change.wanted) == ("Spectrogram.noise_floor_db", "-50", "-60")
    assert sent == [studio.path("dsp", before.dsp_ids[0])]
    after = require_impulse(studio)
    assert (after.input_id, after.dsp_ids, after.learn_id) == (before.input_id, before.dsp_ids, before.learn_id)


def test_a_block_of_another_type_gets_a_new_id_and_the_others_keep_theirs(
    studio: Studio, settings: Settings, wanted: ImpulseState, tmp_path: Path
) -> None:
    apply_impulse(studio, wanted)
    before = require_impulse(studio)
    mfe = DspBlock("mfe", 4, params={"fft_length": 512})
    free = replace(with_dsp(settings, settings.impulse.dsp[0], mfe), impulse=replace(
        with_dsp(settings, settings.impulse.dsp[0], mfe).impulse, layers=(Layer("dense", units=8),)))  # fmt: skip
    apply_impulse(studio, wanted_impulse(free, tmp_path))
    after = require_impulse(studio)
    assert after.dsp_ids[0] == before.dsp_ids[0]
    assert after.dsp_ids[1] not in (before.input_id, *before.dsp_ids, before.learn_id)
    assert [(b.type, b.version) for b in after.state.dsp] == [("spectrogram", 4), ("mfe", 4)]


def test_expert_mode_sends_the_script(studio: Studio, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("model = Sequential()  # é\n", encoding="utf-8")
    expert = replace(settings, impulse=replace(settings.impulse, script="model.py"))
    wanted = wanted_impulse(expert, tmp_path)
    apply_impulse(studio, wanted)
    state = require_impulse(studio).state
    assert (state.learn.mode, state.learn.script) == ("expert", "model = Sequential()  # é\n")
    assert diff(state, wanted) == ()


@pytest.mark.parametrize("recipe", ["reference", "robust"])
def test_the_pulled_impulse_equals_the_applied_one(studio: Studio, tmp_path: Path, recipe: str) -> None:
    write_recipe(recipe, tmp_path / "a", clips=None, name=None, force=True)
    wanted = wanted_impulse(load_config(tmp_path / "a", {}).settings, tmp_path / "a")
    apply_impulse(studio, wanted)
    state = require_impulse(studio).state
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "eitk.toml").write_text('# mine\n[project]\nname = "kept"\n')
    write_pulled(tmp_path / "b", pulled_tables(state), state)
    config = load_config(tmp_path / "b", {})
    assert config.settings.project.name == "kept"
    assert "# mine" in (tmp_path / "b" / "eitk.toml").read_text()
    assert diff(state, wanted_impulse(config.settings, tmp_path / "b")) == ()


def test_a_named_impulse_exists_beside_the_default_one(studio: Studio, wanted: ImpulseState) -> None:
    apply_impulse(studio, wanted)
    other = replace(wanted, learn=replace(wanted.learn, epochs=3))
    apply_impulse(studio, other, "second")
    assert require_impulse(studio, "second").state.learn.epochs == 3
    assert require_impulse(studio).state.learn.epochs == wanted.learn.epochs
    with pytest.raises(MissingStepError, match="no impulse"):
        require_impulse(studio, "third")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: with_dsp(s, DspBlock("spectrogram", 4, params={"fft_length": 100})), "must be a power of two"),
        (lambda s: with_dsp(s, DspBlock("spectrogram", 4, params={"nonsense": 1})), "no parameter nonsense"),
        (lambda s: with_dsp(s, DspBlock("spectrogram", 9)), "version"),
        (lambda s: with_dsp(s), r"no \[impulse.dsp\]"),
        (lambda s: with_layers(s, Layer("reshape", columns=34)), "do not divide 3960"),
        (lambda s: with_layers(s, Layer("conv2d", filters=8, kernel=3)), "larger than its input"),
        (lambda s: with_layers(s, Layer("reshape", columns=33), Layer("conv2d", filters=8, kernel=35)), "larger than"),
        (lambda s: with_layers(s, Layer("reshape", columns=33), Layer("conv2d", kernel=3)), "filters = 0: must"),
        (lambda s: with_layers(s, Layer("dropout", rate=1.5)), "rate = 1.5: must be below 1"),
        (lambda s: replace(s, slice=replace(s.slice, window_ms=8000)), "does not fit the board's RAM"),
        (lambda s: replace(s, slice=replace(s.slice, window_ms=0)), "must be positive"),
        (lambda s: replace(s, training=replace(s.training, validation=1.0)), "validation = 1.0: must be below 1"),
        (lambda s: replace(s, training=replace(s.training, epochs=0)), "epochs = 0: must be at least 1"),
        (lambda s: replace(s, training=replace(s.training, learning_rate=2.0)), "rate = 2.0: must be at most 1"),
        (lambda s: replace(s, training=replace(s.training, seed=-7)), "training.seed = -7: must be at least 0"),
        (lambda s: replace(s, impulse=replace(s.impulse, script="gone.py")), "cannot be read"),
    ],
)  # fmt: skip
def test_invalid_settings_are_rejected_before_a_request(
    settings: Settings, tmp_path: Path, change: Callable[[Settings], Settings], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_impulse(wanted_impulse(change(settings), tmp_path))


def test_a_parameter_of_the_wrong_type_has_a_hint_with_its_default(settings: Settings, tmp_path: Path) -> None:
    wrong = with_dsp(settings, DspBlock("mfe", 4, params={"num_filters": "forty"}))
    with pytest.raises(ConfigurationError, match="num_filters = 'forty'") as caught:
        check_impulse(wanted_impulse(wrong, tmp_path))
    assert caught.value.hint == "Set num_filters to a value such as 40, its default."


@pytest.mark.parametrize("recipe", ["reference", "robust"])
def test_the_recipes_are_valid(tmp_path: Path, recipe: str) -> None:
    write_recipe(recipe, tmp_path, clips=None, name=None, force=True)
    check_impulse(wanted_impulse(load_config(tmp_path, {}).settings, tmp_path))


def test_a_seed_that_the_studio_does_not_return_is_no_difference(wanted: ImpulseState) -> None:
    silent: Any = replace(wanted, learn=replace(wanted.learn, seed=None))
    assert diff(silent, wanted) == ()
