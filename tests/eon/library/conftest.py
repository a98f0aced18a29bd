"""Fixtures: generated blocks as a shared library, whole libraries built for the host."""

from __future__ import annotations

import ctypes
import os
import subprocess
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.metadata import metadata_header, variables_header, variables_source
from ei_toolkit.eon.library.plan import ModelProperties, Plan, make_plan
from ei_toolkit.eon.library.targets import header_name

HERE = Path(__file__).parent
FLAGS = ("-std=gnu++14", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-fno-exceptions", "-fno-rtti")
Floats = npt.NDArray[np.float32]


@dataclass
class Blocks:
    """The compiled blocks of one impulse."""

    code: ctypes.CDLL
    plan: Plan

    def features(self, block: int, samples: npt.ArrayLike) -> Floats:
        window, out = np.ascontiguousarray(samples, np.float32), np.zeros(self.plan.blocks[block].features, np.float32)
        assert self.code.features(block, _at(window), ctypes.c_size_t(len(window)), _at(out)) == 0
        return out

    def quantised(self, block: int, samples: npt.ArrayLike, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
        window, out = np.ascontiguousarray(samples, np.float32), np.zeros(self.plan.blocks[block].features, np.int8)
        arguments = (block, _at(window), ctypes.c_size_t(len(window)), ctypes.c_float(scale), zero_point, _at(out))
        assert self.code.quantised(*arguments) == 0
        return out

    def stream(self, block: int, slices: list[Floats]) -> list[Floats]:
        """The newest window after each slice, once there is a whole one."""
        self.code.reset(block)
        newest = np.zeros(self.plan.blocks[block].features, np.float32)
        feed = self.code.feed
        return [newest.copy() for part in slices if feed(block, _at(part), ctypes.c_size_t(len(part)), _at(newest))]


def _at(array: npt.NDArray[np.generic]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The runtime as an include folder, and its blocks compiled once."""
    folder, include = tmp_path_factory.mktemp("runtime"), bundled("firmware") / "runtime"
    sources = sorted((include / "eitk" / "dsp").glob("*.cpp"))
    command = ["g++", *FLAGS, "-O2", "-fPIC", f"-I{include}", "-c"]
    subprocess.run([*command, *map(str, sources)], check=True, cwd=folder)
    return include, [str(folder / f"{source.stem}.o") for source in sources]


@pytest.fixture
def build_blocks(tmp_path: Path, runtime: tuple[Path, list[str]]) -> Callable[..., Blocks]:
    """Generate and compile blocks for windows of some length: build_blocks(blocks, window_samples)."""
    include, objects = runtime

    def build(blocks: list[LibraryDspBlock], window_samples: int) -> Blocks:
        features = sum(block_code(block, window_samples, 16000).features for block in blocks)
        properties = ModelProperties(inputs=features, outputs=1, quantized=True, arena_bytes=0, sha256="0" * 64)
        request = LibraryRequest("p", 1, "o", 1, ("a",), b"", window_samples, 16000, tuple(blocks))
        plan = make_plan(request, properties)
        texts = {
            "model_metadata.h": metadata_header(plan),
            "model_variables.h": variables_header(plan),
            "model_variables.cpp": variables_source(plan),
        }
        (tmp_path / "model-parameters").mkdir(exist_ok=True)
        for name, text in texts.items():
            (tmp_path / "model-parameters" / name).write_text(text)
        library = tmp_path / "blocks.so"
        sources = [str(HERE / "blocks.cpp"), str(tmp_path / "model-parameters" / "model_variables.cpp")]
        includes = [f"-I{tmp_path}", f"-I{include}"]
        subprocess.run(
            ["g++", *FLAGS, "-shared", "-fPIC", *includes, *sources, *objects, "-o", str(library)], check=True
        )
        return Blocks(ctypes.CDLL(str(library)), plan)

    return build


@pytest.fixture(scope="session")
def request_of_sample(goldens: Path) -> LibraryRequest:
    """The golden model behind the published spectrogram block."""
    params = {"frame_length": 0.025, "frame_stride": 0.025, "fft_length": 64, "noise_floor_db": -50}
    return LibraryRequest(
        project_name="Music Genre Classifier",
        project_id=1,
        owner="somebody",
        deploy_version=3,
        labels=("classical", "rock"),
        tflite=(goldens / "int8" / "sample_int8.tflite").read_bytes(),
        window_samples=48000,
        frequency=16000,
        dsp_blocks=(LibraryDspBlock(3, "spectrogram", 4, params),),
    )


def compile_one(command: list[str], file: Path) -> Path:
    made = file.with_suffix(".o")
    subprocess.run([*command, "-c", str(file), "-o", str(made)], check=True)
    return made


@pytest.fixture(scope="session")
def build_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Pack a library, compile it with classify.cpp for this machine: build_program(request, *flags) -> program."""

    def build(request: LibraryRequest, *flags: str) -> Path:
        tmp_path = tmp_path_factory.mktemp("program")
        with zipfile.ZipFile(package(request, tmp_path).path) as archive:
            archive.extractall(tmp_path)
        source = next(tmp_path.glob("*_inferencing/src"))
        header = f'-DLIBRARY_HEADER="{header_name(request.project_name)}"'
        command = ["g++", *FLAGS, *flags, f"-I{source}"]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            pieces = pool.map(lambda file: compile_one(command, file), sorted(source.rglob("*.cpp")))
            objects = list(map(str, pieces))
        program = tmp_path / "classify"
        subprocess.run([*command, header, str(HERE / "classify.cpp"), *objects, "-o", str(program)], check=True)
        return program

    return build
