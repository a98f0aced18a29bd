"""Features of 2,000 windows: run_many against a loop over windows and frames with the same arithmetic."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.impulse import dsp

RATE, SECONDS, WINDOWS = 16_000, 3, 2_000
PARAMS = {"frame_length": 0.025, "frame_stride": 0.025, "fft_length": 64, "noise_floor_db": -50}
Array = npt.NDArray[Any]


def plain(window: Array) -> Array:
    """One window, frame after frame, as the formulas read: on-device order of work, float64."""
    samples = window.astype(np.float64)
    length = stride = round(RATE * PARAMS["frame_length"])
    fft, floor = int(PARAMS["fft_length"]), PARAMS["noise_floor_db"]
    rows = []
    for start in range(0, len(samples) - length + 1, stride):
        power = np.abs(np.fft.rfft(samples[start : start + length], n=fft)) ** 2 / fft
        level = 10 * np.log10(np.clip(power, 1e-30, None))
        rows.append(np.clip((level - floor) / (12 - floor), 0, None))
    return np.concatenate(rows)


def vectorised_frames(window: Array) -> Array:
    """One window at a time, all its frames at once."""
    return dsp.run("spectrogram", window, RATE, 4, **PARAMS)


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """The best wall time of some repeats."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print the times and how many times as fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    windows = (3000 * np.random.default_rng(0).standard_normal((WINDOWS, RATE * SECONDS))).astype(np.int16)
    some = windows[: WINDOWS // 10]
    ours = dsp.run_many("spectrogram", some, RATE, 4, **PARAMS)
    np.testing.assert_allclose(ours, np.stack([plain(window) for window in some]), rtol=0, atol=1e-9)
    scale = WINDOWS / len(some)
    data = {
        "windows": WINDOWS,
        "loop_over_frames_s": scale * seconds(lambda: [plain(window) for window in some]),
        "loop_over_windows_s": scale * seconds(lambda: [vectorised_frames(window) for window in some]),
        "run_many_s": seconds(lambda: dsp.run_many("spectrogram", windows, RATE, 4, **PARAMS)),
    }
    data["times_as_fast"] = data["loop_over_frames_s"] / data["run_many_s"]
    if asked.json:
        print(json.dumps(data))
        return
    print(f"{WINDOWS} windows of {SECONDS} s, reference spectrogram, equal within 1e-9")
    print(f"loop over windows and frames  {data['loop_over_frames_s']:8.2f} s")
    print(f"loop over windows             {data['loop_over_windows_s']:8.2f} s")
    print(f"run_many                      {data['run_many_s']:8.2f} s   {data['times_as_fast']:.0f} times as fast")


if __name__ == "__main__":
    main()
