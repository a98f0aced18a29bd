"""The values of a clip are checked in one place, whatever they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.values import ValueChecks, one_channel
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import DataError

INT16 = Reading(float_range="int16")


def tone(peak: float = 0.5, seconds: float = 1.0) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * 440 * np.arange(round(16_000 * seconds)) / 16_000)


def stereo(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([left, right], axis=1)


def problem(values: NDArray[np.float64], reading: Reading | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        one_channel("a.wav", values, reading, floats=True)
    return caught.value


def test_ordinary_samples_pass_without_a_warning() -> None:
    mixed, warnings = one_channel("a.wav", stereo(tone(0.4), tone(0.2)))
    assert mixed == pytest.approx(tone(0.3), abs=1e-6)
    assert warnings == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("reading", [Reading(), INT16])
def test_a_value_that_is_no_number_is_rejected(value: float, reading: Reading) -> None:
    values = tone()[:, None]
    values[100] = value
    assert str(problem(values, reading)) == "a.wav: holds values that are not numbers"


def test_floats_of_another_scale_are_rejected_with_the_two_ways_out() -> None:
    error = problem(tone(9_830)[:, None])
    assert str(error) == "a.wav: samples up to 9,830, expected −1 to 1"
    assert "Divide by 32768" in error.hint
    assert "--float-range int16" in error.hint


def test_floats_in_the_range_of_int16_are_divided_where_the_setting_asks_for_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(9_830), 16_000, "FLOAT")
    assert np.abs(read_clip(tmp_path / "a.wav", 16_000, reading=INT16) - tone(9_830)).max() <= 1


def test_the_range_of_floats_does_not_concern_files_of_integers(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5), 16_000, "PCM_16")
    assert np.abs(read_clip(tmp_path / "a.wav", 16_000, reading=INT16) - tone(16_384)).max() <= 1


def test_floats_that_do_not_have_the_range_of_the_setting_are_rejected() -> None:
    assert str(problem(tone(0.5)[:, None], INT16)).startswith("a.wav: samples up to 0.5, expected −32768 to 32767")
    assert str(problem(tone(1e9)[:, None], INT16)) == "a.wav: samples up to 1,000,000,000, expected −32768 to 32767"


def test_silence_has_every_range() -> None:
    assert not one_channel("a.wav", np.zeros((100, 1)), INT16, floats=True)[0].any()


def test_channels_that_cancel_are_rejected_and_one_of_them_can_be_chosen() -> None:
    values = stereo(tone(), -tone())
    assert "the channels cancel each other" in str(problem(values))
    assert one_channel("a.wav", values, Reading("left"))[0] == pytest.approx(tone(), abs=1e-6)
    assert one_channel("a.wav", values, Reading("right"))[0] == pytest.approx(-tone(), abs=1e-6)


def test_silent_channels_do_not_cancel() -> None:
    assert one_channel("a.wav", stereo(tone(1e-4), -tone(1e-4)))[1] == ()


def test_channels_are_compared_over_the_whole_clip() -> None:
    values = np.concatenate([stereo(tone(), -tone()), stereo(tone(), tone())]).astype(np.float32)
    checks = ValueChecks("a.wav", Reading())
    assert len(list(checks.mono(np.split(values, 4)))) == 4
    assert list(checks.at_the_end()) == []


def test_clipping_and_a_constant_offset_are_warned_of() -> None:
    _, warnings = one_channel("a.wav", np.clip(tone(4.0) + 1, -1, 1)[:, None])
    assert [warning.split(":")[0].split(" of ")[0] for warning in warnings] == ["clipped", "constant offset"]
    assert "of the samples are at full scale" in warnings[0]
    assert "+0.16" in warnings[1]


def test_one_loud_sample_is_not_clipping() -> None:
    values = tone()[:, None]
    values[7] = 1.0
    assert one_channel("a.wav", values)[1] == ()
