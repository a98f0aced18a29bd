"""TensorFlow is imported without the optional packages of Keras, which take as long as itself."""

from __future__ import annotations

import importlib
import platform
import resource
import subprocess
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


ALLOCATIONS = """\
import resource, sys, threading
from ei_toolkit.training.import_tensorflow import keep_freed_memory

def steps(count):
    for _ in range(count):
        arrays = [bytearray(3_000_000) for _ in range(4)]
        del arrays

if sys.argv[1] == "keep":
    keep_freed_memory()
for count in (2, 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=steps, args=(count,))
    thread.start()
    thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    """Page faults of 20 steps that each allocate and free 12 MB in a thread, in a process of their own."""
    printed = subprocess.run([sys.executable, "-c", ALLOCATIONS, mode], capture_output=True, text=True, check=True)
    return int(printed.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_the_memory_of_a_step_is_used_again_by_the_next() -> None:
    pages = 4 * 3_000_000 // resource.getpagesize()
    assert page_faults("default") > 10 * pages
    assert page_faults("keep") < 2 * pages
