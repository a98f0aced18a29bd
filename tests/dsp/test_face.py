from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit import dsp
from ei_toolkit.dsp import face
from ei_toolkit.errors import ConfigurationError

SEED_PARAMS = {"frame_length": 0.025, "frame_stride": 0.025, "fft_length": 64, "noise_floor_db": -50}


def windows(n: int, samples: int = 16000) -> np.ndarray:
    return np.random.default_rng(1).integers(-20000, 20000, (n, samples)).astype(np.int16)


@pytest.mark.parametrize("block", dsp.block_types())
def test_many_windows_give_what_each_gives_alone(block: str) -> None:
    data = windows(5)
    data[1] = 0
    alone = np.stack([dsp.run(block, window, 16000, 4) for window in data])
    np.testing.assert_array_equal(dsp.run_many(block, data, 16000, 4), alone)


@pytest.mark.parametrize("block", dsp.block_types())
def test_a_batch_larger_than_a_chunk_is_complete(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = windows(7)
    whole = dsp.run_many(block, data, 16000, 4)
    monkeypatch.setattr(face, "CHUNK_SAMPLES", 2 * data.shape[1])
    np.testing.assert_array_equal(dsp.run_many(block, data, 16000, 4), whole)


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


def test_parameters_may_be_text_as_the_api_carries_them() -> None:
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


def test_an_empty_window_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        dsp.run("spectrogram", [], 16000, 4)


def test_descriptions_carry_the_published_defaults() -> None:
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
