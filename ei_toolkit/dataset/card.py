"""A data card in Markdown for the clips of a project: what they are, where from, how they are split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ei_toolkit.config import Settings
from ei_toolkit.dataset.plan import Plan
from ei_toolkit.dataset.summary import rows_of_plan

LICENCE_GAP = """\
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
    yield from filter(None, [LICENCE_GAP if tracks else "", OWN_CLIPS if len(tracks) < len(plan.tasks) else ""])


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
