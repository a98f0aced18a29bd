"""Kills, a full disk, another clock and a bad network at once: the short version of `scripts/bench chaos`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/benchmarks/chaos.py"
MUST_BE_ZERO = ("lost", "doubled", "resurrected", "wrong_bytes", "tracebacks", "unfinished_jobs", "damaged_database")


@pytest.mark.exhaustive
@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="needs Linux and cc")
def test_nothing_is_lost_doubled_or_wrong_in_forty_seconds_of_faults() -> None:
    command = [sys.executable, str(SCRIPT), "--seconds", "40", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    found = json.loads(done.stdout)
    assert {name: found[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0), done.stderr[-3000:]
    assert done.returncode == 0
    assert found["requests_with_a_fault"] > 10
    assert found["kills_of_server"] > 0
