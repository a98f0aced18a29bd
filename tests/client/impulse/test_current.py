"""The impulse of a studio, as different studios send it."""

from __future__ import annotations

from typing import Any

import pytest

from ei_toolkit.client.impulse.current import current_impulse, dsp_config, impulse_id_of, require_impulse
from ei_toolkit.errors import ApiError, CredentialError, MissingStepError

WINDOW = {"id": 1, "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": 16_000, "padZeros": True}
SPECTROGRAM = {"id": 2, "type": "spectrogram", "name": "Spectrogram", "implementationVersion": 4}
KERAS = {"id": 3, "type": "keras"}
LEARN = {"mode": "visual", "trainingCycles": 30, "learningRate": 0.005}


def impulse(**changes: Any) -> dict[str, Any]:
    blocks = {"inputBlocks": [WINDOW], "dspBlocks": [SPECTROGRAM], "learnBlocks": [KERAS]}
    return {"impulse": {"id": 9, **blocks, **changes}}


@pytest.fixture
def project(scripted_studio: Any) -> Any:
    """A studio with one impulse, whose learn block has the given settings."""
    scripted_studio.answers |= {
        "/api/1/impulse": impulse(),
        "/api/1/dsp/2": {"config": []},
        "/api/1/training/keras/3": LEARN,
    }
    return scripted_studio


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"impulse": None},
        {"success": False, "error": "There is no impulse in this project"},
        {"success": False, "error": "Impulse was not created yet"},
        impulse(inputBlocks=[]),
        impulse(dspBlocks=[]),
        impulse(learnBlocks=[]),
        impulse(learnBlocks=[{"id": 3, "type": "keras-object-detection"}]),
    ],
)
def test_a_project_without_an_impulse_for_audio(project: Any, answer: dict[str, Any]) -> None:
    project.answers["/api/1/impulse"] = answer
    assert current_impulse(project.studio) is None
    with pytest.raises(MissingStepError, match="the project has no impulse yet") as caught:
        require_impulse(project.studio)
    assert caught.value.hint == "eitk impulse apply"


@pytest.mark.parametrize("answer", [{"success": False, "error": "Project is locked"}, (403, b"{}", {})])
def test_another_error_is_not_taken_for_a_missing_impulse(project: Any, answer: Any) -> None:
    project.answers["/api/1/impulse"] = answer
    with pytest.raises((ApiError, CredentialError)):
        current_impulse(project.studio)


def test_settings_that_a_studio_leaves_out_have_the_defaults_of_the_api(project: Any) -> None:
    learn = require_impulse(project.studio).state.learn
    assert (learn.epochs, learn.learning_rate, learn.batch_size, learn.validation) == (30, 0.005, 32, 0.2)
    assert (learn.layers, learn.profile_int8, learn.spec_augment, learn.seed) == ((), True, False, None)


@pytest.mark.parametrize(
    ("stated", "batch_size"),
    [({"batchSize": 8}, 8), ({"batchSize": None, "defaultBatchSize": 16}, 16), ({"defaultBatchSize": 64}, 64)],
)
def test_the_batch_size_is_the_chosen_one_else_the_default(
    project: Any, stated: dict[str, Any], batch_size: int
) -> None:
    project.answers["/api/1/training/keras/3"] = LEARN | stated
    assert require_impulse(project.studio).state.learn.batch_size == batch_size


@pytest.mark.parametrize(("seed", "read"), [("11", 11), (11, 11), ("", None), ("random", None), ("-1", None)])
def test_a_seed_is_read_where_a_studio_returns_one(project: Any, seed: Any, read: int | None) -> None:
    project.answers["/api/1/training/keras/3"] = LEARN | {"customParameters": {"seed": seed}}
    assert require_impulse(project.studio).state.learn.seed == read


def test_in_expert_mode_the_script_counts_and_in_visual_mode_the_layers(project: Any) -> None:
    both = {"visualLayers": [{"type": "flatten", "enabled": True}], "script": "model = 1\n"}
    project.answers["/api/1/training/keras/3"] = LEARN | both
    assert require_impulse(project.studio).state.learn.layers == ({"type": "flatten"},)
    assert require_impulse(project.studio).state.learn.script == ""
    project.answers["/api/1/training/keras/3"] = LEARN | both | {"mode": "expert"}
    assert require_impulse(project.studio).state.learn.layers == ()
    assert require_impulse(project.studio).state.learn.script == "model = 1\n"


def test_a_layer_that_is_switched_off_stays_visible(project: Any) -> None:
    layers = [{"type": "dropout", "dropoutRate": 0.5, "enabled": False}]
    project.answers["/api/1/training/keras/3"] = LEARN | {"visualLayers": layers}
    assert require_impulse(project.studio).state.learn.layers == tuple(layers)


@pytest.mark.parametrize(
    ("item", "text"),
    [({"value": "0.02"}, "0.02"), ({"value": 0.02}, "0.02"), ({"value": 5}, "5"), ({"value": True}, "true"),
     ({"value": None, "defaultValue": "hamming"}, "hamming"), ({"defaultValue": False}, "false"), ({"value": ""}, ""),
     ({"value": 0, "defaultValue": 3}, "0")],
)  # fmt: skip
def test_a_parameter_is_a_text_or_its_default(project: Any, item: dict[str, Any], text: str) -> None:
    project.answers["/api/1/dsp/2"] = {"config": [{"items": [{"param": "p", **item}]}, {"items": []}]}
    assert dsp_config(project.studio, 2) == {"p": text}


def test_an_impulse_is_found_by_its_name(project: Any) -> None:
    names = [{"id": 4, "name": "first"}, {"id": 5, "name": "größe"}, {"id": 6}]
    project.answers["/api/1/impulses"] = {"impulses": names}
    assert impulse_id_of(project.studio, "größe") == 5
    assert impulse_id_of(project.studio, "third") is None
    require_impulse(project.studio, "größe")
    assert project.seen[-3].query == {"impulseId": "5"}


def test_the_default_impulse_needs_no_list(project: Any) -> None:
    assert impulse_id_of(project.studio, "") is None
    assert project.seen == []


def test_an_impulse_that_does_not_exist_is_not_the_default_one(project: Any) -> None:
    project.answers["/api/1/impulses"] = {"impulses": []}
    assert current_impulse(project.studio, "gone") is None
    assert "GET /api/1/impulse" not in project.requests()


def test_two_impulses_of_the_same_name_are_an_error(project: Any) -> None:
    project.answers["/api/1/impulses"] = {"impulses": [{"id": 4, "name": "twin"}, {"id": 5, "name": "twin"}]}
    with pytest.raises(ApiError, match="the project has 2 impulses called 'twin'") as caught:
        impulse_id_of(project.studio, "twin")
    assert caught.value.hint == "Rename one in the studio."
