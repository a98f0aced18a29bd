"""The server process."""

from __future__ import annotations

import json
import subprocess
import sys

COMPUTING = ["numpy", "scipy", "sklearn", "librosa", "tensorflow", "keras", "ai_edge_litert", "matplotlib"]
"""Packages for job processes and the compute worker: in the server they would cost memory and start-up time."""


def test_the_server_loads_no_package_that_computes() -> None:
    script = "import json, sys, ei_toolkit.studio.server; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(json.loads(done.stdout))
    assert "fastapi" in loaded and loaded.isdisjoint(COMPUTING), loaded.intersection(COMPUTING)
