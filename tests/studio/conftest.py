"""Studios for tests with a data folder of their own and a key of every role: as a process, and in this process."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_in_process import Api, open_studio
from studio_server import Server, make_data

from ei_toolkit.audio.wav import wav_bytes

RATE = 16000


@pytest.fixture(scope="session")
def empty_studio(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data folder with an empty project, which tests copy, and its keys."""
    folder = tmp_path_factory.mktemp("studio")
    return folder, make_data(folder)


@pytest.fixture
def api(tmp_path: Path, empty_studio: tuple[Path, dict[str, str]]) -> Iterator[Api]:
    """A studio in this process, with an empty project and a key of every role."""
    template, keys = empty_studio
    data = shutil.copytree(template, tmp_path / "studio")
    with asyncio.Runner() as loop:
        opened = Api(data, keys, open_studio(data), loop)
        yield opened
        opened.studio.close()


def noise(seed: int, samples: int = 1600) -> bytes:
    """A short WAV whose content depends on its seed."""
    values = np.random.default_rng(seed).integers(-3000, 3000, samples).astype(np.int16)
    return wav_bytes(values, RATE)


@pytest.fixture
def make_noise() -> Any:
    return noise


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module."""
    data = tmp_path_factory.mktemp("studio")
    running = Server(data, make_data(data))
    running.start()
    yield running
    running.end()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may kill it."""
    running = Server(tmp_path, make_data(tmp_path))
    running.start()
    yield running
    try:
        running.end(signal.SIGKILL)
    except (ProcessLookupError, ChildProcessError):
        return
