"""Starting jobs: check what is asked, write it down, wake the runner."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.http.deployments import ENGINES, TARGETS
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.impulses import wanted_impulse
from ei_toolkit.studio.http.job_queue import queue, started
from ei_toolkit.studio.http.learn import read_keras, require_permission, settings
from ei_toolkit.studio.http.request import Admin, Body, Deployer, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.impulse import learn_block, processing_block
from ei_toolkit.studio.parameters import RequestParameters

router = APIRouter(prefix="/v1/api/{projectId:int}/jobs")
VARIANTS = ("int8", "float32")


@router.post("/generate-features")
def generate_features_job(call: Admin, body: Body) -> Response:
    """Run a processing block over all training samples."""
    block = processing_block(call.store, call.project, body.integer("dspId"))
    return started(queue(call, "generate-features", f"dsp-{block.id}", "Generating features", {"dsp": block.id}))


@router.post("/train/keras/{learnId:int}")
def train_keras_job(learnId: int, call: Admin, body: Body) -> Response:
    """Train a learn block with the settings that are sent, and keep them."""
    learn_block(call.store, call.project, learnId)
    changes = read_keras(body)
    require_permission(call, {**settings(call, learnId), **changes})
    call.store.blocks.configure(call.project, learnId, changes)
    return started(queue(call, "train-keras", f"keras-{learnId}", "Training model", {"learn": learnId}))


@router.post("/retrain")
def start_retrain_job(call: Admin) -> Response:
    """Features and training of the whole impulse, with the last known settings."""
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    for block in impulse.blocks("learnBlocks"):
        require_permission(call, settings(call, block["id"]))
    return started(queue(call, "retrain", f"retrain-{impulse.id}", "Retraining impulse", {"impulse": impulse.id}))


@router.post("/classify")
def start_classify_job(call: Admin, body: Body) -> Response:
    """Try the models on the test set."""
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    spec = {"impulse": impulse.id, "variants": _variants(body), "category": call.query.text("category", "testing")}
    return started(queue(call, "classify", f"classify-{impulse.id}", "Classifying test data", spec))


@router.post("/evaluate")
def start_evaluate_job(call: Admin) -> Response:
    """Try every variant on the test set."""
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    spec = {"impulse": impulse.id, "variants": VARIANTS, "category": call.query.text("category", "testing")}
    return started(queue(call, "classify", f"classify-{impulse.id}", "Evaluating impulse", spec))


@router.post("/build-ondevice-model")
def build_on_device_model_job(call: Deployer, body: Body) -> Response:
    """Build a library; the answer names the version to download."""
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    return build(call, impulse.id, call.query.text("type", "zip"), body)


def build(call: RequestContext, impulse: int, target: str, body: RequestParameters) -> Response:
    """Queue a build; its deployment version is reserved at once."""
    engine, model_type = body.text("engine", "tflite-eon"), body.text("modelType", "int8")
    if target not in TARGETS:
        raise ApiError(f"There is no deployment target {target!r}; there are {', '.join(TARGETS)}")
    if engine not in ENGINES or model_type not in VARIANTS:
        raise ApiError(f"engine must be one of {', '.join(ENGINES)}; modelType int8 or float32")
    spec = {"impulse": impulse, "format": target, "engine": engine, "model_type": model_type}
    version = call.store.projects.next_deployment(call.project)
    job = queue(call, "build", f"build-{impulse}-{target}", "Building deployment", {**spec, "version": version})
    return answer({"id": job.id, "deploymentVersion": version})


def _variants(body: RequestParameters) -> list[str]:
    variants = [str(variant) for variant in body.items("modelVariants")] or list(VARIANTS)
    if not set(variants) <= set(VARIANTS):
        raise ApiError(f"modelVariants may hold {', '.join(VARIANTS)}")
    return variants
