"""Files of versions before 0.3, written out here as those versions wrote them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ei_toolkit.board.emulator.lifecycle import BoardFolder
from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.workflows.nightly import COMPLETE
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.migration import migrate_project
from ei_toolkit.dataset.manifest import Manifest, Window, manifest_hash
from ei_toolkit.dataset.provenance import PROVENANCE_NAME
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.run_log import SCHEMA, list_runs

OLD_MANIFEST = (
    "file,sha256,clip,clip_sha256,group,start_ms,label,split,recipe\n"
    'a.0.0101.wav,0101,"für ""Elise"", live.wav",0202,Beethoven,0,classical,training,tilt-0.6 gain+19.0\n'
    "b.0.0303.wav,0303,rock/b.wav,0404,b,0,rock,testing,\n"
)
WINDOWS = (
    Window("a.0.0101.wav", "0101", 'für "Elise", live.wav', "0202", "Beethoven", 0, "classical", "training",
           "tilt-0.6 gain+19.0"),
    Window("b.0.0303.wav", "0303", "rock/b.wav", "0404", "b", 0, "rock", "testing", ""),
)  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    return ProjectPaths(tmp_path)


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_project_without_files_needs_no_migration(paths: ProjectPaths) -> None:
    assert migrate_project(paths) == []
    assert list(paths.root.iterdir()) == []


def test_the_column_of_an_old_manifest_is_renamed(paths: ProjectPaths) -> None:
    write(paths.manifest, OLD_MANIFEST)
    assert migrate_project(paths) == ["migrated .eitk/windows/manifest.csv: column recipe is now augmentation"]
    assert paths.manifest.read_text(encoding="utf-8") == OLD_MANIFEST.replace("recipe", "augmentation")
    assert Manifest.read(paths.manifest).windows == WINDOWS
    assert [file.name for file in paths.windows.iterdir()] == ["manifest.csv"]
    assert migrate_project(paths) == []


def test_an_old_manifest_is_read_as_it_is(paths: ProjectPaths) -> None:
    assert Manifest.read(write(paths.manifest, OLD_MANIFEST)).windows == WINDOWS
    assert paths.manifest.read_text(encoding="utf-8") == OLD_MANIFEST


def test_the_hash_of_a_manifest_is_the_one_that_older_versions_recorded(paths: ProjectPaths) -> None:
    recorded = hashlib.sha256(OLD_MANIFEST.encode()).hexdigest()
    assert manifest_hash(write(paths.manifest, OLD_MANIFEST)) == recorded
    migrate_project(paths)
    assert manifest_hash(paths.manifest) == recorded
    Manifest(WINDOWS).write(paths.manifest)
    assert manifest_hash(paths.manifest) == recorded


def test_a_manifest_with_other_columns_is_left_to_its_reader(paths: ProjectPaths) -> None:
    write(paths.manifest, "file,label\n")
    assert migrate_project(paths) == []
    with pytest.raises(DataError, match="its columns are not file, sha256"):
        Manifest.read(paths.manifest)


RENAMED = {
    ".eitk/heard/local.1.1.json": ".eitk/provenance/local.1.1.json",  # old name
    ".eitk/heard/studio.example.2.1.json": ".eitk/provenance/studio.example.2.1.json",  # old name
    ".eitk/builds/3/heard.json": ".eitk/builds/3/provenance.json",  # old name
    ".eitk/builds/3/night.json": ".eitk/builds/3/nightly.json",  # old name
    ".eitk/boards/host/keeper.log": ".eitk/boards/host/emulator.log",  # old name
}


def test_old_files_are_renamed_with_what_is_in_them(paths: ProjectPaths) -> None:
    for old in RENAMED:
        write(paths.root / old, old)
    assert migrate_project(paths) == [f"migrated {old}: it is now {new}" for old, new in RENAMED.items()]
    files = {file.relative_to(paths.root).as_posix() for file in paths.root.rglob("*") if file.is_file()}
    assert files == set(RENAMED.values())
    assert all((paths.root / new).read_text() == old for old, new in RENAMED.items())
    assert not (paths.state / "heard").exists()  # old name
    assert migrate_project(paths) == []


def test_the_new_names_are_those_that_the_present_version_reads(paths: ProjectPaths) -> None:
    names = {Path(new).name for new in RENAMED.values()}
    assert {PROVENANCE_NAME, COMPLETE, BoardFolder(paths.boards / "host").log_file.name} <= names


@pytest.mark.parametrize(("newer", "kept"), [("old", "old"), ("new", "new")])
def test_of_an_old_and_a_new_file_the_later_one_stays(paths: ProjectPaths, newer: str, kept: str) -> None:
    old = write(paths.builds / "3" / "heard.json", "old")  # old name
    new = write(paths.builds / "3" / "provenance.json", "new")
    os.utime(old if newer == "new" else new, (0, 0))
    [note] = migrate_project(paths)
    assert "heard.json: " in note  # old name
    assert new.read_text() == kept
    assert not old.exists()
    assert migrate_project(paths) == []


COST = {"ram_bytes": 1464, "flash_bytes": 20_000, "latency_ms": 3.5, "how": "emulated"}


def old_trial(accuracy: float) -> dict[str, object]:
    return {"decided": accuracy, "track_accuracy": 0.96, "confusion": [[2, 0], [0, 2]], "cost": COST}  # old name


def old_runs(file: Path, *rows: tuple[str, dict[str, object]]) -> Path:
    """A database as versions before 0.3 wrote it: the same table, with `user_version` 0."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(SCHEMA)
        db.executemany(
            "INSERT INTO runs (created, kind, config, data_hash, code_version, fingerprint, metrics)"
            " VALUES ('2026-11-01T02:00:00+00:00', ?, '{}', 'ab', '0.2.0+cd', 'ef', ?)",
            [(kind, json.dumps(metrics, sort_keys=True)) for kind, metrics in rows],
        )
    return file


