"""`eitk gate`: exit code, output and record of a verdict that is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import Outcome, eitk

from ei_toolkit.config import load_config
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.evaluation.gate import Verdict
from ei_toolkit.evaluation.run_log import list_runs

PASSED = Verdict(True, (), "The challenger passes.")
REFUSED = Verdict(False, ("it is worse", "it is too large"), "The challenger does not pass.")


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `eitk gate` with a verdict, and returns the outcome and the options of the comparison."""

    def run(verdict: Verdict, *words: str) -> tuple[Outcome, dict[str, Any]]:
        seen: dict[str, Any] = {}

        def judge(_config: object, progress: Any, **options: Any) -> tuple[Verdict, dict[str, Any]]:
            progress(1, "mic")
            seen.update(options)
            return verdict, {"verdict": "passed" if verdict.passed else "refused", "text": verdict.text}

        monkeypatch.setattr("ei_toolkit.cli.gate.challenge", judge)
        return eitk(tmp_path, "gate", *words), seen

    return run


def kinds(folder: Path) -> list[tuple[str, Any]]:
    return [(run.kind, run.metrics["verdict"]) for run in list_runs(load_config(folder, {}).paths)]


def test_a_passed_gate_has_exit_code_0_and_is_recorded(gate: Any, tmp_path: Path) -> None:
    done, _ = gate(PASSED)
    assert (done.code, done.out, done.err) == (0, "The challenger passes.\n", "")
    assert kinds(tmp_path) == [("gate", "passed")]


def test_a_refused_gate_has_exit_code_7_with_every_reason_and_is_recorded(gate: Any, tmp_path: Path) -> None:
    done, _ = gate(REFUSED)
    assert (done.code, done.out) == (7, "The challenger does not pass.\n")
    assert "error: the champion stays" in done.err
    assert "why: it is worse; it is too large" in done.err
    assert kinds(tmp_path) == [("gate", "refused")]


def test_programs_get_the_figures_also_of_a_refused_gate(gate: Any) -> None:
    done, _ = gate(REFUSED, "--json")
    assert done.code == 7
    assert done.data == {"verdict": "refused", "text": "The challenger does not pass."}


def test_a_dry_run_promotes_and_records_nothing(gate: Any, tmp_path: Path) -> None:
    for verdict, code in ((PASSED, 0), (REFUSED, 7)):
        done, seen = gate(verdict, "--dry-run")
        assert (done.code, seen) == (code, {"dry_run": True})
    assert kinds(tmp_path) == []


def test_before_a_build_there_is_no_challenger(tmp_path: Path) -> None:
    config = load_config(tmp_path, {})
    config.paths.windows.mkdir(parents=True)
    Manifest(()).write(config.paths.manifest)
    code, out, err = eitk(tmp_path, "gate")
    assert (code, out) == (3, "")
    assert "error: there is no challenger, because no model was built in this project" in err
    assert "try: eitk train --eon" in err
    assert kinds(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--protocol", "luck"), 2, "there is no protocol 'luck'"),
        (("--conditions", "luck"), 2, "there is no condition 'luck'"),
        (("--recipe", "luck"), 2, "luck"),
        (("--seeds", "0"), 2, "--seeds"),
        (("--epochs", "0"), 2, "--epochs"),
        ((), 3, "dataset.root is not set"),
    ],
)
def test_options_of_an_evaluation_are_checked_before_it_starts(
    tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    done = eitk(tmp_path, "evaluate", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
