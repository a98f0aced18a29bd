"""Building: packages a trained impulse or an uploaded model as a library in a zip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.eon.library import LibraryDspBlock, LibraryInfo, LibraryRequest, WindowLevel, package
from ei_toolkit.impulse.trained_model import API_PREFIX
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import DEFAULTS, keras_settings
from ei_toolkit.studio.http.project import OWNER
from ei_toolkit.studio.impulse import fingerprint, processing_blocks
from ei_toolkit.studio.jobs.pretrained import load
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.testing import trained
from ei_toolkit.studio.store.artifacts import Deployment
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.wire_format import now

PRETRAINED_FREQUENCY = 16000.0  # Hz, for a model whose input is not a signal


@dataclass(frozen=True)
class Source:
    """What a library is built from. `models` holds the digest of each variant's model."""

    labels: tuple[str, ...]
    models: Mapping[str, str]
    blocks: tuple[LibraryDspBlock, ...]
    window_samples: int
    frequency: float
    learn_block: int
    threshold: float


def build(task: Task) -> None:
    """Job: compile the model, package the library and store it with the version that was reserved for the job."""
    spec = task.job.spec
    impulse = task.store.blocks.get(task.project, int(spec["impulse"]))
    source = _pretrained(task) if impulse.document.get("type") == "BYOM" else _trained(task, impulse)
    task.log(f"Compiling {spec['model_type']} model with engine {spec['engine']}...")
    with task.scratch() as folder:
        info = package(_request(task, source), folder)
        blob = task.store.blobs.put_file(info.path)
    deployment = Deployment(
        version=int(spec["version"]), impulse=impulse.id, impulse_name=impulse.name, format=spec["format"],
        engine=spec["engine"], model_type=spec["model_type"], filename=info.path.name, blob=blob,
        fingerprint=fingerprint(task.store, impulse), info=_info(info), created=now(),
    )  # fmt: skip
    task.store.artifacts.add_deployment(task.project, deployment)
    task.log(f"Built {info.path.name}: arena {info.arena_bytes} bytes, model {info.model_sha256[:12]}")


def _trained(task: Task, impulse: Impulse) -> Source:
    block, model = trained(task, impulse.blocks("learnBlocks"))
    blocks = processing_blocks(task.store, impulse, block)
    if not blocks:
        raise ApiError("The learn block reads no processing block")
    settings = keras_settings(task.store.blocks.config(task.project, block["id"]), 0)
    return Source(
        labels=tuple(model.summary["labels"]),
        models={name.removeprefix(API_PREFIX): digest for name, digest in model.files.items()},
        blocks=tuple(
            LibraryDspBlock(b.id, b.type, b.version, dict(b.config), tuple(b.document["axes"])) for b in blocks
        ),
        window_samples=blocks[0].window_samples,
        frequency=blocks[0].frequency,
        learn_block=block["id"],
        threshold=float(settings["minimumConfidenceRating"]),
    )


def _pretrained(task: Task) -> Source:
    document = load(task)
    if "parameters" not in document:
        raise ApiError("The model's input and output are not described yet: send them to pretrained-model/save")
    parameters = document["parameters"]
    return Source(
        labels=tuple(parameters["model"]["labels"]),
        models=document["models"],
        blocks=(LibraryDspBlock(1, "raw", 1),),
        window_samples=document["inputs"][0]["shape"][-1],
        frequency=float(parameters["input"].get("frequencyHz", PRETRAINED_FREQUENCY)),
        learn_block=2,
        threshold=float(DEFAULTS["minimumConfidenceRating"]),
    )


def _request(task: Task, source: Source) -> LibraryRequest:
    spec, project = task.job.spec, task.store.projects.get(task.project)
    if spec["model_type"] not in source.models:
        raise ApiError(f"There is no {spec['model_type']} model; there is {', '.join(source.models)}")
    return LibraryRequest(
        project_name=project.name,
        project_id=project.id,
        owner=OWNER,
        deploy_version=int(spec["version"]),
        labels=source.labels,
        tflite=task.store.blobs.read(source.models[spec["model_type"]]),
        window_samples=source.window_samples,
        frequency=source.frequency,
        dsp_blocks=source.blocks,
        learn_block_id=source.learn_block,
        impulse_id=int(spec["impulse"]),
        engine=spec["engine"],
        model_type=spec["model_type"],
        target=spec["format"],
        threshold=source.threshold,
        level=WindowLevel(**spec.get("level", {})),
    )


def _info(info: LibraryInfo) -> dict[str, Any]:
    return {
        "sha256": info.sha256,
        "modelSha256": info.model_sha256,
        "arenaBytes": info.arena_bytes,
        "tableBytes": info.table_bytes,
    }
