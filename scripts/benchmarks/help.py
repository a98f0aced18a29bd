"""Time of the help of each command, in milliseconds of processor time and of the clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from ei_toolkit.cli.commands import COMMANDS

RUNS = 5


def measure(words: Sequence[str]) -> tuple[float, float]:
    """Return the least processor time and the least time of the clock of RUNS runs, in milliseconds."""
    processor, clock = [], []
    for _ in range(RUNS):
        before, started = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "ei_toolkit", *words, "--help"], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        clock.append(time.perf_counter() - started)
        used = after.children_user + after.children_system - before.children_user - before.children_system
        processor.append(used)
    return min(processor) * 1000, min(clock) * 1000


def main() -> None:
    """Print one line for each command, or JSON with --json."""
    found = {" ".join(["eitk", *words]): measure(words) for words in ([], *([name] for name in COMMANDS))}
    if "--json" in sys.argv[1:]:
        print(json.dumps({name: {"processor_ms": cpu, "clock_ms": clock} for name, (cpu, clock) in found.items()}))
        return
    print(f"{'command':20} {'processor':>10} {'clock':>10}")
    for name, (cpu, clock) in found.items():
        print(f"{name:20} {cpu:7.0f} ms {clock:7.0f} ms")


if __name__ == "__main__":
    main()
