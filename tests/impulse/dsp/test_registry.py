from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.dsp import registry as face
from ei_toolkit.impulse.dsp.spectrum import filterbank

SEED_PARAMS = {"frame_length": 0.025, "frame_stride": 0.025, "fft_length": 64, "noise_floor_db": -50}


def windows(n: int, samples: int = 16000) -> np.ndarray:
    return np.random.default_rng(1).integers(-20000, 20000, (n, samples)).astype(np.int16)


BLOCKS = [(kind, dsp.describe(kind).latest_version) for kind in dsp.block_types() if kind != "summary-207"]


@pytest.mark.parametrize(("block", "version"), BLOCKS)
def test_many_windows_give_what_each_gives_by_itself(block: str, version: int) -> None:
    data = windows(5)
    data[1] = 0
    single = np.stack([dsp.run(block, window, 16000, version) for window in data])
    np.testing.assert_array_equal(dsp.run_many(block, data, 16000, version), single)


@pytest.mark.parametrize(("block", "version"), BLOCKS)
def test_a_batch_larger_than_a_chunk_is_complete(block: str, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = windows(7)
    whole = dsp.run_many(block, data, 16000, version)
    monkeypatch.setattr(face, "CHUNK_SAMPLES", 2 * data.shape[1])
    np.testing.assert_array_equal(dsp.run_many(block, data, 16000, version), whole)


def test_the_reference_window_has_the_published_number_of_features() -> None:
    assert dsp.output_shape("spectrogram", 48000, 16000, 4, **SEED_PARAMS) == (120, 33)
    assert dsp.output_shape("spectrogram", 48000, 16000, 1, **SEED_PARAMS) == (119, 33)


def test_only_the_first_fft_length_samples_of_a_frame_are_read() -> None:
    data = windows(1)[0]
    other = data.reshape(-1, 400).copy()
    other[:, 64:] = 0
    changed = dsp.run("spectrogram", other.reshape(-1), 16000, 4, **SEED_PARAMS)
    np.testing.assert_array_equal(changed, dsp.run("spectrogram", data, 16000, 4, **SEED_PARAMS))


@given(gain=st.floats(0.1, 10))
@settings(deadline=None, max_examples=20)
def test_gain_shifts_spectrogram_version_4_by_a_constant(gain: float) -> None:
    data = 1000 + windows(1, 1600)[0].astype(float)
    shift = dsp.run("spectrogram", gain * data, 16000, 4) - dsp.run("spectrogram", data, 16000, 4)
    np.testing.assert_allclose(shift, 20 * np.log10(gain) / 64, atol=1e-9)


def test_parameters_may_be_text_as_in_the_api() -> None:
    data = windows(1)[0]
    text = {name: str(value) for name, value in SEED_PARAMS.items()} | {"show_axes": "true"}
    np.testing.assert_array_equal(
        dsp.run("spectrogram", data, 16000, 4, **text), dsp.run("spectrogram", data, 16000, 4, **SEED_PARAMS)
    )


@pytest.mark.parametrize(
    ("block", "version", "params", "meaning"),
    [
        ("spektrogram", 4, {}, "no block"),
        ("spectrogram", 5, {}, "no implementation version 5"),
        ("mfe", 2, {}, "no implementation version 2"),
        ("spectrogram", 4, {"fft_lenght": 64}, "no parameter"),
        ("spectrogram", 4, {"fft_length": 100}, "power of two"),
        ("spectrogram", 4, {"fft_length": "many"}, "not an int"),
        ("spectrogram", 4, {"fft_length": 64.5}, "not an int"),
        ("spectrogram", 4, {"frame_length": float("nan")}, "not a float"),
        ("spectrogram", 4, {"frame_length": 2.0}, "frame length is larger"),
        ("spectrogram", 4, {"frame_length": 0.0001}, "at least four samples"),
        ("spectrogram", 4, {"frame_stride": 0.001}, "at most 500"),
        ("spectrogram", 4, {"noise_floor_db": 12}, "noise_floor_db"),
        ("mfe", 4, {"low_frequency": 5000, "high_frequency": 4000}, "do not fit together"),
        ("mfe", 4, {"high_frequency": 9000}, "do not fit together"),
        ("mfe", 4, {"num_filters": 200}, "contains all zeros"),
        ("mfcc", 4, {"num_cepstral": 40}, "does not fit num_filters"),
        ("mfcc", 4, {"win_size": 100}, "even"),
        ("spectrogram", 4, {"frame_length": "1e305"}, "frame_length = 1e\\+305 s is out of range"),
        ("spectrogram", 1, {"frame_length": -1e305}, "frame_length = -1e\\+305: must be above 0"),
        ("mfe", 4, {"frame_stride": 1e305}, "frame_stride = 1e\\+305 s is out of range"),
        ("mfcc", 4, {"frame_stride": 1e300}, "frame_stride = 1e\\+300 s is out of range"),
        ("spectrogram", 4, {"fft_length": 10**400}, "fft_length = 1000.*… is not an int"),
        ("spectrogram", 4, {"fft_length": 10**5000}, "a very large number is not an int"),
        ("spectrogram", 4, {"show_axes": 10**5000}, "a very large number is not a boolean"),
        ("mfe", 4, {"num_filters": 10**9}, "contains all zeros"),
        ("mfcc", 4, {"num_filters": 10**9, "num_cepstral": 10**9}, "contains all zeros"),
        ("mfcc", 4, {"win_size": 1001}, "at most 999"),
        ("mfcc", 4, {"win_size": 10**9 + 1}, "at most 999"),
    ],
)
def test_a_bad_parameter_is_a_configuration_error(
    block: str, version: int, params: dict[str, object], meaning: str
) -> None:
    with pytest.raises(ConfigurationError, match=meaning):
        dsp.run(block, windows(1)[0], 16000, version, **params)
    if block in dsp.block_types():
        with pytest.raises(ConfigurationError, match=meaning):
            dsp.output_shape(block, 16000, 16000, version, **params)


@pytest.mark.parametrize("frequency", [0, -16000, np.nan, np.inf, 10**400, None, "fast"])
def test_a_bad_sampling_frequency_is_a_configuration_error(frequency: Any) -> None:
    meaning = "not a finite number above 0"
    with pytest.raises(ConfigurationError, match=meaning):
        dsp.run("mfe", windows(1)[0], frequency, 4)
    with pytest.raises(ConfigurationError, match=meaning):
        dsp.output_shape("mfe", 16000, frequency, 4)
    with pytest.raises(ConfigurationError, match=meaning):
        dsp.tables("mfe", frequency, 4)


def test_a_number_that_python_cannot_write_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="sampling frequency a very large number"):
        dsp.tables("mfe", 10**5000, 4)
    with pytest.raises(ConfigurationError, match="no implementation version a very large number"):
        dsp.tables("mfe", 16000, 10**5000)


