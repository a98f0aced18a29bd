"""The settings: one frozen dataclass for each table of eitk.toml. Each field has its own description."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from ei_toolkit.config.boards import BOARDS, MICROPHONE_RATE_HZ, NANO33BLE, board_choice
from ei_toolkit.config.ranges import Range
from ei_toolkit.config.setting import FRACTIONS, SEEDS, Level, setting
from ei_toolkit.config.tune_settings import TuneSettings

Scalar = str | int | float | bool

UNCERTAIN = "uncertain"
"""What stands in place of a label where no score reaches the threshold: on the board, in the API and in tables."""


def frozen(table: dict[str, Any]) -> MappingProxyType[str, Any]:
    """A mapping that cannot be changed."""
    return MappingProxyType(table)


copyreg.pickle(MappingProxyType, lambda mapping: (frozen, (dict(mapping),)))  # settings travel to worker processes


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
    remote_management_url: str = setting(
        "", "Address for devices; empty means the one that belongs to the API address."
    )
    project: int = setting(0, "Project id; 0 means the one that the key belongs to.", Range(0, whole=True))


@dataclass(frozen=True)
class DatasetSettings:
    """[dataset]: where clips are and how they are split."""

    root: str = setting(
        "",
        "Folder or zip of clips, for example ROOT/<label>/*.wav, relative to eitk.toml; or s3://BUCKET/FOLDER.",
    )
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
    test_fraction: float = setting(
        0.2, "Fraction of the clips of each label that is held out for testing.", Range(0, 1, above=True, below=True)
    )
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

    copies: int = setting(0, "Augmented copies of each training window; 0 means none.", Range(0, 100, whole=True))
    gain_db: float = setting(
        20.0, "Largest change of gain, up or down, in dB; values outside 16 bits are clipped.", Range(0, 60)
    )
    noise_snr_db: tuple[float, ...] = setting(
        (5.0, 30.0), "Range of the signal-to-noise ratio of added noise, in dB; empty adds no noise.", Range(-100, 100)
    )
    noise_files: str = setting("", "Folder of recordings to add as noise; empty means white and pink noise only.")
    room: float = setting(
        0.0, "Fraction of the copies with a simulated small loudspeaker, room and microphone.", FRACTIONS
    )
    pitch_semitones: float = setting(0.0, "Largest change of pitch, up or down, in semitones.", Range(0, 12))
    stretch: float = setting(0.0, "Largest relative change of tempo; 0.1 means 0.9 to 1.1 times.", Range(0, 0.5))
    tilt_db: float = setting(0.0, "Largest change of treble relative to bass, up or down, in dB.", Range(0, 24))
    rumble: float = setting(0.0, "Fraction of the copies with low-frequency rumble and a constant offset.", FRACTIONS)
    profile: str = setting(
        "", "File of a device profile (eitk verify --compare): the copies sound as recorded with that board."
    )
    seed: int = setting(7, "Seed of the random numbers of augmentation.", Range(0, whole=True))


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

    sample_rate: int = setting(
        MICROPHONE_RATE_HZ,
        "Samples per second; the board's microphone gives 16000.",
        Range(1_000, 192_000, whole=True),
    )
    window_ms: int = setting(3000, "Length of a window in milliseconds.", Range(1, whole=True))
    hop_ms: int = setting(
        1500, "Distance between the starts of two windows of one clip, in milliseconds.", Range(1, whole=True)
    )
    level: Level = setting(
        "none", "What is evened out in each window: nothing, a constant offset, or the offset and the loudness."
    )
    target_dbfs: float = setting(
        -20.0, 'RMS level that level = "rms" aims at, in dB relative to full scale.', Range(-100, 0)
    )
    max_gain_db: float = setting(40.0, 'Largest gain that level = "rms" may apply, in dB.', Range(0, 120))
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
    trim_ends: bool = setting(
        False, "Leave out silence at both ends of a clip: what is more than 60 dB below its loudest part."
    )
    normalise: bool = setting(False, "Set the peak of each clip to full scale before it is cut.")

    @property
    def reading(self) -> Reading:
        """How clips are read."""
        return Reading(self.channel, self.float_range)


@dataclass(frozen=True)
class StoreSettings:
    """[store]: where `eitk slice` writes the windows, and in which files."""

    format: Literal["wav", "parquet"] = setting(
        "wav", "Files of the windows: a WAV file for each window, or Parquet files of many windows."
    )
    url: str = setting(
        "",
        "Folder or address (s3://BUCKET/FOLDER, gs://BUCKET/FOLDER) for Parquet files, which no other project uses; "
        "empty means .eitk/windows.",
    )


@dataclass(frozen=True)
class DspBlock:
    """A processing block. Every key that is not listed here is a parameter of the block with Edge Impulse's name."""

    type: Literal["spectrogram", "mfe", "mfcc", "summary-57", "summary-207"] = field(
        metadata={"description": "Kind of block."}
    )
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

    epochs: int = setting(30, "Training cycles.", Range(1, 10_000, whole=True))
    learning_rate: float = setting(0.005, "Learning rate of Adam.", Range(0, 1, above=True))
    batch_size: int = setting(32, "Windows in a batch.", Range(1, 4096, whole=True))
    validation: float = setting(0.2, "Fraction of the training windows used for validation.", Range(0, 1, below=True))
    validation_group: str = setting(
        "artist", "Metadata key whose values are kept together when validation windows are chosen; empty means none."
    )
    seed: int = setting(
        7, "Seed of the initial weights, the order of windows and the validation split (local studio only).", SEEDS
    )
    auto_class_weights: bool = setting(False, "Weight classes by the inverse of their frequency.")
    spec_augment: bool = setting(False, "Mask random bands and frames of the features in training (SpecAugment).")
    int8: bool = setting(True, "Quantise and profile the int8 model as well.")


