"""Data sets in the layouts of published ones, each from clips to a library by one command line.

The normal suite makes one of them in tests/test_end_to_end.py, and the windows of all in tests/cli/test_layouts.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from published_layouts import LAYOUTS, Make

from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import read_lock

EITK = f"{sys.executable} -m ei_toolkit"
STAGES = ("init --clips clips --board host", "slice", "upload", "impulse apply", "train --eon")
COMMAND_LINE = " && ".join(f"{EITK} {stage}" for stage in STAGES)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a project, whose studio ends with the test."""
    yield tmp_path
    subprocess.run([*EITK.split(), "studio", "stop"], cwd=tmp_path, capture_output=True, check=False)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_one_command_line_makes_a_library_of_a_layout(folder: Path, make: Make) -> None:
    make(folder / "clips")
    environ = os.environ | {"EITK_TRAINING_EPOCHS": "1"}
    done = subprocess.run(
        COMMAND_LINE, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    config = load_config(folder, {})
    lock = read_lock(config.paths.lock)
    assert lock is not None
    with zipfile.ZipFile(lock.zip_path(folder)) as library:
        [name] = [name for name in library.namelist() if name.endswith("model_variables.cpp")]
        text = library.read(name).decode()
    block = text.split("ei_classifier_inferencing_categories[EI_CLASSIFIER_LABEL_COUNT] = {")[1].split("}")[0]
    assert re.findall(r'"(.+)"', block) == sorted({row[0] for row in LAYOUTS[make]})
