"""The request for a library, and the description of the finished library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ei_toolkit.config.setting import Level
from ei_toolkit.config.settings import Engine, Target
from ei_toolkit.impulse.trained_model import ModelVariant


@dataclass(frozen=True)
class LibraryDspBlock:
    """A processing block of the impulse; `params` has Edge Impulse's names, values may be text."""

    id: int
    type: str
    implementation_version: int
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    axes: tuple[str, ...] = ("audio",)


@dataclass(frozen=True)
class WindowLevel:
    """The level to which a program brings each window, as `eitk slice` did for the windows of the training."""

    level: Level = "none"
    target_dbfs: float = -20.0
    max_gain_db: float = 40.0


@dataclass(frozen=True)
class LibraryRequest:
    """One deployment: names, labels, model and blocks. `window_samples` at `frequency` Hz make one window."""

    project_name: str
    project_id: int
    owner: str
    deploy_version: int
    labels: tuple[str, ...]
    tflite: bytes
    window_samples: int
    frequency: float
    dsp_blocks: tuple[LibraryDspBlock, ...]
    learn_block_id: int = 1
    impulse_id: int = 1
    engine: Engine = "tflite-eon"
    model_type: ModelVariant = "int8"
    target: Target = "arduino"
    threshold: float = 0.6
    level: WindowLevel = WindowLevel()  # of programs; a library leaves it to the sketch


@dataclass(frozen=True)
class LibraryInfo:
    """A finished library.

    `dsp_ram_bytes` are static memory of the processing blocks, `stream_ram_bytes` further static memory of
    run_classifier_continuous, `table_bytes` constants of the blocks in flash. `dsp_instructions` is an estimate for the
    features of one window on a Cortex-M4F, within 20 %.
    """

    path: Path
    sha256: str
    model_sha256: str
    features: int
    arena_bytes: int
    dsp_ram_bytes: int
    stream_ram_bytes: int
    table_bytes: int
    dsp_instructions: int
