"""The settings of `eitk tune`: the search, and the values that a candidate may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ei_toolkit.config.ranges import Range
from ei_toolkit.config.setting import SEEDS, Level, setting

Sampler = Literal["tpe", "nsga2", "random"]
Pruner = Literal["median", "hyperband", "none"]
Objective = Literal["accuracy", "worst_condition", "ram", "flash", "time"]
Augmentation = Literal["none", "masks", "device", "recording"]
NetworkKind = Literal["conv1d", "conv2d", "separable"]
"""Networks of the tuner: convolutions over time, over time and bands, or depthwise-separable ones over both."""


@dataclass(frozen=True)
class TuneSettings:
    """[tune]: the search of `eitk tune`. Each list holds the values that a candidate may have.

    `eitk tune` reads the clips of [dataset]; sample rate, channel, augmented copies and labels are those of [slice] and
    [project]. A limit of 0 is the limit of the board in [board] name.
    """

    trials: int = setting(40, "Candidates to train, wholly or until they are pruned.", Range(1, 100_000, whole=True))
    sampler: Sampler = setting("tpe", "Algorithm of the search: tpe, nsga2 or random.")
    pruner: Pruner = setting("median", "How a candidate is given up between two folds: median, hyperband or none.")
    objectives: tuple[Objective, ...] = setting(
        ("accuracy", "time"), "What is optimised together: accuracy, worst_condition, ram, flash and time."
    )
    folds: int = setting(3, "Folds by artist on which a candidate is measured.", Range(2, 100, whole=True))
    conditions: tuple[str, ...] = setting(
        ("mic", "pink10", "gain-20"), "Conditions of which worst_condition is the smallest accuracy."
    )
    report_fraction: float = setting(
        0.2, "Fraction of the artists that no trial sees; the chosen candidate is reported on them.",
        Range(0, 0.5, above=True),
    )  # fmt: skip
    epochs: int = setting(30, "Training cycles of a candidate.", Range(1, 10_000, whole=True))
    seed: int = setting(7, "Seed of the search and of its folds.", SEEDS)
    max_ram_kb: float = setting(0.0, "RAM of sketch, window and model in KiB; 0 means the board's.", Range(0))
    max_flash_kb: float = setting(0.0, "Flash of the model in KiB; 0 means the board's.", Range(0))
    max_ms: float = setting(
        0.0, "Milliseconds of one classification, features and network; 0 means board.hop_ms.", Range(0)
    )
    window_ms: tuple[int, ...] = setting((1000, 2000, 3000), "Lengths of a window in milliseconds.")
    stride: tuple[float, ...] = setting(
        (0.5, 1.0), "Distances between the starts of two windows, as fractions of the window."
    )
    level: tuple[Level, ...] = setting(("rms",), "What is evened out in each window: none, dc or rms.")
    block: tuple[Literal["spectrogram", "mfe", "mfcc"], ...] = setting(
        ("mfe", "mfcc", "spectrogram"), "Kinds of block."
    )
    frame_ms: tuple[int, ...] = setting((20, 25, 32, 50), "Lengths of a frame in milliseconds.")
    frame_stride: tuple[float, ...] = setting((0.5, 1.0), "Distances between two frames, as fractions of the frame.")
    fft_length: tuple[int, ...] = setting((256, 512), "Points of the FFT of mfe and mfcc.")
    spectrogram_fft_length: tuple[int, ...] = setting((64, 128), "Points of the FFT of spectrogram.")
    filters: tuple[int, ...] = setting((20, 32, 40), "Mel bands of mfe and mfcc.")
    coefficients: tuple[int, ...] = setting((13, 20), "Coefficients of mfcc.")
    noise_floor_db: tuple[int, ...] = setting((-52, -65, -80), "Noise floor of mfe and spectrogram in dB, one or more.")
    network: tuple[NetworkKind, ...] = setting(("conv1d", "conv2d", "separable"), "Kinds of network.")
    depth: tuple[int, ...] = setting((2, 3, 4), "Numbers of convolutions.")
    width: tuple[int, ...] = setting((8, 12, 16, 24, 32), "Numbers of filters of the first convolution.")
    growth: tuple[float, ...] = setting((1.0, 1.5, 2.0), "Factors by which the filters grow with each convolution.")
    kernel: tuple[int, ...] = setting((3, 5), "Kernel sizes.")
    dropout: tuple[float, ...] = setting((0.0, 0.2, 0.4), "Fractions of its inputs that the dropout layer drops.")
    batch_normalization: tuple[bool, ...] = setting((True, False), "Whether convolutions are normalised over a batch.")
    head: tuple[Literal["pool", "flatten"], ...] = setting(
        ("pool", "flatten"), "Ends of the network: mean and maximum over time and bands, or every value."
    )
    augmentation: tuple[Augmentation, ...] = setting(
        ("masks", "device", "recording"),
        "Changes of the features in training: none, masks and mixing, with device also response and noise, with "
        "recording those of the recipe robust (of mfe with level rms only).",
    )
    learning_rate: tuple[float, ...] = setting(
        (0.0005, 0.01), "Smallest and largest learning rate.", Range(0, 1, above=True)
    )
    batch_size: tuple[int, ...] = setting((32, 64), "Windows in a batch.")
