"""Fuzz the parsers with Atheris: `scripts/fuzz [--seconds N] [TARGET ...]`.

Inputs that reach new code are added to build/fuzz/TARGET/corpus; an input that ends with an unexpected exception, takes
longer than 10 s or needs more than 2 GiB is written to build/fuzz/TARGET/crash-*, and the exit code is 1. After the
repair, keep it in tests/fuzz/corpus/TARGET, where `test_corpus.py` reads it in each test run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import atheris

HERE = Path(__file__).parent
FOUND = HERE.parents[1] / "build" / "fuzz"
MODULES = ["ei_toolkit", "zipfile", "tarfile", "tomllib", "python_multipart"]  # whose branches Atheris follows
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=32768"]


def fuzz(target: str, seconds: int) -> None:
    """Call one target in this process until the time is over; does not return."""
    with atheris.instrument_imports(include=MODULES):
        from targets import TARGETS  # instrumented, so it is imported here
    folder = FOUND / target
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", *LIMITS]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(HERE / "corpus" / target)], TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    """Run each target in a process of its own; return 1 if one failed."""
    names = sorted(folder.name for folder in (HERE / "corpus").iterdir())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.targets) - set(names):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if options.in_this_process:
        fuzz(options.targets[0], options.seconds)
    return max(run(target, options.seconds) for target in options.targets or names)


def run(target: str, seconds: int) -> int:
    """Run one target and print a line about it."""
    log = FOUND / target / "log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--in-this-process", "--seconds", str(seconds), target]
    started = time.monotonic()
    with log.open("w") as output:
        failed = subprocess.run(command, stdout=output, stderr=output).returncode != 0
    lines = log.read_text(errors="replace").splitlines()
    runs = next((line.split()[1] for line in reversed(lines) if line.startswith("Done ")), "?")
    outcome = f"failed, see {log}" if failed else f"{runs} inputs"
    print(f"{target:20} {time.monotonic() - started:6.0f} s  {outcome}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
