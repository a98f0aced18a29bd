"""A project folder that an older eitk wrote works with the present one, and nothing is made or sent again."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
GATE_NOT_MET = 7
CONFUSION = [[2, 0], [0, 2]]
READING = (  # commands that change nothing
    ("config", "show"),
    ("runs", "list"),
    ("samples", "count"),
    ("upload", "--dry-run"),
    ("impulse", "diff"),
    ("train", "--dry-run"),
    ("test", "--no-run"),
    ("boards",),
    ("clean", "--dry-run"),
)
MIGRATED = (
    ".eitk/windows/manifest.csv: column recipe is now augmentation",
    ".eitk/heard/local.1.1.json: it is now .eitk/provenance/local.1.1.json",
    ".eitk/builds/1/heard.json: it is now .eitk/builds/1/provenance.json",
    ".eitk/builds/1/night.json: it is now .eitk/builds/1/nightly.json",
    ".eitk/boards/host/keeper.log: it is now .eitk/boards/host/emulator.log",
    ".eitk/runs.sqlite: 3 runs have the present names",
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def values_of(project: Any) -> list[str]:
    """The values that eitk.toml sets, whatever their keys are called today."""
    shown = project.eitk("config", "show", "--origin").values()
    return sorted(json.dumps(item["value"]) for item in shown if item["origin"] != "default")


def edit_json(file: Path, key: str, *added: str) -> None:
    """Add to a list of a JSON file."""
    document = json.loads(file.read_text())
    document[key] = sorted([*document[key], *added])
    file.write_text(json.dumps(document))


def held_out(project: Any) -> list[dict[str, str]]:
    """Manifest rows of the testing windows: one a clip."""
    return [row for row in project.stored_manifest() if row["split"] == "testing"]


def test_old_files_are_migrated_once_with_a_note(robust: Any) -> None:
    first, second = robust.run("runs", "list"), robust.run("runs", "list")
    assert first.err.splitlines() == [f"migrated {line}" for line in MIGRATED]
    assert (second.out, second.err) == (first.out, "")
    old, new = robust.stored(".eitk/windows/manifest.csv"), (robust.folder / ".eitk/windows/manifest.csv").read_bytes()
    assert new.splitlines()[0].decode() == "file,sha256,clip,clip_sha256,group,start_ms,label,split,augmentation"
    assert new.splitlines()[1:] == old.splitlines()[1:]
    for line in MIGRATED[1:-1]:
        before, after = line.split(": it is now ")
        assert not (robust.folder / before).exists()
        assert (robust.folder / after).read_bytes() == robust.stored(before)
    assert not (robust.folder / ".eitk/heard").exists()
    for name in ("champion.json", "eitk.toml", "eitk.lock", "robust.py"):
        assert (robust.folder / name).read_bytes() == robust.stored(name)


def test_the_hash_of_the_windows_stays_the_recorded_one(robust_unchanged: Any) -> None:
    recorded = sha256(robust_unchanged.stored(".eitk/windows/manifest.csv"))
    assert {run["data_hash"] for run in robust_unchanged.eitk("runs", "list")} == {recorded}
    robust_unchanged.run("card", "--output", "card.md")
    assert recorded in (robust_unchanged.folder / "card.md").read_text()


def test_every_value_of_the_recipe_robust_is_read(robust_unchanged: Any) -> None:
    block = {"type": "mfe", "implementation_version": 4, "name": "", "frame_length": 0.025, "frame_stride": 0.025}
    block |= {"fft_length": 512, "num_filters": 40, "low_frequency": 0, "high_frequency": 8000, "noise_floor_db": -65}
    expected = [
        "Stored Project", ["classical", "rock"], "local", "../clips", "artist", 16000, 600, 600, "rms", -20.0, 40.0,
        1, 30.0, [5.0, 30.0], 0.5, 3.0, "robust.py", [block], 60, 0.003, 16, 0.05, "", 7, "arduino", "tflite-eon",
        "int8", "host", "auto", 0.6,
    ]  # fmt: skip
    assert values_of(robust_unchanged) == sorted(map(json.dumps, expected))


def test_every_value_of_the_recipe_reference_is_read(reference: Any) -> None:
    shown = reference.eitk("config", "show")
    assert [layer["type"] for layer in shown["impulse.layers"]] == [
        "reshape", "conv2d", "dropout", "conv2d", "dropout", "conv2d", "flatten",
    ]  # fmt: skip
    assert [layer["filters"] for layer in shown["impulse.layers"] if layer["type"] == "conv2d"] == [8, 16, 32]
    assert [layer["pool"] for layer in shown["impulse.layers"] if layer["type"] == "conv2d"] == ["each", "each", "last"]
    assert (shown["training.epochs"], shown["training.learning_rate"], shown["slice.window_ms"]) == (2, 0.005, 600)
    assert shown["impulse.dsp"][0]["noise_floor_db"] == -50


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_reading_command_prints_no_note_the_second_time(robust_unchanged: Any, words: tuple[str, ...]) -> None:
    first, second = robust_unchanged.run(*words), robust_unchanged.run(*words)
    assert "error" not in first.err
    assert second.err == ""
    assert second.out == first.out


def test_clips_are_cut_into_the_same_windows(robust: Any) -> None:
    plan = robust.eitk("slice", "--dry-run")
    assert [(row["label"], row["split"], row["clips"], row["groups"]) for row in plan["rows"]] == [
        ("classical", "training", 8, 4), ("classical", "testing", 2, 1),
        ("rock", "training", 9, 4), ("rock", "testing", 2, 1),
    ]  # fmt: skip
    cut = robust.eitk("slice")
    assert [(row["label"], row["split"], row["windows"]) for row in cut["rows"]] == [
        ("classical", "training", 16), ("classical", "testing", 2), ("rock", "training", 16), ("rock", "testing", 2),
    ]  # fmt: skip
    assert [item["clip"] for item in cut["skipped"]] == ["rock/rock.short.wav"]
    with (robust.folder / ".eitk/windows/manifest.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    stored = [list(row.values()) for row in robust.stored_manifest()]
    plain, before = ([row for row in found if not row[-1]] for found in (rows, stored))
    assert plain == before
    assert len(plain) == 20
    assert [row[2:-1] for row in rows] == [row[2:-1] for row in stored]
    assert all(sha256((robust.folder / ".eitk/windows" / row[0]).read_bytes()) == row[1] for row in rows)


def test_nothing_is_uploaded_again(robust: Any) -> None:
    plan = robust.eitk("upload", "--dry-run")
    assert (plan["would_send"], plan["would_move"], plan["would_remove"], plan["present"]) == (0, 0, 0, 36)
    before = {number: sample["lastModified"] for number, sample in robust.api().samples().items()}
    report = robust.eitk("upload")
    assert (report["sent"], report["windows"]) == (0, 36)
    assert {number: sample["lastModified"] for number, sample in robust.api().samples().items()} == before
    difference = robust.eitk("samples", "diff")
    assert (difference["present"], difference["missing"], difference["foreign"]) == (36, [], [])


def test_the_ledger_names_the_samples(robust_unchanged: Any) -> None:
    samples = robust_unchanged.api().samples()
    [ledger] = (robust_unchanged.folder / ".eitk/windows").glob("uploads.*.sqlite")
    with sqlite3.connect(ledger) as db:
        rows = db.execute("SELECT sha256, sample FROM window WHERE state = 'done' AND annotated").fetchall()
    assert {digest: samples[number]["sha256Hash"] for digest, number in rows} == {digest: digest for digest, _ in rows}
    assert {digest for digest, _ in rows} == {row["sha256"] for row in robust_unchanged.stored_manifest()}


def test_a_window_that_could_not_be_uploaded_is_sent_now(reference: Any) -> None:
    assert reference.eitk("upload", "--dry-run")["would_send"] == 1
    report = reference.eitk("upload")
    assert (report["sent"], report["windows"]) == (1, 20)
    assert len(reference.api().samples()) == 20
    assert reference.eitk("upload", "--dry-run")["would_send"] == 0


def test_the_pinned_model_meets_the_gate_beside_the_champion(robust: Any) -> None:
    [stored, _] = robust.eitk("runs", "list", "--kind", "gate")
    verdict = robust.eitk("gate")
    assert (verdict["verdict"], verdict["clips"], verdict["artists"], verdict["promoted"]) == ("passed", 4, 2, False)
    assert verdict["challenger_sha256"] == verdict["champion_sha256"] == robust.stored_lock["model_sha256"]
    no_uncertain = [[*row, 0] for row in CONFUSION]
    assert verdict["challenger"]["confusion"] == verdict["champion"]["confusion"] == no_uncertain
    assert verdict["challenger"]["cost"] == verdict["champion"]["cost"]
    assert verdict["worst"] == stored["metrics"]["worst"]
    recorded = robust.eitk("runs", "list")[-1]
    assert (recorded["id"], recorded["kind"], recorded["metrics"]["verdict"]) == (8, "gate", "passed")


def test_a_clip_that_the_champion_was_trained_on_is_left_out(robust: Any) -> None:
    edit_json(robust.folder / "champion.json", "trained_on", held_out(robust)[0]["clip_sha256"])
    assert robust.eitk("gate", "--dry-run")["clips"] == 3


def test_an_artist_that_the_champion_was_trained_on_is_left_out(robust: Any) -> None:
    edit_json(robust.folder / "champion.json", "trained_groups", held_out(robust)[0]["group"])
    verdict = robust.eitk("gate", "--dry-run", code=GATE_NOT_MET)  # two clips of one label are left
    assert (verdict["clips"], verdict["artists"]) == (2, 1)


def test_a_clip_that_the_pinned_model_was_trained_on_is_left_out(robust: Any) -> None:
    edit_json(robust.folder / ".eitk/builds/1/heard.json", "clips", held_out(robust)[0]["clip_sha256"])  # old name
    assert robust.eitk("gate", "--dry-run")["clips"] == 3


def test_a_build_keeps_what_the_model_was_trained_on(robust: Any) -> None:
    edit_json(robust.folder / ".eitk/heard/local.1.1.json", "clips", held_out(robust)[0]["clip_sha256"])  # old name
    lock = robust.eitk("build")["deployment"]
    assert (lock["deployment_version"], lock["model_sha256"]) == (2, robust.stored_lock["model_sha256"])
    assert robust.eitk("gate", "--dry-run")["clips"] == 3


def test_the_pinned_model_is_tested_on_the_clips_held_out(robust: Any) -> None:
    found = robust.eitk("evaluate", "--protocol", "test", "--conditions", "none")
    assert (found["clean"]["windows"], found["clean"]["tracks"], found["clean"]["confusion_matrix"]) == (
        4,
        4,
        CONFUSION,
    )
    assert found["clean"]["window_accuracy"] == 1.0
    assert [track["clip"] for track in found["tracks"]] == [row["clip"] for row in held_out(robust)]


def test_every_run_is_listed(robust_unchanged: Any) -> None:
    runs = robust_unchanged.eitk("runs", "list")
    assert [run["id"] for run in runs] == [1, 2, 3, 4, 5, 6, 7]
    kinds = [run["kind"] for run in runs]
    assert kinds == ["build", "train", "evaluation", "gate", "flash", "verify", "gate"]
    assert len(robust_unchanged.eitk("runs", "list", "--kind", "verify")) == 1
    assert [run["created"] for run in runs] == sorted(run["created"] for run in runs)
    build, train, evaluation, gate, flash, board, refused = (run["metrics"] for run in runs)
    models = {build["model_sha256"], train["deployment"]["model_sha256"], flash["model_sha256"]}
    assert models == {robust_unchanged.stored_lock["model_sha256"]}
    assert train["test"]["int8"]["windows"] == 4
    assert len(train["history"]["loss"]) == 60
    assert evaluation["clean"]["tracks"] == 21
    assert (gate["verdict"], gate["promoted"], gate["champion"]) == ("passed", True, None)
    assert (refused["verdict"], refused["reasons"]) == ("refused", ["it needs 1.5 kB of RAM, 1 are allowed"])
    assert (board["windows"], board["equal"]) == (2, 2)
    assert gate["challenger"]["thresholded_accuracy"] == refused["champion"]["thresholded_accuracy"] == 1.0
    assert {run["config"]["training"]["epochs"] for run in runs} == {60}
    assert len({run["data_hash"] for run in runs}) == 1


def test_runs_can_be_shown_and_compared(robust_unchanged: Any) -> None:
    shown = robust_unchanged.eitk("runs", "show", "4")
    assert shown["metrics"]["challenger_sha256"] == robust_unchanged.stored_lock["model_sha256"]
    compared = robust_unchanged.eitk("runs", "compare", "4", "7")
    assert compared["differences"] == {"gate.max_ram_kb": [64.0, 1.0]}
    assert compared["metrics"]["challenger.cost.ram_bytes"] == [1464, 1464]


def test_report_and_model_card_show_the_stored_results(robust: Any) -> None:
    robust.run("report")
    report = (robust.folder / "report.html").read_text()
    found = json.loads(robust.stored(".eitk/evaluation.json"))
    audit = json.loads(robust.stored(".eitk/audit.json"))
    shares = {name: f"{100 * row['window_accuracy']:.1f} %" for name, row in found["conditions"].items()}
    assert all(share in report for share in shares.values())
    assert audit["text"].splitlines()[0] in report  # the audit is of the windows that are still there
    assert robust.stored_lock["model_sha256"][:12] in report
    robust.run("card")
    card = (robust.folder / "MODEL_CARD.md").read_text()
    assert all(f"| {name} | {share} |" in card for name, share in shares.items())
    assert "it needs 1.5 kB of RAM, 1 are allowed" in card  # of the last gate


def test_a_complete_nightly_run_is_not_repeated(robust: Any) -> None:
    robust.run("slice")
    robust.run("gate")
    with sqlite3.connect(robust.folder / ".eitk/runs.sqlite") as db:  # as if the present code had made the stored run
        db.execute("UPDATE runs SET fingerprint = (SELECT fingerprint FROM runs WHERE id = 8) WHERE id = 4")
        db.execute("DELETE FROM runs WHERE id = 8")
    nightly = robust.nightly("../clips", "--dir", ".")
    assert (nightly["new"], nightly["run"], nightly["verdict"]) == (False, 4, "passed")
    assert len(robust.eitk("runs", "list")) == 7
    assert sha256((robust.folder / "published/champion.json").read_bytes()) == sha256(robust.stored("champion.json"))


def test_the_state_of_a_board_that_was_killed_is_cleaned(robust: Any) -> None:
    assert robust.eitk("boards") == []
    assert not (robust.folder / ".eitk/boards/host/state.json").exists()
    assert robust.eitk("board", "stop", "host")["stopped"] is False


def test_cleaning_keeps_the_pinned_build(robust: Any) -> None:
    robust.run("clean", "--yes")
    for name in (".eitk/builds/1/model.tflite", "champion.json", "eitk.lock", "eitk.toml"):
        assert sha256((robust.folder / name).read_bytes()) == sha256(robust.stored(name))
    assert not (robust.folder / ".eitk/windows").exists()


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_the_pinned_library_runs_on_the_host_board(robust: Any) -> None:
    model = robust.stored_lock["model_sha256"]
    assert robust.eitk("flash")["model_sha256"] == model
    [board] = robust.eitk("boards")
    assert (board["board"], board["model_sha256"]) == ("host", model)
    clips = [f"../clips/{row['clip']}" for row in held_out(robust)]
    summary = robust.eitk("verify", *clips)["summary"]
    assert (summary["windows"], summary["equal"], summary["tracks"]) == (4, 4, 4)
