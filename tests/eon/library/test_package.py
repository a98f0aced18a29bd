"""The library as a zip: its contents, the same bytes each time, and requests that are rejected."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package
from ei_toolkit.errors import ConfigurationError, DataError, EitkError

ROOT = "Music_Genre_Classifier_inferencing/"


def test_the_same_request_gives_the_same_bytes(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    first, second = (package(request_of_sample, tmp_path / name) for name in "ab")
    assert first.path.name == "ei-music-genre-classifier-arduino-1.0.3.zip"
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256
    assert not list(tmp_path.rglob("*.part"))


def test_the_layout_is_that_of_an_arduino_library(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    with zipfile.ZipFile(package(request_of_sample, tmp_path).path) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
    assert all(name.startswith(ROOT) for name in names)
    assert {
        ROOT + name
        for name in (
            "library.properties",
            "keywords.txt",
            "src/Music_Genre_Classifier_inferencing.h",
            "src/model-parameters/model_metadata.h",
            "src/model-parameters/model_variables.h",
            "src/tflite-model/model.h",
            "src/tflite-model/model.cpp",
            "src/eitk/classifier/run_classifier.h",
            "src/eitk/dsp/spectrogram.cpp",
            "examples/static_buffer/static_buffer.ino",
        )
    } <= names
    assert ROOT + "src/eitk/dsp/mfe.cpp" not in names, "only the blocks of the impulse are carried"


def test_properties_follow_the_arduino_specification(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    evil = replace(request_of_sample, owner="me\narchitectures=avr", labels=("a\nb", "rock"))
    text = member(package(evil, tmp_path).path, "library.properties").decode()
    lines = [line.partition("=") for line in text.splitlines()]
    properties = {key: value for key, _, value in lines}
    assert len(lines) == len(properties)
    assert properties["name"] == "Music_Genre_Classifier_inferencing"
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["architectures"] == "mbed_nano"
    assert properties["category"] == "Data Processing"
    assert properties["includes"] == "Music_Genre_Classifier_inferencing.h"
    assert {"author", "maintainer", "sentence", "paragraph", "url"} <= set(properties)


def test_macros_are_those_that_sketches_use(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    info = package(request_of_sample, tmp_path)
    text = member(info.path, "src/model-parameters/model_metadata.h").decode()
    macros = dict(re.findall(r"^#define (\w+) (.+)$", text, re.MULTILINE))
    expected = {
        "EI_CLASSIFIER_PROJECT_ID": "1",
        "EI_CLASSIFIER_PROJECT_NAME": '"Music Genre Classifier"',
        "EI_CLASSIFIER_PROJECT_DEPLOY_VERSION": "3",
        "EI_CLASSIFIER_NN_INPUT_FRAME_SIZE": "3960",
        "EI_CLASSIFIER_RAW_SAMPLE_COUNT": "48000",
        "EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME": "1",
        "EI_CLASSIFIER_INTERVAL_MS": "0.0625",
        "EI_CLASSIFIER_FREQUENCY": "16000",
        "EI_CLASSIFIER_LABEL_COUNT": "2",
        "EI_CLASSIFIER_HAS_ANOMALY": "0",
        "EI_CLASSIFIER_FUSION_AXES_STRING": '"audio"',
        "EI_CLASSIFIER_THRESHOLD": "0.600000024f",
        "EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW": "4",
        "EI_CLASSIFIER_TFLITE_INPUT_DATATYPE": "9",
        "EI_CLASSIFIER_LOAD_FFT_64": "1",
        "EI_CLASSIFIER_LOAD_FFT_128": "0",
        "EITK_LIBRARY": "1",
        "EITK_MODEL_SHA256": f'"{info.model_sha256}"',
    }
    assert expected.items() <= macros.items()


def test_figures_are_those_of_the_generated_code(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    info = package(request_of_sample, tmp_path)
    assert (info.features, info.dsp_ram_bytes, info.table_bytes) == (3960, 64 * 4 + 64 * 8, 17 * 12)
    assert info.stream_ram_bytes == 3960 + 64 * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("rock",)}, "1 labels and the model has 2 outputs"),
        ({"labels": ()}, "no labels"),
        ({"window_samples": 32000}, "2640 features and the model takes 3960"),
        ({"window_samples": 0}, "not a window"),
        ({"frequency": float("nan")}, "not a window"),
        ({"dsp_blocks": ()}, "no processing block"),
        ({"dsp_blocks": (LibraryDspBlock(3, "spectrogram", 9),)}, "no implementation version 9"),
        ({"dsp_blocks": (LibraryDspBlock(3, "spectrogram", 4, {"fft_length": "65"}),)}, "must be a power of two"),
    ],
)
def test_contradictions_are_refused(
    request_of_sample: LibraryRequest, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        package(replace(request_of_sample, **change), tmp_path)
    assert not list(tmp_path.iterdir()), "nothing half-written"


def test_a_damaged_model_is_refused(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    with pytest.raises(EitkError) as caught:
        package(replace(request_of_sample, tflite=request_of_sample.tflite[:999]), tmp_path)
    assert isinstance(caught.value, DataError)


def test_the_zip_target_builds_with_cmake(request_of_sample: LibraryRequest, tmp_path: Path) -> None:
    info = package(replace(request_of_sample, target="zip"), tmp_path)
    with zipfile.ZipFile(info.path) as archive:
        archive.extractall(tmp_path / "library")
    assert not (tmp_path / "library" / "library.properties").exists()
    configure = ["cmake", "-S", str(tmp_path / "library"), "-B", str(tmp_path / "build"), "-DEITK_EXAMPLES=ON"]
    subprocess.run(configure, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True, capture_output=True)
    (tmp_path / "window.raw").write_bytes(bytes(2 * 48000))
    program = [str(tmp_path / "build" / "classify_samples"), str(tmp_path / "window.raw")]
    printed = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"classical: \d\.\d{6}\nrock: \d\.\d{6}\n", printed)


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(ROOT + name)
