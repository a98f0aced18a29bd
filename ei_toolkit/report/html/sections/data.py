"""Clips and windows by label and side, and what leaks between the sides."""

from __future__ import annotations

from ei_toolkit.dataset.plan import rows_of_windows
from ei_toolkit.report.audit import read_audit
from ei_toolkit.report.html.markup import Html, Section, details, join, paragraph, preformatted, table
from ei_toolkit.report.project_summary import ProjectSummary


def data(facts: ProjectSummary) -> Section:
    """Counts, the way of splitting, and the artists that stand on both sides (none in an honest split)."""
    rows = [
        (row.label, row.split, row.clips, row.artists, row.windows, row.augmented)
        for row in rows_of_windows(facts.windows)
    ]
    head = ("label", "split", "clips", "artists", "windows", "augmented windows")
    settings = facts.config.settings
    how = (
        f"Windows of {settings.slice.window_ms / 1000:g} s every {settings.slice.hop_ms / 1000:g} s, split by"
        f" {settings.dataset.split}, level: {settings.slice.level}."
    )
    return Section("data", "Data", join([paragraph(how), table(head, rows), paragraph(_leaks(facts)), _audit(facts)]))


def _audit(facts: ProjectSummary) -> Html:
    """What `eitk dataset audit` heard in these clips: recordings that are there twice, faults, loudness."""
    said = read_audit(facts.config.paths)
    if said is None:
        return paragraph("Recordings under two names, faults and loudness: eitk dataset audit listens for them.")
    return details("What eitk dataset audit heard", preformatted(said))


def _leaks(facts: ProjectSummary) -> str:
    sides = {
        side: {(w.group, w.clip_sha256) for w in facts.windows if w.split == side} for side in ("training", "testing")
    }
    artists = {group for group, _ in sides["training"]} & {group for group, _ in sides["testing"]}
    clips = {clip for _, clip in sides["training"]} & {clip for _, clip in sides["testing"]}
    if not artists and not clips:
        return "No artist and no recording stands on both sides."
    shown = ", ".join(sorted(artists)[:8]) + (" …" if len(artists) > 8 else "")
    return f"{len(artists)} artists ({shown}) and {len(clips)} recordings stand on both sides: the test flatters."
