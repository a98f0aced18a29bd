"""The tested versions in requirements/*.txt fit pyproject.toml, have hashes, and name no registry."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
USER = [*PYPROJECT["project"]["dependencies"], *EXTRAS["local"], *EXTRAS["firmware"], *EXTRAS["loudspeaker"]]
DECLARED = {
    "user": [*USER, *PYPROJECT["build-system"]["requires"]],
    "dev": [*USER, *PYPROJECT["dependency-groups"]["dev"], *PYPROJECT["build-system"]["requires"]],
    "audit": PYPROJECT["dependency-groups"]["audit"],
}
SETUP = (ROOT / "scripts/setup").read_text(encoding="utf-8")
PIP_SETTINGS = """\
:env:.index-url='https://own.example/simple'
global.cert='/certificates.pem'
global.extra-index-url='file:///one file:///two'
global.find-links='/first /second'
global.index-url='https://other.example/simple'
global.timeout='60'
"""
SHA256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@cache
def pins(name: str) -> dict[str, str]:
    """The pinned version of each package in a file; pip would refuse one that has two for the same platform."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found = {}
    for entry in text.replace("\\\n", " ").splitlines():
        if entry.startswith("#"):
            continue
        requirement = Requirement(entry.partition("--hash")[0].strip())
        assert SHA256.search(entry), f"{entry} has no hash"
        assert str(requirement.specifier).startswith("=="), entry
        found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("name", DECLARED)
def test_every_dependency_has_a_tested_version_that_it_allows(name: str) -> None:
    for text in DECLARED[name]:
        declared = Requirement(text)
        assert declared.specifier.contains(pins(name)[canonicalize_name(declared.name)], prereleases=True), declared


@pytest.mark.parametrize("name", ["user", "audit"])
def test_a_package_has_the_same_version_in_every_file(name: str) -> None:
    both = pins(name).keys() & pins("dev").keys()
    assert {package: pins(name)[package] for package in both} == {package: pins("dev")[package] for package in both}


def test_what_a_user_needs_is_part_of_what_a_developer_needs() -> None:
    assert pins("user").keys() <= pins("dev").keys()


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").iterdir()), ids=lambda file: file.name)
def test_a_file_names_no_registry(file: Path) -> None:
    assert not re.search(r"://|^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", file.read_text(), re.MULTILINE)


def test_setup_installs_only_files_with_these_hashes() -> None:
    lines = SETUP.splitlines()
    assert "    local checked=(--no-deps --require-hashes --only-binary :all:)" in lines
    installed = [line for line in lines if "--requirement" in line]
    assert len(installed) == 3
    assert all('"${checked[@]}"' in line for line in installed)
    [own] = [line for line in lines if "--editable ." in line and "lowest" not in line]
    assert "--no-deps --no-build-isolation" in own


def test_uv_takes_packages_from_where_pip_does(tmp_path: Path) -> None:
    program(tmp_path / "bin/python", f"cat <<'END'\n{PIP_SETTINGS}END")
    script = f"{function_of_setup('set_up_uv_as_pip')}\nset_up_uv_as_pip {tmp_path}\nenv"
    clean = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-eu", "-c", script], env=clean, capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith(("UV_", "SSL_")))
    assert found == {
        "UV_DEFAULT_INDEX": "https://own.example/simple",
        "UV_INDEX": "file:///one file:///two",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/first,/second",
        "SSL_CERT_FILE": "/certificates.pem",
    }


@pytest.mark.parametrize(("exit_code", "asked"), [(0, 1), (1, 2)])
def test_pip_installs_what_uv_cannot(tmp_path: Path, exit_code: int, asked: int) -> None:
    """pip is asked for uv itself, and for all packages only where uv fails."""
    program(tmp_path / "bin/python", f'[ "$3" = config ] || echo "$@" >>{tmp_path}/log')
    program(tmp_path / "bin/uv", f"exit {exit_code}")
    functions = "".join(map(function_of_setup, ("install_pinned", "set_up_uv_as_pip")))
    script = f"say() {{ :; }}\n{functions}\ninstall_pinned {tmp_path} requirements/user.txt"
    subprocess.run(["bash", "-eu", "-c", script], cwd=ROOT, check=True)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == [str(tmp_path / "uv.txt"), "requirements/user.txt"][:asked]
    assert all("--require-hashes" in line for line in lines)
    first, *hashes = (tmp_path / "uv.txt").read_text().splitlines()
    assert first.startswith("uv==") and hashes and all(SHA256.search(line) for line in hashes)


def program(file: Path, text: str) -> None:
    """Write a shell script that can be run."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def function_of_setup(name: str) -> str:
    [found] = re.findall(rf"^{name}\(\) \{{\n.*?^\}}\n", SETUP, re.MULTILINE | re.DOTALL)
    return str(found)
