"""Every package has the same number of samples in a window, also where milliseconds are no whole number of samples."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.config import DatasetSettings, Settings, SliceSettings
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest
from ei_toolkit.eon.library.metadata import metadata_header
from ei_toolkit.eon.library.plan import ModelProperties, make_plan
from ei_toolkit.evaluation.clips import read_windows
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.jobs import windows as studio_windows

LENGTHS = [(22050, 999, 22028), (11025, 333, 3671), (44100, 501, 22094), (16000, 1000, 16000)]


def windows_of_slice(folder: Path, settings: Settings) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1)
    for label in ("classical", "rock"):
        for number in range(5):
            file = folder / "clips" / label / f"{number}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, 0.2 * rng.standard_normal(3 * settings.slice.sample_rate), settings.slice.sample_rate)
    report = slice_clips(settings, folder, folder / "windows", 1, lambda _done, _note: None)
    return [soundfile.read(folder / "windows" / window.file, dtype="int16")[0] for window in report.windows]


def studio_block(rate: int, window_ms: int) -> ProcessingBlock:
    window = {"windowSizeMs": window_ms, "windowIncreaseMs": window_ms, "frequencyHz": float(rate), "padZeros": False}
    return ProcessingBlock(2, 1, {"type": "mfe", "implementationVersion": 4, "axes": ["audio"]}, window, {})


def macros_of_library(block: ProcessingBlock) -> str:
    samples = block.window_samples
    model = ModelProperties(samples, 2, quantized=True, arena_bytes=0, sha256="0" * 64)
    blocks = (LibraryDspBlock(2, "raw", 1),)
    request = LibraryRequest("p", 1, "o", 1, ("classical", "rock"), b"", samples, block.frequency, blocks)
    return metadata_header(make_plan(request, model))


@pytest.mark.parametrize(("rate", "window_ms", "samples"), LENGTHS)
def test_slice_evaluation_studio_board_and_library_agree(
    tmp_path: Path, rate: int, window_ms: int, samples: int
) -> None:
    settings = Settings(dataset=DatasetSettings(root="clips"), slice=SliceSettings(rate, window_ms, window_ms))
    block = studio_block(rate, window_ms)
    cut = windows_of_slice(tmp_path, settings)
    assert {len(window) for window in cut} == {samples}
    assert read_windows(tmp_path / "clips" / "rock" / "0.wav", "0" * 64, settings.slice).shape[1] == samples
    assert studio_windows.cut(cut[0], block.window_samples, block.increase_samples, False).tolist() == [cut[0].tolist()]
    assert Reference(settings, SimpleNamespace()).window == samples  # type: ignore[arg-type]
    assert f"#define EI_CLASSIFIER_RAW_SAMPLE_COUNT {samples}\n" in macros_of_library(block)
