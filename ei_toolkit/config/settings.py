"""The settings: one frozen dataclass for each table of eitk.toml. Each field has its own description."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Literal

from ei_toolkit.config.boards import BOARDS, MICROPHONE_RATE_HZ, NANO33BLE, board_choice
from ei_toolkit.errors import ConfigurationError

Scalar = str | int | float | bool
Level = Literal["none", "dc", "rms"]

UNCERTAIN = "uncertain"
"""What stands in place of a label where no score reaches the threshold: on the board, in the API and in tables."""


def frozen(table: dict[str, Any]) -> MappingProxyType[str, Any]:
    """A mapping that cannot be changed."""
    return MappingProxyType(table)


copyreg.pickle(MappingProxyType, lambda mapping: (frozen, (dict(mapping),)))  # settings travel to worker processes


def setting(default: Any, description: str) -> Any:
    """A dataclass field with the sentence that the configuration reference prints."""
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class ProjectSettings:
    """[project]: name and labels."""

    name: str = setting("Music Genre Classifier", "Name of the project; the library and its header are named after it.")
    labels: tuple[str, ...] = setting(
        (),
        "Labels to use; empty means every folder of clips. A trained model has its outputs in alphabetical order, "
        "whatever the order here; for eitk build --model, list the labels in the order of that model's outputs.",
    )


@dataclass(frozen=True)
class StudioSettings:
    """[studio]: the server that stores, trains and builds."""

    url: str = setting("local", 'API address ending in /v1, or "local" for a studio on this machine.')
    ingestion_url: str = setting("", "Upload address; empty means the one that belongs to the API address.")
    project: int = setting(0, "Project id; 0 means the one that the key belongs to.")


@dataclass(frozen=True)
class DatasetSettings:
    """[dataset]: where clips are and how they are split."""

    root: str = setting("", "Folder or zip of clips, for example ROOT/<label>/*.wav; relative to eitk.toml.")
    split: Literal["group", "artist", "fault-filtered", "track"] = setting(
        "group",
        "How test clips are chosen where the layout gives no split: whole groups (artist is another word for group), "
        "the published fault-filtered parts of GTZAN, or whole tracks.",
    )
    faults: Literal["keep", "leave-out"] = setting(
        "keep",
        "What is done with the tracks of GTZAN that have a catalogued fault: repetitions, wrong labels, distortions "
        "and the broken file.",
    )
    test_fraction: float = setting(0.2, "Fraction of the clips of each label that is held out for testing.")
    groups: str = setting(
        "", "CSV with the columns clip,group; empty means groups.csv in the folder of clips, if it is there."
    )
    seed: int = setting(7, "Seed of the split.")
    sources: tuple[str, ...] = setting((), "Addresses to fetch GTZAN from, tried in order; empty means the known ones.")
    labels_from: Literal["auto", "folder", "name", "csv", "json"] = setting(
        "auto", "Source of the labels: folders, names of files, a CSV, TSV or JSON Lines table, or info.labels."
    )
    split_from: Literal["auto", "folder", "csv", "none"] = setting(
        "auto", "Source of splits and folds that are kept; none means that test clips are chosen by split."
    )
    group_from: Literal["auto", "folder", "name", "csv", "none"] = setting(
        "auto", "Source of the groups of clips that are not in the CSV of groups."
    )
    group_pattern: str = setting(
        "", "Regular expression that finds the group in the path of a clip: its group (?P<group>…), else its first."
    )


@dataclass(frozen=True)
class AugmentSettings:
    """[slice.augment]: augmented copies of training windows, made before upload."""

    copies: int = setting(0, "Augmented copies of each training window; 0 means none.")
    gain_db: float = setting(20.0, "Largest change of gain, up or down, in dB; values outside 16 bits are clipped.")
    noise_snr_db: tuple[float, ...] = setting((5.0, 30.0), "Range of the signal-to-noise ratio of added noise, in dB.")
    noise_files: str = setting("", "Folder of recordings to add as noise; empty means white and pink noise only.")
    room: float = setting(0.0, "Fraction of the copies with a simulated small loudspeaker, room and microphone.")
    pitch_semitones: float = setting(0.0, "Largest change of pitch, up or down, in semitones.")
    stretch: float = setting(0.0, "Largest relative change of tempo; 0.1 means 0.9 to 1.1 times.")
    tilt_db: float = setting(0.0, "Largest change of treble relative to bass, up or down, in dB.")
    rumble: float = setting(0.0, "Fraction of the copies with low-frequency rumble and a constant offset.")
    seed: int = setting(7, "Seed of the random numbers of augmentation.")


Channel = Literal["mean", "left", "right"]
FloatRange = Literal["unit", "int16"]
Category = Literal["auto", "split", "training", "validation", "testing"]  # of files that are uploaded whole
TimeUnit = Literal["s", "ms", "us", "ns"]  # of timestamps


@dataclass(frozen=True)
class Reading:
    """How the samples of a file are understood: the fields of the same names of `SliceSettings`."""

    channel: Channel = "mean"
    float_range: FloatRange = "unit"


@dataclass(frozen=True)
class SliceSettings:
    """[slice]: from clips to windows."""

    sample_rate: int = setting(MICROPHONE_RATE_HZ, "Samples per second; the board's microphone gives 16000.")
    window_ms: int = setting(3000, "Length of a window in milliseconds.")
    hop_ms: int = setting(1500, "Distance between the starts of two windows of one clip, in milliseconds.")
    level: Level = setting(
        "none", "What is evened out in each window: nothing, a constant offset, or the offset and the loudness."
    )
    target_dbfs: float = setting(-20.0, 'RMS level that level = "rms" aims at, in dB relative to full scale.')
    max_gain_db: float = setting(40.0, 'Largest gain that level = "rms" may apply, in dB.')
    channel: Channel = setting("mean", "Channel of a clip that is used: the mean of all, or the left or right one.")
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    float_range: FloatRange = setting(
        "unit", 'Range of the samples of floating-point files: "unit" is −1 to 1, "int16" is −32768 to 32767.'
    )
    short: Literal["skip", "pad"] = setting(
        "skip", "What is done with clips shorter than a window: skipped, or padded with silence at their end."
    )
    trim_silence: bool = setting(
        False, "Leave out stretches of silence of 0.5 s and more: windows are cut from the sound between them."
    )

    @property
    def reading(self) -> Reading:
        """How clips are read."""
        return Reading(self.channel, self.float_range)


@dataclass(frozen=True)
class DspBlock:
    """A processing block. Every key that is not listed here is a parameter of the block with Edge Impulse's name."""

    type: Literal["spectrogram", "mfe", "mfcc"] = field(metadata={"description": "Kind of block."})
    implementation_version: int = setting(
        4, "Version of the block's implementation; an older one reproduces an older project."
    )
    name: str = setting("", "Name of the block; empty means the name of its kind.")
    params: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Layer:
    """A visual layer of the learn block, between the features and the output layer, in order.

    `pool = "last"` is Edge Impulse's documented meaning of `stack` (that many convolutions, then one pooling);
    `pool = "each"` puts a pooling behind every one, which the client sends as that many layers with stack 1.
    """

    type: Literal["reshape", "conv1d", "conv2d", "dense", "dropout", "flatten", "batch_normalization"] = field(
        metadata={"description": "Kind of layer."}
    )
    filters: int = setting(0, "Filters of a convolution.")
    kernel: int = setting(3, "Kernel size of a convolution.")
    stack: int = setting(1, "Convolutions in one layer.")
    pool: Literal["last", "each"] = setting(
        "last", "Position of the pooling in a convolution layer: after the last convolution, or after each."
    )
    columns: int = setting(0, "Columns of the output of a reshape layer: the number of bins of the block.")
    units: int = setting(0, "Neurons of a dense layer.")
    rate: float = setting(0.0, "Fraction of its inputs that a dropout layer drops.")


