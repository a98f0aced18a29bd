"""From a trained impulse to a library in a zip."""

from __future__ import annotations

from math import prod
from pathlib import Path

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.eon.library import arduino, cmake
from ei_toolkit.eon.library.archive import write_archive
from ei_toolkit.eon.library.metadata import metadata_header
from ei_toolkit.eon.library.names import archive_name, header_name, library_name
from ei_toolkit.eon.library.plan import ModelFacts, Plan, make_plan
from ei_toolkit.eon.library.request import LibraryInfo, LibraryRequest
from ei_toolkit.eon.library.sources import runtime_sources
from ei_toolkit.eon.library.variables import variables_header, variables_source


def package(request: LibraryRequest, out: Path) -> LibraryInfo:
    """Write the library of `request` into the folder `out`, as ei-<project>-arduino-1.0.<version>.zip.

    The same request gives the same bytes. Raises ConfigurationError where blocks, labels and model contradict each
    other, UnsupportedModelError for a model that cannot be compiled, DataError for one that is damaged.
    """
    compiled = compile_model(request.tflite, ram_optimized=request.engine == "tflite-eon-ram-optimized")
    plan = make_plan(request, _facts(compiled))
    files = _in_folder(plan, _common_files(plan, compiled) | _target_files(plan))
    path = out / archive_name(request.project_name, request.target, request.deploy_version)
    return LibraryInfo(
        path=path,
        sha256=write_archive(path, files),
        model_sha256=compiled.sha256,
        features=plan.features,
        arena_bytes=compiled.arena_bytes,
        dsp_ram_bytes=plan.dsp_ram_bytes,
        stream_ram_bytes=plan.stream_ram_bytes,
        table_bytes=plan.table_bytes,
    )


def _facts(compiled: CompiledModel) -> ModelFacts:
    inputs, outputs = (prod(spec.shape) for spec in (compiled.input, compiled.output))
    quantized = compiled.input.dtype == "int8"
    return ModelFacts(inputs, outputs, quantized, compiled.arena_bytes, compiled.sha256)


def _common_files(plan: Plan, compiled: CompiledModel) -> dict[str, bytes]:
    texts = {
        f"src/{header_name(plan.request.project_name)}": arduino.umbrella_header(plan.request),
        "src/model-parameters/model_metadata.h": metadata_header(plan),
        "src/model-parameters/model_variables.h": variables_header(plan),
        "src/model-parameters/model_variables.cpp": variables_source(plan),
        "src/tflite-model/model.h": compiled.header,
        "src/tflite-model/model.cpp": compiled.source,
    }
    return {name: text.encode() for name, text in texts.items()} | runtime_sources(plan, compiled.kernels)


def _target_files(plan: Plan) -> dict[str, bytes]:
    """What only this target has."""
    return cmake.files(plan.request) if plan.request.target == "zip" else arduino.files(plan.request)


def _in_folder(plan: Plan, files: dict[str, bytes]) -> dict[str, bytes]:
    """The Arduino editor takes a zip with one folder in it; CMake users unpack into a folder of their own."""
    if plan.request.target == "zip":
        return files
    folder = f"{library_name(plan.request.project_name)}_inferencing"
    return {f"{folder}/{name}": data for name, data in files.items()}
