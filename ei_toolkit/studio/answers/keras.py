"""Learn blocks as Edge Impulse describes them: settings, and what a training gave."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.artifacts import Model
from ei_toolkit.studio.wire import Fields

DEFAULT_LAYERS = (
    {"type": "conv1d", "neurons": 8, "kernelSize": 3, "stack": 1},
    {"type": "dropout", "dropoutRate": 0.25},
    {"type": "conv1d", "neurons": 16, "kernelSize": 3, "stack": 1},
    {"type": "dropout", "dropoutRate": 0.25},
    {"type": "flatten"},
)
DEFAULTS: Mapping[str, Any] = {
    "mode": "visual",
    "script": "",
    "minimumConfidenceRating": 0.6,
    "selectedModelType": "int8",
    "trainingCycles": 100,
    "learningRate": 0.005,
    "batchSize": 32,
    "trainTestSplit": 0.2,
    "autoClassWeights": False,
    "useLearnedOptimizer": False,
    "augmentationPolicyImage": "none",
    "augmentationPolicySpectrogram": {"enabled": False},
    "profileInt8": True,
    "skipEmbeddingsAndMemory": False,
    "showAdvancedTrainingSettings": False,
    "showAugmentationTrainingSettings": False,
}
OBJECTS = ("augmentationPolicySpectrogram", "customParameters", "kFoldsValidationConfig")
LARGEST_EPOCHS, LARGEST_BATCH, MOST_FOLDS = 10_000, 4096, 100
SEEDS = 2**32  # numpy's generators take no larger one


def keras_settings(config: Mapping[str, Any], columns: int) -> dict[str, Any]:
    """All settings of a learn block; `columns` is the number of features in a frame."""
    layers = [{"type": "reshape", "columns": columns}, *DEFAULT_LAYERS] if columns else list(DEFAULT_LAYERS)
    return {**DEFAULTS, "visualLayers": layers, **config}


def read_keras(body: Fields) -> dict[str, Any]:
    """The settings that a `SetKerasParameterRequest` names, checked."""
    settings: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        if body.has(name) and name not in OBJECTS:
            settings[name] = _typed(body, name, default)
    for name in OBJECTS:
        if body.has(name):
            settings[name] = body.mapping(name)
    if body.has("visualLayers"):
        settings["visualLayers"] = [dict(layer.values) for layer in body.objects("visualLayers")]
    if body.has("customValidationMetadataKey"):
        settings["customValidationMetadataKey"] = body.text("customValidationMetadataKey")
    if "numFolds" in settings.get("kFoldsValidationConfig", {}):
        settings["kFoldsValidationConfig"] = _k_folds(settings["kFoldsValidationConfig"])
    _check(settings)
    return settings


def _typed(body: Fields, name: str, default: Any) -> Any:
    if isinstance(default, bool):
        return body.flag(name)
    if isinstance(default, int):
        return body.integer(name)
    return float(body.number(name)) if isinstance(default, float) else body.text(name)


def _check(settings: Mapping[str, Any]) -> None:
    if settings.get("mode", "visual") not in ("visual", "expert"):
        raise Refusal("mode must be visual or expert")
    if not 1 <= settings.get("trainingCycles", 1) <= LARGEST_EPOCHS:
        raise Refusal(f"trainingCycles must be between 1 and {LARGEST_EPOCHS}")
    if not 1 <= settings.get("batchSize", 1) <= LARGEST_BATCH:
        raise Refusal(f"batchSize must be between 1 and {LARGEST_BATCH}")
    if not 0 <= settings.get("trainTestSplit", 0.2) < 1:
        raise Refusal("trainTestSplit must be at least 0 and below 1")
    if not 0 < settings.get("learningRate", 0.005) <= 10:
        raise Refusal("learningRate must be above 0 and at most 10")
    seed = str(settings.get("customParameters", {}).get("seed", 0))
    if not re.fullmatch("[0-9]{1,10}", seed) or int(seed) >= SEEDS:
        raise Refusal(f"customParameters.seed must be a whole number from 0 to {SEEDS - 1}")


def _k_folds(config: Mapping[str, Any]) -> dict[str, Any]:
    folds = Fields(config).integer("numFolds", 0)
    if folds != 0 and not 2 <= folds <= MOST_FOLDS:
        raise Refusal(f"kFoldsValidationConfig.numFolds must be 0, or from 2 to {MOST_FOLDS}")
    return {**config, "numFolds": folds}


def keras_answer(
    block: Mapping[str, Any], settings: Mapping[str, Any], model: Model | None,
    names: Sequence[str], classes: Sequence[str], feature_count: int, sample_count: int,
) -> dict[str, Any]:  # fmt: skip
    """Fields of a `KerasResponse`."""
    dependencies = {
        "classes": list(classes),
        "blockNames": list(names),
        "featureCount": feature_count,
        "sampleCount": sample_count,
        "outputClasses": list(classes),
    }
    return {
        "dependencies": dependencies,
        "trained": model is not None,
        "name": block["name"],
        "type": block["type"],
        **settings,
        "defaultBatchSize": 32,
        "shape": f"({feature_count},)",
        "transferLearningModels": [],
        "thresholds": [],
    }


def keras_metadata(model: Model) -> dict[str, Any]:
    """Fields of a `KerasModelMetadataResponse`."""
    summary = model.summary
    metrics = [variant_metrics(name, values, summary) for name, values in summary["variants"].items()]
    return {
        "created": model.created,
        "layers": [_layer(summary["featureCount"], len(summary["labels"]))],
        "classNames": summary["labels"],
        "labels": summary["labels"],
        "availableModelTypes": [metric["type"] for metric in metrics],
        "recommendedModelType": "int8" if "int8" in summary["variants"] else "float32",
        "modelValidationMetrics": metrics,
        "hasTrainedModel": True,
        "mode": "classification",
        "imageInputScaling": "0..1",
        "thresholds": [],
        "tensorboardGraphs": _graphs(summary["history"]),
    }


def variant_metrics(name: str, values: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """A `KerasModelMetadataMetrics` of one variant."""
    return {
        "type": name,
        "loss": values["loss"],
        "accuracy": values["accuracy"],
        "confusionMatrix": values["confusion_matrix"],
        "report": values["report"],
        "onDevicePerformance": summary["performance"].get(name, []),
        "predictions": [],
        "visualization": "none",
        "isSupportedOnMcu": name not in summary.get("unsupported", {}),
        **({"mcuSupportError": summary["unsupported"][name]} if name in summary.get("unsupported", {}) else {}),
        "additionalMetrics": _additional(values),
    }


def _additional(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    weighted = values["report"].get("weighted avg", {})
    named = {
        "Area under ROC Curve": values.get("auc"),
        "Weighted average Precision": weighted.get("precision"),
        "Weighted average Recall": weighted.get("recall"),
        "Weighted average F1 score": weighted.get("f1-score"),
    }
    return [
        {"name": name, "value": f"{value:.2f}", "fullPrecisionValue": float(value)}
        for name, value in named.items()
        if value is not None
    ]


def _layer(features: int, classes: int) -> dict[str, Any]:
    kind = "<class 'numpy.float32'>"
    return {
        "input": {"shape": features, "name": "x_input", "type": kind},
        "output": {"shape": classes, "name": "y_pred", "type": kind},
    }


def _graphs(history: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Training curves as `TensorBoard` graphs: Keras' `x` and `val_x` side by side."""
    return [
        {
            "title": name.capitalize(),
            "data": [
                {"title": title, "values": list(history[key])}
                for title, key in (("train", name), ("validation", f"val_{name}"))
                if key in history
            ],
        }
        for name in ("accuracy", "loss")
        if name in history
    ]
