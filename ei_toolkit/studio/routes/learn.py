"""Learn blocks: settings, metrics, trained models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from ei_toolkit.studio.access import Admin, Body, Call, DeploymentReader, Reader
from ei_toolkit.studio.answers.downloads import MODEL_FILES, downloads
from ei_toolkit.studio.answers.keras import keras_answer, keras_metadata, keras_settings, read_keras
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.impulse import learn_block, processing_blocks
from ei_toolkit.studio.jobs.queue import queue
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.artifacts import Model

router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/training/keras/{learnId:int}")
def get_keras(learnId: int, call: Reader) -> Response:
    """Settings of a learn block."""
    return answer(keras_config(call, learnId))


@router.post("/training/keras/{learnId:int}")
def set_keras(learnId: int, call: Admin, body: Body) -> Response:
    """Overwrite the settings that are sent."""
    learn_block(call.store, call.project, learnId)
    changes = read_keras(body)
    require_permission(call, changes)
    call.store.blocks.configure(call.project, learnId, changes)
    return answer()


@router.get("/training/keras/{learnId:int}/metadata")
def get_keras_metadata(learnId: int, call: Reader) -> Response:
    """What the training gave, variant by variant."""
    return answer(keras_metadata(trained_model(call, learnId)))


@router.post("/training/keras/{learnId:int}/profile")
def start_keras_profile_job(learnId: int, call: Admin) -> Response:
    """Estimate the models on the devices again."""
    trained_model(call, learnId)
    queue(call, "profile-keras", f"profile-{learnId}", "Profiling model", {"learn": learnId})
    return answer()


@router.get("/downloads")
def list_downloads(call: DeploymentReader) -> Response:
    """Files that can be downloaded: the models of every trained block."""
    found: list[dict[str, Any]] = []
    for impulse in call.store.blocks.impulses(call.project):
        for block in impulse.blocks("learnBlocks"):
            if model := call.store.artifacts.model(call.project, block["id"]):
                sizes = {name: call.store.blobs.path(digest).stat().st_size for name, digest in model.files.items()}
                found += downloads(call.project, impulse.id, block, sizes)
    return answer({"downloads": found})


@router.get("/learn-data/{learnId:int}/model/{modelDownloadId}")
def download_learn_model(learnId: int, modelDownloadId: str, call: DeploymentReader) -> Response:
    """A trained model."""
    model = trained_model(call, learnId)
    kind = next((kind for kind in MODEL_FILES if kind.id == modelDownloadId), None)
    if kind is None or kind.id not in model.files:
        raise Refusal("No model with this ID found")
    path = call.store.blobs.path(model.files[kind.id])
    headers = {"Content-Disposition": f"attachment; filename={kind.filename}"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def keras_config(call: Call, learn: int) -> dict[str, Any]:
    """Fields of a `KerasResponse`."""
    impulse, block = learn_block(call.store, call.project, learn)
    made = [call.store.artifacts.features(call.project, id_) for id_ in block["dsp"]]
    names = [str(dsp.document["name"]) for dsp in processing_blocks(call.store, impulse, block)]
    count = sum(features.summary["featureCount"] for features in made if features)
    windows = max((features.summary["windowCount"] for features in made if features), default=0)
    model = call.store.artifacts.model(call.project, learn)
    classes = call.store.samples.labels(call.project)
    return keras_answer(block, settings(call, learn), model, names, classes, count, windows)


def settings(call: Call, block: int) -> dict[str, Any]:
    """All settings of a learn block."""
    _, document = learn_block(call.store, call.project, block)
    made = [call.store.artifacts.features(call.project, id_) for id_ in document["dsp"]]
    columns = made[0].summary["bins"] if made and made[0] else 0
    return keras_settings(call.store.blocks.config(call.project, block), columns)


def require_permission(call: Call, changes: dict[str, Any]) -> None:
    """Refuse a script unless this studio was started to run scripts: a script is code."""
    if changes.get("mode") == "expert" and not call.studio.options.allow_scripts:
        raise Refusal("Expert mode runs a Keras script, which is code; this studio was started without --allow-scripts")


def trained_model(call: Call, block: int) -> Model:
    """The trained model of a learn block."""
    learn_block(call.store, call.project, block)
    model = call.store.artifacts.model(call.project, block)
    if model is None:
        raise Refusal("This block is not trained yet")
    return model
