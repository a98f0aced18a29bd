"""Starting jobs: each route checks the request, stores the job and notifies the runner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ei_toolkit.config.setting import Level, range_of
from ei_toolkit.config.settings import PROGRAM_TARGETS, Engine, SliceSettings, engines_of
from ei_toolkit.impulse.trained_model import VARIANTS, ModelVariant
from ei_toolkit.studio.code_policy import accepted_script, check_script_change
from ei_toolkit.studio.http.deployments import TARGETS
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.learn import KerasBody, settings
from ei_toolkit.studio.http.request import Admin, Deployer, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import ImpulseId, Integer, Number, RequestModel, json_body, within
from ei_toolkit.studio.impulse import processing_block

router = APIRouter(prefix="/v1/api/{projectId:int}/jobs")


class FeaturesRequest(RequestModel):
    """A `GenerateFeaturesRequest`: the processing block."""

    dsp_id: Integer


class ClassifyRequest(RequestModel):
    """A `StartClassifyJobRequest`: the model variants to test; all if none are sent."""

    model_variants: list[ModelVariant] = []


class LevelParameters(RequestModel):
    """The parameters of a program: the level of the windows of the training. API clients send them as text."""

    level: Level = "none"
    target_dbfs: Annotated[Number, within(range_of(SliceSettings, "target_dbfs"))] = -20.0
    max_gain_db: Annotated[Number, within(range_of(SliceSettings, "max_gain_db"))] = 40.0


class BuildRequest(RequestModel):
    """A `BuildOnDeviceModelRequest`."""

    engine: Engine = "tflite-eon"
    model_type: ModelVariant = "int8"
    parameters: LevelParameters = LevelParameters()


@router.post("/generate-features")
def generate_features_job(
    context: Admin, body: Annotated[FeaturesRequest, Depends(json_body(FeaturesRequest))]
) -> Response:
    """Start a job that computes the features of all training samples."""
    block = processing_block(context.store, context.project, body.dsp_id)
    return started(queue(context, "generate-features", f"dsp-{block.id}", "Generating features", {"dsp": block.id}))


@router.post("/train/keras/{learnId:int}")
def train_keras_job(learnId: int, context: Admin, body: KerasBody) -> Response:
    """Store the settings that are sent, and start a job that trains a learn block with them."""
    changes, stored, allowed = body.sent(), settings(context, learnId), context.studio.options.allow_scripts
    check_script_change(stored, changes, allowed)
    spec = {"learn": learnId, "scripts": {learnId: accepted_script({**stored, **changes}, allowed)}}
    context.store.blocks.configure(context.project, learnId, changes)
    return started(queue(context, "train-keras", f"keras-{learnId}", "Training model", spec))


@router.post("/retrain")
def start_retrain_job(context: Admin, impulseId: ImpulseId = None) -> Response:
    """Start a job that computes the features and trains all blocks of the impulse with their stored settings."""
    impulse = context.store.blocks.get(context.project, impulseId)
    allowed, learn_blocks = context.studio.options.allow_scripts, impulse.blocks("learnBlocks")
    scripts = {block["id"]: accepted_script(settings(context, block["id"]), allowed) for block in learn_blocks}
    spec = {"impulse": impulse.id, "scripts": scripts}
    return started(queue(context, "retrain", f"retrain-{impulse.id}", "Retraining impulse", spec))


@router.post("/classify")
def start_classify_job(
    context: Admin,
    body: Annotated[ClassifyRequest, Depends(json_body(ClassifyRequest))],
    impulseId: ImpulseId = None,
    category: str = "testing",
) -> Response:
    """Start a job that tests the models on the samples of a category."""
    return _test(context, impulseId, "Classifying test data", category, body.model_variants or VARIANTS)


@router.post("/evaluate")
def start_evaluate_job(context: Admin, impulseId: ImpulseId = None, category: str = "testing") -> Response:
    """Start a job that tests every model variant on the samples of a category."""
    return _test(context, impulseId, "Evaluating impulse", category, VARIANTS)


@router.post("/build-ondevice-model")
def build_on_device_model_job(
    context: Deployer,
    body: Annotated[BuildRequest, Depends(json_body(BuildRequest))],
    impulseId: ImpulseId = None,
    target: Annotated[str, Query(alias="type")] = "zip",
) -> Response:
    """Start a job that builds a deployment; the response has the version to download."""
    impulse = context.store.blocks.get(context.project, impulseId)
    if target not in TARGETS:
        raise ApiError(f"There is no deployment target {target!r}; targets: {', '.join(TARGETS)}")
    if body.engine not in (engines := engines_of(target)):
        raise ApiError(f"{target} cannot be built with the engine {body.engine!r}; engines: {', '.join(engines)}")
    spec = {"impulse": impulse.id, "format": target, "engine": body.engine, "model_type": body.model_type}
    if target in PROGRAM_TARGETS:
        spec["level"] = body.parameters.model_dump()
    version = context.store.projects.next_deployment(context.project)
    key = f"build-{impulse.id}-{target}"
    job = queue(context, "build", key, "Building deployment", {**spec, "version": version})
    return answer({"id": job.id, "deploymentVersion": version})


def _test(
    context: RequestContext, impulse_id: int | None, name: str, category: str, variants: Sequence[ModelVariant]
) -> Response:
    impulse = context.store.blocks.get(context.project, impulse_id)
    spec = {"impulse": impulse.id, "variants": list(variants), "category": category}
    return started(queue(context, "classify", f"classify-{impulse.id}", name, spec))
