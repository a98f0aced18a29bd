"""A data card in Markdown for the clips of a project: what they are, where from, how they are split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ei_toolkit.config import Settings
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import Plan, rows_of_plan, rows_of_windows
from ei_toolkit.evaluation.run_log import code_version, data_hash
from ei_toolkit.report.nightly_summary import confusion, trial_table
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.tables import Cell, Table, percent

DATA_LICENCE_GAP = """\
GTZAN was collected in 2000 and 2001 from CDs, radio and microphone recordings; its author says himself that he had no
permission from those who hold the rights, and it was published without a licence. Nobody can grant you one now. eitk
carries an index of the tracks (names, checksums, artists) and never the audio. Whether you may copy the clips, and
publish what was trained on them, depends on the law where you are."""
OWN_CLIPS = "Clips outside of GTZAN are yours to account for: eitk knows nothing of their licence."


def data_card(settings: Settings, plan: Plan) -> str:
    """The card. It is written from the plan alone, so it is right before a window has been cut."""
    return "\n".join(_lines(settings, plan)) + "\n"


def _lines(settings: Settings, plan: Plan) -> Iterator[str]:
    tracks = [task.known.track for task in plan.tasks if task.known.track]
    groups = {task.known.group for task in plan.tasks}
    yield f"# Data of {settings.project.name}"
    yield ""
    yield f"{len(plan.tasks)} clips, {len(groups)} artist groups. {len(tracks)} of the clips are tracks of the"
    yield "GTZAN genre collection (Tzanetakis and Cook, 2002)."
    yield ""
    yield from _composition(plan)
    yield from _split(settings)
    yield from _faults(plan)
    yield "## Licence"
    yield ""
    yield from filter(None, [DATA_LICENCE_GAP if tracks else "", OWN_CLIPS if len(tracks) < len(plan.tasks) else ""])


def _composition(plan: Plan) -> Iterator[str]:
    yield "## Composition"
    yield ""
    yield "| label | split | clips | artists |"
    yield "|---|---|---:|---:|"
    for row in rows_of_plan(plan):
        yield f"| {row.label} | {row.split} | {row.clips} | {row.artists} |"
    yield ""


def _split(settings: Settings) -> Iterator[str]:
    cut, data = settings.slice, settings.dataset
    how = (
        f", {data.test_fraction:.0%} of each label held out, seed {data.seed}" if data.split != "fault-filtered" else ""
    )
    yield "## Split and preparation"
    yield ""
    yield f"* Split: {data.split}{how}."
    yield f"* Clips become mono, 16-bit, {cut.sample_rate} Hz, cut into {cut.window_ms} ms every {cut.hop_ms} ms."
    yield f"* Level: {cut.level}. Altered copies of each training window: {cut.augment.copies}."
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
    "The clips are GTZAN's. GTZAN was collected without permission of the rights holders and carries no licence:"
    " research uses it, and whether a model trained on it may be sold is an open question."
)


def model_card(facts: ProjectSummary) -> str:
    """The card as Markdown; what is not known yet is left out, never guessed."""
    return "\n".join([_front_matter(facts), *_body(facts)]) + "\n"


def is_gtzan(facts: ProjectSummary) -> bool:
    """Whether every clip is a track of GTZAN."""
    index = load_index()
    clips = {(window.clip, window.label, window.clip_sha256) for window in facts.windows}
    return all(index.find(*clip) is not None for clip in clips)


def _front_matter(facts: ProjectSummary) -> str:
    """YAML; every value is written as JSON, which YAML contains."""
    fields: dict[str, Any] = {
        "library_name": "tflite",
        "pipeline_tag": "audio-classification",
        "tags": list(TAGS),
        "license": "other" if is_gtzan(facts) else "unknown",
        "model-index": [{"name": facts.config.settings.project.name, "results": _results(facts)}],
    }
    if is_gtzan(facts):
        fields["datasets"] = [GTZAN]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _results(facts: ProjectSummary) -> list[dict[str, Any]]:
    figures = facts.latest("gate")
    if not figures:
        return []
    own = figures["challenger"]
    dataset = {"name": "GTZAN" if is_gtzan(facts) else "own clips", "type": GTZAN if is_gtzan(facts) else "folder"}
    metrics = [
        {
            "type": "accuracy",
            "name": "thresholded accuracy, held-out artists",
            "value": round(own["thresholded_accuracy"], 4),
        },
        {"type": "accuracy", "name": "clips right, held-out artists", "value": round(own["track_accuracy"], 4)},
    ]
    return [{"task": {"type": "audio-classification"}, "dataset": dataset, "metrics": metrics}]


def _body(facts: ProjectSummary) -> Iterator[str]:
    settings = facts.config.settings
    yield f"\n# {' '.join(settings.project.name.split())}\n"
    yield (
        f"Tells {', '.join(facts.labels)} apart in {settings.slice.window_ms / 1000:g} s of sound at"
        f" {settings.slice.sample_rate} Hz, on a microcontroller with a microphone (Arduino Nano 33 BLE Sense)."
        f" Under a score of {settings.board.threshold:g} it says that it does not know.\n"
    )
    yield "## Data\n"
    rows = tuple((row.label, row.split, row.clips, row.artists, row.windows) for row in rows_of_windows(facts.windows))
    yield Table("", ("label", "split", "clips", "artists", "windows"), rows).markdown()
    yield f"Split by {settings.dataset.split}." + (f" {LICENCE_GAP}" if is_gtzan(facts) else "") + "\n"
    yield from _tested(facts)
    yield from _made_with(facts)
    yield "## Limits\n"
    yield (
        "It was tested on recordings and in simulated rooms, not in yours. It knows only its own labels: any other"
        " sound is pressed into one of them or answered with a low score. Genres are opinions of those who labelled the"
        " clips.\n"
    )
    yield from _provenance(facts)


def _tested(facts: ProjectSummary) -> Iterator[str]:
    figures = facts.latest("gate")
    if figures:
        yield f"## Test\n\n{figures['text']}\n"
        yield trial_table(figures).markdown()
        yield confusion(facts.labels, figures["challenger"]["confusion"]).markdown()
    clean: Mapping[str, Any] = facts.evaluation.get("clean", {})
    if clean:
        conditions = {"clean": clean, **facts.evaluation.get("conditions", {})}
        rows: list[tuple[Cell, ...]] = [
            (name, percent(row.get("window_accuracy")), percent(row.get("track_accuracy")))
            for name, row in conditions.items()
        ]
        protocol = facts.evaluation.get("protocol", "test")
        yield Table(f"Under conditions, protocol {protocol}", ("condition", "windows", "clips"), tuple(rows)).markdown()


def _made_with(facts: ProjectSummary) -> Iterator[str]:
    settings = facts.config.settings
    yield "## How it is made\n"
    for block in settings.impulse.dsp:
        chosen = ", ".join(f"{key} {value}" for key, value in block.params.items())
        yield f"* Features: {block.type}, version {block.implementation_version}: {chosen}."
    layers = " → ".join(layer.type for layer in settings.impulse.layers) or settings.impulse.script
    yield f"* Network: {layers}; int8."
    own = settings.training
    yield f"* Training: {own.epochs} epochs, learning rate {own.learning_rate:g}, batches of {own.batch_size}.\n"


def _provenance(facts: ProjectSummary) -> Iterator[str]:
    yield "## Provenance\n"
    yield f"* Code: eitk {code_version()}"
    yield f"* Window manifest, SHA-256: `{data_hash(facts.config.paths)}`"
    if facts.lock:
        yield f"* Model, SHA-256: `{facts.lock.model_sha256}` (deployment {facts.lock.deployment_version})"
        yield f"* Library: {facts.lock.zip.rsplit('/', 1)[-1]}, SHA-256: `{facts.lock.zip_sha256}`"
