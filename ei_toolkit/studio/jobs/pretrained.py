"""Models that were trained elsewhere: imported, described and profiled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.archive import MIB, Limits, extract_archive
from ei_toolkit.errors import ArchiveError
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.code_policy import SAVED_MODEL, require_allowed
from ei_toolkit.studio.devices import DEVICES, Device, device
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.profiling import model_info
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.training.import_tensorflow import import_tensorflow

SAVED_MODEL_LIMITS = Limits(entries=2000, total_bytes=500 * MIB)


def import_model(task: Task) -> None:
    """Job: convert the uploaded model to .tflite, also to int8 if representative data was uploaded."""
    upload = task.job.spec
    with task.scratch() as folder:
        models = _convert(task, upload, folder)
    document = {
        "fileName": upload["fileName"],
        "device": upload.get("device"),
        "models": {variant: task.store.blobs.put(model) for variant, model in models.items()},
        **_tensors(next(iter(models.values()))),
    }
    _store(task, document)
    task.log(f"The model is ready: {', '.join(models)}")


def profile_stored(task: Task) -> None:
    """Job: estimate the model on its device and on classes of devices."""
    document = load(task)
    chosen = device(document.get("device"))
    infos = {}
    for variant, digest in document["models"].items():
        task.log(f"Profiling {variant} model...")
        infos[variant] = model_info(task.store.blobs.read(digest), variant, chosen)
    variant, digest = next(iter(document["models"].items()))
    table = _table(variant, task.store.blobs.read(digest))
    _store(task, {**document, "profile": {**infos, "table": table}})
    task.log("Profiling 100% done")


def load(task: Task) -> dict[str, Any]:
    """Return the description of the project's uploaded model. Raises ApiError if there is none."""
    blob = task.store.artifacts.result(task.project, "pretrained", 0)
    if blob is None:
        raise ApiError("No model was uploaded yet")
    document: dict[str, Any] = json.loads(task.store.blobs.read(blob))
    return document


def representative_rows(path: Path) -> npt.NDArray[np.float32]:
    """Return the representative features of an upload, one row for each window; the int8 model is made for their range.

    Raises ApiError for a file that is no .npy file of finite numbers in rows.
    """
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ApiError(f"The representative features are no .npy file of numbers: {error}") from error
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiub" or rows.ndim < 2 or not rows.size:
        what = f"{rows.dtype} of the shape {list(rows.shape)}" if isinstance(rows, np.ndarray) else "several arrays"
        raise ApiError(f"The representative features must be numbers in rows, one for each window, but are {what}")
    with np.errstate(over="ignore"):
        found: npt.NDArray[np.float32] = rows.astype(np.float32)
    if not (finite := np.isfinite(found.reshape(len(found), -1)).all(axis=1)).all():
        raise ApiError(f"Row {int(np.argmin(finite))} of the representative features has a value that is not a number")
    return found


def _store(task: Task, document: Mapping[str, Any]) -> None:
    task.store.artifacts.put_result(task.project, "pretrained", 0, task.store.blobs.put(json.dumps(document).encode()))


def _convert(task: Task, upload: Mapping[str, Any], folder: Path) -> dict[str, bytes]:
    data = task.store.blobs.read(upload["model"])
    if upload["fileType"] == "tflite":
        return {"int8" if Interpreter(data).is_int8 else "float32": data}
    if upload["fileType"] == "saved_model":
        require_allowed(SAVED_MODEL, task.allow_scripts)
        _unpack(task.store.blobs.path(upload["model"]), folder / "model")
        return _convert_saved_model(task, upload, folder / "model")
    raise ApiError(
        f"Models of type {upload['fileType']!r} are not implemented by the local studio; tflite and saved_model are"
    )


def _unpack(archive: Path, folder: Path) -> None:
    try:
        extract_archive(archive, folder, SAVED_MODEL_LIMITS)
    except ArchiveError as error:
        raise ApiError(f"The archive cannot be unpacked: {error.why or error.what}") from error


def _convert_saved_model(task: Task, upload: Mapping[str, Any], folder: Path) -> dict[str, bytes]:
    root = next((path.parent for path in folder.rglob("saved_model.pb")), None)
    if root is None:
        raise ApiError("The archive holds no saved_model.pb")
    task.log("Converting the SavedModel...")
    tf = import_tensorflow()
    converter = tf.lite.TFLiteConverter.from_saved_model(str(root))
    models = {"float32": bytes(converter.convert())}
    if upload.get("features"):
        rows = representative_rows(task.store.blobs.path(upload["features"]))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in rows[:400])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        models["int8"] = bytes(converter.convert())
    return models


def _tensors(model: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return the inputs and outputs as `PretrainedModelTensor`s."""
    interpreter = Interpreter(model)
    kind = "int8" if interpreter.is_int8 else "float32"
    described = {}
    for name, size, quantisation in (
        ("inputs", interpreter.input_size, interpreter.input),
        ("outputs", interpreter.output_size, interpreter.output),
    ):
        numbers = {"quantizationScale": quantisation.scale, "quantizationZeroPoint": float(quantisation.zero_point)}
        tensor = {"dataType": kind, "name": name[:-1], "shape": [1, size]}
        described[name] = [{**tensor, **(numbers if interpreter.is_int8 else {})}]
    return described


def _table(variant: str, model: bytes) -> dict[str, Any]:
    """Return a `ProfileModelTable`. Devices without an estimate are marked as not supported."""
    unknown = {"description": "Not estimated by the local studio", "supported": False}
    return {
        "variant": variant,
        "lowEndMcu": _mcu(variant, model, DEVICES[1]),
        "highEndMcu": _mcu(variant, model, DEVICES[2]),
        "highEndMcuPlusAccelerator": {**unknown, "mcuSupportError": "accelerators are not estimated"},
        "mpu": dict(unknown),
        "gpuOrMpuAccelerator": dict(unknown),
    }


def _mcu(variant: str, model: bytes, found: Device) -> dict[str, Any]:
    info = model_info(model, variant, found)
    if not info["isSupportedOnMcu"]:
        return {"description": found.name, "supported": False, "mcuSupportError": info["mcuSupportError"]}
    memory = {name: {"ram": need["ram"], "rom": need["rom"]} for name, need in info["memory"].items()}
    return {
        "description": found.name,
        "timePerInferenceMs": info["timePerInferenceMs"],
        "memory": memory,
        "supported": True,
    }
