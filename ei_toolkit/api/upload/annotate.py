"""Metadata that a batch cannot share: the start of each window in its clip, added to many samples at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from ei_toolkit.api.project import Studio
from ei_toolkit.api.samples import START, add_metadata
from ei_toolkit.api.upload.ledger import Entry, Ledger
from ei_toolkit.dataset.manifest import Manifest

AT_ONCE = 4  # requests


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
    with ThreadPoolExecutor(AT_ONCE, "annotate") as pool:
        asked = {pool.submit(_tell, studio, *key, told): told for key, told in alike.items()}
        for future in as_completed(asked):
            future.result()
            ledger.record(replace(entry, annotated=True) for entry in asked[future])
    return sum(map(len, alike.values()))


def _tell(studio: Studio, category: str, start_ms: int, told: Sequence[Entry]) -> None:
    add_metadata(studio, category, [e.sample for e in told if e.sample is not None], START, str(start_ms))
