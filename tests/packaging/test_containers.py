"""The container: the packages that scripts/setup installs, no rights, and nothing of the folder but what is needed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.eon.toolchain import CORTEX_M4F

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.DOTALL | re.MULTILINE))


def test_it_runs_as_a_user_without_rights() -> None:
    for stage in ("runtime", "development"):
        assert re.findall(r"^USER (\w+)$", STAGES[stage], re.MULTILINE)[-1] == "1000"
    assert "useradd --create-home --uid 1000 eitk" in STAGES["runtime"]
    assert "sudo" not in STAGES["runtime"]


def test_it_has_the_tools_of_scripts_setup() -> None:
    setup = (ROOT / "scripts/setup").read_text(encoding="utf-8")
    tools = re.findall(r"(?:[\w+]+-arm-none-eabi(?:-dev)?|gcc-arm-none-eabi|qemu-system-arm)(?=[ ;\\])", setup)
    assert len(set(tools)) == 4
    assert [tool for tool in set(tools) if tool not in STAGES["runtime"]] == []


@pytest.mark.arm
def test_the_c_library_that_is_kept_is_that_of_the_board() -> None:
    command = ["arm-none-eabi-g++", *CORTEX_M4F, "-print-multi-directory"]
    folder = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    [kept] = re.findall(r"! -name (\S+)", STAGES["runtime"])
    assert folder.split("/")[:2] == ["thumb", kept]


def test_packages_are_installed_by_their_hashes_only() -> None:
    assert "--require-hashes --only-binary :all: --requirement requirements/user.txt" in STAGES["build"]
    assert len(re.findall(r"pip install", DOCKERFILE)) == 2
    assert "pip install --no-cache-dir --no-deps --no-build-isolation ." in STAGES["build"]


def test_what_the_build_needs_is_in_the_context_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*"
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert [name for name in kept if not (ROOT / name).exists()] == []
    sources = re.findall(r"^include = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert set(re.findall(r'"([^"]+)"', sources)) <= set(kept)


def test_the_devcontainer_is_a_stage_of_the_same_file() -> None:
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert settings["build"]["target"] in STAGES
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert settings["remoteUser"] == "eitk"
    assert (ROOT / settings["postCreateCommand"].split()[0]).is_file()
