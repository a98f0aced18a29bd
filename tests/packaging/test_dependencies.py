"""What is imported is declared, and what is declared is imported; see pyproject.toml."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

SCRIPTS = tuple(
    f"ei_toolkit.config.recipes.training_scripts.{file.stem}"
    for file in (ROOT / "ei_toolkit/config/recipes/training_scripts").glob("*.py")
)
COMPRESSION = tuple(
    f"ei_toolkit.compression.{name}"
    for name in ("channels", "distillation", "importance", "magnitude", "quantisation_aware", "run")
)

# Parts of the package that work only with an extra: all others import nothing but the core dependencies. Where two
# extras stand, either of them is enough, so both must declare what the part imports.
NEEDS_EXTRA = {
    "ei_toolkit.api.results": {"notebook"},
    **{module: {"local"} for module in (*SCRIPTS, *COMPRESSION)},
    "ei_toolkit.compute.dask_cluster": {"distributed"},
    "ei_toolkit.dataset.object_store": {"s3", "gs"},
    "ei_toolkit.dataset.window_shards": {"parquet"},
    "ei_toolkit.eon": {"firmware", "local"},
    "ei_toolkit.training": {"local"},
    "ei_toolkit.impulse.interpreter": {"firmware", "local"},
    "ei_toolkit.studio": {"local"},
    "ei_toolkit.tuning.search": {"tune"},
    "ei_toolkit.tuning.cost": {"local"},
    "ei_toolkit.report.tensorboard_log": {"tensorboard"},
    "ei_toolkit.report.wandb_log": {"wandb"},
    "ei_toolkit.board.loudspeaker": {"loudspeaker"},
}
# Of these, the parts that are imported only in a process or a command that has asked for the extra before. All other
# modules must be importable without any extra, so that a missing one is reported by name.
CHECKED_BEFORE_IMPORT = (
    *SCRIPTS,
    *COMPRESSION,
    "ei_toolkit.compute.dask_cluster",
    "ei_toolkit.dataset.window_shards",
    "ei_toolkit.training",
    "ei_toolkit.studio",
)

NOT_IMPORTED = {
    "eitk": "an extra that includes another one",
    "audioop-lts": "pydub imports it; the standard library has the module up to Python 3.12",
    "gcsfs": "fsspec imports it for gs://",
    "s3fs": "fsspec imports it for s3://",
    "tensorflow": "the same modules as tensorflow-cpu, on platforms that have no tensorflow-cpu",
    "websockets": "uvicorn imports it to serve WebSocket connections",
}
NOT_IMPORTED_IN_TESTS = {
    "build": "run as a program to build the wheel",
    "clang-format": "run as a program on the C++ sources",
    "clang-tidy": "run as a program on the C++ sources",
    "cmake": "run as a program to build the firmware's tests",
    "coverage": "run as a program",
    "flask": "imported by the server of moto",
    "flask-cors": "imported by the server of moto",
    "hatchling": "the build backend, used without a network",
    "ipykernel": "run by nbclient",
    "mkdocs-material": "the theme of the documentation site",
    "mkdocstrings-python": "a plugin of mkdocs",
    "mypy": "run as a program",
    "ninja": "run by cmake",
    "pytest-timeout": "plugin of pytest",
    "ruff": "run as a program",
    "twine": "run as a program",
    "types-pyserial": "read by mypy",
    "types-pyyaml": "read by mypy",
    "types-requests": "read by mypy",
}
LOADED_BY_NAME = {"__import__", "find_spec", "import_module", "importorskip"}


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


CORE = names(PYPROJECT["project"]["dependencies"])
EXTRAS = {extra: names(texts) for extra, texts in PYPROJECT["project"]["optional-dependencies"].items()}
DEV = names(PYPROJECT["dependency-groups"]["dev"])
DISTRIBUTIONS = {
    module: {canonicalize_name(name) for name in found} for module, found in packages_distributions().items()
}


class Imports(ast.NodeVisitor):
    """Names that a module imports: all of them, and those that are imported together with the module itself."""

    def __init__(self) -> None:
        self.all: set[str] = set()
        self.with_module: set[str] = set()
        self._functions = 0

    def visit_Import(self, node: ast.Import) -> None:
        self._add(*(alias.name for alias in node.names))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.module is not None
        assert node.level == 0, "relative imports are not used here"
        self._add(node.module, *(f"{node.module}.{alias.name}" for alias in node.names))

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        match node.args:
            case [ast.Constant(value=str(module)), *_] if name in LOADED_BY_NAME:
                self.all.add(module)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node: ast.If) -> None:
        """Count an import under TYPE_CHECKING as one that does not run."""
        self._functions += (only_typing := "TYPE_CHECKING" in ast.unparse(node.test))
        self.generic_visit(node)
        self._functions -= only_typing

    def _add(self, *found: str) -> None:
        self.all.update(found)
        if not self._functions:
            self.with_module.update(found)


@cache
def imports(file: Path) -> Imports:
    found = Imports()
    found.visit(ast.parse(file.read_text(encoding="utf-8")))
    return found


def third_party(modules: set[str]) -> set[str]:
    """Top-level names of the modules that are neither the standard library's nor of this repository."""
    tops = {module.partition(".")[0] for module in modules}
    return tops - sys.stdlib_module_names - {"ei_toolkit", "__main__"}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): file for file in sorted((ROOT / "ei_toolkit").rglob("*.py"))}