Engine = Literal["tflite-eon", "tflite-eon-ram-optimized", "tflite"]
"""How the local studio runs a model in a library: compiled, compiled for less RAM, or interpreted."""
ENGINES: tuple[Engine, ...] = get_args(Engine)
CLOUD_ENGINES: tuple[str, ...] = (
    *ENGINES, "tensorrt", "tensaiflow", "drp-ai", "tidl", "akida", "syntiant", "memryx", "neox", "ethos-linux",
    "st-aton", "ceva-npn", "nordic-axon", "vlm-connector", "qaic",
)  # fmt: skip
"""The engines of Edge Impulse's API; those of accelerators exist for a few targets only."""
Target = Literal["arduino", "zip", "runner-linux-x86_64", "runner-linux-aarch64", "wasm", "wasm-browser-simd"]
TARGETS: tuple[Target, ...] = get_args(Target)
"""The deployment formats of the local studio."""
PROGRAM_TARGETS: tuple[Target, ...] = ("runner-linux-x86_64", "runner-linux-aarch64", "wasm", "wasm-browser-simd")
"""Those that the studio compiles to a program."""
TARGET_ALIASES: dict[str, Target] = {
    target.removeprefix("runner-"): target for target in TARGETS if target.startswith("runner-")
}
"""Shorter names for the command line."""


def engines_of(target: str) -> tuple[Engine, ...]:
    """Return the engines of a target, the preferred one first. A program cannot contain an interpreter."""
    return tuple(engine for engine in ENGINES if engine != "tflite" or target not in PROGRAM_TARGETS)


@dataclass(frozen=True)
class FeatureSettings:
    """[features]: the summary features that a classifier takes."""

    extractor: Literal["summary-57", "summary-207"] = setting("summary-57", "Which features, as librosa defines them.")
    window_ms: int = setting(
        0, "Length of the windows in milliseconds, at least 1000; 0 means the whole clip.", Range(0, whole=True)
    )
    hop_ms: int = setting(
        0, "Distance between the starts of two windows in milliseconds; 0 means no overlap.", Range(0, whole=True)
    )
    normalise: bool = setting(False, "Set the peak of each clip to full scale.")
    trim: bool = setting(False, "Leave out silence at both ends of each clip.")


@dataclass(frozen=True)
class ClassifierSettings:
    """[classifier]: a classifier of the summary features of [features], trained without a studio."""

    kind: Literal["none", "knn", "regression", "svm", "forest", "mlp", "cnn"] = setting(
        "none",
        "none: the network of [impulse] is trained; else k nearest rows, multinomial logistic regression, support "
        "vector machine, random forest, a network of dense layers or one of convolutions over the features.",
    )
    correlation: float = setting(
        0.0,
        "Of two features whose absolute correlation is above this, the second is left out; 0 keeps all.",
        Range(0, 1),
    )
    pca: float = setting(
        0.0, "Share of the variance that a principal component analysis keeps; 0 means no analysis.",
        Range(0, 1, below=True),
    )  # fmt: skip
    k: int = setting(10, "knn: number of nearest training rows, weighted by their distance.", Range(1, whole=True))
    c: float = setting(1.0, "regression and svm: inverse strength of the regularisation.", Range(0, above=True))
    gamma: float = setting(0.01, "svm: coefficient of the radial basis function.", Range(0, above=True))
    trees: int = setting(500, "forest: number of trees.", Range(1, 10_000, whole=True))
    units: tuple[int, ...] = setting((146, 146), "mlp and cnn: neurons of each hidden dense layer.")
    filters: tuple[int, ...] = setting((32, 64), "cnn: filters of each convolution, three features wide.")
    dropout: float = setting(
        0.0, "mlp and cnn: fraction of its inputs that a dropout layer drops.", Range(0, 1, below=True)
    )
    batch_normalization: bool = setting(False, "mlp: normalise the outputs of each hidden layer over a batch.")
    weight_decay: float = setting(1e-4, "mlp and cnn: weight decay.", Range(0))
    learning_rate: float = setting(0.001, "mlp and cnn: learning rate of Adam.", Range(0, above=True))
    batch_size: int = setting(200, "mlp and cnn: rows in a batch.", Range(1, whole=True))
    epochs: int = setting(100, "mlp and cnn: training cycles.", Range(1, whole=True))
    early_stopping: bool = setting(
        False, "mlp without dropout: hold out a tenth of the rows, and end when their accuracy does not rise."
    )


