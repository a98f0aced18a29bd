"""Macros and constants of the impulse: names and labels with any characters, and the same texts for one request."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.metadata import (
    FFT_LENGTHS,
    config_value,
    metadata_header,
    variables_header,
    variables_source,
)
from ei_toolkit.eon.library.package import zip_bytes
from ei_toolkit.eon.library.plan import ModelProperties, Plan, make_plan
from ei_toolkit.eon.library.targets import SDK_HEADERS, cmake_files, properties, sdk_headers, umbrella_header
from ei_toolkit.eon.literals import string_literal

MFE = LibraryDspBlock(7, "mfe", 4, {"fft_length": 512, "num_filters": 20})
TEXT = st.text(max_size=12)


def plan_of(*blocks: LibraryDspBlock, quantized: bool = True, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "project_name": "p", "project_id": 1, "owner": "o", "deploy_version": 4, "labels": ("a", "b"), "tflite": b"",
        "window_samples": 8000, "frequency": 16_000.0, "dsp_blocks": blocks or (MFE,),
    }  # fmt: skip
    request = LibraryRequest(**values | changes)
    features = sum(block_code(b, request.window_samples, request.frequency).features for b in request.dsp_blocks)
    return make_plan(request, ModelProperties(features, len(request.labels), quantized, 1000, "ab" * 32))


def macros(plan: Plan) -> dict[str, str]:
    return dict(re.findall(r"^#define (\w+) (.+)$", metadata_header(plan), re.MULTILINE))


def string_value(literal: str) -> str:
    """The text of a C++ string literal with octal escapes."""
    content = literal[1:-1].encode()
    unescaped = re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else m[1], content)
    return unescaped.decode("utf-8", "surrogatepass")


@settings(max_examples=30)
@given(TEXT, TEXT)
def test_names_of_project_and_owner_are_literals_with_their_text(project: str, owner: str) -> None:
    found = macros(plan_of(project_name=project, owner=owner))
    assert string_value(found["EI_CLASSIFIER_PROJECT_NAME"]) == project
    assert string_value(found["EI_CLASSIFIER_PROJECT_OWNER"]) == owner


@settings(max_examples=30)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_labels_are_listed_in_the_order_of_the_model(labels: list[str]) -> None:
    plan = plan_of(labels=tuple(labels))
    table = variables_source(plan).split("LABEL_COUNT] = {\n")[1].split("};")[0]
    assert [string_value(line.strip().rstrip(",")) for line in table.splitlines()] == labels
    assert macros(plan)["EI_CLASSIFIER_LABEL_COUNT"] == str(len(labels))


@pytest.mark.parametrize("quantized", [True, False])
def test_the_types_of_the_model_are_tensorflows_numbers(quantized: bool) -> None:
    found = macros(plan_of(quantized=quantized))
    number = "9" if quantized else "1"
    assert found["EI_CLASSIFIER_TFLITE_INPUT_DATATYPE"] == found["EI_CLASSIFIER_TFLITE_OUTPUT_DATATYPE"] == number
    assert found["EI_CLASSIFIER_QUANTIZATION_ENABLED"] == str(int(quantized))


@pytest.mark.parametrize(
    ("frequency", "interval", "text"),
    [
        (16_000.0, "0.0625", "16000"),
        (11_025.0, "0.09070294785", "11025"),
        (761.5, "1.313197636", "761.5"),
    ],
)
def test_the_interval_of_two_samples_is_in_milliseconds(frequency: float, interval: str, text: str) -> None:
    raw = LibraryDspBlock(1, "raw", 1)
    found = macros(plan_of(raw, frequency=frequency, window_samples=100))
    assert (found["EI_CLASSIFIER_INTERVAL_MS"], found["EI_CLASSIFIER_FREQUENCY"]) == (interval, text)


def test_the_lengths_of_all_ffts_that_are_used_are_switched_on() -> None:
    found = macros(plan_of(MFE, LibraryDspBlock(8, "spectrogram", 4, {"fft_length": 64})))
    loaded = {n for n in FFT_LENGTHS if found[f"EI_CLASSIFIER_LOAD_FFT_{n}"] == "1"}
    assert loaded == {64, 512}


@pytest.mark.parametrize(
    ("engine", "compiled"), [("tflite", "0"), ("tflite-eon", "1"), ("tflite-eon-ram-optimized", "1")]
)
def test_a_sketch_can_ask_whether_the_model_is_compiled(engine: str, compiled: str) -> None:
    assert macros(plan_of(engine=engine))["EI_CLASSIFIER_COMPILED"] == compiled


def test_each_block_has_a_struct_of_its_type_and_a_constant() -> None:
    plan = plan_of(MFE, replace(MFE, id=9), LibraryDspBlock(8, "raw", 1))
    header = metadata_header(plan)
    assert header.count("} ei_dsp_config_mfe_t;") == 1 and header.count("} ei_dsp_config_raw_t;") == 1
    externs = re.findall(r"extern const (\w+) (ei_dsp_config_\d+);", variables_header(plan))
    assert externs == [("ei_dsp_config_mfe_t", "ei_dsp_config_7"), ("ei_dsp_config_mfe_t", "ei_dsp_config_9"),
                       ("ei_dsp_config_raw_t", "ei_dsp_config_8")]  # fmt: skip
    fields = re.search(r"// Parameters of a mfe block\.\ntypedef struct \{(.*?)\}", header, re.DOTALL)
    assert fields is not None and fields[1].count(";") == config_value(MFE).count(",") + 1


def test_a_twiddle_is_the_float_nearest_to_it_and_the_rest() -> None:
    source = variables_source(plan_of())
    pairs = re.search(r"kDoubleFloatQuarter\[\] = \{(.*?)\};", source, re.DOTALL)
    assert pairs is not None
    numbers = [float(np.float32(n)) for n in re.findall(r"(-?[\d.e+-]+)f", pairs[1])]  # as the C++ compiler reads them
    exact = np.cos(2 * np.pi * np.arange(129) / 512)
    assert np.abs(np.array(numbers[::2]) + np.array(numbers[1::2]) - exact).max() < 2e-15
    assert numbers[::2][:-1] == np.float32(exact).astype(float).tolist()[:-1]


@settings(max_examples=40)
@given(TEXT, st.lists(TEXT, min_size=1, max_size=3), TEXT)
def test_properties_are_one_line_for_each_key_whatever_the_names_are(
    project: str, labels: list[str], owner: str
) -> None:
    text = properties(plan_of(project_name=project, labels=tuple(labels), owner=owner).request)
    keys = [line.partition("=")[0] for line in text.splitlines()]
    assert keys == ["name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
                    "architectures", "includes"]  # fmt: skip
    assert "version=1.0.4\n" in text
    assert all(line.partition("=")[2].strip() for line in text.splitlines())


def test_headers_of_the_sdk_include_the_header_of_the_project() -> None:
    request = plan_of(project_name="Größe 1").request
    files = sdk_headers(request)
    assert set(files) == {f"edge-impulse-sdk/{name}" for name in SDK_HEADERS}
    assert set(files.values()) == {'#pragma once\n#include "Groe_1_inferencing.h"\n'}
    assert umbrella_header(request).startswith("// Größe 1, deployment 4. Generated by eitk.\n")


def test_the_cmake_project_has_the_name_of_the_library_and_its_header() -> None:
    files = cmake_files(plan_of(project_name="My Project").request)
    assert b"project(My_Project_inferencing CXX)" in files["CMakeLists.txt"]
    assert b"#include <My_Project_inferencing.h>" in files["examples/classify_samples/main.cpp"]
    assert b"<Project_inferencing.h>" not in files["examples/classify_samples/main.cpp"]


def test_an_archive_has_the_same_bytes_in_any_order_of_its_files() -> None:
    files = {"b.h": b"2" * 1000, "a.h": b"1", "é.txt": "ü".encode()}
    assert zip_bytes(files) == zip_bytes(dict(reversed(files.items())))


@given(TEXT)
def test_a_literal_is_ascii_where_the_text_is(text: str) -> None:
    assert string_value(string_literal(text)) == text
    assert "\n" not in string_literal(text)
