"""The impulse of eitk.toml as plain data, and the checks that need no studio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.client.impulse.state import ImpulseState, as_text, check_impulse, wanted_impulse
from ei_toolkit.config import DspBlock, ImpulseSettings, Layer, Settings
from ei_toolkit.config.boards import NANO33BLE, SKETCH_RAM
from ei_toolkit.errors import ConfigurationError

SPECTROGRAM = DspBlock("spectrogram", 4)
LAYERS = (Layer("flatten"),)


def settings(*blocks: DspBlock, layers: tuple[Layer, ...] = LAYERS, script: str = "") -> Settings:
    return replace(Settings(), impulse=ImpulseSettings("", blocks or (SPECTROGRAM,), layers, script))


def wanted(*blocks: DspBlock, layers: tuple[Layer, ...] = LAYERS) -> ImpulseState:
    return wanted_impulse(settings(*blocks, layers=layers), Path())


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (0.02, "0.02"), (5, "5"), ("on", "on")])
def test_parameters_are_texts_as_in_the_api(value: str | float | bool, text: str) -> None:
    assert as_text(value) == text


def test_parameters_that_are_not_set_have_their_defaults() -> None:
    (block,) = wanted(DspBlock("mfe", 4, params={"num_filters": 20})).dsp
    assert block.config["num_filters"] == "20"
    assert float(block.config["frame_length"]) > 0
    assert all(isinstance(value, str) for value in block.config.values())


def test_blocks_of_the_same_kind_get_names_of_their_own() -> None:
    names = [block.name for block in wanted(SPECTROGRAM, SPECTROGRAM, DspBlock("mfe", 4)).dsp]
    assert names[0] == "Spectrogram"
    assert names[1] == "Spectrogram 2"
    assert len(set(names)) == 3


def test_a_block_may_have_a_name_of_its_own() -> None:
    assert wanted(replace(SPECTROGRAM, name="Größe")).dsp[0].name == "Größe"


def test_an_unknown_parameter_is_named_with_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="the mfcc block has no parameter num_filter") as caught:
        wanted(DspBlock("mfcc", 4, params={"num_filter": 20}))
    assert "num_filters" in caught.value.hint


def test_an_impulse_needs_blocks_and_a_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no \[impulse\.dsp\]"):
        wanted_impulse(Settings(), tmp_path)
    with pytest.raises(ConfigurationError, match=r"neither \[\[impulse\.layers\]\] nor impulse\.script") as caught:
        wanted_impulse(settings(layers=()), tmp_path)
    assert caught.value.hint == "Start from a recipe: eitk init"


def test_a_script_takes_the_place_of_the_layers(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("model = 1  # é\n", encoding="utf-8")
    learn = wanted_impulse(settings(script="net.py"), tmp_path).learn
    assert (learn.mode, learn.layers, learn.script) == ("expert", (), "model = 1  # é\n")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_a_script_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "net.py").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"impulse\.script: .*net\.py cannot be read"):
        wanted_impulse(settings(script="net.py"), tmp_path)


@pytest.mark.parametrize(
    ("fft_length", "near"), [(0, 2), (1, 2), (3, 4), (100, 128), (90, 64), (255, 256), (1000, 1024)]
)
def test_a_wrong_length_of_the_transform_has_a_hint_with_the_nearest_one(fft_length: int, near: int) -> None:
    with pytest.raises(ConfigurationError, match=f"fft_length = {fft_length}: must be a power of two") as caught:
        check_impulse(wanted(DspBlock("spectrogram", 4, params={"fft_length": fft_length})))
    assert caught.value.hint == f"Set fft_length = {near}."


@pytest.mark.parametrize("fft_length", [32, 64, 256, 1024, 4096])
def test_a_power_of_two_is_accepted_as_the_length_of_the_transform(fft_length: int) -> None:
    sparse = {"fft_length": fft_length, "frame_stride": 0.2}
    check_impulse(wanted(DspBlock("spectrogram", 4, params=sparse)))


SPARSE = DspBlock("spectrogram", 4, params={"frame_stride": 0.2})


def features_of(state: ImpulseState) -> int:
    """The number of features that an error about columns states."""
    layers = (Layer("reshape", columns=4096),)
    with pytest.raises(ConfigurationError) as caught:
        check_impulse(wanted(layers=layers), ram_bytes=None)
    assert state.dsp
    return int(caught.value.what.split()[-2])


def test_columns_that_do_not_divide_the_features_have_a_hint_with_those_that_do() -> None:
    count = features_of(wanted())
    with pytest.raises(ConfigurationError, match=f"layer 1 .reshape.: 31 columns do not divide {count}") as caught:
        check_impulse(wanted(layers=(Layer("reshape", columns=31),)))
    named = [int(word) for word in caught.value.hint.removeprefix("Columns that do: ").split(", the")[0].split(", ")]
    assert all(count % columns == 0 for columns in named)
    assert named == sorted(named) and len(named) == 3


def test_a_kernel_is_compared_with_the_features_of_a_frame() -> None:
    count = features_of(wanted())
    columns = next(c for c in range(20, 200) if count % c == 0)
    rows = count // columns
    reshape = Layer("reshape", columns=columns)
    for layer, limit in ((Layer("conv1d", 8, kernel=rows), rows), (Layer("conv2d", 8, kernel=min(rows, columns)), 0)):
        check_impulse(wanted(layers=(reshape, layer)), ram_bytes=None)
        too_large = replace(layer, kernel=max(rows, columns) + 1 if not limit else limit + 1)
        with pytest.raises(ConfigurationError, match=rf"layer 2 \({layer.type}\): a kernel of") as caught:
            check_impulse(wanted(layers=(reshape, too_large)), ram_bytes=None)
        assert "reshape first" not in caught.value.hint


def test_a_convolution_in_two_dimensions_needs_a_reshape() -> None:
    with pytest.raises(ConfigurationError, match="larger than its input") as caught:
        check_impulse(wanted(layers=(Layer("conv2d", 8, kernel=3),)))
    assert caught.value.hint == "Set kernel to 1 or less, or reshape first."


@pytest.mark.parametrize("window_ms", [3000, 8000, 60_000])
def test_a_window_fits_if_samples_features_and_sketch_fit(window_ms: int) -> None:
    state = wanted(SPARSE)
    longer = replace(state, input=replace(state.input, window_ms=window_ms))
    check_impulse(longer, ram_bytes=None)
    needed = 2 * 16 * window_ms + SKETCH_RAM  # and the features, which are at least one byte
    if needed >= NANO33BLE.ram_bytes:
        with pytest.raises(ConfigurationError, match=f"a window of {window_ms} ms does not fit the board's RAM"):
            check_impulse(longer)
    else:
        check_impulse(longer)


def test_the_hint_about_ram_names_a_window_that_fits() -> None:
    state = wanted(SPARSE)
    with pytest.raises(ConfigurationError) as caught:
        check_impulse(replace(state, input=replace(state.input, window_ms=10_000)))
    limit = int(caught.value.hint.split("well below ")[1].split(",")[0])
    assert 3000 < limit < 10_000
    check_impulse(replace(state, input=replace(state.input, window_ms=3000)))


@pytest.mark.parametrize(("window_ms", "hop_ms", "rate"), [(0, 500, 16_000), (1000, 0, 16_000), (1000, 500, 0)])
def test_a_window_without_samples_is_an_error(window_ms: int, hop_ms: int, rate: int) -> None:
    state = wanted()
    window = replace(state.input, window_ms=window_ms, increase_ms=hop_ms, frequency_hz=float(rate))
    with pytest.raises(ConfigurationError, match="must be positive") as caught:
        check_impulse(replace(state, input=window))
    assert caught.value.why == f"they are {window_ms}, {hop_ms} and {rate}"


def test_windows_may_overlap_almost_completely() -> None:
    state = wanted()
    check_impulse(replace(state, input=replace(state.input, increase_ms=1)))
