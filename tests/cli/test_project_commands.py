"""Commands that read a project in the studio: impulse, jobs, test, profile, build, train and upload without changes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.impulse.state import ImpulseState, wanted_impulse
from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.evaluation.run_log import list_runs

METADATA = "/api/1/training/keras/3/metadata"
TESTED = "/api/1/classify/all/result"


@pytest.fixture
def wanted(tmp_path: Path) -> ImpulseState:
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    return wanted_impulse(load_config(tmp_path, {}).settings, tmp_path)


@pytest.fixture
def eitk(eitk_there: Any, scripted_studio: Any, wanted: ImpulseState) -> Any:
    """Runs a command line in a project whose impulse is in the studio, with samples, and never trained."""
    (dsp,) = wanted.dsp
    window = {"id": 1, "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": 16_000, "padZeros": True}
    block = {"id": 2, "type": dsp.type, "name": dsp.name, "implementationVersion": dsp.version}
    scripted_studio.answers |= {
        "/api/projects/api-key-info": {"projectId": 1, "role": "admin"},
        "/api/1/impulse": {"impulse": {"id": 9, "inputBlocks": [window], "dspBlocks": [block],
                                       "learnBlocks": [{"id": 3, "type": "keras"}]}},
        "/api/1/dsp/2": {"config": [{"items": [{"param": k, "value": v} for k, v in dsp.config.items()]}]},
        "/api/1/training/keras/3": learn_answer(wanted),
        "/api/1/raw-data": {"samples": [], "totalCount": 0},
        "/api/1/raw-data/count": {"count": 5},
        "/api/1/jobs": {"jobs": []},
        METADATA: {"success": False, "error": "The model is not trained yet"},
    }  # fmt: skip
    return eitk_there


def learn_answer(state: ImpulseState, **changes: Any) -> dict[str, Any]:
    learn = state.learn
    answer = {
        "mode": "visual", "trainingCycles": learn.epochs, "learningRate": learn.learning_rate,
        "visualLayers": [dict(layer) for layer in learn.layers], "batchSize": learn.batch_size,
        "trainTestSplit": learn.validation, "customValidationMetadataKey": learn.validation_group,
        "autoClassWeights": learn.auto_class_weights, "profileInt8": learn.profile_int8,
        "augmentationPolicySpectrogram": {"enabled": learn.spec_augment},
    }  # fmt: skip
    return answer | changes


def test_an_impulse_without_differences_is_reported_as_such(eitk: Any, scripted_studio: Any) -> None:
    code, out, _ = eitk("impulse", "diff")
    assert (code, out) == (0, "the impulse in the studio is that of eitk.toml; nothing differs\n")
    assert eitk("impulse", "apply", "--json").data == {"changes": []}
    assert scripted_studio.requests("POST") == []


def test_differences_are_shown_with_both_values(eitk: Any, scripted_studio: Any, wanted: ImpulseState) -> None:
    scripted_studio.answers["/api/1/training/keras/3"] = learn_answer(wanted, trainingCycles=99)
    code, out, _ = eitk("impulse", "diff")
    assert code == 0
    assert out.splitlines()[0].strip() == "1 value would change"
    assert ["learn.epochs", "99", str(wanted.learn.epochs)] in [line.split() for line in out.splitlines()]
    assert eitk("impulse", "apply", "--dry-run").out == out
    assert scripted_studio.requests("POST") == []


def test_without_an_impulse_every_value_would_change(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/impulse"] = {}
    changes = eitk("impulse", "diff", "--json").data["changes"]
    assert {change["there"] for change in changes} == {""}
    code, _, err = eitk("impulse", "show")
    assert code == 3
    assert "error: the project has no impulse yet" in err
    assert "try: eitk impulse apply" in err


def test_an_impulse_that_cannot_work_is_rejected_before_any_request(
    eitk: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    file = tmp_path / "eitk.toml"
    file.write_text(file.read_text().replace("fft_length = 64", "fft_length = 65"))
    code, _, err = eitk("impulse", "apply")
    assert code == 3
    assert "fft_length = 65: must be a power of two" in err
    assert "try: Set fft_length = 64." in err
    assert scripted_studio.seen == []


def test_the_impulse_of_the_studio_is_written_into_eitk_toml(
    eitk: Any, scripted_studio: Any, wanted: ImpulseState, tmp_path: Path
) -> None:
    scripted_studio.answers["/api/1/training/keras/3"] = learn_answer(wanted, trainingCycles=99)
    before = (tmp_path / "eitk.toml").read_bytes()
    shown = tomllib.loads(eitk("impulse", "pull", "--dry-run").out)
    assert shown["training"]["epochs"] == 99
    assert (tmp_path / "eitk.toml").read_bytes() == before
    code, out, err = eitk("impulse", "pull")
    assert code == 0
    assert err == f"wrote {tmp_path / 'eitk.toml'}\n"
    assert tomllib.loads(out) == shown
    assert load_config(tmp_path, {}).settings.training.epochs == 99
    assert eitk("impulse", "diff", "--json").data == {"changes": []}


def test_an_impulse_is_shown_value_by_value(eitk: Any, wanted: ImpulseState) -> None:
    rows = dict(line.split(None, 1) for line in eitk("impulse", "show").out.splitlines() if len(line.split()) > 1)
    assert rows["input.window_ms"].strip() == "3000"
    assert rows["learn.epochs"].strip() == str(wanted.learn.epochs)


def jobs(*states: str) -> dict[str, Any]:
    ends = {"succeeded": {"finished": "later", "finishedSuccessful": True}, "failed": {"finished": "later"}}
    found = [
        {"id": 40 + n, "category": "Training", "started": "" if state == "waiting" else "now", **ends.get(state, {})}
        for n, state in enumerate(states)
    ]
    return {"jobs": found}


def test_jobs_that_wait_or_run_are_listed(eitk: Any, scripted_studio: Any) -> None:
    assert eitk("jobs", "list").out == "no job waits or runs\n"
    scripted_studio.answers["/api/1/jobs"] = jobs("running", "waiting")
    lines = [line.split() for line in eitk("jobs", "list").out.splitlines()]
    assert lines[1:] == [["40", "running", "Training", "now", "–"], ["41", "waiting", "Training", "–", "–"]]


def test_all_jobs_are_listed_up_to_a_number(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs/all"] = jobs("succeeded", "failed", "running")
    rows = eitk("jobs", "list", "--all", "--last", "2", "--json").data
    assert [(row["id"], row["state"], row["succeeded"]) for row in rows] == [
        (40, "succeeded", True),
        (41, "failed", False),
    ]
    assert scripted_studio.seen[-1].query["limit"] == "2"


@pytest.mark.parametrize("last", ["0", "-1", "many"])
def test_a_number_of_jobs_that_is_not_positive_is_a_usage_error(eitk: Any, last: str) -> None:
    code, _, err = eitk("jobs", "list", "--last", last)
    assert code == 2
    assert "--last" in err


def result_of(**counts: Any) -> dict[str, Any]:
    return {"accuracy": {"allLabels": ["classical", "rock"], "confusionMatrixValues": counts}}


def test_results_of_the_last_test_are_shown_without_a_new_one(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers[TESTED] = result_of(classical={"classical": 8, "rock": 2}, rock={"rock": 10})
    done = eitk("test", "--no-run", "--json")
    assert done.code == 0
    assert done.data["int8"]["confusion_matrix"] == [[8, 2], [0, 10]]
    assert done.data["int8"]["windows"] == 20
    assert set(done.data) == {"event", "int8", "float32"}
    assert scripted_studio.requests("POST") == []


def test_a_model_that_was_not_tested_has_a_hint(eitk: Any) -> None:
    code, out, _ = eitk("test", "--no-run")
    assert (code, out) == (0, "the model was not tested since its last training: eitk test\n")


@pytest.mark.parametrize("command", [("profile",), ("build",), ("build", "--dry-run")])
def test_a_model_that_was_not_trained_has_a_hint(eitk: Any, scripted_studio: Any, command: tuple[str, ...]) -> None:
    code, _, err = eitk(*command)
    assert code == 3
    assert "error: The model is not trained yet" in err
    assert "try: Train it: eitk train" in err
    assert scripted_studio.requests("POST") == []


TRAINED = {
    "classNames": ["classical", "rock"],
    "modelValidationMetrics": [
        {"type": "int8", "accuracy": 0.9, "loss": 0.3, "confusionMatrix": [[9, 1], [1, 9]],
         "onDevicePerformance": [{"mcu": "other", "name": "Other", "isDefault": True, "latency": 12.0,
                                  "eon": {"ramRequired": 4096, "romRequired": 30_720}}]}],
}  # fmt: skip


def test_a_profile_is_shown_without_a_new_job(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers[METADATA] = TRAINED
    code, out, err = eitk("profile")
    assert code == 0
    assert (
        "take 46.0 KiB of RAM, and the sketch 28.0 KiB of flash; streaming a recording takes 59 ms of each second"
        in err
    )
    assert eitk("profile", "--json").data["sketch"] == {
        "ram_bytes": 46 * 1024,
        "flash_bytes": 28 * 1024,
        "recording_ms_per_s": 59.0,
    }
    cells = out.splitlines()[-1].split()
    assert cells[:2] == ["int8", "eon"]
    assert "on the Other (estimates)" in out
    assert "4.0 KiB" in out and "30.0 KiB" in out
    assert scripted_studio.requests("POST") == []


def test_a_dry_run_of_a_build_names_what_would_be_built(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers[METADATA] = TRAINED
    assert eitk("build", "--dry-run").out == "would build arduino, tflite-eon, int8\n"
    assert eitk("build", "--dry-run", "--json").data == {
        "dry_run": True, "impulse": 9, "target": "arduino", "engine": "tflite-eon", "model_type": "int8",
    }  # fmt: skip


def test_another_target_is_named_by_its_short_or_its_full_name(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers[METADATA] = TRAINED
    for name in ("linux-aarch64", "runner-linux-aarch64"):
        assert (
            eitk("build", "--dry-run", "--target", name).out == "would build runner-linux-aarch64, tflite-eon, int8\n"
        )


def test_an_own_model_needs_labels(eitk: Any, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(20))
    file = tmp_path / "eitk.toml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("labels")))
    code, _, err = eitk("build", "--model", "x.tflite")
    assert code == 3
    assert "the labels of the model are not known" in err
    assert "[project] labels" in err


def test_a_dry_run_of_a_training_reports_that_all_is_ready(eitk: Any, scripted_studio: Any, tmp_path: Path) -> None:
    code, out, _ = eitk("train", "--dry-run")
    assert (code, out) == (0, "everything is ready for training\n")
    assert scripted_studio.requests("POST") == []
    assert list_runs(load_config(tmp_path, {}).paths) == []


@pytest.mark.parametrize(
    ("path", "answer", "code", "message"),
    [
        ("/api/projects/api-key-info", {"projectId": 1, "role": "readonly"}, 3, "this key has the role readonly"),
        ("/api/1/raw-data/count", {"count": 0}, 3, "the project has no samples for training"),
        ("/api/1/impulse", {}, 3, "the project has no impulse yet"),
    ],
)
def test_what_prevents_a_training_is_reported_before_it_starts(
    eitk: Any, scripted_studio: Any, path: str, answer: Any, code: int, message: str
) -> None:
    scripted_studio.answers[path] = answer
    done = eitk("train")
    assert done.code == code
    assert f"error: {message}" in done.err
    assert "try:" in done.err
    assert scripted_studio.requests("POST") == []


def test_a_training_can_be_started_without_waiting(eitk: Any, scripted_studio: Any) -> None:
    scripted_studio.answers["POST /api/1/jobs/retrain"] = {"id": 77}
    code, out, _ = eitk("train", "--no-follow")
    assert (code, out) == (0, "job 77 has started; eitk jobs follow 77\n")
    assert scripted_studio.seen[-1].query == {"impulseId": "9"}


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    """A manifest of three windows whose files are missing."""
    folder = load_config(tmp_path, {}).paths.windows
    folder.mkdir(parents=True)
    rows = tuple(Window(f"{n}.wav", f"{n:064}", "a.wav", "c" * 64, "x", n, "rock", "training") for n in range(3))
    Manifest(rows).write(folder / "manifest.csv")
    return folder


@pytest.mark.usefixtures("windows")
def test_a_dry_run_of_an_upload_counts_what_would_be_sent(eitk: Any, scripted_studio: Any) -> None:
    names = enumerate(("0", "foreign"))
    found = [{"id": n, "filename": name, "category": "training", "label": "rock"} for n, name in names]
    there = {"samples": found, "totalCount": 2}
    empty = {"samples": [], "totalCount": 0}
    scripted_studio.answers["/api/1/raw-data"] = lambda got: there if got.query["category"] == "training" else empty
    assert eitk("upload", "--dry-run", "--json").data == {
        "dry_run": True, "would_send": 2, "would_move": 0, "present": 1, "would_remove": 0, "foreign": 1,
    }  # fmt: skip
    assert scripted_studio.requests("POST") == []


def test_files_that_were_not_uploaded_are_named_and_listed_in_a_csv(
    eitk: Any, scripted_studio: Any, windows: Path, tmp_path: Path
) -> None:
    code, out, err = eitk("upload", "--failures", "failed.csv")
    assert code == 4
    assert out.startswith("0 of 3 windows are in the studio; 0 sent now")
    assert err.count("warning: not uploaded: ") == 3
    assert "the window 0.wav cannot be read (no such file or directory)" in err
    assert "error: 3 of 3 windows are not in the studio" in err
    with (tmp_path / "failed.csv").open(newline="") as stream:
        assert [row["file"] for row in csv.DictReader(stream)] == ["0.wav", "1.wav", "2.wav"]
    assert scripted_studio.requests("POST") == []
    assert [entry.name for entry in windows.glob("uploads.*.sqlite")]


@pytest.mark.parametrize(("option", "value"), [("--batch", "0"), ("--batch", "1001"), ("--concurrency", "65")])
def test_limits_of_an_upload_are_checked(eitk: Any, scripted_studio: Any, option: str, value: str) -> None:
    code, _, err = eitk("upload", option, value)
    assert code == 2
    assert option in err
    assert scripted_studio.seen == []


def test_no_answer_of_the_studio_prints_the_key(eitk: Any, scripted_studio: Any) -> None:
    key = scripted_studio.environ["EI_API_KEY"]
    error = json.dumps({"success": False, "error": f"{key} may not do that"}).encode()
    scripted_studio.answers["/api/1/jobs"] = (200, error, {})
    for flags in ((), ("--json",), ("--debug",), ("--verbose",)):
        done = eitk("jobs", "list", *flags)
        assert done.code == 4
        assert key not in done.out + done.err
        assert "ei_*** may not do that" in done.err


STAMPS = {"started": "2026-11-21T00:00:00Z", "finished": "2026-11-21T00:01:00Z"}
MODEL = b"\x1c\x00\x00\x00TFL3 weights"


@pytest.fixture
def trainable(eitk: Any, scripted_studio: Any, tmp_path: Path) -> Any:
    """The same project, whose jobs succeed at once: 50 features, 51 training, 52 test, 53 build of version 6."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("genres.h", "// a library")
    samples = [
        {"id": 1, "filename": "a", "category": "training", "label": "rock",
         "metadata": {"clip_sha256": "c" * 64, "artist": "Queen"}},
        {"id": 2, "filename": "b", "category": "testing", "label": "rock",
         "metadata": {"clip_sha256": "d" * 64, "artist": "Bach"}},
    ]  # fmt: skip
    for number in (50, 51, 52, 53):
        status = {"id": number, "category": "Job", "finishedSuccessful": True, **STAMPS}
        scripted_studio.answers[f"/api/1/jobs/{number}/status"] = {"job": status}
        scripted_studio.answers[f"/api/1/jobs/{number}/stdout"] = {"stdout": [{"data": f"log of {number}\n"}]}
    scripted_studio.answers |= {
        "/api/1/raw-data": lambda got: page_of(s for s in samples if s["category"] == got.query["category"]),
        "POST /api/1/jobs/generate-features": {"id": 50},
        "POST /api/1/training/keras/3": {},
        "POST /api/1/jobs/train/keras/3": {"id": 51},
        "POST /api/1/jobs/classify": {"id": 52},
        "POST /api/1/jobs/build-ondevice-model": {"id": 53, "deploymentVersion": 6},
        METADATA: TRAINED,
        TESTED: result_of(classical={"classical": 8, "rock": 2}, rock={"rock": 10}),
        "/api/1/deployment/history/6": {"deployment": {"deploymentVersion": 6, "deploymentFormat": "arduino",
                                                       "engine": "tflite-eon", "impulseId": 9}},
        "/api/1/deployment/history/6/download": (200, stream.getvalue(), {"Content-Type": "application/zip"}),
        "/api/1/downloads": {"downloads": [{"name": "TensorFlow Lite (int8)", "link": "/v1/api/1/model"}]},
        "/api/1/model": (200, MODEL, {"Content-Type": "application/octet-stream"}),
    }  # fmt: skip
    return eitk


