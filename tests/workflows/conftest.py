"""Workflows as data, and a workspace to run their steps in as they stand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ei_toolkit.board.boards.registry import virtual_boards
from ei_toolkit.config import ProjectPaths
from ei_toolkit.studio.lifecycle import stop as stop_studio

ROOT = Path(__file__).resolve().parents[2]
FAKE_GH = """#!/usr/bin/env bash
# Replaces GitHub's command: records its arguments, and prints the open issue of OPEN_ISSUE, if any.
printf '%s\\n' "$*" >>"$GH_LOG"
[ "$1 $2" != "issue list" ] || printf '%s' "${OPEN_ISSUE:-}"
while [ $# -gt 1 ]; do
    [ "$1" != --body-file ] || cat "$2" >>"$GH_LOG"
    shift
done
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A copy of the tracked and new files, with the packages of this environment."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("not a git checkout")
    folder = tmp_path / "workspace"
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for environment in (".venv", ".venv-lowest"):
        (folder / environment).symlink_to(ROOT / environment)
    yield folder
    for state in folder.glob("*/.eitk"):
        paths = ProjectPaths(state.parent)
        stop_studio(paths.studio)
        for board in virtual_boards():
            board.stop(paths.boards)


@pytest.fixture
def gh(tmp_path: Path) -> Path:
    """A folder with a replacement for GitHub's command, for the beginning of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gh").write_text(FAKE_GH)
    (folder / "gh").chmod(0o755)
    return folder


@pytest.fixture
def run_step(workspace: Path, gh: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the text of a `run:` step the way GitHub does: bash -e with pipefail, in the workspace."""

    def run(text: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        home = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
        own = {"PATH": f"{gh}:{os.environ['PATH']}", "GH_LOG": str(tmp_path / "gh.log"), "CI": "true"}
        summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
            cwd=workspace, env=home | own | summary | env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run
