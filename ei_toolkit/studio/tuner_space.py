"""The search space of Edge Impulse's tuner as JSON, and one impulse of it.

A space is a list of impulses, of which a trial has one. Of `inputBlocks` and `dspBlocks` a trial has one block, of
`learnBlocks` one of the first list. Every value of a block may be a list, of which a trial has one value, or the name
of a list in `parameters`: then all blocks that name it have the same value in a trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.ranges import check_training
from ei_toolkit.studio.http.errors import ApiError

if TYPE_CHECKING:
    from ei_toolkit.tuning.space import Parameters, Suggesting

# Functions that need the processing blocks import them: they load NumPy, which no server without a tuner needs.

Block = Mapping[str, Any]
INPUT_KEYS = frozenset(
    {"id", "type", "name", "title", "window", "windowSizeMs", "windowIncreaseMs", "windowIncreasePct", "frequencyHz",
     "padZeros"}
)  # fmt: skip
LEARN_KEYS = frozenset(
    {"id", "type", "name", "title", "dsp", "dimension", "convBaseFilters", "convLayers", "denseBaseNeurons",
     "denseLayers", "kernelSize", "dropout", "learningRate", "trainingCycles", "batchSize", "autoClassWeights",
     "visualLayers"}
)  # fmt: skip
DSP_KEYS = frozenset({"id", "type", "name", "title", "implementationVersion", "axes", "input", "frame_stride_pct"})
NO_CHOICES = frozenset({"id", "type", "name", "title", "axes", "dsp", "input"})
"""Keys whose value is never chosen from a list."""
DIMENSIONS = ("conv1d", "conv2d", "dense")
MOST_FILTERS = 512
DEFAULT_CYCLES = 30


@dataclass(frozen=True)
class TrialImpulse:
    """One impulse of a space: its document as it is stored, and the settings of its two blocks."""

    document: Mapping[str, Any]
    dsp_config: Mapping[str, str]
    keras_config: Mapping[str, Any]


@dataclass(frozen=True)
class ApiSpace:
    """A checked space."""

    impulses: Sequence[Mapping[str, Any]]

    def suggest(self, trial: Suggesting) -> Parameters:
        """Return the choices of a trial: for each name, the index of the chosen block or value."""
        found: dict[str, Any] = {}

        def choose(name: str, count: int) -> int:
            found[name] = int(trial.suggest_categorical(name, list(range(count)))) if count > 1 else 0
            return int(found[name])

        number = choose("impulse", len(self.impulses))
        shared = shared_lists(self.impulses[number])
        for kind, blocks in _alternatives(self.impulses[number]).items():
            own = blocks[choose(f"{number}.{kind}", len(blocks))]
            where = f"{number}.{kind}.{blocks.index(own)}"
            for key, value in own.items():
                if is_choice(key, value):
                    choose(f"{where}.{key}", len(value))
                elif (name := shared_name(key, value, shared)) and f"{number}.parameters.{name}" not in found:
                    choose(f"{number}.parameters.{name}", len(shared[name]))
        return found

    def description(self) -> Any:
        """Return the space as plain data."""
        return list(self.impulses)

    def values(self, parameters: Parameters) -> dict[str, dict[str, Any]]:
        """Return the chosen values of the three blocks, by kind."""
        number = int(parameters["impulse"])
        shared, found = shared_lists(self.impulses[number]), {}

        def value_of(where: str, key: str, value: Any) -> Any:
            if is_choice(key, value):
                return value[int(parameters[f"{where}.{key}"])]
            name = shared_name(key, value, shared)
            return shared[name][int(parameters[f"{number}.parameters.{name}"])] if name else value

        for kind, blocks in _alternatives(self.impulses[number]).items():
            index = int(parameters[f"{number}.{kind}"])
            where = f"{number}.{kind}.{index}"
            found[kind] = {key: value_of(where, key, value) for key, value in blocks[index].items()}
        return found


def is_choice(key: str, value: Any) -> bool:
    """Return whether a value is a list of choices; a list of layers or of axes is one value."""
    if key in NO_CHOICES or not isinstance(value, list):
        return False
    return key != "visualLayers" or all(isinstance(each, list) for each in value)


def shared_lists(impulse: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    """Return the lists of values that several blocks of an impulse can name."""
    return impulse.get("parameters") or {}


def shared_name(key: str, value: Any, shared: Mapping[str, list[Any]]) -> str:
    """Return the name of the shared list that is the value of a key; "" for a value of another kind."""
    return value if isinstance(value, str) and value in shared and key not in NO_CHOICES else ""


def _alternatives(impulse: Mapping[str, Any]) -> dict[str, list[Block]]:
    return {"input": impulse["inputBlocks"], "dsp": impulse["dspBlocks"], "learn": impulse["learnBlocks"][0]}


def checked_space(space: Sequence[Mapping[str, Any]]) -> ApiSpace:
    """Check a space as a client sent it. Raises ApiError, which names the block and the key."""
    if not space:
        raise ApiError("The space is empty: it needs an impulse")
    for number, impulse in enumerate(space):
        where = f"space[{number}]"
        learn = impulse.get("learnBlocks") or []
        if len(learn) != 1 or not isinstance(learn[0], list):
            raise ApiError(f"{where}.learnBlocks must have one list of learn blocks")
        for kind, blocks in _kinds(impulse).items():
            if not isinstance(blocks, list) or not blocks:
                raise ApiError(f"{where}.{kind} is empty, so there is no candidate")
            for index, block in enumerate(blocks):
                _check_block(kind, block, f"{where}.{kind}[{index}]")
        _check_shared(impulse, f"{where}.parameters")
    return ApiSpace(space)


def _check_shared(impulse: Mapping[str, Any], where: str) -> None:
    shared = shared_lists(impulse)
    if not isinstance(shared, dict) or any(not isinstance(values, list) for values in shared.values()):
        raise ApiError(f"{where} must be an object whose values are lists")
    pairs = [pair for blocks in _kinds(impulse).values() for block in blocks for pair in block.items()]
    used = {shared_name(key, value, shared) for key, value in pairs}
    for name, values in shared.items():
        if not values:
            raise ApiError(f"{where}.{name} is empty, so there is no candidate")
        if name not in used:
            raise ApiError(f"{where}.{name} is used by no block: write its name as the value of a key")


def _kinds(impulse: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "inputBlocks": impulse.get("inputBlocks"), "dspBlocks": impulse.get("dspBlocks"),
        "learnBlocks": impulse["learnBlocks"][0],
    }  # fmt: skip


def _check_block(kind: str, block: Any, where: str) -> None:
    from ei_toolkit.impulse import dsp

    if not isinstance(block, dict):
        raise ApiError(f"{where} must be an object")
    types = {"inputBlocks": ("time-series",), "dspBlocks": dsp.block_types(for_boards=True), "learnBlocks": ("keras",)}[
        kind
    ]
    if block.get("type") not in types:
        raise ApiError(f"{where}: there is no block of type {block.get('type')!r}; types: {', '.join(types)}")
    known = {"inputBlocks": INPUT_KEYS, "learnBlocks": LEARN_KEYS}.get(kind)
    if kind == "dspBlocks":
        known = DSP_KEYS | {parameter.name for parameter in dsp.describe(str(block["type"])).parameters}
    for key, value in block.items():
        if known is not None and key not in known:
            raise ApiError(f"{where}.{key} is not known; known keys: {', '.join(sorted(known))}")
        if is_choice(key, value) and not value:
            raise ApiError(f"{where}.{key} is empty, so there is no candidate")


def trial_impulse(values: Mapping[str, Mapping[str, Any]], cycles: int | None, ids: Sequence[int]) -> TrialImpulse:
    """Return the impulse of chosen values; `ids` are those of its three blocks, `cycles` the default training cycles.

    Raises ConfigurationError for values that contradict each other.
    """
    from ei_toolkit.impulse import dsp

    window, own, learn = values["input"], values["dsp"], values["learn"]
    size, increase = _window(window)
    kind = str(own["type"])
    version = int(own.get("implementationVersion") or dsp.describe(kind).latest_version)
    config = {key: value for key, value in own.items() if key not in DSP_KEYS}
    if "frame_stride_pct" in own:
        config["frame_stride"] = round(float(config.get("frame_length", 0.02)) * float(own["frame_stride_pct"]), 6)
    frequency = float(window.get("frequencyHz") or 16_000)
    _, bins = dsp.output_shape(kind, round(size * frequency / 1000), frequency, version, **config)
    first, second, third = ids
    document = {
        "type": "default",
        "inputBlocks": [
            {"id": first, "name": "Time series", "title": "Time series data", "type": "time-series",
             "windowSizeMs": size, "windowIncreaseMs": increase, "frequencyHz": frequency,
             "padZeros": bool(window.get("padZeros", False))}
        ],
        "dspBlocks": [
            {"id": second, "name": kind, "title": kind, "type": kind, "axes": own.get("axes") or ["audio"],
             "input": first, "implementationVersion": version}
        ],
        "learnBlocks": [
            {"id": third, "name": "Classifier", "title": "Classification", "type": "keras", "dsp": [second]}
        ],
        "postProcessingBlocks": [],
    }  # fmt: skip
    return TrialImpulse(document, {key: _text(value) for key, value in config.items()}, _keras(learn, bins, cycles))


def _window(window: Mapping[str, Any]) -> tuple[int, int]:
    """Return size and increase in ms."""
    pair = window.get("window") or window
    size = int(pair.get("windowSizeMs") or 1000)
    share = window.get("windowIncreasePct")
    increase = pair.get("windowIncreaseMs") or (size * float(share) if share else size)
    if size < 1 or increase < 1:
        raise ConfigurationError(f"a window of {size} ms with an increase of {increase:g} ms is not possible")
    return size, max(1, round(float(increase)))


def _keras(learn: Mapping[str, Any], bins: int, cycles: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mode": "visual",
        "trainingCycles": int(learn.get("trainingCycles") or cycles or DEFAULT_CYCLES),
        "learningRate": float(learn.get("learningRate") or 0.005),
        "batchSize": int(learn.get("batchSize") or 32),
        "autoClassWeights": bool(learn.get("autoClassWeights", False)),
        "visualLayers": learn.get("visualLayers") or _layers(learn, bins),
    }
    check_training(
        epochs=found["trainingCycles"], learning_rate=found["learningRate"], batch_size=found["batchSize"],
        validation=0.2, seed=None,
    )  # fmt: skip
    return found


def _layers(learn: Mapping[str, Any], bins: int) -> list[dict[str, Any]]:
    """Return the layers of a network: each convolution has twice the filters of the one before it."""
    dimension, dropout = str(learn.get("dimension") or "conv1d"), float(learn.get("dropout") or 0)
    if dimension not in DIMENSIONS:
        raise ConfigurationError(f"dimension = {dimension!r} must be one of {', '.join(DIMENSIONS)}")
    drop = [{"type": "dropout", "dropoutRate": dropout}] if dropout else []
    if dimension == "dense":
        base, count = int(learn.get("denseBaseNeurons") or 40), int(learn.get("denseLayers") or 2)
        return [layer for i in range(count) for layer in ({"type": "dense", "neurons": max(1, base >> i)}, *drop)]
    base, count = int(learn.get("convBaseFilters") or 8), int(learn.get("convLayers") or 2)
    kernel = int(learn.get("kernelSize") or 3)
    stack = [
        layer
        for i in range(count)
        for layer in (
            {"type": dimension, "neurons": min(MOST_FILTERS, base << i), "kernelSize": kernel, "stack": 1}, *drop,
        )
    ]  # fmt: skip
    return [{"type": "reshape", "columns": bins}, *stack, {"type": "flatten"}]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def default_space() -> list[dict[str, Any]]:
    """Return the space that is searched if a configuration has none."""
    frames = {"frame_length": [0.02, 0.032, 0.05], "frame_stride_pct": [0.5, 1.0]}
    return [
        {
            "inputBlocks": [
                {"type": "time-series", "windowSizeMs": [1000, 2000, 3000], "windowIncreasePct": [0.5, 1.0]}
            ],
            "dspBlocks": [
                {"type": "mfe", **frames, "num_filters": [20, 32, 40], "noise_floor_db": [-52, -72]},
                {"type": "mfcc", **frames, "num_filters": [20, 32, 40], "num_cepstral": [13]},
                {"type": "spectrogram", **frames, "fft_length": [64, 128], "noise_floor_db": [-52, -72]},
            ],
            "learnBlocks": [
                [
                    {"type": "keras", "dimension": ["conv1d", "conv2d"], "convBaseFilters": [8, 16, 32],
                     "convLayers": [2, 3, 4], "dropout": [0.25, 0.5], "learningRate": [0.0005, 0.005]}
                ]
            ],
        }
    ]  # fmt: skip