@pytest.mark.parametrize(
    ("block", "params"),
    [
        ("mfe", {"num_filters": -5}),
        ("mfe", {"num_filters": 10**9, "fft_length": 10**9}),
        ("mfcc", {"num_cepstral": 10**11}),
        ("mfcc", {"fft_length": 0}),
    ],
)
def test_tables_refuse_what_the_features_refuse(block: str, params: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        dsp.tables(block, 16000, 4, **params)


@pytest.mark.parametrize("fft_length", [2, 8, 64])
def test_a_filterbank_has_at_most_as_many_filters_as_the_fft_has_points(fft_length: int) -> None:
    corners = np.repeat(np.arange(fft_length // 2 + 1), 2)
    assert len(filterbank(corners, fft_length)) == fft_length
    for more in corners:
        with pytest.raises(ConfigurationError, match="contains all zeros"):
            filterbank(np.sort(np.append(corners, more)), fft_length)


def test_the_largest_normalization_window_covers_the_longest_window_from_either_end() -> None:
    data = windows(1, 500 * 80)[0]
    asked = {"frame_length": 0.005, "frame_stride": 0.005, "fft_length": 512, "win_size": 999}
    assert np.isfinite(dsp.run("mfcc", data, 16000, 4, **asked)).all()


def test_an_empty_window_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        dsp.run("spectrogram", [], 16000, 4)


def test_descriptions_have_the_published_defaults() -> None:
    described = dsp.describe("spectrogram")
    defaults = {p.name: p.default for p in described.parameters}
    assert defaults == {
        "frame_length": 0.02, "frame_stride": 0.01, "fft_length": 128, "noise_floor_db": -52, "show_axes": True,
    }  # fmt: skip
    assert described.latest_version == 4
    assert all(p.help and p.title and p.group for block in dsp.block_types() for p in dsp.describe(block).parameters)


def test_mel_corners_are_made_in_float64() -> None:
    """One corner lies at 140.9994: float32 would put it a bin too high."""
    edges = dsp.tables("mfcc", 16000, 4, num_filters=32, fft_length=512)["mel_edges"]
    assert 140 in edges
    assert 141 not in edges
