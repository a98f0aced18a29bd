"""Starting jobs: check what is asked, write it down, wake the runner."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.impulse.variants import VARIANTS
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


@router.post("/generate-features")
def generate_features_job(context: Admin, body: Body) -> Response:
    """Run a processing block over all training samples."""
    block = processing_block(context.store, context.project, body.integer("dspId"))
    return started(queue(context, "generate-features", f"dsp-{block.id}", "Generating features", {"dsp": block.id}))


@router.post("/train/keras/{learnId:int}")
def train_keras_job(learnId: int, context: Admin, body: Body) -> Response:
    """Train a learn block with the settings that are sent, and keep them."""
    learn_block(context.store, context.project, learnId)
    changes = read_keras(body)
    require_permission(context, {**settings(context, learnId), **changes})
    context.store.blocks.configure(context.project, learnId, changes)
    return started(queue(context, "train-keras", f"keras-{learnId}", "Training model", {"learn": learnId}))


@router.post("/retrain")
def start_retrain_job(context: Admin) -> Response:
    """Features and training of the whole impulse, with the last known settings."""
    impulse = context.store.blocks.get(context.project, wanted_impulse(context))
    for block in impulse.blocks("learnBlocks"):
        require_permission(context, settings(context, block["id"]))
    return started(queue(context, "retrain", f"retrain-{impulse.id}", "Retraining impulse", {"impulse": impulse.id}))


@router.post("/classify")
def start_classify_job(context: Admin, body: Body) -> Response:
    """Try the models on the test set."""
    impulse = context.store.blocks.get(context.project, wanted_impulse(context))
    spec = {"impulse": impulse.id, "variants": _variants(body), "category": context.query.text("category", "testing")}
    return started(queue(context, "classify", f"classify-{impulse.id}", "Classifying test data", spec))


@router.post("/evaluate")
def start_evaluate_job(context: Admin) -> Response:
    """Try every variant on the test set."""
    impulse = context.store.blocks.get(context.project, wanted_impulse(context))
    spec = {"impulse": impulse.id, "variants": VARIANTS, "category": context.query.text("category", "testing")}
    return started(queue(context, "classify", f"classify-{impulse.id}", "Evaluating impulse", spec))


@router.post("/build-ondevice-model")
def build_on_device_model_job(context: Deployer, body: Body) -> Response:
    """Build a library; the answer names the version to download."""
    impulse = context.store.blocks.get(context.project, wanted_impulse(context))
    return build(context, impulse.id, context.query.text("type", "zip"), body)


def build(context: RequestContext, impulse: int, target: str, body: RequestParameters) -> Response:
    """Queue a build; its deployment version is reserved at once."""
    engine, model_type = body.text("engine", "tflite-eon"), body.text("modelType", "int8")
    if target not in TARGETS:
        raise ApiError(f"There is no deployment target {target!r}; there are {', '.join(TARGETS)}")
    if engine not in ENGINES or model_type not in VARIANTS:
        raise ApiError(f"engine must be one of {', '.join(ENGINES)}; modelType int8 or float32")
    spec = {"impulse": impulse, "format": target, "engine": engine, "model_type": model_type}
    version = context.store.projects.next_deployment(context.project)
    job = queue(context, "build", f"build-{impulse}-{target}", "Building deployment", {**spec, "version": version})
    return answer({"id": job.id, "deploymentVersion": version})


def _variants(body: RequestParameters) -> list[str]:
    variants = [str(variant) for variant in body.items("modelVariants")] or list(VARIANTS)
    if not set(variants) <= set(VARIANTS):
        raise ApiError(f"modelVariants may hold {', '.join(VARIANTS)}")
    return variants
