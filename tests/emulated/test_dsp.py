"""The C++ blocks on an emulated Cortex-M4F: the same int8 inputs as in training, and what they cost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.cost import window_instructions
from ei_toolkit.eon.library.metadata import metadata_header, variables_header, variables_source
from ei_toolkit.eon.library.plan import ModelProperties, make_plan
from ei_toolkit.eon.toolchain import CORTEX_M4F, MACHINE
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Quantisation

pytestmark = pytest.mark.arm

HERE = Path(__file__).parent / "dsp"
FLAGS = (
    "-Os",
    "-std=gnu++14",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
)
LINK = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-lm")
INPUT = Quantisation(0.0098039219, -128)

FRAMES = {"frame_length": 0.025, "frame_stride": 0.025}
BLOCKS = (
    LibraryDspBlock(1, "spectrogram", 4, {**FRAMES, "fft_length": 64, "noise_floor_db": -50}),
    LibraryDspBlock(2, "mfe", 4, {**FRAMES, "fft_length": 512, "num_filters": 40, "noise_floor_db": -65}),
    LibraryDspBlock(3, "mfcc", 4, {**FRAMES, "fft_length": 512, "win_size": 51}),
)

Run = Callable[[npt.NDArray[np.int16]], tuple[list[npt.NDArray[np.int8]], list[int]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Features of each block for a window of 48000 samples, and the instructions each took."""
    folder = tmp_path_factory.mktemp("image")
    sizes = [block_code(block, 48000, 16000).features for block in BLOCKS]
    build(folder, sum(sizes))

    def run(samples: npt.NDArray[np.int16]) -> tuple[list[npt.NDArray[np.int8]], list[int]]:
        (folder / "window.bin").write_bytes(samples.tobytes())
        board = ["qemu-system-arm", *MACHINE]
        options = ["-semihosting-config", "enable=on,target=native", "-icount", "shift=10", "-kernel", "image.elf"]
        subprocess.run([*board, *options], check=True, cwd=folder, timeout=120)
        features = np.fromfile(folder / "features.bin", np.int8)
        return np.split(features, np.cumsum(sizes)[:-1]), [
            int(n) for n in np.fromfile(folder / "instructions.bin", "<u4")
        ]

    return run


def build(folder: Path, features: int) -> None:
    request = LibraryRequest("p", 1, "o", 1, ("a",), b"", 48000, 16000, BLOCKS)
    plan = make_plan(request, ModelProperties(features, 1, True, 0, "0" * 64))
    generated = folder / "model-parameters"
    generated.mkdir()
    (generated / "model_metadata.h").write_text(metadata_header(plan))
    (generated / "model_variables.h").write_text(variables_header(plan))
    (generated / "model_variables.cpp").write_text(variables_source(plan))
    runtime, bare_metal = bundled("firmware") / "runtime", bundled("firmware") / "boards" / "bare_metal"
    sources = [*(runtime / "eitk" / "dsp").glob("*.cpp"), *HERE.glob("*.cpp"), generated / "model_variables.cpp"]
    sources += [bare_metal / "startup.cpp", bare_metal / "semihosting.cpp"]
    defines = [f"-DSCALE={INPUT.scale}f", f"-DZERO_POINT={INPUT.zero_point}"]
    sections = ["-ffunction-sections", "-fdata-sections", "-c"]
    includes = [f"-I{folder}", f"-I{runtime}", f"-I{bare_metal}"]
    compile_ = ["arm-none-eabi-g++", *CORTEX_M4F, *FLAGS, *sections, *defines, *includes]
    subprocess.run([*compile_, *map(str, sources)], check=True, cwd=folder)
    objects = [str(path) for path in folder.glob("*.o")]
    link = ["arm-none-eabi-gcc", *CORTEX_M4F, "-T", str(bare_metal / "image.ld"), *objects, *LINK, "-o", "image.elf"]
    subprocess.run(link, check=True, cwd=folder)


def test_int8_inputs_are_those_of_training(goldens: Path, run: Run) -> None:
    with np.load(goldens / "dsp" / "signals.npz") as signals:
        windows = [signals["music_3s_i16"], signals["bursts_clip_3s_i16"], np.zeros(48000, np.int16)]
    for samples in windows:
        for block, found in zip(BLOCKS, run(samples)[0], strict=True):
            assert np.array_equal(found, python_int8(block, samples)), block.type


def test_real_music_too(gtzan: Path, run: Run) -> None:
    soundfile = pytest.importorskip("soundfile")
    for clip in ("rock/rock.00001", "classical/classical.00001"):
        samples = soundfile.read(gtzan / "audio" / f"{clip}.flac", dtype="int16", frames=48000)[0]
        features, instructions = run(samples)
        for block, found, spent in zip(BLOCKS, features, instructions, strict=False):
            assert np.array_equal(found, python_int8(block, samples)), (clip, block.type)
            assert spent == pytest.approx(window_instructions(block_code(block, 48000, 16000)), rel=0.2)


def test_the_count_of_instructions_repeats(run: Run) -> None:
    samples = np.random.default_rng(1).integers(-9000, 9000, 48000).astype(np.int16)
    assert run(samples)[1] == run(samples)[1]


def python_int8(block: LibraryDspBlock, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    features = dsp.run(block.type, samples, 16000, block.implementation_version, **block.params)
    return INPUT.quantise(features.astype(np.float32))