@dataclass(frozen=True)
class BuildSettings:
    """[build]: the library."""

    target: str = setting(
        "arduino", "Deployment format: arduino, zip, runner-linux-x86_64 or runner-linux-aarch64; the cloud has others."
    )
    engine: str = setting(
        "tflite-eon", "tflite-eon, tflite-eon-ram-optimized or tflite; the cloud has others.", CLOUD_ENGINES
    )
    model_type: Literal["int8", "float32"] = setting("int8", "Model variant.")


Colour = Literal[
    "red", "orange", "yellow", "lime", "green", "mint", "cyan", "blue", "magenta", "pink", "white"
]  # fmt: skip
"""A colour of the LED of a board, by its name in LED_COLOURS."""
COLOURS: tuple[Colour, ...] = get_args(Colour)


@dataclass(frozen=True)
class BoardSettings:
    """[board]: the board, and the parameters of its predictions."""

    name: str = setting(NANO33BLE.name, f"{board_choice()}.", BOARDS.keys())  # `register` adds to it
    port: str = setting("auto", "Serial port, or auto.")
    threshold: float = setting(
        0.6,
        "Lowest score of a prediction that counts; below it the prediction is uncertain and the LED is blue.",
        FRACTIONS,
    )
    hop_ms: int = setting(500, "Milliseconds between two predictions.", Range(1, whole=True))
    smoothing: int = setting(1, "Number of predictions that are averaged.", Range(1, 64, whole=True))
    hysteresis: float = setting(
        0.05, "Amount by which a score may fall below the threshold before its label is no longer shown.", FRACTIONS
    )
    hold_ms: int = setting(
        0,
        "Milliseconds for which a label that becomes recognised stays, whatever the scores are; 0 means none.",
        Range(0, 600_000, whole=True),
    )
    colours: Mapping[str, Colour] = field(
        default_factory=lambda: MappingProxyType({"rock": "red", "classical": "green"}),
        metadata={"description": f"Light of each label: {', '.join(COLOURS)}."},
    )

    @property
    def hold_windows(self) -> int:
        """Predictions after the first for which a recognised label stays: those within `hold_ms`."""
        return -(-self.hold_ms // self.hop_ms)


@dataclass(frozen=True)
class GateSettings:
    """[gate]: the requirements that a candidate must meet to replace the champion."""

    max_drop: float = setting(
        0.0, "Accuracy in percentage points that the candidate may lose beyond the paired interval.", Range(0, 100)
    )
    max_ram_kb: float = setting(64.0, "RAM of the model in KiB.", Range(0))
    max_flash_kb: float = setting(128.0, "Flash of the model in KiB.", Range(0))
    max_latency_ms: float = setting(
        500.0, "Estimated milliseconds of one classification: features and network.", Range(0)
    )
    min_robust_accuracy: float = setting(
        0.0, "Smallest top-1 accuracy under the worst condition, in percent.", Range(0, 100)
    )


@dataclass(frozen=True)
class ComputeSettings:
    """[compute]: where slicing, features, evaluations and classifications run. It changes no result."""

    scheduler: str = setting(
        "processes",
        'processes of this machine ("processes"), or the workers of a Dask scheduler '
        '("tcp://HOST:8786", or "tls://HOST:8786" with the certificates of Dask\'s configuration).',
    )


@dataclass(frozen=True)
class Settings:
    """All of eitk.toml."""

    project: ProjectSettings = field(default_factory=ProjectSettings)
    studio: StudioSettings = field(default_factory=StudioSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    slice: SliceSettings = field(default_factory=SliceSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    impulse: ImpulseSettings = field(default_factory=ImpulseSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    board: BoardSettings = field(default_factory=BoardSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    tune: TuneSettings = field(default_factory=TuneSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)


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
