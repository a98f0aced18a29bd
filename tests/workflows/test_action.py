"""The action of the repository: its steps, its annotations and its summary, with a program in place of eitk."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github/actions/eitk"
FAKE = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
*card) echo "# Model card" ;;
*$FAILING*) echo "warning: 3 clips" >&2; echo "error: 5 % of the job is missing" >&2; exit 5 ;;
esac
"""


class Outcome(NamedTuple):
    """What the script did."""

    code: int
    out: str
    calls: list[str]
    summary: str


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs the script of the action with a program that records its arguments, and fails for one command."""

    def run(steps: str, failing: str = "nothing") -> Outcome:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/eitk").write_text(FAKE)
        (tmp_path / "bin/eitk").chmod(0o755)
        environ = {
            "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "CALLS": f"{tmp_path}/calls", "FAILING": failing,
            "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": f"{tmp_path}/output",
            "GITHUB_STEP_SUMMARY": f"{tmp_path}/summary",
        }  # fmt: skip
        done = subprocess.run(
            [ACTION / "run", "music", steps], env=environ, capture_output=True, text=True, check=False
        )  # fmt: skip
        calls = (tmp_path / "calls").read_text().splitlines()
        return Outcome(done.returncode, done.stdout, calls, (tmp_path / "summary").read_text())

    return run


def test_the_steps_are_those_of_the_pipeline_and_the_card_is_the_summary(run: Callable[..., Outcome]) -> None:
    settings = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    done = run(settings["inputs"]["steps"]["default"])
    assert done.code == 0
    commands = [call.removeprefix("-C music ") for call in done.calls]
    assert commands[:4] == ["slice", "upload", "impulse apply", "train --eon"]
    assert re.fullmatch(r"gate --github --junit \S+/eitk-gate\.xml", commands[4])
    assert commands[5:] == ["card"]
    assert done.summary == "# Model card\n"


def test_an_error_is_an_annotation_and_ends_the_action_with_the_code_of_the_command(
    run: Callable[..., Outcome],
) -> None:
    done = run("upload train gate", failing="train")
    assert done.code == 5
    assert "::error title=eitk train::5 %25 of the job is missing\n" in done.out
    assert done.calls[-2:] == ["-C music train --eon", "-C music card"]


def test_the_gate_writes_its_own_annotations(run: Callable[..., Outcome]) -> None:
    done = run("gate", failing="gate")
    assert done.code == 5
    assert "::error" not in done.out


def test_an_unknown_step_is_named(run: Callable[..., Outcome]) -> None:
    done = run("deploy")
    assert done.code == 2
    assert "::error title=eitk::unknown step deploy; steps: slice, upload, train, gate" in done.out


def test_the_key_is_only_in_the_step_that_runs_eitk() -> None:
    steps = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    assert [step["name"] for step in steps if "api-key" in str(step)] == ["Run the steps"]
    assert [step for step in steps if "${{" in step.get("run", "")] == []
    uses = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in uses)
