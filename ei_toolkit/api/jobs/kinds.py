"""Starting each kind of job."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.api.answer import Answer
from ei_toolkit.api.impulse.bodies import learn_body
from ei_toolkit.api.impulse.state import LearnState
from ei_toolkit.api.jobs.job import Started, running, start
from ei_toolkit.api.official import official
from ei_toolkit.api.project import Studio
from ei_toolkit.api.results import Variant


def start_features(studio: Studio, dsp_id: int) -> Started:
    """Features of one processing block for all training samples."""
    body = official("GenerateFeaturesRequest")(dspId=dsp_id, calculateFeatureImportance=False, skipFeatureExplorer=True)
    return running(studio, f"dsp-{dsp_id}") or start(
        lambda: studio.transport.post(studio.path("jobs", "generate-features"), body)
    )


def start_training(studio: Studio, learn_id: int, learn: LearnState) -> Started:
    """Training of the learn block. The settings are stored first: the job alone does not always take them over."""
    if under_way := running(studio, f"keras-{learn_id}"):
        return under_way
    body = learn_body(learn)
    studio.transport.post(studio.path("training", "keras", learn_id), body, repeatable=True)
    return start(lambda: studio.transport.post(studio.path("jobs", "train", "keras", learn_id), body))


def start_retrain(studio: Studio, impulse_id: int) -> Started:
    """Features and training in one job, with the settings that the studio has."""
    return start(lambda: studio.transport.post(studio.path("jobs", "retrain"), impulseId=impulse_id))


def start_test(studio: Studio, impulse_id: int, variants: Sequence[Variant]) -> Started:
    """The test set through the trained model, for each variant."""
    body = official("StartClassifyJobRequest")(modelVariants=list(variants))
    return start(lambda: studio.transport.post(studio.path("jobs", "classify"), body, impulseId=impulse_id))


def start_build(studio: Studio, impulse_id: int, target: str, engine: str, model_type: str) -> Started:
    """A library. The answer's `deploymentVersion` is what may be downloaded once the job has succeeded."""
    body = official("BuildOnDeviceModelRequest")(engine=engine, modelType=model_type)
    path = studio.path("jobs", "build-ondevice-model")
    return start(lambda: studio.transport.post(path, body, type=target, impulseId=impulse_id))


def start_profile(studio: Studio, learn_id: int) -> None:
    """Have estimates of time and memory on devices made anew; `profiling_job` says by which job."""
    studio.transport.post(studio.path("training", "keras", learn_id, "profile"))


def profiling_job(studio: Studio, learn_id: int) -> int | None:
    """The job that profiles a learn block, while there is one."""
    path = studio.path("training", "keras", learn_id, "metadata")
    answer = Answer(studio.transport.get(path, excludeLabels=True), "the trained model")
    jobs = [m.integer("profilingJobId") for m in answer.objects("modelValidationMetrics") if m.has("profilingJobId")]
    return max(jobs, default=None)
