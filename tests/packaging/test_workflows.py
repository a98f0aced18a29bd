"""The workflows: actions pinned to commits, no more permissions than needed, secrets only where they are used."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+)+$")
WRITES = {
    ("docs.yml", "publish"): {"pages", "id-token"},
    ("nightly-retrain.yml", "retrain"): {"issues"},
    ("release.yml", "publish"): {"id-token", "attestations"},
    ("security.yml", "codeql"): {"security-events"},
    ("security.yml", "scorecard"): {"security-events", "id-token"},
}
"""All that a workflow may write."""


def workflow(file: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def jobs() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for file in FILES:
        for name, job in workflow(file)["jobs"].items():
            yield file, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for file, name, job in jobs():
        for step in job["steps"]:
            yield f"{file.name} {name}: {step.get('name') or step.get('uses')}", step


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    uses = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert uses
    assert [
        line for line in uses if not PINNED.fullmatch(line) and not line.startswith("uses: ./.github/actions/")
    ] == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    found: dict[str, set[str]] = {}
    for _, step in steps():
        if "uses" in step:
            action, _, commit = step["uses"].partition("@")
            found.setdefault("/".join(action.split("/")[:2]), set()).add(commit)
    cache = found.pop("actions/cache")  # restore and save are parts of it
    assert len(cache) == 1
    assert {name: commits for name, commits in found.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_may_only_read_and_no_pull_request_of_a_fork_has_its_rights(file: Path) -> None:
    document = workflow(file)
    assert document["permissions"] in ({}, {"contents": "read"})
    triggers = document[True]  # YAML 1.1 reads the key `on` as true
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers)
    assert document["concurrency"]["group"]  # a second run waits for the first, or ends it


def test_a_job_may_write_only_what_is_listed_and_has_a_time_limit() -> None:
    written = {}
    for file, name, job in jobs():
        permissions = job.get("permissions", {})
        assert isinstance(permissions, dict)
        if writes := {scope for scope, access in permissions.items() if access != "read"}:
            written[file.name, name] = writes
        assert job["timeout-minutes"] <= 120
    assert written == WRITES


def test_no_checkout_leaves_its_token() -> None:
    kept = [
        where
        for where, step in steps()
        if step.get("uses", "").startswith("actions/checkout@") and step["with"].get("persist-credentials") is not False
    ]
    assert kept == []


def test_secrets_are_only_in_the_environment_of_one_step() -> None:
    with_secret = {
        where: str(step["env"]).count("secrets.") for where, step in steps() if "secrets." in str(step.get("env"))
    }
    assert list(with_secret) == ["nightly-retrain.yml retrain: Retrain and compare with the champion"]
    assert sum(with_secret.values()) == sum(str(workflow(file)).count("secrets.") for file in FILES)


def test_no_command_contains_an_expression() -> None:
    """An expression in a command would be replaced by its text, which a branch or a title can choose."""
    assert [where for where, step in steps() if "${{" in step.get("run", "")] == []


def test_each_long_test_is_in_one_part_of_the_workflow_that_runs_them() -> None:
    parts = {one["part"]: one["tests"].split() for one in exhaustive_parts()}
    first, *ignored = parts.pop("others")
    folders = [folder for part in parts.values() for folder in part]
    assert first == "tests"
    assert ignored == [f"--ignore={folder}" for folder in folders]
    assert all((ROOT / folder).is_dir() for folder in folders)


def exhaustive_parts() -> list[dict[str, str]]:
    document = workflow(ROOT / ".github/workflows/exhaustive.yml")
    parts: list[dict[str, str]] = document["jobs"]["test"]["strategy"]["matrix"]["include"]
    return parts


def test_scripts_of_the_steps_exist() -> None:
    for where, step in steps():
        for script in re.findall(r"scripts/[\w-]+", step.get("run", "")):
            assert os.access(ROOT / script, os.X_OK), f"{where} runs {script}"


def test_the_nightly_run_installs_packages_without_the_key(tmp_path: Path) -> None:
    """scripts/nightly in a folder with programs that record whether they see the key."""
    for name in ("scripts/setup", ".venv/bin/eitk"):
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho "{program.name} ${{EI_API_KEY:-no key}}" >>"{tmp_path}/seen"\n')
        program.chmod(0o755)
    nightly = tmp_path / "scripts/nightly"
    nightly.write_bytes((ROOT / "scripts/nightly").read_bytes())
    nightly.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "EI_API_KEY": "ei_key"}
    subprocess.run([nightly, "synth"], env=environ, check=True)
    assert (tmp_path / "seen").read_text().splitlines() == ["setup no key", "eitk ei_key"]
