"""Cards in Markdown: the data card of a project's clips, and the model card of its last model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ei_toolkit.config import Settings
from ei_toolkit.config.code_version import code_version
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import Plan, rows_of_plan, rows_of_windows
from ei_toolkit.evaluation.run_log import data_hash
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, TOP_1, thresholded_name
from ei_toolkit.report.headlines import headlines, missing_steps
from ei_toolkit.report.nightly_summary import gate_confusion, trial_table
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.result_tables import condition_table
from ei_toolkit.report.tables import Table

DATA_LICENCE_GAP = """\
GTZAN was collected in 2000 and 2001 from CDs, radio and microphone recordings. Its author states that he had no
permission of the rights holders, and it was published without a licence, which nobody can grant now. eitk contains an
index of the tracks (names, checksums, artists) and no audio. Whether you may copy the clips, and publish a model that
was trained on them, depends on the law of your country."""
OWN_CLIPS = "You are responsible for the licence of clips that are not part of GTZAN; eitk has no information about it."


def data_card(settings: Settings, plan: Plan) -> str:
    """Return the data card. It needs only the plan, so it can be written before the clips are cut into windows."""
    return "\n".join(_lines(settings, plan)) + "\n"


def _lines(settings: Settings, plan: Plan) -> Iterator[str]:
    tracks = [task.known.track for task in plan.tasks if task.known.track]
    groups = {task.known.group for task in plan.tasks}
    yield f"# Data of {settings.project.name}"
    yield ""
    yield f"{len(plan.tasks)} clips, {len(groups)} groups. {len(tracks)} of the clips are tracks of the"
    yield "GTZAN genre collection (Tzanetakis and Cook, 2002)."
    yield ""
    yield from _composition(plan)
    yield from _split(settings, plan)
    yield from _faults(plan)
    yield "## Licence"
    yield ""
    yield from filter(None, [DATA_LICENCE_GAP if tracks else "", OWN_CLIPS if len(tracks) < len(plan.tasks) else ""])


def _composition(plan: Plan) -> Iterator[str]:
    yield "## Composition"
    yield ""
    yield "| label | split | clips | groups |"
    yield "|---|---|---:|---:|"
    for row in rows_of_plan(plan):
        yield f"| {row.label} | {row.split} | {row.clips} | {row.groups} |"
    yield ""


def _split(settings: Settings, plan: Plan) -> Iterator[str]:
    cut, data = settings.slice, settings.dataset
    how = (
        f", {data.test_fraction:.0%} of each label held out, seed {data.seed}" if data.split != "fault-filtered" else ""
    )
    yield "## Split and preparation"
    yield ""
    layout = plan.layout
    yield f"* Labels: {layout.labels_from.words}."
    if layout.split_from.words:
        yield f"* Split: {layout.split_from.words}."
    else:
        yield f"* Split: {data.split}{how}."
    if layout.group_from.words:
        yield f"* Groups: {layout.group_from.words}."
    yield f"* Clips are converted to mono, 16-bit, {cut.sample_rate} Hz."
    yield f"* A window of {cut.window_ms} ms is cut every {cut.hop_ms} ms."
    yield f"* Level: {cut.level}. Augmented copies of each training window: {cut.augment.copies}."
    yield ""


def _faults(plan: Plan) -> Iterator[str]:
    reasons = Counter(item.reason for item in plan.skipped)
    faults = [(t.known.track.track, t.known.track.fault) for t in plan.tasks if t.known.track and t.known.track.fault]
    if not reasons and not faults:
        return
    yield "## Known faults"
    yield ""
    yield from (f"* {number} clips left out: {reason}" for reason, number in reasons.most_common())
    yield from (f"* {track}: {fault}" for track, fault in faults)
    yield ""


TAGS = ("audio", "music-genre", "tinyml", "edge-impulse", "arduino", "int8")
GTZAN = "marsyas/gtzan"
LICENCE_GAP = (
    "The clips are part of GTZAN, which was collected without permission of the rights holders and has no licence."
    " It is used in research. Whether a model that was trained on it may be sold is an open legal question."
)


def model_card(summary: ProjectSummary) -> str:
    """Return the model card as Markdown; it leaves out what is not known yet."""
    return "\n".join([_front_matter(summary), *_body(summary)]) + "\n"


def is_gtzan(summary: ProjectSummary) -> bool:
    """Whether every clip is a track of GTZAN."""
    index = load_index()
    clips = {(window.clip, window.label, window.clip_sha256) for window in summary.windows}
    return all(index.find(*clip) is not None for clip in clips)


def _front_matter(summary: ProjectSummary) -> str:
    """Return the front matter in YAML; every value is written as JSON, which is also valid YAML."""
    fields: dict[str, Any] = {
        "library_name": "tflite",
        "pipeline_tag": "audio-classification",
        "tags": list(TAGS),
        "license": "other" if is_gtzan(summary) else "unknown",
        "model-index": [{"name": summary.config.settings.project.name, "results": _results(summary)}],
    }
    if is_gtzan(summary):
        fields["datasets"] = [GTZAN]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _results(summary: ProjectSummary) -> list[dict[str, Any]]:
    figures = summary.latest("gate")
    if not figures:
        return []
    own = figures["challenger"]
    dataset = {"name": "GTZAN" if is_gtzan(summary) else "own clips", "type": GTZAN if is_gtzan(summary) else "folder"}
    metrics = [
        {
            "type": "accuracy",
            "name": f"{name}, held-out groups",
            "value": round(value, 4),
        }
        for name, value in (
            (thresholded_name(figures.get("threshold")), own["thresholded_accuracy"]),
            (TOP_1, own.get("top_1_accuracy")),
            (CLIP_ACCURACY, own["track_accuracy"]),
        )
        if value is not None
    ]
    return [{"task": {"type": "audio-classification"}, "dataset": dataset, "metrics": metrics}]


def _body(summary: ProjectSummary) -> Iterator[str]:
    settings = summary.config.settings
    yield f"\n# {' '.join(settings.project.name.split())}\n"
    yield (
        f"Classifies windows of {settings.slice.window_ms / 1000:g} s of sound at {settings.slice.sample_rate} Hz as"
        f" {', '.join(summary.labels)}, on a microcontroller with a microphone (Arduino Nano 33 BLE Sense)."
        f" A window whose highest score is below {settings.board.threshold:g} is reported as uncertain.\n"
    )
    yield from _summary(summary)
    yield "## Data\n"
    rows = tuple((row.label, row.split, row.clips, row.groups, row.windows) for row in rows_of_windows(summary.windows))
    yield Table("", ("label", "split", "clips", "groups", "windows"), rows).markdown()
    yield f"Split by {settings.dataset.split}." + (f" {LICENCE_GAP}" if is_gtzan(summary) else "") + "\n"
    yield from _tested(summary)
    yield from _made_with(summary)
    yield "## Limits\n"
    yield (
        "The model was tested on recordings and with simulated rooms and microphones, not in the place where you use"
        " it. It has no label for other sounds: it predicts one of its labels or reports them as uncertain. The genre"
        " of a clip is a judgement of the people who labelled it.\n"
    )
    yield from _provenance(summary)


def _summary(summary: ProjectSummary) -> Iterator[str]:
    found, missing = headlines(summary), missing_steps(summary)
    yield "## Summary\n"
    if found:
        rows = tuple((one.name, one.value, one.note) for one in found)
        yield Table("", ("figure", "value", "remarks"), rows).markdown()
    if missing:
        yield "Not done yet:\n"
        yield from (f"* {step.text}: `{step.command}`" for step in missing)
        yield ""


def _tested(summary: ProjectSummary) -> Iterator[str]:
    figures = summary.latest("gate")
    if figures:
        yield f"## Test\n\n{figures['text']}\n"
        yield trial_table(figures).markdown()
        yield gate_confusion(figures, summary.labels).markdown()
    if summary.evaluation.get("clean"):
        protocol = summary.evaluation.get("protocol", "test")
        yield condition_table(summary.evaluation, f"Under conditions, protocol {protocol}").markdown()


def _made_with(summary: ProjectSummary) -> Iterator[str]:
    settings = summary.config.settings
    yield "## How the model is made\n"
    for block in settings.impulse.dsp:
        chosen = ", ".join(f"{key} {value}" for key, value in block.params.items())
        yield f"* Features: {block.type}, version {block.implementation_version}: {chosen}."
    layers = " → ".join(layer.type for layer in settings.impulse.layers) or settings.impulse.script
    yield f"* Network: {layers}; int8."
    own = settings.training
    yield f"* Training: {own.epochs} epochs, learning rate {own.learning_rate:g}, batches of {own.batch_size}.\n"


def _provenance(summary: ProjectSummary) -> Iterator[str]:
    yield "## Provenance\n"
    yield f"* Code: eitk {code_version()}"
    yield f"* Window manifest, SHA-256: `{data_hash(summary.config.paths)}`"
    if summary.lock:
        yield f"* Model, SHA-256: `{summary.lock.model_sha256}` (deployment {summary.lock.deployment_version})"
        yield f"* Library: {summary.lock.zip.rsplit('/', 1)[-1]}, SHA-256: `{summary.lock.zip_sha256}`"
