"""The files of a trained learn block that can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelFile:
    """One kind of model file; `id` is its key among a model's blobs and in its link."""

    id: str
    name: str
    type: str
    filename: str


MODEL_FILES = (
    ModelFile("tflite-float32", "TensorFlow Lite (float32)", "TensorFlow Lite float32", "model_float32.tflite"),
    ModelFile("tflite-int8", "TensorFlow Lite (int8 quantized)", "TensorFlow Lite int8", "model_int8.tflite"),
    ModelFile("keras", "Keras model", "Keras archive", "model.keras"),
)


def downloads(project: int, impulse: int, block: Mapping[str, Any], sizes: Mapping[str, int]) -> list[dict[str, Any]]:
    """`Download`s of one learn block."""
    return [
        {
            "id": f"{block['id']}-{file.id}",
            "name": file.name,
            "type": file.type,
            "size": f"{sizes[file.id] / 1024:.0f} KB",
            "link": f"/api/{project}/learn-data/{block['id']}/model/{file.id}",
            "impulseId": impulse,
        }
        for file in MODEL_FILES
        if file.id in sizes
    ]
