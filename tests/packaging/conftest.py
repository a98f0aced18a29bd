"""The wheel, built as it would be for others, and an environment that has what it needs and no extras."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the present sources, built without a network."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def bare_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment with the wheel and its requirements, and nothing that only an extra brings.

    Requirements are taken from this environment instead of from the network: every file of each is linked.
    """
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel]
    subprocess.run(install, check=True, capture_output=True)
    [site] = folder.glob("lib/python*/site-packages")
    for name in sorted(needed("eitk")):
        link(distribution(name), site)
    return python


def needed(name: str) -> set[str]:
    """Names of all requirements, of those again, and so on, without any extra of eitk."""
    found: set[str] = set()
    waiting = [(name, "")]
    while waiting:
        owner, extra = waiting.pop()
        for text in distribution(owner).requires or []:
            requirement = Requirement(text)
            wanted = not requirement.marker or requirement.marker.evaluate({"extra": extra})
            if wanted and requirement.name not in found and is_here(requirement.name):
                found.add(requirement.name)
                waiting += [(requirement.name, own) for own in ("", *requirement.extras)]
    return found


def is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def link(package: Distribution, site: Path) -> None:
    for top in top_entries(package):
        source = Path(str(package.locate_file(top)))
        if source.exists() and not (site / top).exists():
            (site / top).symlink_to(source)


def top_entries(package: Distribution) -> Iterator[str]:
    yield from {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}
