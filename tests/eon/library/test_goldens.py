"""The C++ blocks against the published ones, on every golden signal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Quantisation


def cases_by_length(goldens: Path) -> dict[int, list[dict[str, Any]]]:
    manifest = json.loads((goldens / "dsp" / "manifest.json").read_text())
    with np.load(goldens / "dsp" / "signals.npz") as signals:
        lengths = {name: len(signals[name]) for name in signals}
    found: dict[int, list[dict[str, Any]]] = {}
    for case in manifest:
        if "error" not in case:
            found.setdefault(lengths[case["signal"]], []).append(case)
    return found


def distinct_blocks(cases: list[dict[str, Any]]) -> list[LibraryDspBlock]:
    keys = dict.fromkeys((c["block"], c["implementation_version"], json.dumps(c["params"])) for c in cases)
    return [LibraryDspBlock(i, block, version, json.loads(params)) for i, (block, version, params) in enumerate(keys)]


def block_of(case: dict[str, Any], blocks: list[LibraryDspBlock]) -> int:
    what = (case["block"], case["implementation_version"], case["params"])
    return next(b.id for b in blocks if (b.type, b.implementation_version, b.params) == what)


def smallest_deviation(case: dict[str, Any], signal: npt.NDArray[Any]) -> float:
    """Return the smallest deviation of coefficients before normalisation; 0 where an energy is a rounding error."""
    params = {**case["params"], "win_size": 0}
    rows = dsp.run("mfcc", signal, case["sampling_freq"], case["implementation_version"], **params)
    rows = rows.reshape(-1, case["params"]["num_cepstral"])
    return 0.0 if np.abs(rows[:, 1:]).max() > 30 else float(rows.std(axis=0).min())


def allowed(case: dict[str, Any], signal: npt.NDArray[Any]) -> float:
    """Return the allowed error: 2e-6, or more for MFCC, which divides float32 rows by their deviation."""
    if case["block"] != "mfcc":
        return 2e-6
    deviation = smallest_deviation(case, signal)
    return max(3e-4, 1e-5 / deviation) if deviation > 1e-6 else np.inf


@pytest.mark.parametrize("length", [400, 16000, 16333, 48000])
def test_blocks_equal_the_published_ones(goldens: Path, build_blocks: Callable[..., Any], length: int) -> None:
    cases = cases_by_length(goldens)[length]
    blocks = distinct_blocks(cases)
    built = build_blocks(blocks, length)
    with np.load(goldens / "dsp" / "signals.npz") as signals, np.load(goldens / "dsp" / "outputs.npz") as outputs:
        for case in cases:
            signal, expected = signals[case["signal"]], outputs[case["key"]]
            error = np.abs(built.features(block_of(case, blocks), signal) - expected).max()
            assert error <= allowed(case, signal), case["key"]


@pytest.mark.parametrize("length", [400, 16000, 16333, 48000])
def test_int8_inputs_are_those_of_training(goldens: Path, build_blocks: Callable[..., Any], length: int) -> None:
    """Spectrogram 3 and 4 and MFE: every int8 value is that of float64."""
    cases = [c for c in cases_by_length(goldens)[length] if is_frame_by_frame(c)]
    blocks = distinct_blocks(cases)
    built = build_blocks(blocks, length)
    with np.load(goldens / "dsp" / "signals.npz") as signals, np.load(goldens / "dsp" / "outputs.npz") as outputs:
        for case in cases:
            expected = Quantisation(0.0098, -128).quantise(outputs[case["key"]].astype(np.float32))
            found = built.quantised(block_of(case, blocks), signals[case["signal"]], 0.0098, -128)
            assert np.array_equal(found, expected), case["key"]


def is_frame_by_frame(case: dict[str, Any]) -> bool:
    """Return whether each feature of the block depends on its own frame only."""
    return case["block"] == "mfe" or (case["block"] == "spectrogram" and case["implementation_version"] >= 3)