def test_keys_of_old_gates_are_renamed_in_the_database_of_runs(paths: ProjectPaths) -> None:
    first = {"verdict": "passed", "challenger": old_trial(0.75), "champion": None}
    second = {"verdict": "refused", "challenger": old_trial(0.5), "champion": old_trial(0.75)}
    old_runs(
        paths.runs,
        ("train", {"history": {"loss": [0.5]}}),
        ("gate", first),
        ("gate", second),
        ("listen", {"windows": 4, "equal": 4}),
    )
    assert migrate_project(paths) == ["migrated .eitk/runs.sqlite: 3 runs have the present names"]
    train, one, two, verification = list_runs(paths)
    assert train.metrics == {"history": {"loss": [0.5]}}
    assert one.metrics["challenger"]["thresholded_accuracy"] == 0.75
    assert one.metrics["champion"] is None
    assert two.metrics["champion"] == {
        "thresholded_accuracy": 0.75, "track_accuracy": 0.96, "confusion": [[2, 0], [0, 2]], "cost": COST,
    }  # fmt: skip
    assert (verification.kind, verification.metrics) == ("verify", {"windows": 4, "equal": 4})
    assert list_runs(paths, "verify") == [verification]
    assert (one.data_hash, one.fingerprint, one.code_version) == ("ab", "ef", "0.2.0+cd")
    assert migrate_project(paths) == []


def test_a_database_without_old_keys_is_migrated_without_a_note(paths: ProjectPaths) -> None:
    old_runs(paths.runs, ("gate", {"challenger": {"thresholded_accuracy": 0.5}}))
    assert migrate_project(paths) == []
    assert list_runs(paths)[0].metrics == {"challenger": {"thresholded_accuracy": 0.5}}


@pytest.mark.parametrize("content", [b"", b"no database " * 99])
def test_a_file_that_is_no_database_of_runs_is_left_to_its_reader(paths: ProjectPaths, content: bytes) -> None:
    paths.state.mkdir()
    paths.runs.write_bytes(content)
    assert migrate_project(paths) == []
    assert paths.runs.read_bytes() == content


def test_a_database_that_cannot_be_written_is_named(paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.config.migration.LOCK_TIMEOUT_S", 0.05)
    old_runs(paths.runs, ("gate", {"challenger": old_trial(0.5)}))
    with closing(sqlite3.connect(paths.runs)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataError, match="cannot be migrated") as caught:
            migrate_project(paths)
    assert "runs.sqlite: database is locked" in caught.value.why


def test_a_folder_that_cannot_be_written_is_named(paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    write(paths.manifest, OLD_MANIFEST)
    (paths.windows / "manifest.csv.1234.5.part").mkdir()  # where the migrated file would be written
    monkeypatch.setattr("os.getpid", lambda: 1234)
    monkeypatch.setattr("threading.get_native_id", lambda: 5)
    with pytest.raises(DataError, match="cannot be migrated") as caught:
        migrate_project(paths)
    assert str(paths.state) in caught.value.hint
    assert paths.manifest.read_text(encoding="utf-8") == OLD_MANIFEST


def test_a_command_prints_the_notes_once_on_stderr(paths: ProjectPaths) -> None:
    write(paths.manifest, OLD_MANIFEST)
    printed = []
    for _ in range(2):
        out, err = io.StringIO(), io.StringIO()
        assert run(["config", "show", "--json"], Environment(Console(out, err), paths.root, {})) == 0
        printed.append((out.getvalue(), err.getvalue()))
    assert printed[0][1] == "migrated .eitk/windows/manifest.csv: column recipe is now augmentation\n"
    assert printed[1] == (printed[0][0], "")
