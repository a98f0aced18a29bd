"""The steps of the workflows run as they are written; tests/packaging/test_workflows.py reads their settings."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import write_clips

ROOT = Path(__file__).resolve().parents[2]
# Left out: security.yml asks services of others, and fuzz.yml and exhaustive.yml take hours.
FILES = ("ci", "nightly-retrain")
JOBS = [
    (file, name)
    for file in FILES
    for name in yaml.safe_load((ROOT / f".github/workflows/{file}.yml").read_text())["jobs"]
]
RUN_ELSEWHERE = {"test", "demo", "notebooks", "systems", "types"}
"""scripts/test runs these tests and those of `systems`; tests/test_end_to_end.py runs scripts/demo; notebooks is only a
long step; tests/system runs scripts/check-systems."""
LONG = ("scripts/try-wheel", "tests/notebooks")  # an installation of gigabytes; three notebooks with their trainings
WHOLE_JOBS = ("package", "retrain")  # parts of which tests/packaging and tests/cli/workflows run daily
RUN_HERE = [(file, job) for file, job in JOBS if job not in RUN_ELSEWHERE]

# What GitHub would put in place of each expression, in a fork without a key.
IN_A_FORK = {
    "python${{ matrix.python }}": "python3",
    "${{ secrets.EI_API_KEY }}": "",
    "${{ secrets.EI_API_KEY != '' && 'https://studio.edgeimpulse.com/v1' || 'local' }}": "local",
    "${{ vars.NIGHTLY_DATASET || 'synth' }}": "few clips",
    "${{ github.token }}": "a token",
    "${{ github.repository }}": "someone/eitk",
    "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}": "https://example.org/runs/1",
}

QUICK = {  # steps run as they stand; this is the user's environment around them
    "EITK_TEST_WORKERS": "0",
    "EITK_TRAINING_EPOCHS": "12",
}
QUICK_TESTS = {"lowest": "tests/cli/test_console.py", "package": "-k in_the_wheel"}
"""Arguments of pytest in the steps that run tests; scripts/test runs all tests of packaging itself."""

NETWORK = """\
import tensorflow as tf

output = tf.keras.layers.Dense(classes, activation="softmax", name="y_pred")
model = tf.keras.Sequential([tf.keras.Input((input_length,)), output])
model.compile(tf.keras.optimizers.Adam(args.learning_rate), "categorical_crossentropy", metrics=["accuracy"])
train, validation = (dataset.batch(args.batch_size) for dataset in (train_dataset, validation_dataset))
model.fit(train, epochs=args.epochs, validation_data=validation, callbacks=callbacks, verbose=2)
"""
"""One layer: the nightly run trains seven networks. tests/test_end_to_end.py trains that of the recipe."""

Run = Callable[[str, dict[str, str]], subprocess.CompletedProcess[str]]


def load(file: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / f".github/workflows/{file}.yml").read_text())
    return workflow


def steps_of(file: str, job: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = load(file)["jobs"][job]["steps"]
    return steps


def test_continuous_integration_calls_the_scripts_of_a_developer() -> None:
    steps = {name: [step["run"] for step in steps_of("ci", name) if "run" in step] for name in load("ci")["jobs"]}
    assert [steps[name] for name in ("test", "lowest", "demo", "package")] == [
        ["scripts/test"], ["scripts/lowest"], ["scripts/demo"], ["scripts/package", "scripts/try-wheel"],
    ]  # fmt: skip
    assert sorted(load("ci")["jobs"]["test"]["strategy"]["matrix"]["python"]) == ["3.11", "3.12", "3.13"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("file", "job"),
    [pytest.param(*one, marks=pytest.mark.exhaustive if one[1] in WHOLE_JOBS else ()) for one in RUN_HERE],
)
def test_every_run_step_runs_as_it_stands(file: str, job: str, run_step: Run, workspace: Path, tmp_path: Path) -> None:
    """All steps of a job but the long ones, in one workspace."""
    if not (ROOT / (".venv-lowest" if job == "lowest" else ".venv") / ".eitk-stamp").is_file():
        pytest.skip("the environment of this job was not made by scripts/setup")
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    write_clips(workspace / "few clips", seconds=4.5)
    (workspace / "network.py").write_text(NETWORK)
    quick = QUICK | {"EITK_IMPULSE_SCRIPT": str(workspace / "network.py"), "PYTEST_ADDOPTS": QUICK_TESTS.get(job, "")}
    whole_job = load(file)["jobs"][job].get("env", {})
    for step in steps_of(file, job):
        if "run" not in step or is_long(step):
            continue
        env = {key: in_a_fork(value) for key, value in (whole_job | step.get("env", {})).items()}
        done = run_step(step["run"], env | quick)
        assert done.returncode == 0, f"{step['name']}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    if job == "retrain":
        assert "no champion yet" in (tmp_path / "summary.md").read_text()
        assert "issue create" in (tmp_path / "gh.log").read_text()
        assert {"champion.json", "eitk.lock", "report.html", "MODEL_CARD.md", "summary.md"} <= {
            file.name for file in (workspace / "nightly/published").iterdir()
        }
        again = run_step('scripts/nightly "$DATASET"', quick | {"DATASET": "few clips"})
        assert again.returncode == 0
        assert "nothing changed since run" in again.stdout


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("job", ["package", "notebooks"])
def test_every_long_step_runs_as_it_stands(job: str, run_step: Run) -> None:
    """What the long steps need of the steps before is the wheel."""
    if job == "package":
        assert run_step("scripts/package", QUICK).returncode == 0
    steps = [step for step in steps_of("ci", job) if "run" in step and is_long(step)]
    assert len(steps) == 1
    done = run_step(steps[0]["run"], {})
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def is_long(step: dict[str, Any]) -> bool:
    return any(one in step["run"] for one in LONG)


def in_a_fork(value: str) -> str:
    """The value of a variable of a step; a new expression has to be given a value above."""
    if "${{" not in value:
        return value
    return IN_A_FORK[value]


@pytest.mark.parametrize(("open_issue", "command"), [("", "issue create"), ("17", "issue comment 17")])
def test_one_issue_is_opened_or_refreshed(
    run_step: Run, workspace: Path, tmp_path: Path, open_issue: str, command: str
) -> None:
    (workspace / "summary.md").write_text("The challenger does not pass.")
    done = run_step("scripts/nightly-issue summary.md", {"OPEN_ISSUE": open_issue, "RUN_URL": "https://example.org/1"})
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "gh.log").read_text()
    assert command in log
    assert ("issue create" in log) is (open_issue == "")
    assert "The challenger does not pass." in log
    assert "https://example.org/1" in log


def test_a_nightly_run_that_ended_early_is_reported(run_step: Run, tmp_path: Path) -> None:
    assert run_step("scripts/nightly-issue missing.md", {}).returncode == 0
    assert "It ended before the gate." in (tmp_path / "gh.log").read_text()
    shown = run_step("scripts/nightly-summary missing.md", {})
    assert shown.returncode == 0
    assert "ended before it wrote a summary" in shown.stdout
