"""Every block compared with features of the published blocks, including their errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp

MEANINGS = {"Frame length is larger": "frame length is larger", "contains all zeros": "contains all zeros"}
# A single frame minus its own mean is a rounding error of this machine's libm, and is divided by 1e-10.
ILL_CONDITIONED = 1e-4


@pytest.fixture(scope="module")
def cases(goldens: Path) -> list[dict[str, Any]]:
    return json.loads((goldens / "dsp" / "manifest.json").read_text())


@pytest.mark.parametrize("block", ["spectrogram", "mfe", "mfcc"])
def test_features_equal_the_published_ones(goldens: Path, cases: list[dict[str, Any]], block: str) -> None:
    signals, outputs = np.load(goldens / "dsp" / "signals.npz"), np.load(goldens / "dsp" / "outputs.npz")
    chosen = [case for case in cases if case["block"] == block and "error" not in case]
    assert len(chosen) > 30
    for case in chosen:
        signal = signals[case["signal"]]
        asked = (case["sampling_freq"], case["implementation_version"])
        features = dsp.run(block, signal, *asked, **case["params"])
        assert (len(features), dsp.output_shape(block, len(signal), *asked, **case["params"])) == (
            case["n"],
            (case["shape"]["width"], case["shape"]["height"]),
        ), case["key"]
        tolerance = ILL_CONDITIONED if block == "mfcc" and case["shape"]["width"] == 1 else 1e-9
        np.testing.assert_allclose(features, outputs[case["key"]], rtol=0, atol=tolerance, err_msg=case["key"])


def test_errors_mean_the_same(goldens: Path, cases: list[dict[str, Any]]) -> None:
    signals = np.load(goldens / "dsp" / "signals.npz")
    chosen = [case for case in cases if "error" in case]
    assert len(chosen) > 20
    for case in chosen:
        meaning = next(ours for theirs, ours in MEANINGS.items() if theirs in case["error"])
        with pytest.raises(ConfigurationError, match=re.escape(meaning)):
            dsp.run(
                case["block"],
                signals[case["signal"]],
                case["sampling_freq"],
                case["implementation_version"],
                **case["params"],
            )
