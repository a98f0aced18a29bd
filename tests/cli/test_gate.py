"""`eitk gate`: exit code, output and record of a verdict that is given."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support import Outcome, eitk

from ei_toolkit.config import load_config
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.evaluation.gate import Check, Verdict
from ei_toolkit.evaluation.run_log import list_runs

PASSED = Verdict((Check("RAM"), Check("flash")), "The challenger passes.")
REFUSED = Verdict((Check("difference", "it is worse"), Check("RAM", "it is too large"), Check("flash")),
                  "The challenger does not pass.")  # fmt: skip


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `eitk gate` with a verdict, and returns the outcome and the options of the comparison."""

    def run(verdict: Verdict, *words: str) -> tuple[Outcome, dict[str, Any]]:
        seen: dict[str, Any] = {}

        def judge(_config: object, progress: Any, **options: Any) -> tuple[Verdict, dict[str, Any]]:
            progress(1, "mic")
            seen.update(options)
            checks = [asdict(check) for check in verdict.checks]
            return verdict, {"verdict": word(verdict), "text": verdict.text, "checks": checks}

        monkeypatch.setattr("ei_toolkit.api.judging.challenge", judge)
        return eitk(tmp_path, "gate", *words), seen

    return run


def word(verdict: Verdict) -> str:
    return "passed" if verdict.passed else "refused"


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
    assert done.data and (done.data["verdict"], done.data["text"]) == ("refused", "The challenger does not pass.")


def test_a_dry_run_promotes_and_records_nothing(gate: Any, tmp_path: Path) -> None:
    for verdict, code in ((PASSED, 0), (REFUSED, 7)):
        done, seen = gate(verdict, "--dry-run")
        assert (done.code, seen) == (code, {"dry_run": True})
    assert kinds(tmp_path) == []


@pytest.mark.parametrize("verdict", [PASSED, REFUSED], ids=word)
def test_ci_servers_get_a_test_case_for_each_requirement(gate: Any, tmp_path: Path, verdict: Verdict) -> None:
    gate(verdict, "--junit", "gate.xml")
    (suite,) = ElementTree.parse(tmp_path / "gate.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase")] == [check.name for check in verdict.checks]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(verdict.checks)), str(len(verdict.reasons)))
    assert [failure.get("message") for failure in suite.iter("failure")] == list(verdict.reasons)


def test_a_file_that_cannot_be_written_is_found_before_the_comparison(gate: Any) -> None:
    done, seen = gate(PASSED, "--junit", "missing/gate.xml")
    assert (done.code, seen) == (2, {})
    assert "there is no folder" in done.err


@pytest.mark.parametrize(
    ("words", "environment", "is_annotated"),
    [((), {}, False), (("--github",), {}, True), ((), {"GITHUB_ACTIONS": "true"}, True),
     (("--no-github",), {"GITHUB_ACTIONS": "true"}, False), (("--quiet",), {"GITHUB_ACTIONS": "true"}, True)],
)  # fmt: skip
def test_github_shows_each_reason_as_an_annotation(
    gate: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], environment: dict[str, str], is_annotated: bool
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done, _ = gate(REFUSED, *words)
    annotations = [line for line in done.err.splitlines() if line.startswith("::")]
    assert annotations == (
        ["::error title=eitk gate%3A difference::it is worse", "::error title=eitk gate%3A RAM::it is too large"]
        if is_annotated else []
    )  # fmt: skip
    assert "::" not in done.out


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