TEST_FILES = sorted(file for folder in ("scripts", "tests") for file in (ROOT / folder).rglob("*.py"))


def is_in(module: str, parts: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{part}.") for part in parts)


def allowed_sets(module: str) -> list[set[str]]:
    """The sets of distributions one of which is installed where a module runs; the longest matching part decides."""
    parts = [part for part in NEEDS_EXTRA if is_in(module, (part,))]
    if not parts:
        return [CORE]
    return [CORE | EXTRAS[extra] for extra in sorted(NEEDS_EXTRA[max(parts, key=len)])]


def undeclared(found: set[str], declared: set[str]) -> set[str]:
    return {name for name in found if not DISTRIBUTIONS.get(name, {canonicalize_name(name)}) & declared}


@cache
def own_imports(module: str) -> set[str]:
    """Modules of the package that are imported when this one is, with the packages that they are in."""
    parts = [*imports(MODULES[module]).with_module, module]
    prefixes = {".".join(part.split(".")[:length]) for part in parts for length in range(1, part.count(".") + 2)}
    return prefixes & MODULES.keys()


@cache
def imported_with(module: str) -> set[str]:
    """Every module of the package that is imported when this one is, directly or through others; itself as well."""
    found: set[str] = set()
    waiting = {module}
    while waiting:
        found |= waiting
        waiting = {other for one in waiting for other in own_imports(one)} - found
    return found


def imported_distributions(files: Iterable[Path]) -> set[str]:
    found = {name for file in files for name in third_party(imports(file).all)}
    return {name for module in found for name in DISTRIBUTIONS.get(module, (canonicalize_name(module),))}


EXAMPLE = """
import os.path
import numpy as np
from rich.console import Console
from ei_toolkit import errors
if TYPE_CHECKING:
    import typer
def resample():
    import soxr
    async def inner():
        from keras.layers import Dense
    importlib.import_module("flatbuffers.builder")
"""


def test_all_ways_to_import_are_seen() -> None:
    found = Imports()
    found.visit(ast.parse(EXAMPLE))
    assert third_party(found.all) == {"numpy", "rich", "typer", "soxr", "keras", "flatbuffers"}
    assert third_party(found.with_module) == {"numpy", "rich"}


def test_every_package_that_a_module_imports_is_declared_where_the_module_runs() -> None:
    missing = {
        module: names
        for module, file in MODULES.items()
        for declared in allowed_sets(module)
        if (names := undeclared(third_party(imports(file).all), declared))
    }
    assert not missing


def test_a_module_can_be_imported_without_any_extra() -> None:
    missing = {
        (module, "through", other): names
        for module in MODULES
        if not is_in(module, CHECKED_BEFORE_IMPORT)
        for other in imported_with(module)
        if (names := undeclared(third_party(imports(MODULES[other]).with_module), CORE))
    }
    assert not missing


def test_every_package_that_scripts_and_tests_import_is_declared() -> None:
    declared = CORE.union(DEV, *EXTRAS.values())
    shared = {file.stem for file in (ROOT / "tests").glob("*.py")}  # pytest puts this folder on the path
    beside = {file: {other.stem for other in file.parent.glob("*.py")} | shared for file in TEST_FILES}
    missing = {
        str(file.relative_to(ROOT)): names
        for file in TEST_FILES
        if (names := undeclared(third_party(imports(file).all) - beside[file], declared))
    }
    assert not missing


def test_every_declared_package_is_imported_or_has_a_reason() -> None:
    unused = CORE.union(*EXTRAS.values()) - imported_distributions(MODULES.values())
    assert unused == NOT_IMPORTED.keys()


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_of_an_extra_is_imported_by_a_part_that_needs_it(extra: str) -> None:
    needing = [file for name, file in MODULES.items() if any(EXTRAS[extra] <= one for one in allowed_sets(name))]
    assert EXTRAS[extra] - imported_distributions(needing) <= NOT_IMPORTED.keys()


def test_every_package_of_the_development_group_is_used_by_tests_or_scripts() -> None:
    assert DEV - imported_distributions(TEST_FILES) == NOT_IMPORTED_IN_TESTS.keys()


def test_parts_that_need_an_extra_exist() -> None:
    assert {*NEEDS_EXTRA, *CHECKED_BEFORE_IMPORT} <= MODULES.keys()
