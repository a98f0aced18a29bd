"""The results of an audit as text, as JSON, and in the file that the report reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.config import Config
from ei_toolkit.dataset.audit import Audit, Loudness, SameRecording
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.report.audit import AUDIT_NAME, as_data, as_text, read_audit, write_audit

CLEAN = Audit((), (), 0.0, 0, (), (), (), 0.5, 0.5, ())


def lines(**changes: Any) -> list[str]:
    return as_text(replace(CLEAN, **changes)).splitlines()


def test_clean_clips_have_no_finding() -> None:
    assert lines() == [
        "groups in both splits: none",
        "recordings with two names: 0, of which in both splits: 0",
        "clips without a known group: 0",
        "clips with a known fault: 0",
        "baselines on the testing clips: loudness only 50.0% correct, most frequent label 50.0% correct",
    ]
    assert as_data(CLEAN)["leaks"] is False


@pytest.mark.parametrize(("count", "named"), [(1, "a0"), (8, "a0, a1, a2, a3, a4, a5, a6, a7"),
                                              (9, "a0, a1, a2, a3, a4, a5, a6, a7 …")])  # fmt: skip
def test_eight_artists_of_both_splits_are_named(count: int, named: str) -> None:
    artists = tuple(f"a{number}" for number in range(count))
    (line,) = [one for one in lines(shared_artists=artists, test_clips_of_shared_artists=0.25) if "groups in" in one]
    assert line == f"groups in both splits: {count} ({named}), with 25% of the testing clips: LEAKS"


@pytest.mark.parametrize(
    ("offset", "leaks", "line"),
    [(None, False, "  a.wav = b.wav (another part)"), (1.25, True, "  a.wav = b.wav (+1.2 s) LEAKS"),
     (-0.5, False, "  a.wav = b.wav (-0.5 s)"), (0.0, True, "  a.wav = b.wav (+0.0 s) LEAKS")],
)  # fmt: skip
def test_two_names_of_a_recording_have_the_offset_with_its_sign(offset: float | None, leaks: bool, line: str) -> None:
    pair = SameRecording("a.wav", "b.wav", offset, leaks)
    found = lines(same_recordings=(pair,))
    assert line in found
    assert f"recordings with two names: 1, of which in both splits: {int(leaks)}" in found
    assert as_data(replace(CLEAN, same_recordings=(pair,)))["leaks"] is leaks


def test_faults_loudness_and_unreadable_clips_are_listed() -> None:
    found = lines(
        faults=(("größe.wav", "distorted"),), loudness=(Loudness("rock", -14.25, 2.5),), unreadable=("broken.mp3",)
    )
    assert "  größe.wav: distorted" in found
    assert "loudness of rock: -14.2 ± 2.5 dBFS" in found
    assert "cannot be read: broken.mp3" in found


@pytest.fixture
def config(project: Callable[..., Config]) -> Config:
    """A project with one window."""
    found = project()
    found.paths.windows.mkdir(parents=True)
    Manifest((Window("a.wav", "0" * 64, "a.wav", "1" * 64, "x", 0, "rock", "training"),)).write(found.paths.manifest)
    return found


def test_a_stored_audit_is_read_until_the_windows_change(config: Config) -> None:
    write_audit(config.paths, {"leaks": False}, "größe: –14 dBFS")
    assert read_audit(config.paths) == "größe: –14 dBFS"
    manifest = config.paths.manifest
    manifest.write_text(manifest.read_text().replace("rock", "jazz"))
    assert read_audit(config.paths) is None


def test_a_project_that_was_not_audited_has_no_audit(config: Config) -> None:
    assert read_audit(config.paths) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"text": "x"}', "3", '{"data_hash": null'])
def test_a_damaged_file_is_no_audit(config: Config, content: str) -> None:
    config.paths.state.mkdir(parents=True, exist_ok=True)
    (config.paths.state / AUDIT_NAME).write_text(content)
    assert read_audit(config.paths) is None


def test_the_file_has_the_findings_for_other_programs(config: Config) -> None:
    write_audit(config.paths, as_data(CLEAN), as_text(CLEAN))
    stored = json.loads((config.paths.state / AUDIT_NAME).read_text())
    assert stored["audit"]["clips_without_artist"] == 0
    assert len(stored["data_hash"]) == 64
