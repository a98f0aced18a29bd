"""The public names: listed once, imported late, documented completely, and their examples true."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_model
from support import write_clips

import ei_toolkit as eitk

PACKAGE = Path(eitk.__file__).parent
ROOT = PACKAGE.parent
EVERY_NAME = Path(__file__).with_name("every_name.py")
MOST_IMPORT_S = 0.05


def functions() -> Iterator[tuple[str, Any]]:
    """Every public function and every public method of a public class that takes arguments."""
    for name in eitk.__all__:
        found = getattr(eitk, name)
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found) and found.__module__.startswith("ei_toolkit.api"):
            yield from ((f"{name}.{key}", value) for key, value in vars(found).items() if is_public_method(key, value))


def is_public_method(name: str, value: Any) -> bool:
    return not name.startswith("_") and inspect.isfunction(value) and len(inspect.signature(value).parameters) > 1


FUNCTIONS = dict(functions())


def test_the_list_has_one_line_for_each_name() -> None:
    lines = [line for line in (PACKAGE / "__init__.pyi").read_text().splitlines() if line.startswith("from .")]
    assert all(re.fullmatch(r"from (\.[a-z_]+)+ import (\w+) as \2", line) for line in lines)
    assert len(lines) == len(set(eitk.__all__)) == len(eitk.__all__)


def test_no_public_name_is_that_of_a_subpackage() -> None:
    assert not {path.stem for path in PACKAGE.iterdir()} & set(eitk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ei_toolkit' has no attribute 'train_everything'"):
        eitk.train_everything  # type: ignore[attr-defined]  # noqa: B018
    assert set(eitk.__all__) < set(dir(eitk))


def test_importing_it_takes_less_than_50_ms_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; before = set(sys.modules); start = time.process_time(); import ei_toolkit;"
        "print(time.process_time() - start, *(set(sys.modules) - before))"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert min(float(seconds) for seconds, *_ in outputs) < MOST_IMPORT_S
    loaded = {name.partition(".")[0] for name in outputs[0][1:]}
    assert loaded - sys.stdlib_module_names == {"ei_toolkit"}


@pytest.mark.parametrize("name", eitk.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    found = getattr(eitk, name)
    if name == "OnProgress":  # an alias; its docstring is beside it
        return
    assert len((found.__doc__ or "").split()) > 3
    for key, value in vars(found).items() if inspect.isclass(found) else ():
        if not key.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            assert value.__doc__, f"{name}.{key}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_of_a_function_has_its_arguments_result_and_errors(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    parameters = [key for key in inspect.signature(FUNCTIONS[name]).parameters if key != "self"]
    documented = re.findall(r"^    (\w+): ", text.partition("Args:\n")[2].partition("\n\n")[0], re.MULTILINE)
    assert documented == parameters
    assert re.search(r"^(Returns|Yields):\n    \S", text, re.MULTILINE)
    assert re.search(r"^Raises:\n    \w+: ", text, re.MULTILINE) or name == "Dataset.of_split"
    raised = re.findall(r"^    (\w+): ", text.partition("Raises:\n")[2].partition("\n\n")[0], re.MULTILINE)
    assert all(issubclass(getattr(eitk, error), eitk.EitkError) for error in raised)


@pytest.mark.parametrize(
    "name", [key for key, value in FUNCTIONS.items() if "NDArray" in str(inspect.signature(value))]
)
def test_arrays_have_their_shape_in_the_docstring(name: str) -> None:
    assert "shape (" in (inspect.getdoc(FUNCTIONS[name]) or "")


@pytest.mark.parametrize("name", [key for key, value in FUNCTIONS.items() if ">>>" in (value.__doc__ or "")])
def test_the_examples_of_a_docstring_are_true(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clips(tmp_path / "clips")
    (tmp_path / "model.tflite").write_bytes(tiny_model.classifier(4, 2))
    [example] = doctest.DocTestFinder(recurse=False).find(FUNCTIONS[name], name, globs={})
    failed = doctest.DocTestRunner().run(example).failed
    assert failed == 0, capsys.readouterr().out


def test_a_program_that_uses_every_public_name_is_checked_by_mypy() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(EVERY_NAME.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "eitk"
    }
    assert used == set(eitk.__all__)
    assert str(EVERY_NAME.relative_to(ROOT)) in (ROOT / "pyproject.toml").read_text()  # mypy's files, with strict
