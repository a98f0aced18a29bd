"""Values of stored samples, and the windows that a processing block reads."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.windows import cut, describe_windows, read_axis, read_values, resample, starts
from ei_toolkit.studio.store.samples import Sample

RATE = 16000
SAMPLE = Sample(
    id=7, project=1, category="training", filename="a", suffix=".wav", label="rock", label_type="label",
    structured_labels=None, metadata={}, sha256="a" * 64, format="wav", interval_ms=0.0625,
    sensors=(("audio", "wav"),), values_count=1600, length_ms=100.0, device_name=None, device_type="", source="",
    disabled=False, created="", modified="", pack=None, start=0, size=-1,
)  # fmt: skip
WINDOW = {"windowSizeMs": 100, "windowIncreaseMs": 50}


def wav(values: np.ndarray, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, values, RATE, format="WAV", subtype=subtype)
    return file.getvalue()


def wav_of(encoding: int, bits: int, raw: bytes, channels: int = 1) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", encoding, channels, RATE, RATE * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(raw)) + raw
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [("PCM_U8", 1e-3), ("PCM_16", 1e-7), ("PCM_24", 1e-6), ("PCM_32", 1e-6), ("FLOAT", 1e-6), ("DOUBLE", 1e-6)],
)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_audio_of_every_width_is_the_mean_of_the_channels_that_libsndfile_reads(
    subtype: str, tolerance: float, channels: int
) -> None:
    values = np.random.default_rng(channels).uniform(-1, 1, (500, channels))
    content = wav(values, subtype)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    found = read_values(content, "wav")
    assert found.shape == (500, 1) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0] / 32768.0, expected.mean(axis=1), atol=tolerance)


@pytest.mark.parametrize(
    ("encoding", "bits", "raw", "values"),
    [
        (1, 8, b"\x00\x80\xff", [-32768, 0, 32512]),
        (1, 16, struct.pack("<3h", -32768, 0, 32767), [-32768, 0, 32767]),
        (1, 24, b"\x00\x00\x80" + b"\xff\xff\x7f", [-32768, 32768 - 1 / 256]),
        (1, 32, struct.pack("<2i", -(2**31), 2**30), [-32768, 16384]),
        (3, 32, struct.pack("<4f", -1, 0.5, float("nan"), float("inf")), [-32768, 16384, 0, 32768]),
        (3, 64, struct.pack("<2d", 1, float("-inf")), [32768, -32768]),
    ],
)
def test_the_limits_of_each_width_are_those_of_16_bits(
    encoding: int, bits: int, raw: bytes, values: list[float]
) -> None:
    np.testing.assert_allclose(read_values(wav_of(encoding, bits, raw), "wav")[:, 0], values, rtol=1e-7)


def test_bytes_of_an_incomplete_frame_at_the_end_are_left_out() -> None:
    content = wav_of(1, 16, struct.pack("<5h", 1, 2, 3, 4, 5), channels=2)
    np.testing.assert_array_equal(read_values(content, "wav"), [[1.5], [3.5]])


def acquisition(values: Any, *names: str) -> bytes:
    sensors = [{"name": name, "units": "m/s2"} for name in names]
    return json.dumps({"payload": {"interval_ms": 10, "sensors": sensors, "values": values}}).encode()


def test_an_axis_is_chosen_by_name_and_the_only_one_need_not_be_named() -> None:
    table = acquisition([[1, 2], [3, 4]], "x", "y")
    assert read_axis(table, "json", ["x", "y"], "y").tolist() == [2, 4]
    assert read_axis(wav(np.full(3, 0.5), "PCM_16"), "wav", ["audio"], "other").tolist() == [16384] * 3


def test_an_unknown_axis_of_several_is_an_error_with_those_that_exist() -> None:
    with pytest.raises(ApiError) as caught:
        read_axis(acquisition([[1, 2]], "x", "y"), "json", ["x", "y"], "z")
    assert str(caught.value) == "There is no axis 'z'; there are x, y"


@pytest.mark.parametrize("rate", [0.0, 16000.0, 16000.0 * (1 + 1e-9)])
def test_values_of_an_unknown_or_equal_rate_are_not_resampled(rate: float) -> None:
    values = np.arange(10, dtype=np.float32)
    assert resample(values, rate, 16000.0) is values


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 16000), (8000, 16000), (22050, 8000)])
def test_a_tone_keeps_its_frequency_and_level_when_it_is_resampled(rate: int, wanted: int) -> None:
    time = np.arange(rate) / rate
    found = resample((10_000 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), rate, wanted)
    assert abs(len(found) - wanted) <= 1 and found.dtype == np.float32
    middle = found[wanted // 4 : wanted // 4 * 3]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * wanted / len(middle) == pytest.approx(440, abs=2)
    assert np.sqrt(2 * np.mean(middle.astype(float) ** 2)) == pytest.approx(10_000, rel=0.01)


@example(0, 5, 5, True)
@example(5, 5, 9, False)
@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_windows_are_all_complete_ones_in_steps_of_the_increase(
    length: int, window: int, increase: int, pad: bool
) -> None:
    values = np.arange(length, dtype=np.float32) + 1
    found = cut(values, window, increase, pad)
    expected = [values[first : first + window] for first in range(0, length, increase) if first + window <= length]
    if not expected and pad and length:
        expected = [np.concatenate([values, np.zeros(window - length, np.float32)])]
    assert found.shape == (len(expected), window)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert len(starts(length, window, increase, pad)) == len(expected)


def test_windows_are_described_with_their_times_and_the_label_of_the_sample() -> None:
    found = describe_windows(SAMPLE, 3, WINDOW)
    assert [(window.start_ms, window.end_ms) for window in found] == [(0, 100), (50, 150), (100, 200)]
    assert {(window.sample, window.label) for window in found} == {(7, "rock")}
    assert describe_windows(SAMPLE, 0, WINDOW) == []


@pytest.mark.parametrize(
    ("ranges", "labels"),
    [
        ([(0, 1599, "a"), (1600, 4799, "b")], ["a", "b", "b", "b", "b"]),
        ([(0, 2399, "a"), (2400, 4799, "b")], ["a", "a", "b", "b", "b"]),
        ([(0, 799, "a")], ["", "", "", "", ""]),
        ([(1599, 1599, "a"), (4799, 4799, "z")], ["a", "", "", "", "z"]),
        ([(0, 4799, "first"), (0, 4799, "second")], ["first"] * 5),
    ],
)
def test_a_window_has_the_label_at_its_end(ranges: list[tuple[int, int, str]], labels: list[str]) -> None:
    structured = tuple({"startIndex": start, "endIndex": end, "label": label} for start, end, label in ranges)
    sample = replace(SAMPLE, structured_labels=structured, values_count=4800, length_ms=300.0)
    assert [window.label for window in describe_windows(sample, 5, WINDOW)] == labels


def test_a_padded_window_has_the_label_at_the_end_of_the_sample() -> None:
    structured = ({"startIndex": 0, "endIndex": 99, "label": "a"}, {"startIndex": 100, "endIndex": 159, "label": "b"})
    short = replace(SAMPLE, structured_labels=structured, values_count=160, length_ms=10.0)
    assert [window.label for window in describe_windows(short, 1, WINDOW)] == ["b"]