def page_of(samples: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = list(samples)
    return {"samples": found, "totalCount": len(found)}


def provenance(folder: Path) -> dict[str, Any]:
    (file,) = load_config(folder, {}).paths.provenance.iterdir()
    return dict(json.loads(file.read_text()))


def test_a_training_shows_its_results_and_records_a_run(trainable: Any, tmp_path: Path) -> None:
    code, out, _ = trainable("train")
    assert code == 0
    assert "test, int8: windows" in out
    (run,) = list_runs(load_config(tmp_path, {}).paths)
    assert (run.kind, run.metrics["impulse"]) == ("train", 9)
    assert run.metrics["test"]["int8"]["confusion_matrix"] == [[8, 2], [0, 10]]
    assert run.metrics["validation"]["int8"]["accuracy"] == 0.9
    assert run.metrics["seconds"] >= 0
    assert provenance(tmp_path) == {"clips": ["c" * 64], "groups": ["Queen"]}


def scored(*windows: tuple[str, float]) -> dict[str, Any]:
    """A test with the scores of windows, as (actual label, probability of rock), as a studio sends it."""
    counts: dict[str, dict[str, float]] = {}
    for label, rock in windows:
        predicted = "rock" if rock >= 0.6 else "classical" if rock <= 0.4 else "uncertain"
        row = counts.setdefault(label, {})
        row[predicted] = row.get(predicted, 0.0) + 1
    one = {
        "result": [{"classical": 1 - rock, "rock": rock} for _, rock in windows],
        "expectedLabels": [{"startIndex": i, "endIndex": i, "label": label} for i, (label, _) in enumerate(windows)],
        "minimumConfidenceRating": 0.6,
    }
    labels = ["classical", "rock", "uncertain"]
    return {"accuracy": {"allLabels": labels, "confusionMatrixValues": counts}, "result": [{"classifications": [one]}]}


def test_a_training_that_only_found_the_most_frequent_label_is_warned_of(trainable: Any, scripted_studio: Any) -> None:
    """Twenty-four windows of rock and four of classical, and a model that always predicts rock."""
    scripted_studio.answers[TESTED] = scored(*[("rock", 0.9)] * 24, *[("classical", 0.9)] * 4)
    done = trainable("train")
    assert done.code == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "accuracy at threshold 0.6 85.7 % 85.7 %" in lines
    assert "majority baseline 85.7 % 85.7 %" in lines
    assert "windows by label 4 (classical) to 24 (rock) 4 (classical) to 24 (rock)" in lines
    assert "warning: the model is not better than one that always predicts rock: top-1 accuracy 85.7 %" in done.err


def test_a_validation_far_above_the_test_is_warned_of_and_recorded(
    trainable: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    scripted_studio.answers[TESTED] = scored(*[("rock", 0.9), ("rock", 0.1), ("classical", 0.1), ("classical", 0.9)])
    assert "is 40.0 points above that of the test (90.0 % and 50.0 %)" in trainable("train").err
    (run,) = list_runs(load_config(tmp_path, {}).paths)
    assert len(run.metrics["warnings"]) == 2
    assert run.metrics["test"]["int8"]["majority"] == 0.5


def test_a_good_training_has_no_warning(trainable: Any, scripted_studio: Any) -> None:
    scripted_studio.answers[TESTED] = scored(*[("rock", 0.9), ("classical", 0.1)] * 4)
    assert "warning" not in trainable("train").err


def test_windows_with_unknown_labels_are_shown_apart(trainable: Any, scripted_studio: Any) -> None:
    windows = [("rock", 0.9), ("classical", 0.1), ("rock", 0.5), *[("jazz", 0.9)] * 12]
    scripted_studio.answers[TESTED] = scored(*windows)
    done = trainable("test", "--no-run")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "accuracy at threshold 0.6 66.7 % 66.7 %" in lines
    assert "windows 3 3" in lines
    assert "windows with unknown labels 12 (jazz) 12 (jazz)" in lines


def test_a_training_as_events_for_programs(trainable: Any) -> None:
    events = [json.loads(line) for line in trainable("train", "--json").out.splitlines()]
    assert [(event["event"], event.get("job")) for event in events] == [
        ("job", 50), ("done", 50), ("job", 51), ("done", 51), ("job", 52), ("done", 52), ("result", None),
    ]  # fmt: skip
    assert events[-1]["test"]["int8"]["windows"] == 20


def test_a_training_with_a_build_pins_the_library(trainable: Any, tmp_path: Path) -> None:
    code, out, _ = trainable("train", "--eon")
    assert code == 0
    lock = read_lock(load_config(tmp_path, {}).paths.lock)
    assert lock is not None
    assert (lock.deployment_version, lock.model_sha256) == (6, hashlib.sha256(MODEL).hexdigest())
    assert lock.model_sha256[:12] in out
    kinds = {run.kind: run.metrics for run in list_runs(load_config(tmp_path, {}).paths)}
    assert set(kinds) == {"build", "train"}
    assert kinds["train"]["deployment"]["model_sha256"] == kinds["build"]["model_sha256"] == lock.model_sha256
    beside = lock.model_path(tmp_path).parent / "provenance.json"
    assert json.loads(beside.read_text()) == {"clips": ["c" * 64], "groups": ["Queen"]}


def test_a_build_for_another_target_is_stored_and_copied_and_the_lock_stays(
    trainable: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    trainable("build")
    paths = load_config(tmp_path, {}).paths
    before = paths.lock.read_text()
    scripted_studio.answers["/api/1/deployment/history/6"]["deployment"]["deploymentFormat"] = "runner-linux-x86_64"
    scripted_studio.answers["/api/1/deployment/history/6/download"] = (
        200, b"\x7fELF program",
        {"Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="genres.eim"'},
    )  # fmt: skip
    declared = [{"param": "level"}, {"param": "targetDbfs"}]
    scripted_studio.answers["/api/1/deployment/targets"] = {
        "targets": [{"format": "arduino"}, {"format": "runner-linux-x86_64", "parameters": declared}],
    }  # fmt: skip
    file = tmp_path / "eitk.toml"
    file.write_text(file.read_text().replace('level = "none"', 'level = "rms"'))
    code, out, _ = trainable("build", "--target", "linux-x86_64", "--output", "model.eim")
    (request,) = [one for one in scripted_studio.seen if one.query.get("type") == "runner-linux-x86_64"]
    assert request.json["parameters"] == {"level": "rms", "targetDbfs": "-20.0"}
    assert code == 0
    assert ["library", ".eitk/builds/6/genres.eim"] in [line.split() for line in out.splitlines()]
    assert paths.lock.read_text() == before
    assert (tmp_path / "model.eim").read_bytes() == b"\x7fELF program"
    assert (tmp_path / "model.eim").stat().st_mode & 0o100
    missing = trainable("build", "--target", "linux-x86_64", "-o", "missing/folder/model.eim")
    assert (missing.code, missing.out) == (1, "")
    assert "genres.eim cannot be copied to" in missing.err


def test_a_build_that_fails_after_a_training_keeps_the_run_of_the_training(
    trainable: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    scripted_studio.answers["/api/1/jobs/53/status"] = {"job": {"id": 53, "category": "Build", **STAMPS}}
    code, out, err = trainable("train", "--eon")
    assert (code, out) == (5, "")
    assert "error: job 53 (Build) failed" in err
    assert "  | log of 53" in err
    assert "try: The whole log: eitk jobs follow 53" in err
    (run,) = list_runs(load_config(tmp_path, {}).paths)
    assert run.kind == "train"
    assert read_lock(load_config(tmp_path, {}).paths.lock) is None


def test_a_training_that_fails_records_no_run_but_what_the_model_may_contain(
    trainable: Any, scripted_studio: Any, tmp_path: Path
) -> None:
    scripted_studio.answers["/api/1/jobs/51/status"] = {"job": {"id": 51, "category": "Training", **STAMPS}}
    assert trainable("train").code == 5
    assert list_runs(load_config(tmp_path, {}).paths) == []
    assert provenance(tmp_path)["clips"] == ["c" * 64]


def test_features_that_exist_are_used_again_on_request(trainable: Any, scripted_studio: Any) -> None:
    assert trainable("train", "--no-features").code == 0
    assert scripted_studio.requests("POST")[0] == "POST /api/1/training/keras/3"


def test_a_build_of_the_trained_model(trainable: Any, tmp_path: Path) -> None:
    code, out, _ = trainable("build")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert ["version", "6"] in rows
    assert ["engine", "tflite-eon,", "int8"] in rows
    (run,) = list_runs(load_config(tmp_path, {}).paths)
    assert (run.kind, run.metrics["deployment_version"]) == ("build", 6)
