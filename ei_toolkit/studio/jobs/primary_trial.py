"""A trial of the tuner as the default impulse of its project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.jobs.features import features_of_blocks
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.trial_documents import BLOCK_IDS
from ei_toolkit.studio.tuner_runs import TunerRuns


def set_primary(task: Task) -> None:
    """Job: make the impulse, the settings and the model of a trial those of the project's default impulse."""
    runs, store, project = TunerRuns(task.store, task.project), task.store, task.project
    job, trial = runs.trial(str(task.job.spec["trial"]))
    if trial["status"] != "completed":
        raise ApiError(f"Trial {trial['id']} is {trial['status']}, so its impulse cannot be used")
    stored, ids = trial["stored"], [store.projects.next_block(project) for _ in BLOCK_IDS]
    document = _with_ids(stored["document"], dict(zip(BLOCK_IDS, ids, strict=True)))
    before = store.blocks.find(project)
    with store.database.exclusive():
        if before is not None:
            for kind in ("inputBlocks", "dspBlocks", "learnBlocks"):
                for block in before.blocks(kind):
                    store.blocks.delete_block_data(project, block["id"])
            store.artifacts.clear_results(project, "classify", before.id)
        name = str(task.job.spec.get("name") or trial["name"])
        store.blocks.put(project, before.id if before else 1, name, document)
        store.blocks.configure(project, ids[1], stored["dsp"])
        store.blocks.configure(project, ids[2], stored["keras"])
    impulse = store.blocks.get(project, before.id if before else 1)
    reader = ProcessingBlock(ids[1], impulse.id, document["dspBlocks"][0], document["inputBlocks"][0], stored["dsp"])
    features_of_blocks(task, [reader], "training")
    store.artifacts.put_model(project, ids[2], runs.model_files(stored["job"], trial["id"]), stored["summary"])
    state = runs.state(job.id)
    for each in state["trials"]:
        if each["id"] == trial["id"]:
            each["impulseAddedToProject"] = {"impulseId": impulse.id, "link": f"/studio/{project}/impulse/{impulse.id}"}
    runs.set_state(job.id, state)
    task.log(f"The impulse of {trial['name']} is the impulse of the project")


def _with_ids(document: Mapping[str, Any], ids: Mapping[int, int]) -> dict[str, Any]:
    """Return the document of an impulse with other block ids."""
    found: dict[str, Any] = dict(document)
    for kind in ("inputBlocks", "dspBlocks", "learnBlocks"):
        found[kind] = [{**block, "id": ids[block["id"]]} for block in document[kind]]
    found["dspBlocks"] = [{**block, "input": ids[block["input"]]} for block in found["dspBlocks"]]
    found["learnBlocks"] = [{**block, "dsp": [ids[id_] for id_ in block["dsp"]]} for block in found["learnBlocks"]]
    return found
