"""Learn blocks as Edge Impulse's API describes them: settings, training results and model files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, field_validator
from starlette.responses import Response

from ei_toolkit.impulse.ranges import FOLDS, SEED, TRAINING_PARAMETERS
from ei_toolkit.impulse.spec_augment import DISABLED
from ei_toolkit.impulse.trained_model import model_file, model_id
from ei_toolkit.studio.code_policy import check_script_change
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue
from ei_toolkit.studio.http.request import Admin, DeploymentReader, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer, stored_file
from ei_toolkit.studio.http.schema import BrokenRule, Flag, Integer, Number, RequestModel, json_body, within
from ei_toolkit.studio.impulse import learn_block, processing_blocks
from ei_toolkit.studio.store.artifacts import PREDICTIONS, Model

DEFAULT_LAYERS = (
    {"type": "conv1d", "neurons": 8, "kernelSize": 3, "stack": 1},
    {"type": "dropout", "dropoutRate": 0.25},
    {"type": "conv1d", "neurons": 16, "kernelSize": 3, "stack": 1},
    {"type": "dropout", "dropoutRate": 0.25},
    {"type": "flatten"},
)
NO_PREDICTIONS: Mapping[str, Any] = {"windows": [], "predicted": {}}
MOST_PREDICTIONS = 20_000  # of one variant, in one response
RANGES = {parameter.api_name: within(parameter.range) for parameter in TRAINING_PARAMETERS}


class KFolds(RequestModel):
    """Settings of cross-validation: 0 folds mean none."""

    model_config = ConfigDict(extra="allow")

    num_folds: Integer = 0

    @field_validator("num_folds")
    @classmethod
    def _is_none_or_in_range(cls, folds: int) -> int:
        if folds != 0 and folds not in FOLDS:
            raise BrokenRule(f"must be 0, or {FOLDS}")
        return folds


class KerasRequest(RequestModel):
    """A `SetKerasParameterRequest`: the settings of a learn block with their defaults and ranges."""

    mode: Literal["visual", "expert"] = "visual"
    script: str = ""
    minimum_confidence_rating: Number = 0.6
    selected_model_type: str = "int8"
    training_cycles: Annotated[Integer, RANGES["trainingCycles"]] = 100
    learning_rate: Annotated[Number, RANGES["learningRate"]] = 0.005
    batch_size: Annotated[Integer, RANGES["batchSize"]] = 32
    train_test_split: Annotated[Number, RANGES["trainTestSplit"]] = 0.2
    auto_class_weights: Flag = False
    use_learned_optimizer: Flag = False
    augmentation_policy_image: str = "none"
    augmentation_policy_spectrogram: dict[str, Any] = dict(DISABLED)
    profile_int8: Flag = True
    skip_embeddings_and_memory: Flag = False
    show_advanced_training_settings: Flag = False
    show_augmentation_training_settings: Flag = False
    visual_layers: list[dict[str, Any]] | None = None
    custom_parameters: dict[str, Any] | None = None
    custom_validation_metadata_key: str | None = None
    k_folds_validation_config: KFolds | None = None

    @field_validator("custom_parameters")
    @classmethod
    def _has_a_usable_seed(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        seed = parameters.get("seed", 0)
        if not re.fullmatch("[0-9]{1,10}", str(seed)) or int(seed) not in SEED.range:
            raise ValueError(f"seed must be {SEED.range}, but is {str(seed)[:40]!r}")
        return parameters


KerasBody = Annotated[KerasRequest, Depends(json_body(KerasRequest))]
DEFAULTS: Mapping[str, Any] = KerasRequest().model_dump(by_alias=True, exclude_none=True)


def keras_settings(config: Mapping[str, Any], columns: int) -> dict[str, Any]:
    """Return all settings of a learn block; `columns` is the number of features in a frame."""
    layers = [{"type": "reshape", "columns": columns}, *DEFAULT_LAYERS] if columns else list(DEFAULT_LAYERS)
    return {**DEFAULTS, "visualLayers": layers, **config}


def keras_answer(
    block: Mapping[str, Any], settings: Mapping[str, Any], model: Model | None,
    names: Sequence[str], classes: Sequence[str], feature_count: int, sample_count: int,
) -> dict[str, Any]:  # fmt: skip
    """Return the fields of a `KerasResponse`."""
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


def keras_metadata(model: Model, predictions: Mapping[str, Any] = NO_PREDICTIONS) -> dict[str, Any]:
    """Return the fields of a `KerasModelMetadataResponse`; `predictions` is the file `PREDICTIONS` of the model."""
    summary = model.summary
    metrics = [
        {**variant_metrics(name, values, summary), "predictions": _predictions(name, predictions, summary["labels"])}
        for name, values in summary["variants"].items()
    ]
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
    """Return a `KerasModelMetadataMetrics` of one variant."""
    return {
        "type": name,
        "loss": values["loss"],
        "accuracy": values["accuracy"],
        "confusionMatrix": values["confusion_matrix"],
        "report": values["report"],
        "onDevicePerformance": summary["performance"].get(name, []),
        "visualization": "none",
        "isSupportedOnMcu": name not in summary.get("unsupported", {}),
        **({"mcuSupportError": summary["unsupported"][name]} if name in summary.get("unsupported", {}) else {}),
        "additionalMetrics": _additional(values),
    }


def _predictions(variant: str, predictions: Mapping[str, Any], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a `ModelPrediction` for each validation window, the first `MOST_PREDICTIONS` of them."""
    predicted = predictions["predicted"].get(variant, [])
    found = zip(predictions["windows"][: len(predicted)], predicted, strict=True)
    return [
        {
            "sampleId": sample,
            "startMs": start,
            "endMs": end,
            "label": label,
            "prediction": labels[index],
            "predictionCorrect": labels[index] == label,
        }
        for (sample, start, end, label), index in islice(found, MOST_PREDICTIONS)
    ]


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
    """Return the training curves as `TensorBoard` graphs, with `x` and `val_x` of Keras in one graph."""
    return [
        {
            "title": name.capitalize(),
            "data": [
                {"title": title, "values": list(history[key])}
                for title, key in (("train", name), ("validation", f"val_{name}"))
                if key in history
            ],
        }
        for name in ("accuracy", "loss", "learning_rate")
        if name in history
    ]


