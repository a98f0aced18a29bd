"""A candidate: the parameters of a trial as complete settings and a training script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.config.recipes.write import script_text, with_constants
from ei_toolkit.impulse.features import frame_features
from ei_toolkit.tuning.space import AUGMENTATION, LEARNING_RATE, RECORDING, Parameters, Value

SCRIPT = "tuned.py"
"""The training script of all candidates, whose constants each candidate sets, and its name in a project."""
TOP_DB = 12.0  # of features of mfe and spectrogram: a feature of 1
BLOCK_VERSION = 4
RECORDING_PART = MappingProxyType({"feature_augmentation.py": "recording_augmentation.py"})
"""The part of the script that is replaced in candidates that augment as the recipe `robust` does."""


@dataclass(frozen=True)
class Candidate:
    """Settings and script of one trial, ready to be trained, built and applied."""

    settings: Settings
    script: str


def candidate(settings: Settings, parameters: Parameters) -> Candidate:
    """Return the candidate with these parameters in a project with these settings.

    Raises ConfigurationError for a block that cannot have these parameters.
    """
    window = int(parameters["window_ms"])
    level: Any = parameters["level"]
    cut = replace(
        settings.slice, window_ms=window, hop_ms=max(1, round(window * float(parameters["stride"]))), level=level
    )
    impulse = replace(settings.impulse, dsp=(_block(parameters),), layers=(), script=SCRIPT)
    training = replace(
        settings.training,
        epochs=settings.tune.epochs,
        learning_rate=float(parameters[LEARNING_RATE]),
        batch_size=int(parameters["batch_size"]),
        validation=0.05,
        validation_group="",
        seed=settings.tune.seed,
        auto_class_weights=False,
        spec_augment=False,
        int8=True,
    )
    changed = replace(settings, slice=cut, impulse=impulse, training=training)
    return Candidate(changed, _script(parameters, changed))


def filters(parameters: Parameters) -> tuple[int, ...]:
    """Return the filters of each convolution."""
    width, growth = int(parameters["width"]), float(parameters["growth"])
    return tuple(max(1, round(width * growth**number)) for number in range(int(parameters["depth"])))


def _block(parameters: Parameters) -> DspBlock:
    frame = int(parameters["frame_ms"]) / 1000
    values: dict[str, Value] = {
        "frame_length": frame,
        "frame_stride": round(frame * float(parameters["frame_stride"]), 6),
    }
    kind = str(parameters["block"])
    if kind == "spectrogram":
        values["fft_length"] = parameters["spectrogram_fft_length"]
    else:
        values |= {"fft_length": parameters["fft_length"], "num_filters": parameters["filters"]}
    if kind == "mfcc":
        values["num_cepstral"] = parameters["coefficients"]
    else:
        values["noise_floor_db"] = parameters["noise_floor_db"]
    return DspBlock(kind, BLOCK_VERSION, params=MappingProxyType(values))  # type: ignore[arg-type]


def _script(parameters: Parameters, settings: Settings) -> str:
    block = settings.impulse.dsp[0].params
    constants: dict[str, object] = {
        "COLUMNS": frame_features(settings),
        "NETWORK": parameters["network"],
        "FILTERS": filters(parameters),
        "KERNEL": parameters["kernel"],
        "BATCH_NORMALIZATION": parameters["batch_normalization"],
        "DROPOUT": parameters["dropout"],
        "HEAD": parameters["head"],
        "AUGMENTATION": parameters[AUGMENTATION],
        "FLOOR_DB": float(parameters.get("noise_floor_db", TOP_DB)),
        "TOP_DB": TOP_DB,
        "SIGNAL_POWER": 10 ** (settings.slice.target_dbfs / 10),
        "RATE": settings.slice.sample_rate,
        "FFT_LENGTH": block["fft_length"],
        "FRAME_SECONDS": block["frame_length"],
        "STRIDE_SECONDS": block["frame_stride"],
    }
    is_recording = parameters[AUGMENTATION] == RECORDING
    return with_constants(script_text(SCRIPT, RECORDING_PART if is_recording else {}), constants)
