"""The notebooks: valid, without stored outputs, with public names only; and run from beginning to end."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

import ei_toolkit as eitk

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FILES = sorted(FOLDER.glob("*.ipynb"))


def read(file: Path) -> Any:
    return nbformat.read(file, as_version=4)


def code_of(file: Path) -> Iterator[str]:
    yield from (cell["source"] for cell in read(file)["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_is_valid_and_stores_no_outputs(file: Path) -> None:
    nbformat.validate(read(file))
    cells = [cell for cell in read(file)["cells"] if cell["cell_type"] == "code"]
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []
    assert read(file)["cells"][0]["source"].startswith("# ")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_uses_public_names_only(file: Path) -> None:
    tree = ast.parse("\n".join(code_of(file)))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "eitk"
    }
    assert used
    assert used <= set(eitk.__all__)
    imported = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [line for line in imported if "ei_toolkit" in line] == ["import ei_toolkit as eitk"]


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_runs(file: Path, tmp_path: Path) -> None:
    notebook = read(file)
    nbclient.NotebookClient(notebook, timeout=1500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]
    shown = [kind for output in outputs if output["output_type"] == "execute_result" for kind in output["data"]]
    assert "text/html" in shown  # tables of results
    assert "image/png" in {kind for output in outputs for kind in output.get("data", {})}  # figures