@dataclass(frozen=True)
class ModelFile:
    """One kind of model file; `id` names it in `Model.files` and in its link."""

    id: str
    name: str
    type: str
    filename: str


MODEL_FILES = (
    ModelFile(model_id("float32"), "TensorFlow Lite (float32)", "TensorFlow Lite float32", model_file("float32")),
    ModelFile(model_id("int8"), "TensorFlow Lite (int8 quantized)", "TensorFlow Lite int8", model_file("int8")),
    ModelFile("keras", "Keras model", "Keras archive", "model.keras"),
)


def downloads(project: int, impulse: int, block: Mapping[str, Any], sizes: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the `Download`s of one learn block."""
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


router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/training/keras/{learnId:int}")
def get_keras(learnId: int, context: Reader) -> Response:
    """Return the settings of a learn block."""
    return answer(keras_config(context, learnId))


@router.post("/training/keras/{learnId:int}")
def set_keras(learnId: int, context: Admin, body: KerasBody) -> Response:
    """Change the settings that are sent and keep the others."""
    changes = body.sent()
    check_script_change(settings(context, learnId), changes, context.studio.options.allow_scripts)
    context.store.blocks.configure(context.project, learnId, changes)
    return answer()


@router.get("/training/keras/{learnId:int}/metadata")
def get_keras_metadata(learnId: int, context: Reader) -> Response:
    """Return the results of the training for each model variant."""
    model = trained_model(context, learnId)
    digest = model.files.get(PREDICTIONS)
    return answer(keras_metadata(model, json.loads(context.store.blobs.read(digest)) if digest else NO_PREDICTIONS))


@router.post("/training/keras/{learnId:int}/profile")
def start_keras_profile_job(learnId: int, context: Admin) -> Response:
    """Start a job that estimates time and memory of the models on the devices again."""
    trained_model(context, learnId)
    queue(context, "profile-keras", f"profile-{learnId}", "Profiling model", {"learn": learnId})
    return answer()


@router.get("/downloads")
def list_downloads(context: DeploymentReader) -> Response:
    """List the files that can be downloaded: the models of every trained block."""
    found: list[dict[str, Any]] = []
    for impulse in context.store.blocks.impulses(context.project):
        for block in impulse.blocks("learnBlocks"):
            if model := context.store.artifacts.model(context.project, block["id"]):
                sizes = {name: context.store.blobs.path(digest).stat().st_size for name, digest in model.files.items()}
                found += downloads(context.project, impulse.id, block, sizes)
    return answer({"downloads": found})


@router.get("/learn-data/{learnId:int}/model/{modelDownloadId}")
def download_learn_model(learnId: int, modelDownloadId: str, context: DeploymentReader) -> Response:
    """Return a file of a trained model."""
    model = trained_model(context, learnId)
    kind = next((kind for kind in MODEL_FILES if kind.id == modelDownloadId), None)
    if kind is None or kind.id not in model.files:
        raise ApiError(
            f"Block {learnId} has no model file {modelDownloadId!r}; it has"
            f" {', '.join(sorted({file.id for file in MODEL_FILES} & model.files.keys()))}"
        )
    path = context.store.blobs.path(model.files[kind.id])
    headers = {"Content-Disposition": f"attachment; filename={kind.filename}"}
    return stored_file(path, "application/octet-stream", headers)


def keras_config(context: RequestContext, learn: int) -> dict[str, Any]:
    """Return the fields of a `KerasResponse`."""
    impulse, block = learn_block(context.store, context.project, learn)
    made = [context.store.artifacts.features(context.project, id_) for id_ in block["dsp"]]
    names = [str(dsp.document["name"]) for dsp in processing_blocks(context.store, impulse, block)]
    count = sum(features.summary["featureCount"] for features in made if features)
    windows = max((features.summary["windowCount"] for features in made if features), default=0)
    model = context.store.artifacts.model(context.project, learn)
    classes = context.store.samples.labels(context.project)
    return keras_answer(block, settings(context, learn), model, names, classes, count, windows)


def settings(context: RequestContext, block: int) -> dict[str, Any]:
    """Return all settings of a learn block."""
    _, document = learn_block(context.store, context.project, block)
    made = [context.store.artifacts.features(context.project, id_) for id_ in document["dsp"]]
    columns = made[0].summary["bins"] if made and made[0] else 0
    return keras_settings(context.store.blocks.config(context.project, block), columns)


def trained_model(context: RequestContext, block: int) -> Model:
    """Return the trained model of a learn block. Raises ApiError if it is not trained."""
    learn_block(context.store, context.project, block)
    model = context.store.artifacts.model(context.project, block)
    if model is None:
        raise ApiError(f"Learn block {block} is not trained yet: start a training job")
    return model
