"""The search space of Edge Impulse's tuner: what is refused by name, and the impulses of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import layer_parameters
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.tuner_space import checked_space, default_space, trial_impulse

INPUT = {"type": "time-series", "windowSizeMs": [1000, 2000]}
DSP = {"type": "mfe", "num_filters": [20, 40]}
LEARN = {"type": "keras", "dimension": "conv1d"}
SPACE = {"inputBlocks": [INPUT], "dspBlocks": [DSP], "learnBlocks": [[LEARN]]}


class RandomTrial:
    """Chooses by a random generator."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def suggest_float(self, _name: str, low: float, high: float, *, log: bool) -> float:
        return self.random.uniform(low, high) if log else low


def test_every_impulse_of_the_default_space_is_valid() -> None:
    space = checked_space(default_space())
    seen = set()
    for seed in range(60):
        made = trial_impulse(space.values(space.suggest(RandomTrial(seed))), None, (4, 5, 6))
        [dsp], [learn] = made.document["dspBlocks"], made.document["learnBlocks"]
        assert (dsp["input"], learn["dsp"]) == (4, [5])
        for layer in made.keras_config["visualLayers"]:
            layer_parameters(layer)
        seen.add((dsp["type"], made.keras_config["visualLayers"][1]["type"]))
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"inputBlocks": []}, "space[0].inputBlocks is empty, so there is no candidate"),
        ({"learnBlocks": []}, "space[0].learnBlocks must have one list of learn blocks"),
        ({"learnBlocks": [[LEARN], [LEARN]]}, "space[0].learnBlocks must have one list of learn blocks"),
        ({"dspBlocks": [{"type": "wavelet"}]}, "there is no block of type 'wavelet'; types: spectrogram, mfe, mfcc"),
        ({"dspBlocks": [{**DSP, "bands": [1]}]}, "space[0].dspBlocks[0].bands is not known"),
        ({"dspBlocks": [{**DSP, "num_filters": []}]}, "num_filters is empty, so there is no candidate"),
        ({"learnBlocks": [[{"type": "anomaly"}]]}, "there is no block of type 'anomaly'; types: keras"),
        ({"parameters": {"x": [1]}}, "space[0].parameters.x is used by no block"),
        ({"parameters": {"x": []}}, "space[0].parameters.x is empty, so there is no candidate"),
        ({"parameters": {"x": 1}}, "space[0].parameters must be an object whose values are lists"),
        ({"inputBlocks": ["time-series"]}, "space[0].inputBlocks[0] must be an object"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        checked_space([{**SPACE, **changed}])
    assert message in str(caught.value)


def test_an_empty_space_is_refused() -> None:
    with pytest.raises(ApiError, match="The space is empty"):
        checked_space([])


def test_layers_that_are_given_are_one_value() -> None:
    layers = [{"type": "flatten"}]
    for given, expected in ((layers, layers), ([layers], layers)):
        space = checked_space([{**SPACE, "learnBlocks": [[{**LEARN, "visualLayers": given}]]}])
        values = space.values(space.suggest(RandomTrial(1)))
        assert trial_impulse(values, 7, (1, 2, 3)).keras_config["visualLayers"] == expected


def test_blocks_that_name_a_shared_list_have_the_same_value() -> None:
    shared = {"frame": [0.02, 0.05], "rate": [0.001, 0.005]}
    dsp = [{**DSP, "frame_length": "frame", "frame_stride": "frame"}, {"type": "mfcc", "frame_length": "frame"}]
    learn = [{**LEARN, "learningRate": "rate"}]
    space = checked_space([{**SPACE, "parameters": shared, "dspBlocks": dsp, "learnBlocks": [learn]}])
    seen = set()
    for seed in range(30):
        values = space.values(space.suggest(RandomTrial(seed)))
        own = values["dsp"]
        assert own.get("frame_stride", own["frame_length"]) == own["frame_length"]
        seen.add((own["type"], own["frame_length"], values["learn"]["learningRate"]))
        trial_impulse(values, None, (1, 2, 3))
    assert len(seen) == 8


def test_values_that_contradict_each_other_are_refused() -> None:
    values = {"input": {"windowSizeMs": 1000}, "dsp": {"type": "mfe"}, "learn": LEARN}
    with pytest.raises(ConfigurationError, match="dimension = 'conv9d'"):
        trial_impulse({**values, "learn": {**LEARN, "dimension": "conv9d"}}, None, (1, 2, 3))
    with pytest.raises(ConfigurationError, match="frame length is larger than the window"):
        trial_impulse({**values, "dsp": {"type": "mfe", "frame_length": 5}}, None, (1, 2, 3))
    with pytest.raises(ConfigurationError, match="learning_rate"):
        trial_impulse({**values, "learn": {**LEARN, "learningRate": 7}}, None, (1, 2, 3))