@dataclass(frozen=True)
class ImpulseSettings:
    """[impulse]: processing blocks and the learn block. The input window is [slice]'s."""

    name: str = setting("", "Name of the impulse; empty means the studio's default impulse.")
    dsp: tuple[DspBlock, ...] = setting((), "Processing blocks.")
    layers: tuple[Layer, ...] = setting((), "Layers of the network between features and output.")
    script: str = setting("", "Keras script (expert mode) instead of layers; relative to eitk.toml.")


@dataclass(frozen=True)
class TrainingSettings:
    """[training]: how the learn block is trained."""

    epochs: int = setting(30, "Training cycles.")
    learning_rate: float = setting(0.005, "Learning rate of Adam.")
    batch_size: int = setting(32, "Windows in a batch.")
    validation: float = setting(0.2, "Fraction of the training windows used for validation.")
    validation_group: str = setting(
        "artist", "Metadata key whose values are kept together when validation windows are chosen; empty means none."
    )
    seed: int = setting(
        7, "Seed of the initial weights, the order of windows and the validation split (local studio only)."
    )
    auto_class_weights: bool = setting(False, "Weight classes by the inverse of their frequency.")
    spec_augment: bool = setting(False, "Mask random bands and frames of the features in training (SpecAugment).")
    int8: bool = setting(True, "Quantise and profile the int8 model as well.")


