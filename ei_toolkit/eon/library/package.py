"""Package model, processing blocks, runtime and the files of a target: a library as a zip, or a program."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.project import bundled
from ei_toolkit.config.settings import Target, engines_of
from ei_toolkit.eon.library.cost import window_ram_bytes
from ei_toolkit.eon.library.metadata import metadata_header, variables_header, variables_source
from ei_toolkit.eon.library.model_file import build_model_file
from ei_toolkit.eon.library.plan import ModelCode, Plan, compiled_model, make_plan
from ei_toolkit.eon.library.request import LibraryInfo, LibraryRequest
from ei_toolkit.eon.library.targets import (
    arduino_files,
    cmake_files,
    deployment_name,
    header_name,
    library_name,
    sdk_headers,
    umbrella_header,
)
from ei_toolkit.eon.library.tflm import interpreted_model
from ei_toolkit.eon.library.web import web_files
from ei_toolkit.errors import ConfigurationError, EitkError

OLDEST = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files` (name in the zip -> bytes). The same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr = PLAIN_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


Sources = dict[str, bytes]
CONTENT: Mapping[Target, Callable[[Plan, Sources], bytes]] = {
    "arduino": lambda plan, files: zip_bytes(_in_folder(plan, files | arduino_files(plan.request))),
    "zip": lambda plan, files: zip_bytes(files | cmake_files(plan.request)),
    "runner-linux-x86_64": lambda plan, files: build_model_file("x86_64", files, plan.request.level),
    "runner-linux-aarch64": lambda plan, files: build_model_file("aarch64", files, plan.request.level),
    "wasm": lambda plan, files: zip_bytes(web_files(plan, files, simd=False)),
    "wasm-browser-simd": lambda plan, files: zip_bytes(web_files(plan, files, simd=True)),
}
"""The content of the deployment of each target, from the sources of the library (path -> bytes)."""

RUNTIME = "src/eitk"

COMMON_FILES = (
    "block.cpp",
    "block.h",
    "decibels.h",
    "double_float.h",
    "emphasis.cpp",
    "emphasis.h",
    "features.h",
    "fft.h",
    "level.h",
    "source.h",
    "spectrum.cpp",
    "spectrum.h",
    "stream.cpp",
    "stream.h",
)


def runtime_sources(plan: Plan, kernels: Iterable[str]) -> dict[str, bytes]:
    """Return the sources of the runtime: path in the library -> bytes."""
    root = bundled("firmware") / "runtime" / "eitk"
    blocks = {name for block in plan.blocks for name in block.files}
    return (
        _folder(root / "classifier", sorted(path.name for path in (root / "classifier").glob("*.[ch]*")))
        | _folder(root / "dsp", sorted({*COMMON_FILES, *blocks}))
        | _folder(root / "kernels", sorted(kernels))
    )


def _folder(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    try:
        return {f"{RUNTIME}/{folder.name}/{name}": (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise EitkError(
            f"the runtime lacks {error.filename}", hint="Install eitk again: pip install --force-reinstall eitk"
        ) from error


def package(request: LibraryRequest, out: Path) -> LibraryInfo:
    """Write the deployment of `request` into the folder `out`, for example as ei-<project>-arduino-1.0.<version>.zip.

    The same request gives the same bytes. Raises ConfigurationError for blocks, labels and a model that do not fit
    together, or an engine that the target does not have; UnsupportedModelError for a model that cannot be compiled,
    DataError for one that is damaged, and MissingToolError where the target needs a compiler that is not installed.
    """
    model = _model(request)
    plan = make_plan(request, model.properties)
    content = CONTENT[request.target](plan, _common_files(plan, model))
    path = out / deployment_name(request.project_name, request.target, request.deploy_version)
    write_bytes(path, content)
    return LibraryInfo(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        model_sha256=model.properties.sha256,
        features=plan.features,
        arena_bytes=model.properties.arena_bytes,
        dsp_ram_bytes=window_ram_bytes(plan.blocks),
        stream_ram_bytes=plan.stream_ram_bytes,
        table_bytes=plan.table_bytes,
        dsp_instructions=plan.dsp_instructions,
    )


def _model(request: LibraryRequest) -> ModelCode:
    if request.engine not in (engines := engines_of(request.target)):
        raise ConfigurationError(
            f"the target {request.target} cannot have the engine {request.engine}",
            why="a program contains no interpreter",
            hint=f"Use {' or '.join(engines)}.",
        )
    if request.engine == "tflite":
        return interpreted_model(request.tflite)
    return compiled_model(request.tflite, ram_optimized=request.engine == "tflite-eon-ram-optimized")


def _common_files(plan: Plan, model: ModelCode) -> dict[str, bytes]:
    texts = {
        header_name(plan.request.project_name): umbrella_header(plan.request),
        "model-parameters/model_metadata.h": metadata_header(plan),
        "model-parameters/model_variables.h": variables_header(plan),
        "model-parameters/model_variables.cpp": variables_source(plan),
    }
    texts |= {f"tflite-model/{name}": text for name, text in model.files.items()}
    texts |= sdk_headers(plan.request)
    return {f"src/{name}": text.encode() for name, text in texts.items()} | runtime_sources(plan, model.kernels)


def _in_folder(plan: Plan, files: Sources) -> Sources:
    """Put the files in one folder, as the Arduino editor requires."""
    folder = f"{library_name(plan.request.project_name)}_inferencing"
    return {f"{folder}/{name}": data for name, data in files.items()}
