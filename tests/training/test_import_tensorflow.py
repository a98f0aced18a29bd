"""TensorFlow is imported without the optional packages of Keras, which take as long as itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ei_toolkit.training.import_tensorflow import UNNEEDED, import_tensorflow

TENSORFLOW = """\
found = []
for name in ("sklearn", "matplotlib", "numpy"):
    try:
        __import__(name)
        found.append(name)
    except ImportError:
        pass
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small packages in place of the large ones: `tensorflow` imports what Keras imports if it can."""
    for name in (*UNNEEDED, "tensorflow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(TENSORFLOW if name == "tensorflow" else "")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in (*UNNEEDED, "tensorflow"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", ["numpy"]),
        ("from keras.wrappers import SKLearnClassifier", ["sklearn", "numpy"]),
        ("import matplotlib.pyplot as plt", ["matplotlib", "numpy"]),
    ],
)
@pytest.mark.usefixtures("packages")
def test_keras_finds_only_the_optional_packages_that_the_script_names(script: str, found: list[str]) -> None:
    assert import_tensorflow(script).found == found
    assert all(importlib.import_module(name) for name in UNNEEDED)  # for the script itself
