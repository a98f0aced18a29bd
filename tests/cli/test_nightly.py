"""Output and exit code of `eitk nightly`, with a given result instead of a training."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.workflows.nightly import NightlyRun
from ei_toolkit.evaluation.run_log import Run


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("refused", 7)])
@pytest.mark.parametrize("new", [True, False])
def test_the_exit_code_is_that_of_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: str, code: int, new: bool
) -> None:
    figures = {"verdict": verdict, "text": "It was judged.", "reasons": ["it is worse"]}
    done = NightlyRun(new, Run(35, "today", "gate", {}, "", "", "", figures), tmp_path / "published")
    monkeypatch.setattr("ei_toolkit.cli.nightly.run_nightly", lambda *_a, **_k: done)
    out = io.StringIO()
    assert run(("nightly", "clips"), Environment(Console(out, io.StringIO()), tmp_path, {})) == code
    assert ("nothing changed since run 35" in out.getvalue()) is not new
