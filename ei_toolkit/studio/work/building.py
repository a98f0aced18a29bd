"""Building: a trained impulse as a library in a zip."""

from __future__ import annotations

from typing import Any

from ei_toolkit.eon.library import LibraryDspBlock, LibraryInfo, LibraryRequest, package
from ei_toolkit.studio.answers.keras import keras_settings
from ei_toolkit.studio.answers.project import OWNER
from ei_toolkit.studio.impulse import ProcessingBlock, fingerprint, processing_blocks
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.artifacts import Deployment
from ei_toolkit.studio.wire import now
from ei_toolkit.studio.work.task import Task
from ei_toolkit.studio.work.testing import trained


def build(task: Task) -> None:
    """The job: compile the model, package the library, store it under the version that was promised."""
    spec = task.job.spec
    impulse = task.store.blocks.get(task.project, int(spec["impulse"]))
    block, model = trained(task, impulse.blocks("learnBlocks"))
    file = f"tflite-{spec['model_type']}"
    if file not in model.files:
        raise Refusal(f"There is no {spec['model_type']} model: train with profileInt8, or build the float32 model")
    blocks = processing_blocks(task.store, impulse, block)
    settings = keras_settings(task.store.blocks.config(task.project, block["id"]), 0)
    task.say(f"Compiling {spec['model_type']} model with engine {spec['engine']}...")
    request = _request(task, blocks, tuple(model.summary["labels"]), task.store.blobs.read(model.files[file]), settings)
    with task.scratch() as folder:
        info = package(request, folder)
        blob = task.store.blobs.put_file(info.path)
    deployment = Deployment(
        version=int(spec["version"]), impulse=impulse.id, impulse_name=impulse.name, format=spec["format"],
        engine=spec["engine"], model_type=spec["model_type"], filename=info.path.name, blob=blob,
        fingerprint=fingerprint(task.store, impulse), info=_info(info), created=now(),
    )  # fmt: skip
    task.store.artifacts.add_deployment(task.project, deployment)
    task.say(f"Built {info.path.name}: arena {info.arena_bytes} bytes, model {info.model_sha256[:12]}")


def _request(
    task: Task, blocks: list[ProcessingBlock], labels: tuple[str, ...], tflite: bytes, settings: dict[str, Any]
) -> LibraryRequest:
    spec, project = task.job.spec, task.store.projects.get(task.project)
    if not blocks:
        raise Refusal("The learn block reads no processing block")
    return LibraryRequest(
        project_name=project.name,
        project_id=project.id,
        owner=OWNER,
        deploy_version=int(spec["version"]),
        labels=labels,
        tflite=tflite,
        window_samples=blocks[0].window_samples,
        frequency=blocks[0].frequency,
        dsp_blocks=tuple(
            LibraryDspBlock(b.id, b.type, b.version, dict(b.config), tuple(b.document["axes"])) for b in blocks
        ),
        learn_block_id=_learn_id(task, blocks),
        impulse_id=int(spec["impulse"]),
        engine=spec["engine"],
        model_type=spec["model_type"],
        target=spec["format"],
        threshold=float(settings["minimumConfidenceRating"]),
    )


def _learn_id(task: Task, blocks: list[ProcessingBlock]) -> int:
    impulse = task.store.blocks.get(task.project, blocks[0].impulse)
    return int(trained(task, impulse.blocks("learnBlocks"))[0]["id"])


def _info(info: LibraryInfo) -> dict[str, Any]:
    return {
        "sha256": info.sha256,
        "modelSha256": info.model_sha256,
        "arenaBytes": info.arena_bytes,
        "tableBytes": info.table_bytes,
    }
