"""Parameters of a block: numbers or text in, typed values out, or an error with the name and the value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.dsp.block import LONGEST_SHOWN, shown
from ei_toolkit.impulse.dsp.mfcc import BLOCK as MFCC
from ei_toolkit.impulse.dsp.spectrogram import BLOCK as SPECTROGRAM
from ei_toolkit.impulse.dsp.spectrogram import Spectrogram


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("fft_length", 64, 64),
        ("fft_length", "64", 64),
        ("fft_length", 64.0, 64),
        ("fft_length", " 6.4e1 ", 64),
        ("noise_floor_db", "-70", -70),
        ("frame_length", "0.025", 0.025),
        ("frame_length", 1, 1.0),
        ("show_axes", "FALSE", False),
        ("show_axes", 0, False),
        ("show_axes", True, True),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_parameter(name: str, value: object, parsed: object) -> None:
    found = getattr(SPECTROGRAM.parse({name: value}), name)
    assert (found, type(found)) == (parsed, type(parsed))


def test_parameters_that_are_not_given_have_their_defaults() -> None:
    assert SPECTROGRAM.parse({}) == Spectrogram()
    assert SPECTROGRAM.parse({"fft_length": "256"}) == Spectrogram(fft_length=256)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fft_length", "64.5", "fft_length = '64.5' is not an int"),
        ("fft_length", None, "fft_length = None is not an int"),
        ("fft_length", [64], r"fft_length = \[64\] is not an int"),
        ("frame_length", "", "frame_length = '' is not a float"),
        ("frame_length", "inf", "frame_length = 'inf' is not a float"),
        ("show_axes", "yes", "show_axes = 'yes' is not a boolean"),
        ("show_axes", 2, "show_axes = 2 is not a boolean"),
    ],
)
def test_a_value_of_another_type_is_shown_in_the_error(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        SPECTROGRAM.parse({name: value})


JSON = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from([p.name for p in MFCC.describe().parameters]), JSON, max_size=3))
def test_values_of_a_request_are_converted_or_refused(values: dict[str, Any]) -> None:
    try:
        parsed = MFCC.parse(values)
    except ConfigurationError as error:
        assert any(error.what.startswith(f"{name} = ") for name in values)
    else:
        for name, value in values.items():
            assert getattr(parsed, name) == float(value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("fft_lenght", "Did you mean fft_length?"), ("xyz", "Parameters: frame_length, frame_stride, fft_length,")],
)
def test_an_unknown_parameter_has_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^the spectrogram block has no parameter '{name}'$") as caught:
        SPECTROGRAM.parse({name: 1})
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("version", [4, 4.0, True])
def test_a_version_may_be_any_number_that_equals_one(version: Any) -> None:
    known = {4: 4, True: 1}[version]
    assert SPECTROGRAM.check_version(version) == known
    assert type(SPECTROGRAM.check_version(version)) is int


@pytest.mark.parametrize("version", [0, 2, 5, "4", None])
def test_an_unknown_version_lists_the_versions(version: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"the mfcc block has no implementation version {version!r}") as caught:
        MFCC.check_version(version)
    assert caught.value.hint == "Versions: 3, 4."


@given(st.text(max_size=200))
def test_a_wrong_value_is_shown_in_at_most_61_characters(text: str) -> None:
    found = shown(text)
    assert len(found) <= LONGEST_SHOWN + 1
    assert found == repr(text) or repr(text).startswith(found.removesuffix("…"))


def test_an_unknown_block_lists_the_blocks() -> None:
    with pytest.raises(ConfigurationError, match="there is no block 'flatten'") as caught:
        dsp.describe("flatten")
    assert caught.value.hint == "Blocks: spectrogram, mfe, mfcc, summary-57, summary-207."


@pytest.mark.parametrize("block", dsp.block_types())
def test_the_default_parameters_of_a_block_make_features_in_its_latest_version(block: str) -> None:
    described = dsp.describe(block)
    defaults = {parameter.name: parameter.default for parameter in described.parameters}
    frames, bins = dsp.output_shape(block, 16_000, 16_000, described.latest_version, **defaults)
    features = dsp.run(block, range(16_000), 16_000, described.latest_version)
    assert features.shape == (frames * bins,)


def test_windows_must_be_rows_of_samples() -> None:
    with pytest.raises(ConfigurationError, match=r"windows must be \(n, samples\), not \(16000,\)"):
        dsp.run_many("mfe", [0] * 16_000, 16_000, 4)


def test_no_window_gives_no_rows_of_the_right_length() -> None:
    frames, bins = dsp.output_shape("mfe", 8000, 16_000, 4)
    assert dsp.run_many("mfe", np.empty((0, 8000)), 16_000, 4).shape == (0, frames * bins)
