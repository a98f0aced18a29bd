"""The difference of two impulses, value by value, and what is sent to remove it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.impulse.apply import (
    Change,
    apply_impulse,
    diff,
    impulse_body,
    layer_text,
    learn_body,
    learn_values,
    same_value,
    structure,
)
from ei_toolkit.client.impulse.state import DspState, ImpulseState, InputState, LearnState
from ei_toolkit.errors import ApiError

SPECTROGRAM = DspState("spectrogram", "Spectrogram", 4, {"frame_length": "0.02", "noise_floor_db": "-52"})
MFE = DspState("mfe", "MFE", 4, {"num_filters": "40"})
LEARN = LearnState(
    mode="visual",
    layers=({"type": "conv1d", "neurons": 8, "kernelSize": 3, "stack": 1}, {"type": "flatten"}),
    script="",
    epochs=30,
    learning_rate=0.005,
    batch_size=32,
    validation=0.2,
    validation_group="artist",
    auto_class_weights=False,
    spec_augment=False,
    profile_int8=True,
    seed=7,
)
IMPULSE = ImpulseState(InputState(3000, 1500, 16_000.0), (SPECTROGRAM,), LEARN)


def with_learn(**changes: Any) -> ImpulseState:
    return replace(IMPULSE, learn=replace(LEARN, **changes))


def with_dsp(*blocks: DspState) -> ImpulseState:
    return replace(IMPULSE, dsp=blocks)


def changed(there: ImpulseState | None, wanted: ImpulseState) -> list[tuple[str, str, str]]:
    return [(change.key, change.there, change.wanted) for change in diff(there, wanted)]


def test_equal_impulses_have_no_difference() -> None:
    assert diff(IMPULSE, with_learn()) == ()


def test_without_an_impulse_every_value_is_a_change() -> None:
    found = changed(None, IMPULSE)
    assert all(there == "" for _, there, _ in found)
    assert ("input.window_ms", "", "3000") in found
    assert ("dsp[0]", "", "spectrogram version 4 “Spectrogram”") in found
    assert ("Spectrogram.frame_length", "", "0.02") in found
    assert ("layers[0]", "", "conv1d neurons=8 kernelSize=3 stack=1") in found


@pytest.mark.parametrize(
    ("changes", "key", "there", "wanted"),
    [
        ({"window_ms": 1000}, "input.window_ms", "3000", "1000"),
        ({"increase_ms": 500}, "input.increase_ms", "1500", "500"),
        ({"frequency_hz": 22_050.0}, "input.frequency_hz", "16000", "22050"),
        ({"pad_zeros": False}, "input.pad_zeros", "true", "false"),
    ],
)
def test_a_change_of_the_window_is_one_of_the_structure(
    changes: dict[str, Any], key: str, there: str, wanted: str
) -> None:
    (change,) = diff(IMPULSE, replace(IMPULSE, input=replace(IMPULSE.input, **changes)))
    assert change == Change("structure", key, there, wanted)


@pytest.mark.parametrize(
    ("changes", "key", "there", "wanted"),
    [
        ({"epochs": 60}, "learn.epochs", "30", "60"),
        ({"learning_rate": 0.0005}, "learn.learning_rate", "0.005", "0.0005"),
        ({"auto_class_weights": True}, "learn.auto_class_weights", "false", "true"),
        ({"validation_group": ""}, "learn.validation_group", "artist", ""),
        ({"seed": 8}, "learn.seed", "7", "8"),
        ({"layers": LEARN.layers[:1]}, "learn.layers[1]", "flatten", ""),
        ({"layers": (*LEARN.layers, {"type": "dropout", "dropoutRate": 0.25})}, "learn.layers[2]", "",
         "dropout dropoutRate=0.25"),
    ],
)  # fmt: skip
def test_a_change_of_the_learn_block_names_its_setting(
    changes: dict[str, Any], key: str, there: str, wanted: str
) -> None:
    (change,) = diff(IMPULSE, with_learn(**changes))
    assert change == Change("learn", key, there, wanted)


def test_only_parameters_that_eitk_toml_sets_are_compared() -> None:
    there = with_dsp(replace(SPECTROGRAM, config={**SPECTROGRAM.config, "fft_length": "256"}))
    assert diff(there, IMPULSE) == ()
    assert changed(IMPULSE, there) == [("Spectrogram.fft_length", "", "256")]


def test_parameters_of_a_block_of_another_version_are_all_sent_again() -> None:
    there = with_dsp(replace(SPECTROGRAM, version=3))
    found = changed(there, IMPULSE)
    assert found[0] == ("dsp[0]", "spectrogram version 3 “Spectrogram”", "spectrogram version 4 “Spectrogram”")
    assert [key for key, *_ in found[1:]] == ["Spectrogram.frame_length", "Spectrogram.noise_floor_db"]
    assert all(there == "" for _, there, _ in found[1:])


def test_a_block_more_or_less_is_a_change_of_the_structure() -> None:
    two = with_dsp(SPECTROGRAM, MFE)
    assert changed(IMPULSE, two) == [("dsp[1]", "", "mfe version 4 “MFE”"), ("MFE.num_filters", "", "40")]
    assert changed(two, IMPULSE) == [("dsp[1]", "mfe version 4 “MFE”", "")]
    assert diff(IMPULSE, two)[1].block == 1


def test_a_script_in_place_of_layers_is_a_change_of_mode_layers_and_script() -> None:
    expert = with_learn(mode="expert", layers=(), script="model = 1\n")
    keys = [key for key, *_ in changed(IMPULSE, expert)]
    assert keys == ["learn.mode", "learn.script", "learn.layers[0]", "learn.layers[1]"]
    assert "script" not in learn_values(LEARN)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_has_the_same_value_in_every_notation(number: float) -> None:
    for text in (repr(number), f"{number:e}" if float(f"{number:e}") == number else repr(number), f" {number!r} "):
        assert same_value(repr(number), text)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("0.020", "0.02", True), ("1e3", "1000", True), ("True", "true", True), (" hamming", "Hamming", True),
     ("0.02", "0.021", False), ("", "0", False), ("true", "1", False), ("none", "", False)],
)  # fmt: skip
def test_texts_of_the_same_value(a: str, b: str, same: bool) -> None:
    assert same_value(a, b) is same
    assert same_value(b, a) is same


def test_a_layer_is_one_line_with_short_numbers() -> None:
    assert layer_text({"type": "dropout", "dropoutRate": 0.25}) == "dropout dropoutRate=0.25"
    assert layer_text({"type": "flatten"}) == "flatten"


@pytest.mark.parametrize(
    ("layer", "text"),
    [({"type": "transfer", "modelName": "mobilenet", "enabled": False}, "transfer modelName=mobilenet enabled=false"),
     ({"neurons": 8}, "unknown neurons=8")],
)  # fmt: skip
def test_a_layer_of_another_tool_is_one_line_as_well(layer: dict[str, Any], text: str) -> None:
    assert layer_text(layer) == text


def test_the_request_for_an_impulse_names_the_versions_and_the_inputs_of_its_blocks() -> None:
    body = impulse_body(with_dsp(SPECTROGRAM, MFE), "second", 1, [2, 5], 3).to_dict()
    assert body["name"] == "second"
    assert body["inputBlocks"][0]["windowSizeMs"] == 3000
    assert [(b["id"], b["input"], b["implementationVersion"]) for b in body["dspBlocks"]] == [(2, 1, 4), (5, 1, 4)]
    assert body["learnBlocks"][0]["dsp"] == [2, 5]


def test_the_request_for_the_default_impulse_has_no_name() -> None:
    assert not impulse_body(IMPULSE, "", 1, [2], 3).to_dict().get("name")


def test_the_request_for_training_has_layers_or_a_script() -> None:
    visual = learn_body(LEARN).to_dict()
    assert [layer["type"] for layer in visual["visualLayers"]] == ["conv1d", "flatten"]
    assert visual["trainingCycles"] == 30
    expert = learn_body(replace(LEARN, mode="expert", script="x = 1\n", seed=None)).to_dict()
    assert (expert["mode"], expert["script"]) == ("expert", "x = 1\n")
    assert not expert.get("visualLayers")
    assert not expert.get("customParameters")


def learn_answer(**changes: Any) -> dict[str, Any]:
    answer = {
        "mode": "visual", "trainingCycles": LEARN.epochs, "learningRate": LEARN.learning_rate, "batchSize": 32,
        "visualLayers": [dict(layer) for layer in LEARN.layers], "trainTestSplit": 0.2, "autoClassWeights": False,
        "customValidationMetadataKey": "artist", "profileInt8": True}  # fmt: skip
    return answer | changes


@pytest.fixture
def stored(scripted_studio: Any) -> Any:
    """A studio that has the impulse above, and forgets everything that it is sent."""
    window = {"id": 1, "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": 16_000, "padZeros": True}
    block = {"id": 2, "type": "spectrogram", "name": "Spectrogram", "implementationVersion": 4}
    items = [{"param": key, "value": value} for key, value in SPECTROGRAM.config.items()]
    scripted_studio.answers |= {
        "GET /api/1/impulse": {"impulse": {"id": 9, "inputBlocks": [window], "dspBlocks": [block],
                                           "learnBlocks": [{"id": 3, "type": "keras"}]}},
        "GET /api/1/dsp/2": {"config": [{"items": items}]},
        "GET /api/1/training/keras/3": learn_answer(),
        "POST /api/1/impulse": {}, "POST /api/1/dsp/2": {}, "POST /api/1/training/keras/3": {},
    }  # fmt: skip
    return scripted_studio


def test_only_the_part_that_differs_is_sent(stored: Any) -> None:
    answers = [learn_answer(), learn_answer(trainingCycles=60)]
    stored.answers["GET /api/1/training/keras/3"] = answers
    (change,) = apply_impulse(stored.studio, with_learn(epochs=60))
    assert change.key == "learn.epochs"
    assert stored.requests("POST") == ["POST /api/1/training/keras/3"]


def test_a_value_that_the_studio_does_not_store_is_an_error(stored: Any) -> None:
    with pytest.raises(ApiError, match=r"the studio has not stored learn\.epochs = 60") as caught:
        apply_impulse(stored.studio, with_learn(epochs=60))
    assert caught.value.why == "it has 30"


def test_a_parameter_that_the_studio_drops_is_an_error(stored: Any) -> None:
    wanted = with_dsp(replace(SPECTROGRAM, config={**SPECTROGRAM.config, "fft_length": "256"}))
    with pytest.raises(ApiError, match=r"has not stored Spectrogram\.fft_length = 256") as caught:
        apply_impulse(stored.studio, wanted)
    assert caught.value.why == "it has no value"
    posted = next(one for one in stored.seen if one.method == "POST")
    assert posted.json == {"config": {"frame_length": "0.02", "noise_floor_db": "-52", "fft_length": "256"}}


def test_a_new_window_keeps_the_ids_of_all_blocks(stored: Any) -> None:
    window = {"id": 1, "windowSizeMs": 1000, "windowIncreaseMs": 1500, "frequencyHz": 16_000, "padZeros": True}
    block = {"id": 2, "type": "spectrogram", "name": "Spectrogram", "implementationVersion": 4}
    before = stored.answers["GET /api/1/impulse"]
    after = {"impulse": {"id": 9, "inputBlocks": [window], "dspBlocks": [block],
                         "learnBlocks": [{"id": 3, "type": "keras"}]}}  # fmt: skip
    stored.answers["GET /api/1/impulse"] = [before, after]
    wanted = replace(IMPULSE, input=replace(IMPULSE.input, window_ms=1000))
    (change,) = apply_impulse(stored.studio, wanted)
    assert (change.key, change.wanted) == ("input.window_ms", "1000")
    (posted,) = [one for one in stored.seen if one.method == "POST"]
    assert posted.path == "/api/1/impulse"
    assert [posted.json[part][0]["id"] for part in ("inputBlocks", "dspBlocks", "learnBlocks")] == [1, 2, 3]


@given(st.integers(100, 5000), st.integers(100, 5000), st.booleans())
def test_the_structure_of_equal_windows_is_equal(window: int, other: int, pad: bool) -> None:
    first, second = (replace(IMPULSE, input=InputState(ms, 500, 16_000.0, pad)) for ms in (window, other))
    assert (structure(first) == structure(second)) == (window == other)