@dataclass(frozen=True)
class BuildSettings:
    """[build]: the library."""

    target: str = setting("arduino", "Deployment format: arduino or zip.")
    engine: str = setting("tflite-eon", "tflite-eon, tflite-eon-ram-optimized or tflite.")
    model_type: Literal["int8", "float32"] = setting("int8", "Model variant.")


@dataclass(frozen=True)
class BoardSettings:
    """[board]: the board, and the parameters of its predictions."""

    name: str = setting(NANO33BLE.name, f"{board_choice()}.")
    port: str = setting("auto", "Serial port, or auto.")
    threshold: float = setting(
        0.6, "Lowest score of a prediction that counts; below it the prediction is uncertain and the LED is blue."
    )
    hop_ms: int = setting(500, "Milliseconds between two predictions.")
    smoothing: int = setting(1, "Number of predictions that are averaged.")
    hysteresis: float = setting(
        0.05, "Amount by which a score may fall below the threshold before its label is no longer shown."
    )
    colours: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"rock": "red", "classical": "green"}),
        metadata={"description": "Light of each label: red, green, blue, yellow, cyan, magenta, white."},
    )


@dataclass(frozen=True)
class GateSettings:
    """[gate]: the requirements that a candidate must meet to replace the champion."""

    max_drop: float = setting(
        0.0, "Accuracy in percentage points that the candidate may lose beyond the paired interval."
    )
    max_ram_kb: float = setting(64.0, "RAM of the model in KiB.")
    max_flash_kb: float = setting(128.0, "Flash of the model in KiB.")
    max_latency_ms: float = setting(500.0, "Estimated milliseconds of one classification: features and network.")
    min_robust_accuracy: float = setting(0.0, "Smallest top-1 accuracy under the worst condition, in percent.")


@dataclass(frozen=True)
class Settings:
    """All of eitk.toml."""

    project: ProjectSettings = field(default_factory=ProjectSettings)
    studio: StudioSettings = field(default_factory=StudioSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    slice: SliceSettings = field(default_factory=SliceSettings)
    impulse: ImpulseSettings = field(default_factory=ImpulseSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    board: BoardSettings = field(default_factory=BoardSettings)
    gate: GateSettings = field(default_factory=GateSettings)


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError for a value that no command could use.

    What [build] names is left to the studio: the cloud has targets and engines that eitk does not know.
    """
    if settings.board.name not in BOARDS:
        names = ", ".join(BOARDS)
        raise ConfigurationError(
            f"board.name = {settings.board.name!r} is not one of {names}", hint=f"Set board.name to one of {names}."
        )
    for key in ("threshold", "hysteresis"):
        if not 0 <= (value := getattr(settings.board, key)) <= 1:
            raise ConfigurationError(f"board.{key} = {value} is not between 0 and 1", hint=f"Set board.{key} to 0…1.")
    if settings.studio.project < 0:
        raise ConfigurationError(
            f"studio.project = {settings.studio.project} is no project id",
            hint="Set studio.project to the number in the project's address, or to 0 for the one of the key.",
        )


def plain(value: object) -> Any:
    """Tables as dicts, tuples as lists. `parse_table(Settings, plain(settings), "")` gives the settings back."""
    if isinstance(value, DspBlock):
        own = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "params"}
        return own | dict(value.params)
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value
