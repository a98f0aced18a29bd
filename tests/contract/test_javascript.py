"""The official JavaScript client from npm, unmodified: upload, train, retrain, build, download."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "edge-impulse-api@1.95.13"
# Without a network npm fails within seconds.
NPM_FLAGS = ("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=1000")
SCRIPT = Path(__file__).parent / "js" / "road.js"


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client in it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *NPM_FLAGS, PACKAGE]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if installed.returncode:
        pytest.skip(f"npm could not install {PACKAGE}")
    return folder / "node_modules"


def test_the_whole_workflow(trained: Any, node_modules: Path) -> None:
    studio = trained.studio
    arguments = [studio.api_url.removesuffix("/v1"), studio.ingestion_url, studio.key, str(trained.ids["learn"])]
    environment = {**os.environ, "NODE_PATH": str(node_modules)}
    command = ["node", str(SCRIPT), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert (found["label"], found["values"], found["magic"]) == ("classical", 10, "504b0304")
    assert found["lines"] > 10
    assert found["version"] >= 1
