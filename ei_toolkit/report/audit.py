"""The results of `eitk dataset audit` as JSON and as text, and the file that the report reads them from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.units import counted
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.audit import Audit
from ei_toolkit.evaluation.run_log import data_hash


def as_data(audit: Audit) -> dict[str, Any]:
    """Return all findings for --json."""
    return {**asdict(audit), "leaks": audit.leaks}


def as_text(audit: Audit) -> str:
    """Return the findings as text."""
    return "\n".join(_lines(audit))


def _lines(audit: Audit) -> Iterator[str]:
    for row in audit.rows:
        yield f"{row.label} {row.split}: {counted(row.clips, 'clip')} of {counted(row.groups, 'group')}"
    yield _artists(audit)
    pairs = audit.same_recordings
    yield f"recordings with two names: {len(pairs)}, of which in both splits: {sum(pair.leaks for pair in pairs)}"
    for pair in pairs:
        where = "another part" if pair.offset is None else f"{pair.offset:+.1f} s"
        yield f"  {pair.first} = {pair.second} ({where}){' LEAKS' if pair.leaks else ''}"
    yield f"clips without a known group: {audit.clips_without_artist}"
    yield f"clips with a known fault: {len(audit.faults)}"
    yield from (f"  {clip}: {fault}" for clip, fault in audit.faults)
    yield from (f"loudness of {one.label}: {one.mean_dbfs:.1f} ± {one.spread_db:.1f} dBFS" for one in audit.loudness)
    yield (
        f"baselines on the testing clips: loudness only {audit.loudness_accuracy:.1%} correct, most frequent label "
        f"{audit.majority_accuracy:.1%} correct"
    )
    yield from (f"cannot be read: {clip}" for clip in audit.unreadable)


def _artists(audit: Audit) -> str:
    if not audit.shared_artists:
        return "groups in both splits: none"
    named = ", ".join(audit.shared_artists[:8]) + (" …" if len(audit.shared_artists) > 8 else "")
    share = audit.test_clips_of_shared_artists
    return f"groups in both splits: {len(audit.shared_artists)} ({named}), with {share:.0%} of the testing clips: LEAKS"


AUDIT_NAME = "audit.json"


def write_audit(paths: ProjectPaths, data: Mapping[str, Any], text: str) -> None:
    """Write the findings together with the hash of the windows that were audited."""
    kept = {"data_hash": data_hash(paths), "text": text, "audit": data}
    write_text(paths.state / AUDIT_NAME, json.dumps(kept, indent=1) + "\n")


def read_audit(paths: ProjectPaths) -> str | None:
    """Return the text of the last audit; None where the present windows were not audited."""
    try:
        kept = read_json((paths.state / AUDIT_NAME).read_text(encoding="utf-8"))
        return str(kept["text"]) if kept["data_hash"] == data_hash(paths) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
