"""Metadata that a batch cannot share: the start of each window in its clip, added to many samples at once."""

from __future__ import annotations

from ei_toolkit.api.project import Studio
from ei_toolkit.api.samples import START, add_metadata
from ei_toolkit.api.upload.ledger import Entry, Ledger
from ei_toolkit.dataset.manifest import Manifest


def annotate(studio: Studio, manifest: Manifest, ledger: Ledger) -> int:
    """Tell the studio each window's start, one request for all windows that start alike; returns how many were told.

    Done after the upload because the headers of a request speak for all of its files, and windows of one clip share
    everything but their start. Safe to repeat.
    """
    entries = ledger.entries()
    alike: dict[tuple[str, int], list[Entry]] = {}
    for window in manifest.windows:
        entry = entries.get(window.sha256)
        if entry is not None and entry.state == "done" and entry.sample is not None and not entry.annotated:
            alike.setdefault((window.split, window.start_ms), []).append(entry)
    for (category, start_ms), told in alike.items():
        add_metadata(studio, category, [e.sample for e in told if e.sample is not None], START, str(start_ms))
        ledger.record(Entry(e.sha256, e.file, "done", e.sample, "", True) for e in told)
    return sum(map(len, alike.values()))
